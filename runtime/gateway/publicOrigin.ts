import { isIP } from "node:net";

/** Whether a browser reaches the gateway on its own machine or by number: not by a name of its own. */
export function isLocal({ hostname }: URL): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    isIP(hostname.replace(/^\[|\]$/g, "")) !== 0
  );
}

/** Whether a `Host` header names the origin; case and the scheme's own port do not matter. */
export function isHostOf(origin: URL, host: string | undefined): boolean {
  if (host === origin.host) return true;
  const given = host?.toLowerCase();
  const port = origin.port === "" ? (origin.protocol === "https:" ? "443" : "80") : origin.port;
  return given === origin.host || given === `${origin.hostname}:${port}`;
}
