import { type Context, succeeded } from "../resource.ts";

/** Seconds that two clocks may differ: more, and a token is refused as one of the future. */
const tolerance = 60;

/** How far the host's clock is from this machine's, in words; undefined when it is right. */
export async function clockOf({ transport, signal }: Context): Promise<string | undefined> {
  const before = Date.now() / 1000;
  const text = succeeded(await transport.run(["date", "+%s"], { signal }), "Asking for the time");
  return offset(Number(text.trim()), before, Date.now() / 1000);
}

/** @param before and @param after this machine's time around the question; seconds */
export function offset(theirs: number, before: number, after: number): string | undefined {
  // Its answer is from some moment in between; whole seconds only.
  const ahead = theirs > after ? theirs - after : Math.min(0, theirs + 1 - before);
  if (Math.abs(ahead) <= tolerance) return undefined;
  return `${describe(Math.abs(ahead))} ${ahead > 0 ? "ahead" : "behind"}`;
}

function describe(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
