/** What went wrong and what to do next, in one sentence, fit to be shown as it is. */
export class Fault extends Error {
  override readonly name = "Fault";
}

/** The thing exists but is not as it should be: the engine keeps it in the state and the next up repairs it. */
export class PartialFailure extends Fault {
  readonly id: string;
  readonly outputs: Readonly<Record<string, unknown>>;
  /** After an update: whether the former inputs are what is to be compared with from now on. */
  readonly keepsFormer: boolean;

  constructor(
    message: string,
    id: string,
    outputs: Readonly<Record<string, unknown>>,
    keepsFormer = false,
  ) {
    super(message);
    this.id = id;
    this.outputs = outputs;
    this.keepsFormer = keepsFormer;
  }
}

/** The message of anything thrown; that of an aborted signal says what to do next. */
export function messageOf(error: unknown): string {
  if (error instanceof Error && error.name === "AbortError") {
    return "Interrupted; run the same command again.";
  }
  return error instanceof Error ? error.message : String(error);
}

/** The code Node gives a system error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
