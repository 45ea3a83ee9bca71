import { ServiceError } from "../kernel/serviceError.ts";

/** Whether somebody should look: our own mistakes, outages, and sign-ins that went wrong. */
export function isWorthALine(fault: unknown): boolean {
  if (!(fault instanceof ServiceError)) return true;
  return fault.status >= 500 || fault.code.startsWith("ERR_SIGN_IN_REFUSED");
}

/**
 * What led to a fault, the last one first. Names and messages alone: other properties of errors
 * hold what was sent, and with it codes and tokens. Our own mistakes come with their place.
 */
export function causesOf(fault: unknown): string[] {
  const causes: string[] = [];
  for (let at = fault; at instanceof Error && causes.length < 5; at = at.cause) {
    const code = "code" in at && typeof at.code === "string" ? ` (${at.code})` : "";
    const place =
      at instanceof ServiceError ? "" : (at.stack ?? "").split("\n", 2).slice(1).join("");
    causes.push(`${at.name}${code}: ${at.message}${place}`);
  }
  return causes;
}
