import type { Ports } from "./ports.js";

/** TCP ports that may be reached from outside, besides ssh: the gateway's, and the one that redirects to it. */
export function openPorts({ gateway }: Pick<Ports, "gateway">): number[] {
  return gateway === 443 ? [80, 443] : [gateway];
}
