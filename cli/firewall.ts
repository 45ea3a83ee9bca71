import { type Command, InvalidArgumentError, Option } from "commander";

import { openPorts } from "../openPorts.ts";
import { ports } from "../ports.js";
import { iptablesScript } from "../provider/firewall/iptables.ts";
import { inwardRules } from "../provider/firewall/nft.ts";
import type { Rules } from "../provider/firewall/rules.ts";
import { ufwScript } from "../provider/firewall/ufw.ts";
import { confirmRules } from "./confirm.ts";
import { openOutput } from "./output.ts";
import { configuredPortBase, readRecord } from "./record.js";
import { ownCheckout } from "./trial.ts";

const formats: Readonly<Record<string, (rules: Rules) => string>> = {
  ufw: ufwScript,
  iptables: iptablesScript,
  nft: (rules) =>
    `#!/usr/sbin/nft -f\n# HiveMatrix: what may be reached from outside.\n${inwardRules(rules)}`,
};

interface PrintOptions {
  readonly format: string;
  readonly stack: string;
  readonly sshPort: number[];
  readonly sshRate: number;
  readonly open?: number[];
  readonly json?: boolean;
}

export function addFirewall(program: Command): void {
  const firewall = program
    .command("firewall")
    .description("print a firewall for hand use: ssh and the gateway's ports, nothing else")
    .enablePositionalOptions()
    .addOption(
      new Option("--format <tool>", "what the script is for")
        .choices(Object.keys(formats))
        .default("nft"),
    )
    .option("-s, --stack <name>", "whose gateway is to be reached", "dev")
    .option("--ssh-port <ports>", "ports of sshd", readPorts, [22])
    .option("--ssh-rate <number>", "new ssh connections a minute from one address", readRate, 30)
    .option("--open <ports>", "TCP ports open to everybody; default the gateway's", readPorts)
    .option("--json", "print one JSON object: format, rules, script")
    .action((options: PrintOptions) => {
      const { format, stack, sshPort, sshRate, json, open = gatewayPorts(stack) } = options;
      const rules: Rules = { sshPorts: sshPort, sshRate, open: open.map((port) => ({ port })) };
      const script = (formats[format] ?? ufwScript)(rules);
      openOutput().line(
        json === true ? JSON.stringify({ format, rules, script }) : script.trimEnd(),
      );
    });
  firewall
    .command("confirm")
    .description("keep the rules that `up` has just loaded; from a new login, as root")
    .option("--json", "print one JSON object")
    .action(({ json }: { json?: boolean }) => {
      const { seconds } = confirmRules();
      const output = openOutput();
      if (json === true) output.line(JSON.stringify({ confirmed: true, seconds }));
      else output.line(`Confirmed: the rules loaded ${seconds} s ago stay.`);
    });
}

/** A trial's own; of a stack without one, those of a real host. */
function gatewayPorts(stack: string): number[] {
  const base = configuredPortBase(ownCheckout, stack) ?? readRecord(ownCheckout, stack)?.portBase;
  return openPorts(base === undefined ? { gateway: 443 } : ports(base));
}

function readPorts(text: string): number[] {
  return text.split(",").map(readPort);
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError("A port is a number from 1 to 65535.");
}

function readRate(text: string): number {
  const rate = Number(text);
  if (/^\d+$/.test(text) && rate >= 6 && rate <= 1000) return rate;
  throw new InvalidArgumentError("A rate is a number from 6 to 1000.");
}
