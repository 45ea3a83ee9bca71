/** Ends a command with one sentence that says what to do. */
export class HiveError extends Error {
  readonly exitCode: number;

  /** @param exitCode default 1 */
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
