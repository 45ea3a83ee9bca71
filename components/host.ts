import * as pulumi from "@pulumi/pulumi";

import { Directory } from "../provider/sdk/directory.ts";
import { Package } from "../provider/sdk/package.ts";
import { Provider } from "../provider/sdk/provider.ts";
import { Supervisor } from "../provider/sdk/supervisor.ts";
import { User } from "../provider/sdk/user.ts";

export interface HostArgs {
  /** Absolute folder of everything put on the host. */
  readonly root: string;
  /** System user that owns folder and processes; made if missing. Absent: whoever runs `up`. */
  readonly user?: string | undefined;
  /** Remove the folder with all data when the stack is destroyed. Default false. */
  readonly purge?: boolean;
}

/** Debian packages the trial needs: servers, Java, supervisor, and Maven to fetch Keycloak. */
const packages = ["postgresql", "default-jre-headless", "runit", "maven"];

/** Home of the system user, the same for every stack on the host. */
const home = "/var/lib/hivematrix";

/** Debian would otherwise start a cluster of its own on port 5432 with the package (postgresql-common). */
const noDebianCluster = {
  "/etc/postgresql-common/createcluster.d/hivematrix.conf": "create_main_cluster = false\n",
};

/**
 * The machine: its packages, the system user, the folder everything lies in and the supervisor
 * (runit) that keeps the processes alive. Every other component takes one as `host`.
 */
export class Host extends pulumi.ComponentResource {
  readonly provider: Provider;
  readonly root: string;
  readonly user: string | undefined;
  /** Whether data goes with the stack. */
  readonly purge: boolean;
  /** Folder of runit's service links. */
  readonly supervised: string;
  /** Versions of the Debian packages, by name. */
  readonly versions: pulumi.Output<Record<string, string>>;
  /** The folder itself; what lies in it is gone when it is. */
  readonly folder: Directory;
  /** The last thing made; a component that runs processes depends on it. */
  readonly ready: pulumi.Resource;

  constructor(name: string, args: HostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("hivematrix:index:Host", name, args, opts);
    this.root = args.root;
    this.user = args.user;
    this.purge = args.purge ?? false;
    this.supervised = `${args.root}/service`;
    this.provider = new Provider(`${name}-provider`, { transport: "local" }, { parent: this });
    const child = { parent: this, provider: this.provider };

    const installed = new Package(
      `${name}-packages`,
      { names: packages, during: noDebianCluster },
      child,
    );
    const owner =
      args.user === undefined
        ? []
        : [
            new User(
              `${name}-user`,
              { name: args.user, home },
              // Data that stays belongs to somebody.
              { ...child, retainOnDelete: !this.purge },
            ),
          ];
    this.folder = new Directory(
      `${name}-folder`,
      { path: args.root, mode: "0755", purge: this.purge, ...this.owned },
      { ...child, dependsOn: owner },
    );
    const links = new Directory(
      `${name}-services`,
      { path: this.supervised, mode: "0755", purge: true, ...this.owned },
      { ...child, dependsOn: this.folder },
    );
    const definitions = new Directory(
      `${name}-definitions`,
      { path: `${args.root}/services`, mode: "0755", purge: true, ...this.owned },
      { ...child, dependsOn: this.folder },
    );
    const supervisor = new Supervisor(
      `${name}-supervisor`,
      { directory: this.supervised, ...this.runAs },
      { ...child, dependsOn: [links, definitions, installed] },
    );

    this.versions = installed.versions;
    this.ready = supervisor;
    this.registerOutputs({ root: this.root, versions: this.versions });
  }

  /** Owner of files and folders. */
  get owned(): { owner?: string; group?: string } {
    return this.user === undefined ? {} : { owner: this.user, group: this.user };
  }

  /** User of processes. */
  get runAs(): { user?: string } {
    return this.user === undefined ? {} : { user: this.user };
  }
}
