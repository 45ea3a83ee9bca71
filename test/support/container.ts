import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import {
  docker,
  dockerCommand,
  prepareImage,
  type Suite,
  whyNoContainers,
} from "./containerImage.ts";

/** Why suites that need `startHost` skip; undefined when they need not. */
export const noContainers = whyNoContainers();
export const hasContainers = noContainers === undefined;

export interface ExecResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A Debian with systemd and sshd in a container. The key opens three accounts: `root`, `deploy`
 * (sudo without a password) and `plain` (no sudo).
 */
export interface TestHost {
  /** IPv4, reachable from this machine. */
  readonly address: string;
  /** Name of the container. */
  readonly name: string;
  /** Path of the private key (OpenSSH, Ed25519). */
  readonly keyPath: string;
  /** The host's own Ed25519 key as in known_hosts: `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** As root, without a shell and without ssh. */
  exec(argv: readonly string[], input?: string): Promise<ExecResult>;
  /** Removes it; so does the end of the tests. */
  stop(): Promise<void>;
}

const hosts = new Set<TestHost>();

after(async function () {
  this.timeout(60_000);
  await Promise.all([...hosts].map((host) => host.stop()));
});

/** Some seconds; minutes on a machine that has no image yet. Give the hook that calls it 15 minutes. */
export async function startHost(suite: Suite = "bookworm"): Promise<TestHost> {
  const image = await prepareImage(suite);
  const folder = mkdtempSync(join(tmpdir(), "hivematrix-host-"));
  const keyPath = join(folder, "key");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", keyPath]);
  const name = `hivematrix-test-${String(process.pid)}-${Math.random().toString(36).slice(2, 8)}`;

  // Ends with its input, which comes also when the tests are killed; then the container goes.
  const command = dockerCommand();
  const guard = spawn("/bin/sh", ["-c", guardScript, folder, name, ...command], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const exec = (argv: readonly string[], input?: string): Promise<ExecResult> =>
    execute([...command, "exec", "-i", name, ...argv], input);
  const stop = async (): Promise<void> => {
    if (!hosts.delete(host)) return;
    const ended = once(guard, "exit");
    guard.stdin.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const started: { address: string; hostKey: string } = { address: "", hostKey: "" };
  const host: TestHost = {
    get address() {
      return started.address;
    },
    get hostKey() {
      return started.hostKey;
    },
    name,
    keyPath,
    exec,
    stop,
  };
  hosts.add(host);
  await docker([
    "run",
    "-d",
    "--name",
    name,
    ...runOptions(),
    image,
    "/bin/sh",
    "-c",
    bootScript(),
  ]);
  started.address = await docker([
    ...["inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name],
  ]);
  const publicKey = readFileSync(`${keyPath}.pub`, "utf8");
  await until(async () => {
    const { code } = await exec(["systemctl", "is-active", "--quiet", "ssh.service"]);
    return code === 0;
  }, `${name} does not boot`);
  for (const [user, home] of Object.entries(homes)) {
    const script = `cat >"$1/.ssh/authorized_keys" && chown "$0:" "$1/.ssh/authorized_keys"`;
    await exec(["/bin/sh", "-c", script, user, home], publicKey);
  }
  const { stdout } = await exec(["cat", "/etc/ssh/ssh_host_ed25519_key.pub"]);
  started.hostKey = stdout.split(" ").slice(0, 2).join(" ");
  return host;
}

const homes = { root: "/root", deploy: "/home/deploy", plain: "/home/plain" };

const guardScript = `
folder=$0 name=$1
shift
cat >/dev/null
"$@" rm -f "$name"
rm -rf "$folder"
`;

function runOptions(): string[] {
  return [
    ...["--hostname", "testhost", "--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"],
    ...["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"],
    ...["--cgroupns=private", "--tmpfs", "/run", "--tmpfs", "/run/lock"],
  ];
}

/**
 * Every container has host keys of its own, and cgroups as this machine has them. systemd leaves the
 * propagation of mounts to whoever starts the container: without it credentials, which are mounted
 * in a namespace of their own, never arrive.
 */
function bootScript(): string {
  return `mount --make-rshared /; ssh-keygen -A >/dev/null; ${usesCgroup2() ? cgroup2 : cgroup1}; exec /sbin/init`;
}

function usesCgroup2(): boolean {
  return statfsSync("/sys/fs/cgroup").type === 0x63677270;
}

const cgroup2 = "mount -o remount,rw /sys/fs/cgroup";

const cgroup1 = [
  "umount -R /sys/fs/cgroup",
  "mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup",
  "for c in cpu cpuacct cpuset memory devices freezer blkio pids",
  "do mkdir /sys/fs/cgroup/$c",
  "mount -t cgroup -o $c cgroup /sys/fs/cgroup/$c",
  "done",
  "mkdir /sys/fs/cgroup/systemd /sys/fs/cgroup/unified",
  "mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd",
  "mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified",
].join("; ");

async function execute(argv: readonly string[], input = ""): Promise<ExecResult> {
  const [program = "", ...rest] = argv;
  const child = spawn(program, rest, { stdio: "pipe" });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  return { code: code ?? 255, stdout, stderr };
}

async function until(holds: () => Promise<boolean>, fault: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(fault);
    await sleep(200);
  }
}
