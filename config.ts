import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

import { addresses, type Addresses, healthAddresses, portOf } from "./addresses.ts";
import { certificateSettings, type OwnCertificate, ownCertificate } from "./certificateConfig.ts";
import { type Egress, egressOf } from "./egress.ts";
import { type Firewall, firewallSettings, firewallsOf } from "./firewallConfig.ts";
import {
  type Connection,
  connectionOf,
  forwardBaseOf,
  hostSchema,
  type Supervisor,
} from "./hostConfig.ts";
import { type DeclaredPort, declaredPorts } from "./openPorts.ts";
import { type Ports, ports as trialPorts } from "./ports.js";
import { readRegistry, type Registry } from "./registry.ts";
import { type LoggerSettings, loggerSettings } from "./runtime/logger/settings.ts";
import { type TokenRules, tokenRulesOf, tokenSettings } from "./tokenRules.ts";

/** A value with structure reaches us as JSON. */
function json<S extends z.ZodType>(schema: S, fault: string) {
  return z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: "custom", message: fault });
        return z.NEVER;
      }
    })
    .pipe(schema);
}

/** Where a real host's things lie; the trial's root is chosen by set-up. */
const realRoot = "/var/lib/hivematrix";

/** Number by database; raised by `hive rotate database`. */
const rotationsSchema = z.record(z.string(), z.int().min(0));

/** An external PostgreSQL, reached by TLS. */
const postgresSchema = z.strictObject({
  host: z.string().min(1).describe("Name or address; its certificate must be for it."),
  port: z.int().min(1).max(65_535).default(5432),
  username: z.string().min(1).default("postgres").describe("May make roles and databases."),
  database: z.string().min(1).default("postgres").describe("Database to enter by."),
  authority: z
    .string()
    .min(1)
    .describe("File with the certificate authority, PEM, beside Pulumi.yaml."),
});

/** Keys of Pulumi.<stack>.yaml under `hivematrix:`. Numbers and booleans arrive as text. */
const settingsSchema = z
  .strictObject({
    portBase: z.coerce
      .number()
      .int()
      .min(1024)
      .max(65530)
      .optional()
      .describe("First of six ports in a row. Default: the documented ports."),
    host: json(hostSchema, "must hold address, user and the like")
      .optional()
      .describe("The machine to run on, by SSH. Default: this one."),
    supervisor: z
      .enum(["runit", "systemd"])
      .optional()
      .describe("What looks after the processes. Default: systemd with `host`, else runit."),
    domain: z
      .string()
      .regex(
        /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i,
        "must be a name people can enter, without a scheme",
      )
      .optional()
      .describe("Name or IP address people enter by. Default: the host's address, or localhost."),
    apps: json(z.array(z.string()), "must be a list of names")
      .default([])
      .describe("Names from the registry to run besides the required ones. Default: none."),
    registry: z.string().default("apps_registry.json").describe("Path of the registry file."),
    adminUsername: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "1 to 64 of a-z, 0-9, dot, _ and -")
      .default("admin")
      .describe("The first administrator."),
    adminEmail: z.email().default("admin@hivematrix.local"),
    postgres: json(postgresSchema, "must hold host and authority")
      .optional()
      .describe("A server that somebody else looks after. Default: one of the platform's own."),
    postgresPassword: z.string().min(1).optional().describe("Secret; of `postgres`."),
    postgresVersion: z.coerce
      .number()
      .int()
      .min(15)
      .optional()
      .describe("Major version of our own; another than the data's copies it. Default: Debian's."),
    postgresBinaries: z
      .string()
      .startsWith("/")
      .optional()
      .describe("Folder of that version's programs on the host. Default: Debian's."),
    postgresMemory: z.coerce
      .number()
      .int()
      .min(128)
      .optional()
      .describe("Megabytes PostgreSQL may take. Default: an eighth of the machine's."),
    rotations: json(rotationsSchema, "must hold a number for each database")
      .optional()
      .describe("How often the password of a database was replaced. Default: never."),
    keepData: z
      .enum(["true", "false"])
      .transform((text) => text === "true")
      .optional()
      .describe("`down` leaves the databases on the disk. Default: on systemd it does."),
    ...certificateSettings,
    ...firewallSettings,
    logger: json(loggerSettings, "must be a map")
      .prefault("{}")
      .describe("Retention, alerts, forwarding and readers of the log (docs/Pulumi.prod.yaml)."),
    ...tokenSettings,
  })
  .check(({ value: { host, supervisor, unprovenCallers }, issues }) => {
    if (unprovenCallers === "believed" && (host !== undefined || supervisor === "systemd")) {
      const message = "is for the trial alone; use callerUsers or callerKeys";
      issues.push({ code: "custom", input: unprovenCallers, path: ["unprovenCallers"], message });
    }
    if (host === undefined || supervisor !== "runit") return;
    const message = "runit is for the trial on this machine; a host by SSH is run by systemd";
    issues.push({ code: "custom", input: supervisor, path: ["supervisor"], message });
  })
  .refine(
    ({ postgresVersion, postgresBinaries }) =>
      postgresBinaries === undefined || postgresVersion !== undefined,
    { path: ["postgresBinaries"], message: "needs postgresVersion: the major version they are of" },
  );

/** What `npm run up` found out about this machine before the first up; lies in .hive/<stack>.json. */
const trialSchema = z.looseObject({
  portBase: z.int().min(1024).max(65530).optional(),
  root: z.string().startsWith("/").optional(),
  user: z.string().min(1).optional(),
  rotations: rotationsSchema.optional(),
  /** Databases that were made, by what their component is named after. */
  databases: z.record(z.string(), z.string()).optional(),
});

export interface Config {
  readonly stack: string;
  readonly ports: Ports;
  readonly urls: Addresses;
  readonly connection: Connection;
  readonly supervisor: Supervisor;
  /** First of the ports here that lead to the host's own; used with a host by SSH only. */
  readonly forwardBase: number;
  /** Names and addresses of the gateway's certificate; the one people enter by comes first. */
  readonly names: readonly string[];
  /** The gateway's, if somebody else issued it; undefined: the local authority's. */
  readonly certificate: OwnCertificate | undefined;
  /** Folder of data and programs on the host. */
  readonly root: string;
  /** runit: system user that owns the processes; absent: whoever runs `up`. */
  readonly user: string | undefined;
  readonly registry: Registry;
  /** The registry's entries that run here: the required ones and those the stack names. */
  readonly apps: Registry["apps"];
  /** Those of them that are not this project's own, with the folder of their code. */
  readonly services: readonly ServiceConfig[];
  /** Address by service that answers 200 when it is ready. */
  readonly healthChecks: Readonly<Record<string, string>>;
  /** Whom each of them, and Keycloak, may talk with. */
  readonly egress: Readonly<Record<string, Egress>>;
  /** Everything that listens, and what of it is for everybody. */
  readonly declared: readonly DeclaredPort[];
  /** That of a real host; none for the trial. */
  readonly firewalls: readonly Firewall[];
  /** What core is told about tokens, sessions and who may call whom. */
  readonly tokens: TokenRules;
  /** What the logger keeps, whom it alerts, where it forwards to; may hold secrets. */
  readonly logger: LoggerSettings;
  /** Databases they ask for. */
  readonly databases: readonly string[];
  /** Databases of services that are not installed any more, until `hive app purge`. */
  readonly kept: readonly { readonly name: string; readonly database: string }[];
  /** How often the password of a database was replaced. */
  readonly rotations: Readonly<Record<string, number>>;
  /** A server that somebody else looks after; undefined: one of our own. */
  readonly postgres: ExternalPostgres | undefined;
  readonly postgresVersion: number | undefined;
  readonly postgresBinaries: string | undefined;
  /** Megabytes PostgreSQL may take. */
  readonly postgresMemory: number | undefined;
  readonly adminUsername: string;
  readonly adminEmail: string;
  readonly keepData: boolean;
}

/** An external PostgreSQL. */
export interface ExternalPostgres {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: pulumi.Output<string>;
  readonly database: string;
  /** Where Pulumi runs: absolute path, and the PEM text in it. */
  readonly authority: { readonly path: string; readonly pem: string };
}

/** A service whose code is not in runtime/. */
export interface ServiceConfig {
  readonly name: string;
  /** Absolute folder of its code. */
  readonly directory: string;
  readonly command: readonly string[];
  /** TCP port on loopback. */
  readonly port: number;
  /** Path that answers 200 when it is ready. */
  readonly health: string;
  /** Name of its own database, if it has one. */
  readonly database: string | undefined;
  /** How often that one's password was replaced. */
  readonly rotation: number | undefined;
}

/** What config.ts needs to know of the engine; given by tests instead. */
export interface Source {
  readonly stack: string;
  readonly directory: string;
  /** Every config key with its namespace. */
  readonly values: Readonly<Record<string, string>>;
}

/**
 * Reads stack config, registry and the trial's record; reports every fault at once.
 * @throws pulumi.RunError, which the engine prints without a stack.
 */
export function loadConfig(source: Source = engine()): Config {
  const faults: string[] = [];
  const settings = settingsSchema.safeParse(ownKeys(source.values));
  if (!settings.success) {
    faults.push(
      `Pulumi.${source.stack}.yaml, under hivematrix:\n${z.prettifyError(settings.error)}`,
    );
  }
  const trial = attempt(faults, () => readTrial(source));
  const path = resolve(source.directory, settings.data?.registry ?? "apps_registry.json");
  const registry = attempt(faults, () => readRegistry(path));
  const external = attempt(faults, () => ({ postgres: externalPostgres(source, settings.data) }));
  const apps = attempt(faults, () => chosenApps(registry, settings.data?.apps, source.stack));
  const connection = attempt(faults, () => connectionOf(settings.data?.host));
  const domain = settings.data?.domain ?? settings.data?.host?.address ?? "localhost";
  const certificate = attempt(faults, () =>
    ownCertificate(settings.data ?? {}, source.directory, domain),
  );
  if (
    !settings.success ||
    trial === undefined ||
    registry === undefined ||
    apps === undefined ||
    external === undefined ||
    connection === undefined ||
    faults.length > 0
  ) {
    throw new pulumi.RunError(faults.join("\n"));
  }
  const { data } = settings;
  const supervisor = data.supervisor ?? (data.host === undefined ? "runit" : "systemd");
  const real = supervisor === "systemd";
  const ports = portsOf(data.portBase ?? trial.portBase, real);
  const databases = Object.values(apps).flatMap(({ database }) => database ?? []);
  const rotations = { ...trial.rotations, ...data.rotations };
  return {
    stack: source.stack,
    connection,
    supervisor,
    forwardBase: forwardBaseOf(source.stack, data.host),
    certificate,
    names: [...new Set([domain, "localhost", "127.0.0.1", "::1"])],
    ports,
    urls: addresses(ports, domain),
    root: real ? realRoot : (trial.root ?? join(source.directory, ".hive", source.stack)),
    user: real ? undefined : trial.user,
    registry,
    apps,
    services: servicesOf(apps, ports, dirname(path), rotations),
    healthChecks: healthAddresses(apps, ports),
    egress: egressOf(apps, addressesOf(data.logger)),
    declared: declaredPorts(apps, ports, real),
    firewalls: real ? firewallsOf(data, connection, ports) : [],
    tokens: tokenRulesOf(apps, data),
    databases,
    kept: Object.entries(trial.databases ?? {})
      .filter(([, database]) => database !== "keycloak" && !databases.includes(database))
      .map(([name, database]) => ({ name, database })),
    rotations,
    ...external,
    postgresVersion: data.postgresVersion,
    postgresBinaries: data.postgresBinaries,
    postgresMemory: data.postgresMemory,
    adminUsername: data.adminUsername,
    adminEmail: data.adminEmail,
    logger: data.logger,
    keepData: data.keepData ?? real,
  };
}

/** @throws Error with one sentence */
function externalPostgres(
  { directory, stack }: Source,
  settings: z.output<typeof settingsSchema> | undefined,
): ExternalPostgres | undefined {
  const { postgres, postgresPassword } = settings ?? {};
  if (postgres === undefined) return undefined;
  if (postgresPassword === undefined) {
    throw new Error(
      `hivematrix:postgres needs the password of ${postgres.username}: pulumi config set --secret hivematrix:postgresPassword --stack ${stack}`,
    );
  }
  const path = resolve(directory, postgres.authority);
  let pem: string;
  try {
    pem = readFileSync(path, "utf8");
  } catch (cause) {
    throw new Error(`hivematrix:postgres.authority: ${path} cannot be read`, { cause });
  }
  if (!pem.includes("-----BEGIN CERTIFICATE-----")) {
    throw new Error(`hivematrix:postgres.authority: ${path} holds no certificate in PEM form`);
  }
  return { ...postgres, password: pulumi.secret(postgresPassword), authority: { path, pem } };
}

/** @throws Error naming an app that is not in the registry, or that another one needs. */
function chosenApps(
  registry: Registry | undefined,
  names: readonly string[] = [],
  stack: string,
): Registry["apps"] {
  const all = registry?.apps ?? {};
  const chosen = Object.entries(all).filter(
    ([name, { required }]) => required || names.includes(name),
  );
  const running = new Set(chosen.map(([name]) => name));
  const lines = [
    ...names
      .filter((name) => registry !== undefined && !Object.hasOwn(all, name))
      .map((name) => `✖ unknown app "${name}"; the registry has ${Object.keys(all).join(", ")}`),
    ...chosen.flatMap(([name, { dependencies }]) =>
      dependencies
        .filter((dependency) => !running.has(dependency))
        .map((dependency) => `✖ ${name} needs "${dependency}" too`),
    ),
  ];
  if (lines.length > 0) {
    throw new Error(`Pulumi.${stack}.yaml, hivematrix:apps:\n${lines.join("\n")}`);
  }
  return Object.fromEntries(chosen);
}

/** People enter a real host by https' own port. */
function portsOf(base: number | undefined, real: boolean): Ports {
  const ports = trialPorts(base);
  return real && base === undefined ? { ...ports, gateway: 443 } : ports;
}

/** Where the logger's settings send it. */
function addressesOf({ alerts, forward }: LoggerSettings): string[] {
  const { webhook, ntfy, mail } = alerts.channels;
  return [webhook?.url, ntfy?.url, mail?.server, forward?.url].flatMap((address) => address ?? []);
}

function servicesOf(
  apps: Registry["apps"],
  ports: Ports,
  folder: string,
  rotations: Config["rotations"],
): ServiceConfig[] {
  return Object.entries(apps).flatMap(([name, app]) => {
    const { directory, command } = app.source;
    if (directory === undefined || command === undefined) return [];
    const port = portOf(app, ports);
    const { health, database } = app;
    const rotation = database === undefined ? undefined : rotations[database];
    const place = resolve(folder, directory);
    return [{ name, directory: place, command, port, health, database, rotation }];
  });
}

function engine(): Source {
  return {
    stack: pulumi.getStack(),
    directory: process.cwd(),
    values: pulumi.runtime.allConfig(),
  };
}

function ownKeys(values: Readonly<Record<string, string>>): Record<string, string> {
  const prefix = "hivematrix:";
  return Object.fromEntries(
    Object.entries(values)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

function readTrial({ directory, stack }: Source): z.infer<typeof trialSchema> {
  const path = join(directory, ".hive", `${stack}.json`);
  if (!existsSync(path)) return {};
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new Error(`${path} is not JSON; remove it and run \`npm run up\` again`, { cause });
  }
  const parsed = trialSchema.safeParse(json);
  if (!parsed.success) throw new Error(`${path}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function attempt<T>(faults: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (fault) {
    faults.push(fault instanceof Error ? fault.message : String(fault));
    return undefined;
  }
}
