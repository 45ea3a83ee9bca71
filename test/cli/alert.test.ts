import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import pg from "pg";
import { pino } from "pino";

import { describeAlert, listAlerts, testChannels } from "../../cli/alert.ts";
import { writeRecord } from "../../cli/record.js";
import { isWell, readStatus } from "../../cli/status.ts";
import { findTrial, type Trial } from "../../cli/trial.ts";
import { issueAuthority, issueCertificate } from "../../provider/pki.ts";
import { migrate } from "../../runtime/kernel/migrations.ts";
import { Alerts } from "../../runtime/logger/alerts/alerts.ts";
import type { Channel } from "../../runtime/logger/alerts/channels.ts";
import { createDatabase, startTlsServer, type TestDatabase } from "../support/postgres.ts";

const status = {
  stack: "dev",
  root: "/",
  supervisor: { running: true, pid: 1 },
  services: [{ name: "core", state: "run", ready: true, pid: 2, seconds: 3 }],
  urls: {},
} as const;

describe("hive alert", () => {
  let database: TestDatabase;
  let folder: string;
  let trial: Trial;

  before(async () => {
    database = await createDatabase();
    await migrate(database.pool, new URL("../../runtime/logger/migrations/", import.meta.url));
    folder = mkdtempSync(join(tmpdir(), "hive-alert-"));
    writeRecord(folder, "dev", { root: join(folder, "data") });
    mkdirSync(join(folder, "data", "service", "helm"), { recursive: true });
    trial = findTrial("dev", folder);
    write(database);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** The logger's environment as its supervisor has it. */
  function write(access: Omit<TestDatabase, "pool">, more: Readonly<Record<string, string>> = {}) {
    const env = join(trial.root, "services", "helm", "env");
    mkdirSync(env, { recursive: true });
    const { host, port, database: name, user, password } = access;
    const variables = { DB_HOST: host, DB_PORT: String(port), DB_NAME: name, DB_USER: user };
    for (const [key, value] of Object.entries({ ...variables, DB_PASSWORD: password, ...more })) {
      writeFileSync(join(env, key), value, { mode: 0o600 });
    }
  }

  /** What the logger does every few seconds. */
  const run = async (channels: ReadonlyMap<string, Channel>, work: Promise<unknown>) => {
    const settings = { raiseAfter: 0, clearAfter: 0 };
    const find = () => Promise.resolve([]);
    const options = { pool: database.pool, log: pino({ level: "silent" }), find, channels };
    const alerts = new Alerts({ ...options, settings, now: () => new Date() });
    let done = false;
    const ended = work.finally(() => (done = true)).catch((fault: unknown) => fault);
    while (!(done as boolean)) await alerts.check();
    return await ended;
  };

  it("lists what is raised, and status is not well then", async () => {
    expect(await listAlerts(trial)).to.deep.equal([]);
    await database.pool.query(
      `INSERT INTO alerts (rule, subject, message, raised_at, pending)
       VALUES ('disk', 'disk', E'full \\x1b[2J', '2026-11-24T10:00:00Z', '{}')`,
    );
    const [alert] = await listAlerts(trial);
    expect(alert).to.include({ rule: "disk", raised_at: "2026-11-24T10:00:00Z" });
    expect(describeAlert(alert ?? expect.fail())).to.equal(
      "disk disk: full \\u001b[2J (since 2026-11-24T10:00:00Z)",
    );
    expect((await readStatus(trial)).alerts).to.have.length(1);
    expect(isWell({ ...status, alerts: [] })).to.equal(true);
    expect(isWell({ ...status, alerts: alert === undefined ? [] : [alert] })).to.equal(false);
    await database.pool.query("TRUNCATE alerts");
  });

  it("test: says how every channel took it", async () => {
    const channels = new Map<string, Channel>([
      ["webhook", () => Promise.resolve()],
      ["ntfy", () => Promise.reject(new Error("status 403"))],
    ]);
    expect(await run(channels, testChannels(trial))).to.deep.equal([
      { channel: "ntfy", fault: "status 403" },
      { channel: "webhook", fault: null },
    ]);
    expect(await listAlerts(trial)).to.deep.equal([]);
  });

  it("test: says that there is no channel, or that nobody tried", async () => {
    expect(String(await run(new Map(), testChannels(trial)))).to.contain(
      "No channel is configured",
    );
    const fault = await testChannels(trial, 0).catch((reason: unknown) => reason);
    expect(String(fault)).to.contain("The logger did not try its channels");
  });

  it("reaches a server that takes nothing but TLS, as the logger does", async () => {
    const { certificate: authority, privateKey: authorityKey } = await issueAuthority("test", 10);
    const names = ["localhost"];
    const server = await startTlsServer(
      await issueCertificate({ authorityCertificate: authority, authorityKey, names, days: 10 }),
    );
    try {
      const { port, password } = server;
      const access = { host: "localhost", port, database: "postgres", user: "postgres", password };
      const path = join(folder, "authority.crt");
      writeFileSync(path, authority);
      write(access, { DB_AUTHORITY: path });
      const pool = new pg.Pool({ ...access, ssl: { ca: authority } });
      await migrate(pool, new URL("../../runtime/logger/migrations/", import.meta.url));
      await pool.end();
      expect(await listAlerts(trial)).to.deep.equal([]);
    } finally {
      await server.stop();
    }
  });
});
