import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";

import pg from "pg";

/** A PostgreSQL as a host has it: every commit waits for the disk. */
export interface Server {
  readonly access: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
  };
  /** Seconds of processor time so far. */
  readonly cpu: () => number;
  readonly stop: () => Promise<void>;
}

export async function startPostgres(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "bench-postgres-"));
  const root = "/usr/lib/postgresql";
  const version = Math.max(...readdirSync(root).map(Number).filter(Boolean));
  const binaries = join(root, String(version), "bin");
  const owner = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, "data");
  const options = { ...owner, cwd: folder, stdio: "ignore" } as const;
  execFileSync(
    join(binaries, "initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
    options,
  );
  const port = await freePort();
  const settings = {
    listen_addresses: "127.0.0.1",
    port,
    unix_socket_directories: "",
    shared_buffers: "256MB",
    max_wal_size: "2GB",
    wal_compression: "lz4",
  };
  writeFileSync(
    join(data, "postgresql.auto.conf"),
    Object.entries(settings)
      .map(([name, value]) => `${name} = '${String(value)}'\n`)
      .join(""),
  );
  const child = spawn(join(binaries, "postgres"), ["-D", data], options);
  const access = { host: "127.0.0.1", port, user: "postgres", password: "none" };
  await reachable(access);
  const stop = async (): Promise<void> => {
    const ended = once(child, "exit");
    child.kill("SIGINT");
    await ended;
    rmSync(folder, { recursive: true });
  };
  return { access, cpu: () => treeSeconds(child), stop };
}

async function reachable(access: pg.ClientConfig): Promise<void> {
  for (const deadline = Date.now() + 20_000; ;) {
    const client = new pg.Client({ ...access, database: "postgres" });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (fault) {
      if (Date.now() > deadline) throw fault;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

/** Of a process alone (proc_pid_stat(5)); clock ticks are hundredths of a second. */
export function processSeconds({ pid }: ChildProcess): number {
  const [own] = statOf(String(pid));
  return own;
}

/** Of a process and those it started. */
export function treeSeconds(child: ChildProcess): number {
  const [own, ended] = statOf(String(child.pid));
  const path = `/proc/${String(child.pid)}/task/${String(child.pid)}/children`;
  const children = readFileSync(path, "utf8").split(" ").filter(Boolean);
  return children.reduce((sum, pid) => sum + statOf(pid)[0], own + ended);
}

function statOf(pid: string): readonly [own: number, children: number] {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    const [user, system, childUser, childSystem] = fields.slice(11, 15).map(Number);
    return [((user ?? 0) + (system ?? 0)) / 100, ((childUser ?? 0) + (childSystem ?? 0)) / 100];
  } catch {
    return [0, 0];
  }
}

/** Bytes. */
export function memoryOf({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
