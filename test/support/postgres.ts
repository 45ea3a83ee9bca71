import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";

import pg from "pg";

const run = promisify(execFile);

/** A database of its own with the role that owns it. */
export interface TestDatabase {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** Ended with the server. */
  readonly pool: pg.Pool;
}

interface TestServer {
  readonly port: number;
  readonly admin: pg.Pool;
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

const host = "127.0.0.1";

let server: Promise<TestServer> | undefined;
const pools: pg.Pool[] = [];

/** An empty database on this process's throw-away PostgreSQL, which the first call starts. */
export async function createDatabase({
  name = `test_${randomBytes(6).toString("hex")}`,
  password = randomBytes(16).toString("hex"),
} = {}): Promise<TestDatabase> {
  server ??= startServer();
  const { port, admin } = await server;
  const quoted = pg.escapeIdentifier(name);
  await admin.query(`CREATE ROLE ${quoted} LOGIN PASSWORD ${pg.escapeLiteral(password)}`);
  await admin.query(`CREATE DATABASE ${quoted} OWNER ${quoted}`);
  const access = { host, port, database: name, user: name, password };
  return { ...access, pool: createPool(access) };
}

/** Restarts the server; every connection to it breaks. */
export async function restartPostgres(): Promise<void> {
  await (await server)?.restart();
}

after(async function () {
  // Hundreds of databases on a disk that others use, too.
  this.timeout(120_000);
  await Promise.all(pools.filter((pool) => !pool.ended).map((pool) => pool.end()));
  await (await server)?.stop();
});

function createPool(access: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({ max: 5, ...access });
  // A restart breaks idle connections; the next query gets a new one.
  pool.on("error", () => undefined);
  pools.push(pool);
  return pool;
}

/** A server of the test's own, by TLS, with its superuser; ended by `stop`. */
export interface TlsServer {
  readonly port: number;
  readonly password: string;
  readonly stop: () => Promise<void>;
}

/** @param tls PEM; the server takes nothing but TLS */
export async function startTlsServer(tls: {
  readonly certificate: string;
  readonly privateKey: string;
}): Promise<TlsServer> {
  return await startServer({
    "server.crt": tls.certificate,
    "server.key": tls.privateKey,
    "pg_hba.conf": "hostssl all all 127.0.0.1/32 scram-sha-256\n",
    "postgresql.conf": "ssl = on\n",
  });
}

/** @param files of its data folder that differ from what initdb makes */
async function startServer(
  files: Readonly<Record<string, string>> = {},
): Promise<TestServer & { readonly password: string }> {
  const folder = mkdtempSync(join(tmpdir(), "hivematrix-postgres-"));
  const owner = ownerOf(folder);
  const binaries = findBinaries();
  const data = join(folder, "data");
  const password = randomBytes(16).toString("hex");
  writeFileSync(join(folder, "password"), password);
  chmodSync(join(folder, "password"), 0o644);
  await run(
    join(binaries, "initdb"),
    ["-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"].concat([
      "--auth=scram-sha-256",
      `--pwfile=${join(folder, "password")}`,
    ]),
    { ...owner, cwd: folder },
  );
  const port = await freePort();
  const settings = {
    listen_addresses: host,
    port,
    unix_socket_directories: "",
    fsync: "off",
    synchronous_commit: "off",
    full_page_writes: "off",
    max_connections: 500,
    shared_buffers: "16MB",
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${String(value)}'\n`);
  writeFileSync(join(data, "postgresql.auto.conf"), lines.join(""));
  for (const [name, text] of Object.entries(files)) {
    const path = join(data, name);
    writeFileSync(path, text, { mode: 0o600 });
    if (owner.uid !== undefined) chownSync(path, owner.uid, owner.gid ?? 0);
  }

  const guard = spawn("/bin/sh", ["-c", guardScript, binaries, data, folder], {
    ...owner,
    cwd: folder,
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  await started(guard.stdout, folder);
  const admin = createPool({ host, port, database: "postgres", user: "postgres", password });
  const restart = async (): Promise<void> => {
    const args = ["restart", "-D", data, "-m", "fast", "-w", "-l", join(folder, "log")];
    // Not awaited on its pipes: the server would inherit and keep them.
    const child = spawn(join(binaries, "pg_ctl"), args, { ...owner, cwd: folder, stdio: "ignore" });
    const [code] = (await once(child, "exit")) as [number | null];
    if (code !== 0) throw new Error(`PostgreSQL did not restart: see ${folder}/log`);
  };
  const stop = async (): Promise<void> => {
    if (guard.exitCode !== null) return;
    const ended = once(guard, "exit");
    guard.stdin.end();
    await ended;
  };
  return { port, password, admin, restart, stop };
}

/** Waits for the end of its input, which comes also when the tests are killed; then nothing is left. */
const guardScript = `
"$0/pg_ctl" start -D "$1" -w -l "$2/log" >/dev/null && echo ready
cat >/dev/null
"$0/pg_ctl" stop -D "$1" -m immediate >/dev/null
rm -rf "$2"
`;

async function started(output: Readable, folder: string): Promise<void> {
  output.setEncoding("utf8");
  const [text] = (await Promise.race([once(output, "data"), once(output, "end")])) as [string?];
  if (text === "ready\n") return;
  throw new Error(`PostgreSQL does not start:\n${readFileSync(join(folder, "log"), "utf8")}`);
}

function findBinaries(): string {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).filter((name) => /^\d+$/.test(name)) : [];
  const newest = versions.map(Number).sort((a, b) => b - a)[0];
  if (newest === undefined) {
    throw new Error("These tests need PostgreSQL: install the Debian package postgresql.");
  }
  return `${root}/${String(newest)}/bin`;
}

/** PostgreSQL refuses root, so root lends it an account without rights. */
function ownerOf(folder: string): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const accounts = readFileSync("/etc/passwd", "utf8").split("\n");
  const account = accounts.find((line) => line.startsWith("nobody:"))?.split(":");
  if (account === undefined) throw new Error("There is no account nobody to run PostgreSQL as.");
  const [uid, gid] = [Number(account[2]), Number(account[3])];
  chownSync(folder, uid, gid);
  return { uid, gid };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, host);
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
