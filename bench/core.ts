/**
 * Core's two busy endpoints by the processor time of its process, against what cannot be less: a
 * service's token against a signature of jose and an empty Node server; the validation of a session
 * that is known against that server alone, which gets the very same requests. PostgreSQL is a process
 * of its own and not counted; a validated session is in core's memory.
 * Usage: npm run bench -- core [SECONDS of each measurement, default 5]
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import pg from "pg";

import { mintUserToken } from "../runtime/core/minting.ts";
import { freePort, processSeconds, startPostgres, type Server } from "./logger/server.ts";
import { post, send } from "./core/load.ts";

const seconds = Number(process.argv[2] ?? 5);
const clients = 16;
const sessions = 64;
const rounds = 3;
const secret = "an encryption key of 32 letters or more";
const caller = "codex-secret-0123456789-0123456789";

interface Measured {
  /** Microseconds of processor time for a request. */
  readonly cpu: number;
  readonly rate: number;
  /** Milliseconds. */
  readonly p99: number;
}

const postgres = await startPostgres();
const children: ChildProcess[] = [];
const sink = createServer((request, response) => {
  request.resume();
  response.end("{}");
}).listen(0, "127.0.0.1");
try {
  await once(sink, "listening");
  const emptyPort = await freePort();
  const empty = start("core/emptyServer.ts", { PORT: String(emptyPort) });
  const corePort = await freePort();
  const core = start("../runtime/core/main.ts", await environment(postgres, corePort, sink));
  children.push(empty, core);
  await answering(emptyPort);
  await answering(corePort);
  const tokens = await mint(postgres);

  const validate = (number: number): Buffer =>
    post("/api/token/validate", {}, JSON.stringify({ token: tokens[number % sessions] }));
  const names = JSON.stringify({ calling_service: "codex", target_service: "helm" });
  const proof = `Basic ${Buffer.from(`codex:${caller}`).toString("base64")}`;
  const serviceToken = post("/service-token", { Authorization: proof }, names);
  const requests = Array.from({ length: sessions }, (_, number) => validate(number));
  const session = (number: number): Buffer => requests[number % sessions] ?? serviceToken;

  const found = { empty: [], emptySmall: [], validate: [], serviceToken: [], jose: [] } as Record<
    "empty" | "emptySmall" | "validate" | "serviceToken" | "jose",
    Measured[]
  >;
  // In turns: the machine may have other things to do meanwhile.
  for (let round = 0; round < rounds; round++) {
    found.empty.push(await measure(empty, emptyPort, session));
    found.validate.push(await measure(core, corePort, session));
    found.emptySmall.push(await measure(empty, emptyPort, () => serviceToken));
    found.serviceToken.push(await measure(core, corePort, () => serviceToken));
    found.jose.push({ cpu: bareSignature(), rate: NaN, p99: NaN });
  }
  const [bare, small, known, issued, jose] = [
    least(found.empty),
    least(found.emptySmall),
    least(found.validate),
    least(found.serviceToken),
    least(found.jose),
  ];
  say("empty server, requests to validate", bare);
  say("validate a known session", known);
  say("empty server, requests for a service's token", small);
  say("service's token", issued);
  console.log(`jose alone: ${jose.cpu.toFixed(0)} µs of processor time a signature`);
  const ratios = {
    sign_vs_jose: round2(issued.cpu / (jose.cpu + small.cpu)),
    validate_vs_empty_http: round2(known.cpu / bare.cpu),
    sign_p99_ms: round2(issued.p99),
    validate_p99_ms: round2(known.p99),
    empty_p99_ms: round2(bare.p99),
  };
  console.log(JSON.stringify({ bench: "core", ratios }));
} finally {
  for (const child of children) {
    const ended = once(child, "exit");
    child.kill();
    await ended;
  }
  sink.close();
  await postgres.stop();
}

function start(file: string, env: Readonly<Record<string, string>>): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return spawn(process.execPath, [path], { stdio: ["ignore", "ignore", "inherit"], env });
}

async function environment(server: Server, port: number, log: typeof sink) {
  const admin = new pg.Client({ ...server.access, database: "postgres" });
  await admin.connect();
  await admin.query("CREATE DATABASE core");
  await admin.end();
  const away = `http://127.0.0.1:${String(await freePort())}`;
  return {
    PORT: String(port),
    DB_PORT: String(server.access.port),
    DB_NAME: "core",
    DB_USER: server.access.user,
    DB_PASSWORD: server.access.password,
    KEYCLOAK_URL: away,
    KEYCLOAK_REALM: "hivematrix",
    KEYCLOAK_ISSUER: away,
    KEYCLOAK_CLIENT_ID: "core-client",
    KEYCLOAK_CLIENT_SECRET: "x",
    ENCRYPTION_KEY: secret,
    GATEWAY_NAME: "nexus",
    CALLER_SECRETS: JSON.stringify({
      nexus: `nexus-${caller}`,
      codex: caller,
      helm: `h-${caller}`,
    }),
    CALLS: JSON.stringify({ codex: ["helm"] }),
    SERVICE_TOKENS_PER_MINUTE: "10000000",
    LOGGER_URL: `http://127.0.0.1:${String((log.address() as AddressInfo).port)}`,
    LOG_LEVEL: "warn",
  };
}

async function answering(port: number): Promise<void> {
  for (const deadline = Date.now() + 30_000; ;) {
    const answer = await fetch(`http://127.0.0.1:${String(port)}/`).catch(() => undefined);
    if (answer?.ok === true) return;
    if (Date.now() > deadline) throw new Error(`nothing answers on port ${String(port)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Tokens of people with a session each. */
async function mint(server: Server): Promise<string[]> {
  const client = new pg.Client({ ...server.access, database: "core" });
  await client.connect();
  const minted: string[] = [];
  for (let number = 0; number < sessions; number++) {
    const user = {
      sub: `0f8fad5b-d9cb-469f-a165-${String(number).padStart(12, "0")}`,
      name: "Ada Lovelace",
      email: "ada@example.org",
      preferred_username: "ada",
      permission_level: "technician",
      groups: ["technicians"],
    } as const;
    const mint = { client, secret, actor: "bench", now: Date.now() };
    minted.push(await mintUserToken({ user, lifetime: 3600 }, mint));
  }
  await client.end();
  return minted;
}

async function measure(
  child: ChildProcess,
  port: number,
  request: (number: number) => Buffer,
): Promise<Measured> {
  // A process just started is not yet as fast as it will be.
  const begin = performance.now();
  await send({ port, request, clients, count: 2000 });
  const count = Math.ceil((2000 / (performance.now() - begin)) * seconds * 1000);
  const before = processSeconds(child);
  const started = performance.now();
  const times = await send({ port, request, clients, count });
  const took = (performance.now() - started) / 1000;
  const cpu = ((processSeconds(child) - before) * 1e6) / count;
  const sorted = times.toSorted((a, b) => a - b);
  return { cpu, rate: count / took, p99: sorted[Math.floor(sorted.length * 0.99)] ?? NaN };
}

function bareSignature(): number {
  const path = fileURLToPath(new URL("core/bareSignature.ts", import.meta.url));
  const text = execFileSync(process.execPath, [path, String(400 * seconds)], { encoding: "utf8" });
  return (JSON.parse(text) as { microseconds: number }).microseconds;
}

/** Of several the one that was disturbed least. */
function least(all: readonly Measured[]): Measured {
  return all.reduce((best, one) => (one.cpu < best.cpu ? one : best));
}

function say(name: string, { cpu, rate, p99 }: Measured): void {
  console.log(
    `${name}: ${cpu.toFixed(0)} µs of processor time, ${rate.toFixed(0)}/s, p99 ${p99.toFixed(1)} ms`,
  );
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
