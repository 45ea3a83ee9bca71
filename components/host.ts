import { createHash } from "node:crypto";

import * as pulumi from "@pulumi/pulumi";

import { Capacity } from "../provider/sdk/capacity.ts";
import { Directory } from "../provider/sdk/directory.ts";
import { Package } from "../provider/sdk/package.ts";
import { Provider, type ProviderArgs } from "../provider/sdk/provider.ts";
import { Supervisor } from "../provider/sdk/supervisor.ts";
import { User } from "../provider/sdk/user.ts";
import { BaseSystem } from "./baseSystem.ts";

export interface HostArgs {
  /** How it is reached; default: it is this machine. */
  readonly connection?: ProviderArgs;
  /** What looks after the processes; default `runit`. */
  readonly supervisor?: "runit" | "systemd";
  /** Absolute folder of everything put on the host; with systemd, of data and programs. */
  readonly root: string;
  /** runit: system user that owns folder and processes; made if missing. Absent: whoever runs `up`. */
  readonly user?: string | undefined;
  /** Remove the folder with all data when the stack is destroyed. Default false. */
  readonly purge?: boolean;
  /** systemd: names of the services, each of which gets a system user of its own. */
  readonly services?: readonly string[];
  /** systemd: by service, the networks it may talk with besides the host itself. Default none. */
  readonly egress?: Readonly<Record<string, { readonly networks: readonly string[] }>>;
  /** Ports of the host's loopback that providers beside Pulumi's engine must reach. */
  readonly reached?: readonly number[];
  /** By SSH: first of the ports of this machine that lead there. */
  readonly forwardBase?: number;
}

/** The account a process runs as, and the folders of what only it may read. */
export interface Account {
  readonly runAs: { readonly user?: string };
  readonly owned: { readonly owner?: string; readonly group?: string };
}

/** Debian packages of every host: servers and Java. */
const packages = ["postgresql", "default-jre-headless"];

/** What the trial needs besides: its supervisor, and Maven to fetch Keycloak on this very machine. */
const trialPackages = ["runit", "maven"];

/** The service whose data outlives the stack. */
const dataService = "postgres";

/** Home of the system users, the same for every stack on the host. */
const home = "/var/lib/hivematrix";

/** Where a real host keeps what is configuration; the secrets of its units lie there too. */
const settingsFolder = "/etc/hivematrix";

/** Debian would otherwise start a cluster of its own on port 5432 with the package (postgresql-common). */
const noDebianCluster = {
  "/etc/postgresql-common/createcluster.d/hivematrix.conf": "create_main_cluster = false\n",
};

/**
 * The machine: its packages, system users, the folders everything lies in and the supervisor that
 * keeps the processes alive. Every other component takes one as `host`. The trial is run by runit
 * and belongs to one user; a real host is run by systemd, and each service has a user of its own.
 */
export class Host extends pulumi.ComponentResource {
  readonly provider: Provider;
  readonly supervisor: "runit" | "systemd";
  readonly root: string;
  /** Folder of what is configuration. */
  readonly settings: string;
  readonly user: string | undefined;
  /** Whether data goes with the stack. */
  readonly purge: boolean;
  /** Folder of runit's service links. */
  readonly supervised: string;
  /** Its memory and processors. */
  readonly capacity: Capacity;
  /** Versions of the Debian packages, by name. */
  readonly versions: pulumi.Output<Record<string, string>>;
  /** The folder itself; what lies in it is gone when it is. */
  readonly folder: Directory;
  /** The last thing made; a component that runs processes depends on it. */
  readonly ready: pulumi.Resource[];
  readonly #args: HostArgs;

  constructor(name: string, args: HostArgs, opts?: pulumi.ComponentResourceOptions) {
    const { root, user, purge = false, supervisor = "runit" } = args;
    super("hivematrix:index:Host", name, { root, user, purge, supervisor }, opts);
    this.#args = args;
    this.supervisor = supervisor;
    this.root = root;
    this.settings = supervisor === "runit" ? root : settingsFolder;
    this.user = user;
    this.purge = purge;
    this.supervised = `${root}/service`;
    this.provider = new Provider(`${name}-provider`, providerArgs(args), { parent: this });
    // The trial takes the machine as it is.
    const base =
      supervisor === "runit"
        ? undefined
        : new BaseSystem(`${name}-base`, { provider: this.provider }, { parent: this });
    const first = base === undefined ? [] : [base.machine];
    const child = { parent: this, provider: this.provider, dependsOn: first };

    this.capacity = new Capacity(`${name}-capacity`, child);
    const installed = new Package(
      `${name}-packages`,
      {
        names: supervisor === "runit" ? [...packages, ...trialPackages] : packages,
        during: noDebianCluster,
      },
      child,
    );
    const owners = this.#owners(name, first);
    this.folder = new Directory(
      `${name}-folder`,
      { path: root, mode: "0755", purge, ...this.owned },
      { ...child, dependsOn: supervisor === "runit" ? owners : first },
    );
    this.versions = installed.versions;
    this.ready =
      supervisor === "runit"
        ? this.#supervised(name, installed)
        : [this.#settings(name, first), this.folder, installed, ...owners, ...(base?.ready ?? [])];
    this.registerOutputs({ root, versions: this.versions });
  }

  /** Owner of files and folders that every process may read. */
  get owned(): Account["owned"] {
    return this.user === undefined ? {} : { owner: this.user, group: this.user };
  }

  /** The account of a service. */
  accountOf(service: string): Account {
    if (this.supervisor === "systemd") {
      const own = accountName(service);
      return { runAs: { user: own }, owned: { owner: own, group: own } };
    }
    return { runAs: this.user === undefined ? {} : { user: this.user }, owned: this.owned };
  }

  /** Networks a service may talk with besides the host itself. */
  egressOf(service: string): string[] {
    return [...(this.#args.egress?.[service]?.networks ?? [])];
  }

  /** Port of the machine that runs Pulumi by which a port of the host's loopback is reached. */
  near(port: number): number {
    const { connection, reached = [], forwardBase = 0 } = this.#args;
    if (connection?.transport !== "ssh") return port;
    const index = reached.indexOf(port);
    if (index < 0) throw new Error(`Port ${String(port)} was not declared as reached`);
    return forwardBase + index;
  }

  /** System users; data that stays belongs to somebody. */
  #owners(name: string, dependsOn: pulumi.Resource[]): User[] {
    const { user, services = [] } = this.#args;
    const make = (noun: string, account: string, keeps: boolean): User =>
      new User(
        `${name}-${noun}`,
        { name: account, home },
        { parent: this, provider: this.provider, dependsOn, retainOnDelete: keeps && !this.purge },
      );
    if (this.supervisor === "runit") return user === undefined ? [] : [make("user", user, true)];
    return services.map((service) =>
      make(`user-${service}`, accountName(service), service === dataService),
    );
  }

  #settings(name: string, dependsOn: pulumi.Resource[]): Directory {
    return new Directory(
      `${name}-settings`,
      { path: settingsFolder, mode: "0755", purge: true },
      { parent: this, provider: this.provider, dependsOn },
    );
  }

  /** runit, which the trial brings along. */
  #supervised(name: string, installed: Package): pulumi.Resource[] {
    const child = { parent: this, provider: this.provider, dependsOn: this.folder };
    const { runAs } = this.accountOf("");
    const links = new Directory(
      `${name}-services`,
      { path: this.supervised, mode: "0755", purge: true, ...this.owned },
      child,
    );
    const definitions = new Directory(
      `${name}-definitions`,
      { path: `${this.root}/services`, mode: "0755", purge: true, ...this.owned },
      child,
    );
    const supervisor = new Supervisor(
      `${name}-supervisor`,
      { directory: this.supervised, ...runAs },
      { ...child, dependsOn: [links, definitions, installed] },
    );
    return [supervisor];
  }
}

/** At most 32 characters (useradd(8)): of a long name, its start and a hash. */
function accountName(service: string): string {
  const name = `hive-${service}`;
  if (name.length <= 32) return name;
  const hash = createHash("sha256").update(service).digest("hex").slice(0, 7);
  return `${name.slice(0, 24)}-${hash}`;
}

function providerArgs({ connection, reached = [], forwardBase = 0 }: HostArgs): ProviderArgs {
  if (connection?.transport !== "ssh") return { transport: "local" };
  const forwards = reached.map((port, index) => ({
    localPort: forwardBase + index,
    host: "127.0.0.1",
    port,
  }));
  return { ...connection, forwards };
}
