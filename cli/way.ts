import { connectionOf, type HostSettings } from "../hostConfig.ts";
import { type Reach, reach } from "../provider/transport/choose.ts";
import type { Forward } from "../provider/transport/forwards.ts";

/**
 * The way to a stack's machine, outside of Pulumi. Nothing is connected before something is asked.
 * @param host undefined: this machine
 * @throws Error when its key cannot be read, Fault when a port of a forward is taken
 */
export function wayTo(
  host: HostSettings | undefined,
  forwards: readonly Forward[] = [],
): Promise<Reach> {
  return reach({ ...connectionOf(host), forwards }, () => undefined);
}
