import { Fault } from "../fault.ts";
import type { Context } from "../resource.ts";
import { inwardTable, outwardTable } from "./nft.ts";

export const nft = "/usr/sbin/nft";

/**
 * Our tables as nft prints them, without counters and the addresses that a limit remembers; empty when
 * there are none.
 */
export async function listTables({ transport }: Context): Promise<string> {
  const found = await Promise.all(
    [inwardTable, outwardTable].map((table) =>
      transport.run([nft, "-s", "-u", "list", "table", ...table.split(" ")]),
    ),
  );
  return found
    .filter(({ code }) => code === 0)
    .map(({ stdout }) => stdout.replace(/^\t*elements = \{[^}]*\}\n/gm, ""))
    .join("");
}

/** @throws Fault when there is no nft, or another tool rules this host's firewall. */
export async function refuseOthers({ transport }: Context): Promise<void> {
  const [program, ufw] = await Promise.all([
    transport.stat(nft),
    transport.read("/etc/ufw/ufw.conf"),
  ]);
  if (transport.user !== "root") {
    throw new Fault("Only root can load firewall rules; connect as root or with sudo.");
  }
  if (program === undefined) {
    throw new Fault("There is no nft on the host; declare the Package nftables.");
  }
  if (!/^\s*ENABLED\s*=\s*"?yes/im.test(ufw?.toString("utf8") ?? "")) return;
  throw new Fault(
    "ufw is active on this host, and two firewalls do not see each other. Choose: `ufw disable` there and run up again, or `pulumi config set hivematrix:firewall none` and use `hive firewall --format ufw`.",
  );
}
