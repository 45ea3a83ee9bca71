/** Stops set-up with one sentence that says what to do; shown without a stack. */
export class SetupError extends Error {
  readonly exitCode: number;

  /** @param exitCode default 1 */
  constructor(message: string, exitCode = 1, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
