import { z } from "zod";

import {
  inputsOf,
  inwardPath,
  inwardText,
  loader,
  loaderUnit,
  outwardPath,
  outwardText,
} from "../firewall/files.ts";
import { applyRules, removeRules } from "../firewall/apply.ts";
import { listTables } from "../firewall/tables.ts";
import { lockout } from "../firewall/lockout.ts";
import { define, type Of } from "../resource.ts";
import { accountName, check } from "../schema.ts";
import { show } from "../systemd/control.ts";
import { hasUnknown, UNKNOWN } from "../wire.ts";

const port = () => z.int().min(1).max(65_535);
const network = () =>
  z.union([z.cidrv4(), z.cidrv6()], { error: "must be a network such as 192.0.2.0/24" });

const inputs = {
  sshPorts: z
    .array(port())
    .min(1, "must name a port, or nobody comes in again")
    .default([22])
    .describe("Ports of sshd; always open. Default 22."),
  sshRate: z
    .int()
    .min(6)
    .max(1000)
    .default(30)
    .describe("New ssh connections a minute from one IPv4 address or IPv6 /64; default 30."),
  open: z
    .array(
      z.strictObject({
        port: port(),
        protocol: z.enum(["tcp", "udp"]).optional().describe("Default `tcp`."),
        from: z
          .array(network())
          .min(1, "must name a network, or be left out")
          .optional()
          .describe("Networks it may be reached from; default everywhere."),
      }),
    )
    .default([])
    .describe("Ports that may be reached from outside."),
  egress: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z][a-z0-9_-]{0,49}$/, "must be a service's name"),
        user: accountName(),
        networks: z.array(z.union([z.literal("any"), network()])),
      }),
    )
    .default([])
    .describe("Whom a service's processes may talk with; the rest is refused and logged."),
  confirmWithin: z
    .int()
    .min(20)
    .max(600)
    .default(90)
    .describe("Seconds until new rules are taken back unless somebody comes in; default 90."),
  enabled: z.literal(true).default(true).describe("Always true; found disabled, it is enabled."),
};

export type FirewallInputs = Of<typeof inputs>;

const id = "hivematrix";

export const firewallRuleset = define({
  description:
    "The firewall of a host: nftables tables of our own, loaded with a timer that takes them back unless a new connection is made. Import by `hivematrix`.",
  inputs,
  outputs: {
    rules: z.string().describe("What the machine loads when it starts, for nft."),
    expected: z.string().describe("The tables as nft printed them when they were loaded."),
    loaded: z.string().describe("The tables as nft printed them when last looked at."),
  },
  replaceOn: [],
  incidental: ["confirmWithin"],

  faults: (wanted, transport) => lockout(wanted.sshPorts, transport),

  plan(wanted, old) {
    const rules = hasUnknown(wanted) ? UNKNOWN : textOf(wanted as FirewallInputs);
    const same = old !== undefined && rules === textOf(old);
    return {
      rules,
      expected: same ? old.expected : UNKNOWN,
      loaded: same ? old.expected : UNKNOWN,
    };
  },
  stale: (old, wanted) => [
    ...(hasUnknown(wanted) || old.rules === textOf(wanted as FirewallInputs) ? [] : ["rules"]),
    ...(old.loaded === old.expected ? [] : ["loaded"]),
  ],

  async create(context, wanted) {
    const loaded = await applyRules(context, wanted);
    return { id, outputs: { rules: textOf(wanted), expected: loaded, loaded } };
  },

  async read(context, _id, old) {
    const { transport } = context;
    const [inward, outward, unit, loaded, state] = await Promise.all([
      transport.read(inwardPath),
      transport.read(outwardPath),
      transport.read(`/etc/systemd/system/${loader}`),
      listTables(context),
      show(context, loader),
    ]);
    if (inward === undefined && loaded === "") return undefined;
    const rules = `${text(inward)}${text(outward)}`;
    const known = old ?? imported(text(inward));
    if (known === undefined) return undefined;
    return {
      ...known,
      enabled: (state.enabled && state.dropIns.length === 0 && text(unit) === loaderUnit) as true,
      rules,
      expected: old?.expected ?? loaded,
      loaded,
    };
  },

  async update(context, _old, wanted) {
    const loaded = await applyRules(context, wanted);
    return { rules: textOf(wanted), expected: loaded, loaded };
  },

  delete: removeRules,
});

function textOf(wanted: FirewallInputs): string {
  return `${inwardText(wanted)}${outwardText(wanted)}`;
}

/** What the file on the host was made of. */
function imported(file: string): FirewallInputs | undefined {
  const found = inputsOf(file);
  if (found === undefined) return undefined;
  const { inputs: checked, failures } = check(inputs, found);
  return failures.length === 0 ? (checked as FirewallInputs) : undefined;
}

function text(bytes: Buffer | undefined): string {
  return bytes?.toString("utf8") ?? "";
}
