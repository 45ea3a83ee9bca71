import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import type pg from "pg";

import { issueAuthority, issueCertificate } from "../../provider/pki.ts";
import { ask, createDatabaseTrial, secretOf } from "../support/databaseTrial.ts";
import { startTlsServer, type TlsServer } from "../support/postgres.ts";
import type { Trial } from "../support/trial.ts";

describe("a PostgreSQL that somebody else looks after", function () {
  this.timeout(600_000);
  let trial: Trial;
  let server: TlsServer;
  let ca: string;

  before(async () => {
    const authority = await issueAuthority("the other's authority", 10);
    server = await startTlsServer(
      await issueCertificate({
        authorityCertificate: authority.certificate,
        authorityKey: authority.privateKey,
        names: ["localhost"],
        days: 10,
      }),
    );
    ca = authority.certificate;
    trial = await createDatabaseTrial();
    await writeFile(join(trial.directory, "other.crt"), ca);
    const stranger = await issueAuthority("a stranger's authority", 10);
    await writeFile(join(trial.directory, "stranger.crt"), stranger.certificate);
  });

  after(async () => {
    await trial.remove();
    await server.stop();
  });

  /** Writes the stack's configuration. */
  async function say(changes: object, password?: string): Promise<void> {
    const good = { host: "localhost", port: server.port, authority: "other.crt" };
    const lines = [
      "config:",
      `  hivematrix:postgres: ${JSON.stringify({ ...good, ...changes })}`,
      ...(password === undefined ? [] : [`  hivematrix:postgresPassword: "${password}"`]),
    ];
    await writeFile(join(trial.directory, "Pulumi.dev.yaml"), `${lines.join("\n")}\n`);
  }

  /** As a client on this machine. */
  function access(user: string, password: string, database: string): pg.ClientConfig {
    return { host: "localhost", port: server.port, user, password, database, ssl: { ca } };
  }

  const askServer = (text: string) => ask(access("postgres", server.password, "postgres"), text);

  const faults = [
    ["no password for it", {}, undefined, "hivematrix:postgres needs the password of postgres"],
    ["a wrong password", {}, "wr0ng", "refuses the password of postgres: give it"],
    ["a server that is away", { port: 9 }, "x", "PostgreSQL at localhost:9 does not answer: start"],
    ["the wrong authority", { authority: "stranger.crt" }, "x", "does not prove who it is by TLS"],
    [
      "a name not in its certificate",
      { host: "127.0.0.1" },
      "x",
      "does not prove who it is by TLS",
    ],
    ["an authority that is not there", { authority: "no.crt" }, "x", "no.crt cannot be read"],
  ] as const;
  for (const [title, changes, password, sentence] of faults) {
    it(`is not used with ${title}: one sentence, and nothing is made`, async () => {
      await say(changes, password);
      const { code, text } = await trial.run("up", "--beside");
      expect(code, text).not.to.equal(0);
      expect(text).to.include(sentence).and.not.to.include("wr0ng");
      const made = await askServer("SELECT rolname FROM pg_roles WHERE rolname LIKE 'core%'");
      expect(made).to.deep.equal([]);
    });
  }

  it("gets databases and roles as our own would; nobody enters without TLS, or another's", async () => {
    await say({}, server.password);
    const { code, text } = await trial.run("up", "--beside");
    expect(code, text).to.equal(0);
    const password = secretOf(await trial.resources("--show-secrets"), "core-db-password");
    const acts = await ask(access("core", password, "core"), "SELECT current_user::text AS it");
    expect(acts).to.deep.equal([{ it: "core_owner" }]);
    const plain = { ...access("core", password, "core"), ssl: false };
    for (const [to, reason] of [
      [plain, "28000"],
      [access("core", password, "logger"), "42501"],
    ] as const) {
      const fault: unknown = await ask(to, "SELECT 1").catch((thrown: unknown) => thrown);
      expect(fault).to.have.property("code", reason);
    }
  });

  it("is left unchanged by a second up, and what is changed there is found and repaired", async () => {
    const preview = await trial.run("preview", "--refresh", "--expect-no-changes");
    expect(preview.code, preview.text).to.equal(0);
    await askServer("GRANT CONNECT ON DATABASE core TO PUBLIC");
    const { code, text } = await trial.run("up");
    expect(code, text).to.equal(0);
    const [row] = await askServer(
      "SELECT datacl::text AS it FROM pg_database WHERE datname = 'core'",
    );
    expect(row).to.deep.equal({ it: "{core_owner=CTc/core_owner}" });
  });

  it("that stops answering is named in one sentence by the next up", async () => {
    await server.stop();
    const { code, text } = await trial.run("up");
    expect(code, text).not.to.equal(0);
    expect(text.trim().split("\n").at(-1)).to.match(
      /PostgreSQL at localhost:\d+ does not answer: start it, then run the same command again\.$/,
    );
  });
});
