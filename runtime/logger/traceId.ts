const pattern = /^([\da-f]{8})-?([\da-f]{4})-?([\da-f]{4})-?([\da-f]{4})-?([\da-f]{12})$/i;

/** An id as it is, as a request has it (UUID), and as a W3C trace context writes the same number. */
export function formsOf(id: string): readonly string[] {
  const parts = pattern
    .exec(id)
    ?.slice(1)
    .map((part) => part.toLowerCase());
  return parts === undefined ? [id] : [...new Set([id, parts.join("-"), parts.join("")])];
}
