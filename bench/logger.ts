/**
 * The logger against PostgreSQL alone: four clients send batches of 100 lines, first by COPY into the
 * same partitioned table with its indexes but without words (`bare`), then through the logger, which is
 * asked afterwards. Every commit waits for the disk in both.
 * Usage: npm run bench -- logger [SECONDS, default 60] [LINES in the end, default 1500000]
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { exportJWK, generateKeyPair, SignJWT } from "jose";
import pg from "pg";

import { bundle } from "../components/bundle.ts";
import { loggerFlags } from "../components/logger.ts";
import { migrate } from "../runtime/kernel/migrations.ts";
import { copyRows } from "../runtime/logger/copy.ts";
import { Partitions } from "../runtime/logger/partitions.ts";
import { recordOf } from "./logger/records.ts";
import { freePort, memoryOf, processSeconds, startPostgres, type Server } from "./logger/server.ts";

const clients = 4;
const batchSize = 100;
const seconds = Number(process.argv[2] ?? 60);
const lines = Number(process.argv[3] ?? 1_500_000);
const columns =
  "timestamp, service_name, level, message, context, trace_id, user_id, hostname, process_id";

interface Run {
  readonly sent: number;
  readonly rate: number;
  /** Milliseconds of each batch. */
  readonly times: readonly number[];
}

const postgres = await startPostgres();
const folder = mkdtempSync(join(tmpdir(), "bench-logger-"));
let logger: ChildProcess | undefined;
try {
  const bare = await runBare(postgres);
  console.log(
    `bare: ${bare.rate.toFixed(0)} lines/s, ${((postgres.cpu() * 1e6) / bare.sent).toFixed(1)} µs of PostgreSQL a line; ` +
      `batches ${quantile(bare.times, 0.5).toFixed(1)} ms median, ${quantile(bare.times, 0.99).toFixed(1)} ms p99`,
  );

  const core = await startCore();
  const database = await createDatabase(postgres, "logger");
  const port = await freePort();
  const process_ = await startLogger(port, core.url, postgres);
  logger = process_;
  const url = `http://127.0.0.1:${String(port)}`;
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const send = async (body: string): Promise<void> => {
    const status = await post(`${url}/api/logs/ingest`, agent, core.service, body);
    if (status !== 200) throw new Error(`the logger answers ${String(status)}`);
  };
  const ingest = (first: number, count: number) => (): string => {
    const records = Array.from({ length: count }, (_, index) =>
      recordOf(first + index, new Date()),
    );
    return `{"service_name":"codex","logs":[${records.map(({ json }) => json).join(",")}]}`;
  };
  // A process just started is not yet as fast as it will be.
  await run(2, async (number) => {
    await send(ingest(-number - batchSize, batchSize)());
  });
  const before = { node: processSeconds(process_), postgres: postgres.cpu() };
  const logged = await run(seconds, async (number) => {
    await send(ingest(number, batchSize)());
  });
  const searchable = await untilIndexed(database);
  const node = ((processSeconds(process_) - before.node) * 1e6) / logged.sent;
  const server = ((postgres.cpu() - before.postgres) * 1e6) / logged.sent;
  const memory = memoryOf(process_) / 1e6;
  console.log(
    `logger: ${logged.rate.toFixed(0)} lines/s, ${node.toFixed(1)} µs of Node and ${server.toFixed(1)} µs of PostgreSQL a line; ` +
      `batches ${quantile(logged.times, 0.5).toFixed(1)} ms median, ${quantile(logged.times, 0.99).toFixed(1)} ms p99; ` +
      `all in the index after ${searchable.toFixed(0)} ms; ${memory.toFixed(0)} MB`,
  );

  let stored = logged.sent;
  while (stored < lines) {
    await Promise.all(
      Array.from({ length: clients }, (_, index) => send(ingest(stored + index * 500, 500)())),
    );
    stored += clients * 500;
  }
  await untilIndexed(database);
  await database.query("VACUUM ANALYZE");
  const bytes = await sizeOf(database);
  for (const row of await sizes(database)) console.log(`  ${row}`);

  const ask = async (name: string, query: (index: number) => string): Promise<number> => {
    const times: number[] = [];
    for (let index = 0; index < 100; index++) {
      const start = performance.now();
      const response = await fetch(`${url}/api/logs?${query(index)}`, {
        headers: { authorization: `Bearer ${core.admin}` },
      });
      const { logs } = (await response.json()) as { logs?: unknown[] };
      if (logs === undefined || logs.length === 0) throw new Error(`${name} finds nothing`);
      times.push(performance.now() - start);
    }
    const [median, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
    console.log(`${name}: ${median.toFixed(1)} ms median, ${p99.toFixed(1)} ms p99`);
    return round(median);
  };
  const any = (index: number): number => Math.floor((stored / 101) * (index + 1));
  const now = new Date();
  const ratios = {
    ingest_vs_bare: round(logged.rate / bare.rate),
    cpu_us_per_record: round(node + server),
    bytes_per_record: Math.round(bytes),
    p99_ms: round(quantile(logged.times, 0.99)),
    tail_ms: await ask("tail", () => "limit=100"),
    level_ms: await ask("level", () => "limit=100&level=ERROR"),
    trace_ms: await ask("trace", (index) => `trace_id=${recordOf(any(index), now).trace}`),
    word_ms: await ask("rare word", (index) => `q=${recordOf(any(index), now).word}`),
    rss_mb: Math.round(memory),
  };
  await database.end();
  core.close();
  console.log(JSON.stringify({ bench: "logger", ratios }));
} finally {
  if (logger !== undefined) {
    const ended = once(logger, "exit");
    logger.kill();
    await ended;
  }
  await postgres.stop();
  rmSync(folder, { recursive: true });
}

/** Each client sends its next batch when the last one is acknowledged. */
async function run(
  duration: number,
  work: (number: number, client: number) => Promise<void>,
): Promise<Run> {
  const times: number[] = [];
  let next = 0;
  const start = performance.now();
  const client = async (index: number): Promise<void> => {
    while (performance.now() - start < duration * 1000) {
      const number = next;
      next += batchSize;
      const begin = performance.now();
      await work(number, index);
      times.push(performance.now() - begin);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
  return { sent: next, rate: next / ((performance.now() - start) / 1000), times };
}

async function runBare(server: Server): Promise<Run> {
  const pool = await createDatabase(server, "bare");
  await migrate(pool, new URL("../runtime/logger/migrations/", import.meta.url));
  await new Partitions(pool, () => new Date()).prepare();
  const connections = await Promise.all(Array.from({ length: clients }, () => pool.connect()));
  const result = await run(seconds, async (number, index) => {
    const rows = Array.from(
      { length: batchSize },
      (_, at) => recordOf(number + at, new Date()).row,
    );
    const connection = connections[index];
    if (connection === undefined) throw new Error("no connection");
    await copyRows(connection, { [`log_entries (${columns})`]: rows.join("") });
  });
  for (const connection of connections) connection.release();
  await pool.end();
  return result;
}

async function createDatabase(server: Server, name: string): Promise<pg.Pool> {
  const admin = new pg.Client({ ...server.access, database: "postgres" });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const pool = new pg.Pool({ ...server.access, database: name });
  // In the end the server goes first.
  pool.on("error", () => undefined);
  return pool;
}

async function startLogger(port: number, core: string, server: Server): Promise<ChildProcess> {
  const flags = [...process.execArgv, ...loggerFlags];
  const child = spawn(process.execPath, [...flags, join(bundle("logger").source, "main.js")], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      PORT: String(port),
      DB_PORT: String(server.access.port),
      DB_NAME: "logger",
      DB_USER: server.access.user,
      DB_PASSWORD: server.access.password,
      CORE_URL: core,
      SERVICES_FOLDER: folder,
      LOG_LEVEL: "warn",
    },
  });
  for (const deadline = Date.now() + 20_000; ;) {
    const answer = await fetch(`http://127.0.0.1:${String(port)}/health`).catch(() => undefined);
    if (answer !== undefined) return child;
    if (Date.now() > deadline) throw new Error("the logger does not start");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function startCore() {
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  const keys = [{ ...(await exportJWK(publicKey)), kid: "bench", alg: "RS256", use: "sig" }];
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ keys }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const sign = (claims: Record<string, unknown>): Promise<string> =>
    new SignJWT({ iss: "hivematrix-core", ...claims })
      .setProtectedHeader({ alg: "RS256", kid: "bench", typ: "JWT" })
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(privateKey);
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    service: await sign({
      sub: "service:codex",
      type: "service",
      calling_service: "codex",
      target_service: "helm",
    }),
    admin: await sign({ sub: "u", jti: "j", permission_level: "admin" }),
    close: () => server.close(),
  };
}

function post(url: string, agent: Agent, token: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      "content-type": "application/json",
      authorization: `Bearer ${token}`,
      "content-length": Buffer.byteLength(body),
    };
    const sent = request(url, { method: "POST", agent, headers }, (response) => {
      response.resume().on("end", () => {
        resolve(response.statusCode ?? 0);
      });
    });
    sent.on("error", reject).end(body);
  });
}

/** @returns milliseconds until no line waits for its place in the index of words */
async function untilIndexed(database: pg.Pool): Promise<number> {
  await database.query("CREATE EXTENSION IF NOT EXISTS pgstattuple");
  for (const start = performance.now(); ;) {
    const { rows } = await database.query<{ pending: number }>(
      `SELECT sum((pgstatginindex(indexrelid)).pending_pages)::float8 AS pending FROM pg_index
       JOIN pg_class ON pg_class.oid = indexrelid AND relkind = 'i'
       WHERE indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'log_words'::regclass)
         AND relam = (SELECT oid FROM pg_am WHERE amname = 'gin')`,
    );
    if ((rows[0]?.pending ?? 0) === 0) return performance.now() - start;
    if (performance.now() - start > 60_000) throw new Error("lines still wait for the index");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function sizeOf(database: pg.Pool): Promise<number> {
  const { rows } = await database.query<{ bytes: number }>(
    `SELECT sum(pg_total_relation_size(inhrelid))::float8 / (SELECT count(*) FROM log_entries) AS bytes
     FROM pg_inherits WHERE inhparent IN ('log_entries'::regclass, 'log_words'::regclass)`,
  );
  return rows[0]?.bytes ?? NaN;
}

async function sizes(database: pg.Pool): Promise<string[]> {
  const { rows } = await database.query<{ name: string; bytes: number }>(
    `SELECT relname AS name, pg_relation_size(oid)::float8 / (SELECT count(*) FROM log_entries) AS bytes
     FROM pg_class WHERE relname LIKE 'log\\_%' ORDER BY 2 DESC LIMIT 8`,
  );
  return rows.map(({ name, bytes }) => `${name}: ${bytes.toFixed(0)} bytes a line`);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
