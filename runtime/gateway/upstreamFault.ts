import { ServiceError } from "../kernel/serviceError.ts";

/** What a client gets to know of a backend that did not answer, or not in HTTP. */
export function upstreamFault(cause: unknown, requestComplete: boolean): ServiceError {
  if (cause instanceof ServiceError) return cause;
  if (!isTimeout(cause)) {
    return new ServiceError(502, "ERR_UPSTREAM", "Service temporarily unavailable", { cause });
  }
  return requestComplete
    ? new ServiceError(504, "ERR_UPSTREAM_TIMEOUT", "The service did not answer in time.", {
        cause,
      })
    : new ServiceError(408, "ERR_REQUEST_TIMEOUT", "The request did not arrive in time.", {
        cause,
      });
}

/** The backend has the request and says nothing. */
export function isTimeout(fault: unknown): boolean {
  return code(fault) === "UND_ERR_HEADERS_TIMEOUT";
}

/** A kept connection that the backend closed at that moment. */
export function isLostConnection(fault: unknown): boolean {
  return ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"].includes(code(fault));
}

export function code(fault: unknown): string {
  return fault instanceof Error && "code" in fault ? String(fault.code) : "";
}
