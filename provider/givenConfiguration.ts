// Apart from the schemas: Configure must not wait for them, since others wait for its forwards.

/** What is secret even when nobody marked it. */
export const secretConfiguration = ["privateKey", "passphrase"] as const;

type Values = Readonly<Record<string, unknown>>;

/** The SDK hands what is no text over as JSON. What cannot be read stays and is found faulty. */
export function withoutJson(values: Values): Record<string, unknown> {
  const plain: Record<string, unknown> = { ...values };
  for (const key of ["port", "agent", "sudo", "forwards"]) {
    const value = plain[key];
    if (typeof value !== "string") continue;
    try {
      plain[key] = JSON.parse(value) as unknown;
    } catch {
      // Not JSON: the schema says what it must be.
    }
  }
  return plain;
}
