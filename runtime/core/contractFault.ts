import { ServiceError } from "../kernel/serviceError.ts";

/** A fault with the word for it that the contract has in `error`. */
export function fail(
  status: number,
  code: `ERR_${string}`,
  error: string,
  { cause, ...members }: { readonly cause?: unknown; readonly valid?: false } = {},
): ServiceError {
  return new ServiceError(status, code, error, { cause, members: { error, ...members } });
}
