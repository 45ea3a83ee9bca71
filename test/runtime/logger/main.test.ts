import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import type { LoggerEnv } from "../../../runtime/logger/config.ts";
import { createDatabase } from "../../support/postgres.ts";
import { eventually } from "./testLogger.ts";

const main = new URL("../../../runtime/logger/main.ts", import.meta.url).pathname;

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<unknown>;
}

function run(env: Record<string, string>): Run {
  const child = spawn(process.execPath, [main], { env, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  }
  return {
    child,
    output: () => text,
    ended: once(child, "exit").then(([code]) => code as unknown),
  };
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return String(port);
}

describe("the logger's process", () => {
  it("names what is wrong with its environment, without values, and ends with 78", async () => {
    const { ended, output } = run({ PORT: "0", DB_PASSWORD: "hunter2", DB_PORT: "x" });
    expect(await ended).to.equal(78);
    expect(output()).to.contain("PORT: ").and.to.contain("DB_NAME: ").and.to.contain("CORE_URL: ");
    expect(output()).not.to.contain("hunter2");
  });

  it("works while core is away: it collects, answers 503, and ends in order", async () => {
    const folder = mkdtempSync(join(tmpdir(), "logger-main-"));
    const logs = join(folder, "codex", "log", "main");
    mkdirSync(logs, { recursive: true });
    writeFileSync(join(logs, "current"), "2026-11-24_09:00:00.00001 collected\n");
    const database = await createDatabase();
    const env: Partial<Record<keyof LoggerEnv, string>> = {
      PORT: await freePort(),
      READY_FILE: join(folder, "ready"),
      DB_PORT: String(database.port),
      DB_NAME: database.database,
      DB_USER: database.user,
      DB_PASSWORD: database.password,
      CORE_URL: `http://127.0.0.1:${await freePort()}`,
      SERVICES_FOLDER: folder,
    };
    const { child, ended, output } = run(env);
    try {
      await eventually(() => Promise.resolve(output().includes('"msg":"ready"')));
      expect(readFileSync(join(folder, "ready"), "utf8")).to.equal(`${String(child.pid)}\n`);
      const url = `http://127.0.0.1:${env.PORT ?? ""}`;
      expect((await fetch(`${url}/health`)).status).to.equal(200);
      const authorization = "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.e30.YQ";
      const response = await fetch(`${url}/api/logs`, { headers: { authorization } });
      expect(response.status).to.equal(503);
      await eventually(async () => {
        const { rows } = await database.pool.query(
          "SELECT 1 FROM log_entries WHERE message = 'collected'",
        );
        return rows.length === 1;
      });
      child.kill("SIGTERM");
      expect(await ended, output()).to.equal(0);
      expect(output()).not.to.contain(database.password);
      // The last access line is written before the end.
      const { rows } = await database.pool.query(
        "SELECT 1 FROM log_entries WHERE service_name = 'helm' AND message LIKE 'GET /api/logs 503%'",
      );
      expect(rows).to.have.length(1);
    } finally {
      child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
