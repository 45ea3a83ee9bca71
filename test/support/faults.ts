import { Fault } from "../../provider/fault.ts";

/** The sentence a piece of work fails with. @throws Error when it does not, or not with a Fault. */
export async function explainedBy(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
  throw new Error("It was expected to fail, but did not.");
}
