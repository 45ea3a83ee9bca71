import { execFile } from "node:child_process";
import { access, appendFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";

import { ports as trialPorts } from "../../ports.js";
import { KeycloakAdmin } from "../support/keycloak.ts";
import {
  checkout,
  createTrial,
  eventually,
  kill,
  listen,
  type Outcome,
  type Trial,
} from "../support/trial.ts";

const run = promisify(execFile);

/** One trial from nothing to nothing; each test goes on where the one before it ended. */
describe("a trial", function () {
  this.timeout(600_000);
  this.bail(true);
  let trial: Trial;
  /** A live platform, as far as its ports go. */
  let live: (Server | undefined)[];

  before(async () => {
    live = await Promise.all(Object.values(trialPorts()).map(listen));
    trial = await createTrial();
  });

  after(async () => {
    for (const server of live) server?.close();
    await trial.remove();
  });

  it("stops before anything is changed when a port is busy, and says who has it", async () => {
    const { code, text } = await trial.run("up");
    expect(code).not.to.equal(0);
    expect(text)
      .to.match(/8080.*\(?pid \d+|8080.*process \d+/)
      .and.to.contain("--beside");
    expect(await readdir(join(trial.directory, ".hive"))).to.deep.equal(["dev.json"]);
    await gone(trial.root);
  });

  it("comes up although it was interrupted at ten places", async () => {
    // Even ones as Ctrl-C does, odd ones as a power cut does.
    for (const [index, resources] of [1, 4, 6, 6, 6, 6, 3, 3, 5, 6].entries()) {
      const signal = index % 2 === 0 ? "SIGINT" : "SIGKILL";
      const command = trial.start("up", "--beside");
      await eventually(`resource ${String(resources)} of the plan`, 400, () =>
        Promise.resolve(
          command.finished || (command.text.match(/ created/g)?.length ?? 0) >= resources,
        ),
      );
      command.signal(signal);
      const { text } = await command.ended;
      await eventually("no pulumi left", 30, async () => (await pulumis(trial)).length === 0);
      expect(text).not.to.match(/TypeError|ReferenceError|at .*\.ts:\d+/);
    }
    succeeded(await trial.run("up", "--beside"));
    expect(Object.values(trialPorts())).not.to.include(trial.portBase);
  });

  it("prints where to go, who signs in and how to trust the certificate", async () => {
    const { text } = await trial.run("up");
    expect(text).to.contain("http").and.to.contain("ca.crt").and.to.contain("hive status");
  });

  it("has nothing left to do", async () => {
    succeeded(await trial.run("preview", "--expect-no-changes"));
    const again = await trial.run("up");
    succeeded(again);
    expect(again.text)
      .to.match(/\d+ unchanged/)
      .and.not.to.match(/\d+ (created|updated|replaced|deleted|to )/);
    succeeded(await trial.pulumi("preview", "--stack", "dev", "--refresh", "--expect-no-changes"));
  });

  it("signs the administrator in only with a change of the one-time password", async () => {
    const admin = await KeycloakAdmin.of(trial);
    const [user] = await admin.get<{ id: string; requiredActions: string[] }[]>(
      "/hivematrix/users?username=admin",
    );
    expect(user?.requiredActions).to.deep.equal(["UPDATE_PASSWORD"]);
    const groups = await admin.get<{ name: string }[]>(
      `/hivematrix/users/${String(user?.id)}/groups`,
    );
    expect(groups.map(({ name }) => name)).to.include("admins");
  });

  it("finds and repairs a realm, mapper and client changed by hand", async () => {
    const admin = await KeycloakAdmin.of(trial);
    await admin.change("/hivematrix", { registrationAllowed: true });
    const [client] = await admin.get<{ id: string }[]>("/hivematrix/clients?clientId=core-client");
    await admin.change(`/hivematrix/clients/${String(client?.id)}`, {
      directAccessGrantsEnabled: true,
    });
    const scopes = await admin.get<
      { id: string; name: string; protocolMappers?: { id: string }[] }[]
    >("/hivematrix/client-scopes");
    const scope = scopes.find(({ name }) => name === "groups");
    const mapper = scope?.protocolMappers?.[0]?.id ?? "";
    await admin.delete(
      `/hivematrix/client-scopes/${String(scope?.id)}/protocol-mappers/models/${mapper}`,
    );

    const seen = await trial.pulumi("preview", "--stack", "dev", "--refresh", "--diff");
    expect(seen.text)
      .to.contain("realm-realm")
      .and.to.contain("realm-client")
      .and.to.contain("realm-groups-mapper");
    succeeded(await trial.run("up"));
    expect(await admin.get("/hivematrix")).to.have.property("registrationAllowed", false);
    expect(await admin.get(`/hivematrix/clients/${String(client?.id)}`)).to.have.property(
      "directAccessGrantsEnabled",
      false,
    );
    succeeded(await trial.pulumi("preview", "--stack", "dev", "--refresh", "--expect-no-changes"));
  });

  it("finds and repairs an edited file, a deleted folder, a stopped and a removed service", async () => {
    await appendFile(join(trial.root, "services.json"), "edited");
    await rm(join(trial.root, "tls"), { recursive: true });
    succeeded(await trial.hive("stop", "keycloak"));
    const seen = await trial.pulumi(
      "refresh",
      "--stack",
      "dev",
      "--preview-only",
      "--diff",
      ...onHost,
    );
    for (const name of ["services-file", "certificate-folder", "keycloak-service"]) {
      expect(seen.text).to.contain(name);
    }
    succeeded(await trial.run("up"));
    await rm(join(trial.root, "service", "keycloak"));
    await rm(join(trial.root, "services", "keycloak"), { recursive: true });
    succeeded(await trial.run("up"));
    succeeded(await trial.pulumi("preview", "--stack", "dev", "--refresh", "--expect-no-changes"));
  });

  it("keeps its processes through kill -9 of each", async () => {
    const admin = await KeycloakAdmin.of(trial);
    for (const name of [
      "postgres",
      "java",
      "kc.sh",
      "runsv postgres",
      "runsv keycloak",
      "runsvdir",
    ]) {
      const [pid] = await named(trial, name);
      expect(pid, `a process ${name}`).to.be.a("number");
      kill(pid ?? 0);
      await eventually(`Keycloak answers after kill -9 of ${name}`, 120, () => admin.token());
      succeeded(await trial.run("up"));
      await eventually(`${name} is back`, 60, async () => (await named(trial, name)).length > 0);
    }
  });

  it("comes back after a reboot", async () => {
    for (const pid of await trial.processes()) kill(pid);
    await eventually("nothing runs", 30, async () => (await trial.processes()).length === 0);
    succeeded(await trial.run("up"));
    await (await KeycloakAdmin.of(trial)).token();
    succeeded(await trial.run("preview", "--expect-no-changes"));
  });

  it("rebuilds a realm whose data was lost", async () => {
    await sql(trial, "postgres", "DROP DATABASE keycloak WITH (FORCE)");
    succeeded(await trial.run("up"));
    const admin = await KeycloakAdmin.of(trial);
    expect(await admin.get("/hivematrix")).to.have.property("realm", "hivematrix");
    succeeded(await trial.pulumi("preview", "--stack", "dev", "--refresh", "--expect-no-changes"));
  });

  it("makes again what a cut off up had begun in Keycloak and PostgreSQL", async () => {
    // At that time the logger had not run yet: its database is empty.
    succeeded(await trial.hive("stop", "helm"));
    await sql(trial, "logger", "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    const path = join(trial.directory, ".hive/state/.pulumi/stacks/hivematrix/dev.json");
    const file = JSON.parse(await readFile(path, "utf8")) as {
      checkpoint: {
        latest: { resources: Record<string, unknown>[]; pending_operations?: unknown[] };
      };
    };
    const { latest } = file.checkpoint;
    const begun = ["realm-group-billing", "realm-client", "logger-db-database"];
    const isBegun = ({ urn }: Record<string, unknown>): boolean =>
      begun.some((name) => String(urn).endsWith(`::${name}`));
    const { resources } = latest;
    // As a power cut between the server's answer and the note of it leaves the state.
    latest.pending_operations = resources.filter(isBegun).map((resource) => ({
      resource: { ...resource, id: undefined, outputs: undefined },
      type: "creating",
    }));
    const gone = new Set([...begun, "realm-client-scopes"]);
    latest.resources = resources.filter(
      ({ urn }) => !gone.has(String(urn).split("::").at(-1) ?? ""),
    );
    for (const resource of latest.resources) forget(resource, begun);
    await writeFile(path, JSON.stringify(file));

    succeeded(await trial.run("up"));
    succeeded(await trial.pulumi("preview", "--refresh", "--expect-no-changes"));
  });

  it("takes in a file by pulumi import", async () => {
    const imported = await trial.pulumi(
      "import",
      "--stack",
      "dev",
      "--yes",
      "--protect=false",
      "--generate-code=false",
      "--provider",
      `default=${await hostProvider(trial)}`,
      "host:index:File",
      "imported",
      join(trial.directory, "LICENSE"),
    );
    succeeded(imported);
    expect((await trial.resources()).some(({ urn }) => urn.endsWith("::imported"))).to.equal(true);
    // It is not in the program: forget it without touching the file.
    const urn = (await trial.resources()).find(({ urn }) => urn.endsWith("::imported"))?.urn ?? "";
    succeeded(await trial.pulumi("state", "delete", "--stack", "dev", "--yes", urn));
  });

  it("tells no secret in state, logs, argv or files others can read", async () => {
    const secrets = new Set<string>();
    for (const { outputs } of await trial.resources("--show-secrets")) collect(outputs, secrets);
    expect(secrets.size).to.be.greaterThan(8);
    const places = new Map<string, string>();
    places.set(
      "state",
      await readFile(
        join(trial.directory, ".hive/state/.pulumi/stacks/hivematrix/dev.json"),
        "utf8",
      ),
    );
    for (const pid of await trial.processes()) {
      places.set(
        `argv of ${String(pid)}`,
        await readFile(`/proc/${String(pid)}/cmdline`, "utf8").catch(() => ""),
      );
    }
    const { stdout } = await run("find", [
      trial.root,
      join(trial.directory, ".hive"),
      "-type",
      "f",
      "(",
      "-perm",
      "-o=r",
      "-o",
      "-path",
      "*log*",
      ")",
      "-size",
      "-2M",
      "-print0",
    ]);
    for (const file of stdout
      .split("\0")
      .filter((name) => name !== "" && !name.includes(`${trial.root}/keycloak/2`))) {
      places.set(file, await readFile(file, "latin1"));
    }
    for (const [place, text] of places) {
      for (const secret of secrets) {
        if (text.includes(secret)) expect.fail(`${place} holds a secret`);
      }
    }
  });

  it("leaves the checkout as git knows it", async () => {
    const { stdout } = await run("git", ["status", "--porcelain"], { cwd: trial.directory });
    expect(stdout).to.equal("");
  });

  it("tells the state of its services", async () => {
    const { text, code } = await trial.hive("status", "--json");
    expect(code, text).to.equal(0);
    expect(text).to.contain("postgres").and.to.contain("keycloak");
    succeeded(await trial.hive("restart", "postgres"));
  });

  it("goes without a trace, naming the packages that stay", async () => {
    const { portBase } = trial;
    const down = await trial.run("down", "--yes");
    succeeded(down);
    expect(await trial.processes()).to.deep.equal([]);
    await gone(trial.root);
    expect(await readdir(trial.directory)).not.to.include(".hive");
    for (let offset = 0; offset < 6; offset++) {
      const answer = await fetch(`http://127.0.0.1:${String(portBase + offset)}/`).catch(
        () => undefined,
      );
      expect(answer).to.equal(undefined);
    }
    const { stdout } = await run("git", ["status", "--porcelain"], { cwd: trial.directory });
    expect(stdout).to.equal("");
    expect(checkout).not.to.equal(trial.directory);
  });
});

async function sql(trial: Trial, database: string, text: string): Promise<void> {
  const resources = await trial.resources("--show-secrets");
  const password = resources.find(({ urn }) => urn.endsWith("::postgres-password"));
  const { value } = password?.outputs as { value: { plaintext: string } };
  const port = String(trial.portBase + 5);
  await run("psql", ["-h", "127.0.0.1", "-p", port, "-U", "postgres", "-d", database, "-c", text], {
    env: { ...process.env, PGPASSWORD: JSON.parse(value.plaintext) as string },
  });
}

/** Takes resources out of what another one depends on. */
function forget(resource: Record<string, unknown>, names: readonly string[]): void {
  const others = (urns: unknown): unknown =>
    Array.isArray(urns)
      ? urns.filter((urn) => !names.some((name) => String(urn).endsWith(`::${name}`)))
      : urns;
  resource["dependencies"] = others(resource["dependencies"]);
  const byProperty = resource["propertyDependencies"] ?? {};
  resource["propertyDependencies"] = Object.fromEntries(
    Object.entries(byProperty).map(([key, urns]) => [key, others(urns)]),
  );
}

/** Leaves out what needs Keycloak or PostgreSQL to be looked at. */
const onHost = ["--exclude", "**keycloak:**", "--exclude", "**postgresql:**"];

function succeeded({ code, text }: Outcome): void {
  expect(code, text).to.equal(0);
}

async function gone(path: string): Promise<void> {
  const there = await access(path).then(
    () => true,
    () => false,
  );
  expect(there, `${path} is still there`).to.equal(false);
}

async function hostProvider(trial: Trial): Promise<string> {
  const found = (await trial.resources()).find(({ type }) => type === "pulumi:providers:host");
  return found?.urn ?? "";
}

/** Pids of the trial's processes by program name, or by `PROGRAM ARGUMENT`. */
async function named(trial: Trial, name: string): Promise<number[]> {
  const found = await Promise.all(
    (await trial.processes()).map(async (pid) => {
      const argv = (await readFile(`/proc/${String(pid)}/cmdline`, "utf8").catch(() => "")).split(
        "\0",
      );
      const words = argv.map((word) => word.slice(word.lastIndexOf("/") + 1));
      const line = words.slice(0, 2).join(" ");
      return words.slice(0, 2).includes(name) || line === name ? pid : undefined;
    }),
  );
  return found.filter((pid) => pid !== undefined);
}

async function pulumis(trial: Trial): Promise<string[]> {
  const { stdout } = await run("sh", [
    "-c",
    "ls -l /proc/[0-9]*/cwd /proc/[0-9]*/exe 2>/dev/null || true",
  ]);
  return stdout.split("\n").filter((line) => line.includes(`-> ${trial.directory}`));
}

/** Every string marked secret, except short ones that would match anything. */
function collect(value: unknown, secrets: Set<string>): void {
  if (typeof value !== "object" || value === null) return;
  if ("plaintext" in value && typeof value.plaintext === "string") {
    const text: unknown = JSON.parse(value.plaintext);
    if (typeof text === "string" && text.length >= 16) secrets.add(text);
  }
  for (const inner of Object.values(value)) collect(inner, secrets);
}
