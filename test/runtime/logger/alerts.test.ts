import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { Alerts } from "../../../runtime/logger/alerts/alerts.ts";
import { type Channel, openChannels } from "../../../runtime/logger/alerts/channels.ts";
import { type Fault, findFaults } from "../../../runtime/logger/alerts/rules.ts";
import type { Alert } from "../../../runtime/logger/alerts/alert.ts";
import { Probes } from "../../../runtime/logger/probes.ts";
import { loggerSettings } from "../../../runtime/logger/settings.ts";
import { LogStore } from "../../../runtime/logger/store.ts";
import { frozen, quiet, TestLogger } from "./testLogger.ts";

const fault: Fault = { rule: "disk", subject: "disk", message: "The disk is full to 95 %." };

describe("alerts (weakness 53)", () => {
  let logger: TestLogger;
  let seconds = 0;
  let faults: Fault[] = [];
  let told: string[] = [];
  let fails = false;
  const now = (): Date => new Date(frozen.getTime() + seconds * 1000);

  before(async () => (logger = await TestLogger.start()));
  after(() => logger.stop());
  beforeEach(async () => {
    await logger.pool.query("TRUNCATE alerts");
    [seconds, faults, told, fails] = [0, [], [], false];
  });

  const channel: Channel = ({ state, subject }) => {
    if (fails) return Promise.reject(new Error("status 500"));
    told.push(`${subject} ${state}`);
    return Promise.resolve();
  };
  const create = (): Alerts =>
    new Alerts({
      pool: logger.pool,
      log: quiet,
      find: () => Promise.resolve(faults),
      channels: new Map([["webhook", channel]]),
      settings: { raiseAfter: 60, clearAfter: 300 },
      now,
    });
  const rows = async () => {
    const result = await logger.pool.query<{ active: boolean; pending: string[]; faults: object }>(
      "SELECT cleared_at IS NULL AS active, pending, faults FROM alerts ORDER BY id",
    );
    return result.rows;
  };

  it("are raised when a fault lasts and cleared when it is gone for good, each told once", async () => {
    const alerts = create();
    faults = [fault];
    for (seconds = 0; seconds < 60; seconds += 15) await alerts.check();
    expect(await rows()).to.deep.equal([]);
    await alerts.check();
    await alerts.check();
    expect(told).to.deep.equal(["disk raised"]);
    const admin = await logger.core.user("admin");
    const answer = await logger.request("/api/alerts", admin);
    const { active } = (await answer.json()) as { active: Alert[] };
    expect(active.map(({ message }) => message)).to.deep.equal([fault.message]);

    faults = [];
    for (seconds = 100; seconds < 400; seconds += 50) await alerts.check();
    expect(told).to.have.length(1);
    await alerts.check();
    expect(told).to.deep.equal(["disk raised", "disk cleared"]);
    expect((await rows()).map(({ active: one }) => one)).to.deep.equal([false]);
  });

  it("do not flap: what comes and goes is one alert, or none", async () => {
    const alerts = create();
    for (seconds = 0; seconds < 600; seconds += 30) {
      faults = seconds % 60 === 0 ? [fault] : [];
      await alerts.check();
    }
    expect(told).to.deep.equal([]);
    faults = [fault];
    for (; seconds < 720; seconds += 30) await alerts.check();
    for (; seconds < 2400; seconds += 60) {
      faults = seconds % 240 === 0 ? [fault] : [];
      await alerts.check();
    }
    expect(told).to.deep.equal(["disk raised"]);
  });

  it("are told again until a channel takes them, also by the next process", async () => {
    const alerts = create();
    faults = [fault];
    fails = true;
    await alerts.check();
    seconds = 60;
    await alerts.check();
    expect((await rows())[0]).to.deep.include({
      pending: ["webhook"],
      faults: { webhook: "status 500" },
    });
    fails = false;
    await create().check();
    expect(told).to.deep.equal(["disk raised"]);
    expect((await rows())[0]).to.deep.include({ pending: [], faults: {} });
  });

  it("can be tried: the test of hive goes to all channels", async () => {
    await logger.pool.query(
      `INSERT INTO alerts (rule, subject, message, raised_at, cleared_at, pending)
       VALUES ('test', 'hive', 'A test.', now(), now(), '{*}')`,
    );
    await create().check();
    expect(told).to.deep.equal(["hive cleared"]);
  });
});

describe("channels of alerts", () => {
  const alert: Alert = {
    id: 7,
    rule: "service",
    subject: "core",
    message: "core is not running: timeout.",
    state: "raised",
    raised_at: "2026-11-24T10:00:00Z",
    cleared_at: null,
  };
  let server: Server;
  let url: string;
  let status = 200;
  const requests: { headers: NodeJS.Dict<string | string[]>; body: string }[] = [];

  before(async () => {
    server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (piece: string) => (body += piece));
      request.on("end", () => {
        requests.push({ headers: request.headers, body });
        response.writeHead(status).end();
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/hook`;
  });
  after(() => server.close());

  const tell = (settings: object, name: string): Promise<void> => {
    const parsed = loggerSettings.parse({ alerts: { channels: settings } });
    const channel = openChannels(parsed.alerts.channels, "hive-1").get(name);
    if (channel === undefined) throw new Error("no channel");
    return channel(alert);
  };

  it("webhook: posts the alert as JSON", async () => {
    await tell({ webhook: { url, headers: { authorization: "Bearer x" } } }, "webhook");
    const { headers, body } = requests.at(-1) ?? { headers: {}, body: "" };
    expect(JSON.parse(body)).to.deep.equal({ ...alert, host: "hive-1" });
    expect(headers["authorization"]).to.equal("Bearer x");
  });

  it("ntfy: message, title and priority; a refusal is a fault", async () => {
    await tell({ ntfy: { url, token: "tk_1" } }, "ntfy");
    const { headers, body } = requests.at(-1) ?? { headers: {}, body: "" };
    expect(body).to.equal(alert.message);
    expect(headers).to.deep.include({
      title: "hive-1: service core raised",
      priority: "high",
      authorization: "Bearer tk_1",
    });
    status = 403;
    const refused = await tell({ ntfy: { url } }, "ntfy").catch((reason: unknown) => reason);
    expect(String(refused)).to.equal("Error: status 403");
  });

  it("mail: hands it to an SMTP server", async () => {
    const lines: string[] = [];
    const smtp = createTcpServer((socket) => {
      let inData = false;
      socket.write("220 test ESMTP\r\n");
      socket.on("data", (bytes) => {
        for (const line of bytes.toString().split("\r\n").slice(0, -1)) {
          lines.push(line);
          if (inData) {
            if (line === ".") socket.write("250 taken\r\n");
            if (line === ".") inData = false;
          } else if (line === "DATA") {
            inData = true;
            socket.write("354 go on\r\n");
          } else if (line === "QUIT") socket.end("221 bye\r\n");
          else socket.write("250 test\r\n");
        }
      });
    }).listen(0, "127.0.0.1");
    await once(smtp, "listening");
    const port = String((smtp.address() as AddressInfo).port);
    const mail = {
      server: `smtp://127.0.0.1:${port}`,
      from: "hive@example.com",
      to: ["ops@example.com"],
    };
    try {
      await tell({ mail }, "mail");
    } finally {
      smtp.close();
    }
    expect(lines).to.include.members([
      "RCPT TO:<ops@example.com>",
      "Subject: hive-1: service core raised",
      alert.message,
    ]);
  });
});

describe("rules of alerts", () => {
  let logger: TestLogger;
  let folder: string;
  let probes: Probes;

  before(async () => {
    logger = await TestLogger.start();
    folder = mkdtempSync(join(tmpdir(), "alerts-"));
    const database = (): Promise<unknown> => logger.pool.query("SELECT 1");
    const checks = { core: `${logger.core.url}/health`, gone: "http://127.0.0.1:1/health" };
    probes = new Probes({ checks, database, now: () => frozen });
  });
  after(async () => {
    await probes.close();
    await logger.stop();
    rmSync(folder, { recursive: true });
  });

  const find = async (settings: object, usage = 10): Promise<string[]> => {
    const { rules } = loggerSettings.parse({ alerts: { rules: settings } }).alerts;
    const store = new LogStore(logger.pool, () => frozen);
    const options = { settings: rules, probes, store, now: () => frozen };
    const found = await findFaults({ ...options, usage: () => Promise.resolve(usage) });
    return found.filter(({ subject }) => subject !== "gone").map(({ message }) => message);
  };

  it("a service that does not answer", async () => {
    const { rules } = loggerSettings.parse({}).alerts;
    const store = new LogStore(logger.pool, () => frozen);
    const options = { settings: rules, probes, store, now: () => frozen };
    const found = await findFaults({ ...options, usage: () => Promise.resolve(undefined) });
    expect(found).to.deep.equal([
      { rule: "service", subject: "gone", message: "gone is not running: connection refused." },
    ]);
  });

  it("a disk that fills up", async () => {
    expect(await find({ disk: 80 }, 79)).to.deep.equal([]);
    expect(await find({ disk: 80 }, 81)).to.deep.equal([
      "The disk is full to 81 %; alerts begin at 80 %.",
    ]);
  });

  it("a backup or a drill that is too old, or was never", async () => {
    const path = join(folder, "backup");
    const ages = { backup: { path, hours: 26 } };
    expect(await find({ ages })).to.deep.equal([`There is no backup: ${path} is missing.`]);
    writeFileSync(path, "");
    utimesSync(path, frozen, new Date(frozen.getTime() - 30 * 3_600_000));
    expect(await find({ ages })).to.deep.equal([
      "The last backup is 30 hours old; it should be at most 26.",
    ]);
    utimesSync(path, frozen, frozen);
    expect(await find({ ages })).to.deep.equal([]);
  });

  it("many failed sign-ins, many errors; an alert's own line is none of them", async () => {
    const keycloak = await logger.core.service("keycloak");
    const line = 'type="LOGIN_ERROR", realmName="hivematrix", error="invalid_user_credentials"';
    const logs = Array.from({ length: 3 }, () => ({ message: line, level: "WARNING" }));
    await logger.ingest({ logs }, keycloak);
    expect(await find({ failedSignIns: 4 })).to.deep.equal([]);
    expect(await find({ failedSignIns: 3 })).to.deep.equal([
      "3 sign-ins failed in the last 5 minutes.",
    ]);
    const codex = await logger.core.service("codex");
    const errors = [1, 2, 3].map((each) => ({ message: "bad", level: "ERROR", context: { each } }));
    const alerts = [1, 2].map(() => ({ message: "x", level: "ERROR", context: { alert: "disk" } }));
    await logger.ingest({ logs: [...errors, ...alerts] }, codex);
    expect(await find({ errors: 4 })).to.deep.equal([]);
    expect(await find({ errors: 3 })).to.deep.equal([
      "codex wrote 3 lines of ERROR and above in the last 5 minutes.",
    ]);
  });
});
