import * as pulumi from "@pulumi/pulumi";

import { Daemon } from "../provider/sdk/daemon.ts";
import { File } from "../provider/sdk/file.ts";
import { Machine } from "../provider/sdk/machine.ts";
import { Package } from "../provider/sdk/package.ts";
import type { Provider } from "../provider/sdk/provider.ts";

export interface BaseSystemArgs {
  /** How the host is reached. */
  readonly provider: Provider;
}

/** What our own programs and proofs need, on the smallest Debian, too. */
const packages = ["ca-certificates", "iproute2", "procps"];

/** Keeps the clock where nothing does yet (Debian's own choice); another one that is there stays. */
const timeDaemon = "systemd-timesyncd";

const upgrades = "unattended-upgrades";

/** apt.conf(5) reads its files in order: these come after the package's own, which asks for more. */
const folder = "/etc/apt/apt.conf.d";

const heading = "// Written by HiveMatrix; changes are found and undone.\n";

/** How often, in days (apt.systemd.daily). */
const periodic = `${heading}APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
APT::Periodic::AutocleanInterval "7";
`;

/**
 * Security updates alone: everything else is changed by somebody who watches. The machine is not
 * started again by itself; what an update needs a restart for, needrestart and audit tell.
 */
const origins = `${heading}#clear Unattended-Upgrade::Origins-Pattern;
#clear Unattended-Upgrade::Allowed-Origins;
Unattended-Upgrade::Origins-Pattern {
  "origin=Debian,codename=\${distro_codename},label=Debian-Security";
  "origin=Debian,codename=\${distro_codename}-security,label=Debian-Security";
};
Unattended-Upgrade::Automatic-Reboot "false";
Unattended-Upgrade::MinimalSteps "true";
Unattended-Upgrade::SyslogEnable "true";
`;

/**
 * What a real host has before anything of ours: a system that is supported, a clock that is right and
 * stays so, the packages all else needs, and security updates that come by themselves. A system that
 * is not supported is refused before anything is changed.
 */
export class BaseSystem extends pulumi.ComponentResource {
  readonly machine: Machine;
  /** The last things made. */
  readonly ready: pulumi.Resource[];

  constructor(name: string, args: BaseSystemArgs, opts?: pulumi.ComponentResourceOptions) {
    super("hivematrix:index:BaseSystem", name, {}, opts);
    const onHost = { parent: this, provider: args.provider };
    this.machine = new Machine(`${name}-machine`, onHost);
    const child = { ...onHost, dependsOn: this.machine };

    const base = new Package(`${name}-packages`, { names: packages }, child);
    const keeper = this.machine.timeDaemon.apply((found) => found || timeDaemon);
    const clock = new Package(`${name}-time-package`, { names: [keeper] }, child);
    const time = new Daemon(
      `${name}-time`,
      { unit: pulumi.interpolate`${keeper}.service` },
      { ...onHost, dependsOn: clock },
    );
    const tools = new Package(`${name}-upgrades-package`, { names: [upgrades] }, child);
    const settings = [
      { noun: "upgrades-times", path: `${folder}/20auto-upgrades`, content: periodic },
      { noun: "upgrades-origins", path: `${folder}/52hivematrix-upgrades`, content: origins },
    ].map(
      ({ noun, path, content }) =>
        new File(
          `${name}-${noun}`,
          { path, content, owner: "root", validate: ["apt-config", "-c", "%s", "dump"] },
          { ...onHost, dependsOn: tools },
        ),
    );
    const timers = ["apt-daily", "apt-daily-upgrade"].map(
      (timer) =>
        new Daemon(`${name}-${timer}`, { unit: `${timer}.timer` }, { ...onHost, dependsOn: tools }),
    );

    this.ready = [base, time, ...settings, ...timers];
    this.registerOutputs({ system: this.machine.system });
  }
}
