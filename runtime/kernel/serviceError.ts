/** What callers of a service get to see of a fault. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** RFC 9457 members, plus `code` and, where the wire contract has it, `error`. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ServiceErrorOptions {
  readonly cause?: unknown;
  /** Sent along, e.g. `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the body, e.g. the contract's `{"error": …}`. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** Titles and the suffix of `type`, as the services of the platform have them (contract 1.10). */
const kinds: Readonly<Record<number, readonly [suffix: string, title: string]>> = {
  400: ["bad-request", "Bad Request"],
  401: ["unauthorized", "Unauthorized"],
  403: ["forbidden", "Forbidden"],
  404: ["not-found", "Not Found"],
  405: ["method-not-allowed", "Method Not Allowed"],
  408: ["request-timeout", "Request Timeout"],
  409: ["conflict", "Conflict"],
  413: ["content-too-large", "Content Too Large"],
  415: ["unsupported-media-type", "Unsupported Media Type"],
  421: ["misdirected-request", "Misdirected Request"],
  422: ["unprocessable-entity", "Unprocessable Content"],
  429: ["rate-limit-exceeded", "Too Many Requests"],
  431: ["header-fields-too-large", "Request Header Fields Too Large"],
  500: ["internal-server-error", "Internal Server Error"],
  501: ["not-implemented", "Not Implemented"],
  502: ["bad-gateway", "Bad Gateway"],
  503: ["service-unavailable", "Service Unavailable"],
  504: ["gateway-timeout", "Gateway Timeout"],
};

/** A fault with a stable code. Its message is for the caller: no secret, no inner address. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly status: number;
  readonly code: `ERR_${string}`;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    code: `ERR_${string}`,
    message: string,
    { cause, headers = {}, members = {} }: ServiceErrorOptions = {},
  ) {
    super(message, { cause });
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.members = members;
  }
}

/**
 * Renders any fault, the one place where that is done. What is not a ServiceError is our own
 * mistake: the caller learns no more than that.
 * @param instance path of the request
 */
export function problemOf(fault: unknown, instance: string): Problem {
  const known =
    fault instanceof ServiceError
      ? fault
      : new ServiceError(500, "ERR_INTERNAL", "Something went wrong here; the log says what.");
  const [suffix, title] = kinds[known.status] ?? ["error", "Error"];
  return {
    status: known.status,
    headers: { ...known.headers, "content-type": "application/problem+json" },
    body: {
      type: `about:blank#${suffix}`,
      title,
      status: known.status,
      detail: known.message,
      instance,
      code: known.code,
      ...known.members,
    },
  };
}
