import { Fault, messageOf } from "../fault.ts";
import { pause } from "../readiness.ts";
import { type Context, lastLines, succeeded } from "../resource.ts";
import type { FirewallInputs } from "../resources/firewallRuleset.ts";
import { systemctl } from "../systemd/control.ts";
import { validated } from "../systemd/files.ts";
import {
  folder,
  formerPath,
  inwardPath,
  inwardText,
  loader,
  loaderUnit,
  outwardPath,
  outwardText,
  pendingFolder,
  pendingPath,
  revert,
} from "./files.ts";
import { noRules } from "./nft.ts";
import { listTables, nft, refuseOthers } from "./tables.ts";

/**
 * Loads rules, with a timer that takes them back; keeps them when a new connection was made. Answers
 * with the tables as they are then.
 * @throws Fault when nobody came in: the former rules are back.
 */
export async function applyRules(context: Context, inputs: FirewallInputs): Promise<string> {
  await refuseOthers(context);
  const confirmed = await isConfirmed(context, inputs);
  await load(context, inputs);
  try {
    await confirm(context, inputs, confirmed);
  } catch (error) {
    await takeBack(context);
    throw new Fault(`${messageOf(error)} The former rules are back.`, { cause: error });
  }
  await keep(context, inputs);
  return listTables(context);
}

/** Whether somebody came in through these very rules before, and they are what the machine starts with. */
async function isConfirmed({ transport }: Context, inputs: FirewallInputs): Promise<boolean> {
  return (await transport.read(inwardPath))?.toString("utf8") === inwardText(inputs);
}

async function load(context: Context, inputs: FirewallInputs): Promise<void> {
  const { transport, signal, progress } = context;
  progress("loading the rules");
  await transport.makeDirectory(pendingFolder, { mode: "0700", owner: "root" });
  await transport.run(["systemctl", "stop", `${revert}.timer`]);
  const options = { mode: "0600", owner: "root", signal };
  const former = `${noRules}${await listTables(context)}`;
  // An up that was interrupted has the true former ones there already.
  if ((await transport.stat(pendingPath)) === undefined) {
    await transport.writeAtomic(formerPath, former, options);
  }
  const rules = `${inwardText(inputs)}${outwardText(inputs)}`;
  const next = `${pendingFolder}/next.nft`;
  await transport.writeAtomic(next, rules, { ...options, validate: [nft, "-c", "-f", "%s"] });
  const uptime = (await transport.read("/proc/uptime"))?.toString("utf8").split(" ")[0] ?? "0";
  await transport.writeAtomic(pendingPath, `${uptime}\n`, options);
  const back = `${nft} -f ${formerPath}; rm -rf ${pendingFolder}`;
  succeeded(
    await transport.run([
      ...["systemd-run", "--quiet", "--collect", `--unit=${revert}`],
      ...["--on-active", String(inputs.confirmWithin), "--timer-property=AccuracySec=1s"],
      ...["/bin/sh", "-c", back],
    ]),
    "Arming the timer that takes the rules back",
  );
  const { code, stderr } = await transport.run([nft, "-f", next]);
  if (code === 0) return;
  await takeBack(context);
  throw new Fault(`nft refuses the rules: ${lastLines(stderr, 5)}`);
}

/** @throws Fault when no new connection was made in time. */
async function confirm(
  context: Context,
  { confirmWithin }: FirewallInputs,
  confirmed: boolean,
): Promise<void> {
  const { transport, signal, progress } = context;
  // Whoever connects to try must not do so when the rules are gone again.
  const time = AbortSignal.any([signal, AbortSignal.timeout((confirmWithin - 5) * 1000)]);
  if (transport.reconnect !== undefined) {
    progress("connecting anew");
    try {
      await transport.reconnect(time);
    } catch (error) {
      throw new Fault(
        `No new connection passes the new rules (${messageOf(error)}), and they would lock you out.`,
        { cause: error },
      );
    }
    await disarm(context);
    return;
  }
  if (confirmed) {
    await disarm(context);
    return;
  }
  context.warn(
    `New firewall rules are in force. From a new login, run \`hive firewall confirm\` within ${confirmWithin} s; else the former ones come back.`,
  );
  try {
    while ((await transport.stat(pendingPath)) !== undefined) {
      progress("waiting for `hive firewall confirm` from a new login");
      await pause(time, 500);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Fault(
      `Nobody confirmed the new firewall rules within ${confirmWithin} s. Run up again, and \`hive firewall confirm\` from a new login while it waits.`,
      { cause: error },
    );
  }
  // The timer removes the whole folder; a person only what is pending.
  if ((await transport.stat(pendingFolder)) === undefined) {
    throw new Fault("The new firewall rules were taken back before somebody confirmed them.");
  }
  await disarm(context);
}

async function disarm({ transport }: Context): Promise<void> {
  await transport.run(["systemctl", "stop", `${revert}.timer`]);
  await transport.removeTree(pendingFolder);
}

async function takeBack(context: Context): Promise<void> {
  const { transport } = context;
  if ((await transport.stat(formerPath)) === undefined) return;
  await transport.run([nft, "-f", formerPath]);
  await disarm(context);
}

/** Makes what is loaded what the machine starts with. */
async function keep(context: Context, inputs: FirewallInputs): Promise<void> {
  const { transport, signal } = context;
  await transport.makeDirectory("/etc/hivematrix", { mode: "0755", owner: "root" });
  await transport.makeDirectory(folder, { mode: "0700", owner: "root" });
  const options = { mode: "0600", owner: "root", signal };
  await transport.writeAtomic(inwardPath, inwardText(inputs), options);
  await transport.writeAtomic(outwardPath, outwardText(inputs), options);
  const { path, validate } = validated(loader);
  await transport.writeAtomic(path, loaderUnit, { ...options, mode: "0644", validate });
  await systemctl(context, "daemon-reload");
  await systemctl(context, "enable", "--", loader);
  // A unit that is not active is not reloaded with nftables.service.
  await systemctl(context, "start", "--", loader);
}

/** Takes our tables, files and unit away. */
export async function removeRules(context: Context): Promise<void> {
  const { transport } = context;
  await transport.run(["systemctl", "stop", `${revert}.timer`]);
  await transport.run(["systemctl", "--no-ask-password", "disable", "--now", "--", loader]);
  if ((await transport.stat(nft)) !== undefined) {
    succeeded(await transport.run([nft, "-f", "-"], { stdin: noRules }), "Removing the rules");
  }
  for (const tree of [pendingFolder, folder]) await transport.removeTree(tree);
  await transport.remove(validated(loader).path);
  await systemctl(context, "daemon-reload");
}
