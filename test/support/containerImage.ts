import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { cacheFolder, missingPackages } from "../../setup/machine.js";
import { formatSources, parseSources, sourcesFor } from "../fresh/aptSources.js";

const run = promisify(execFile);

export type Suite = "bookworm" | "trixie";

/** A new number makes every machine build its images again. */
const edition = 1;

const included = [
  "systemd,systemd-sysv,dbus,openssh-server,sudo,python3,nftables,cron,ca-certificates",
  "iproute2,procps,apt-utils",
].join(",");

/** Where a daemon of our own lies, if this machine runs none. */
const own = { run: "/run/hivematrix-test-docker", data: "/var/lib/hivematrix-test-docker" };
const ownSocket = `unix://${own.run}/docker.sock`;

/** Debian's own client: one that lies before it on PATH may be too new for Debian's daemon. */
const client = existsSync("/usr/bin/docker") ? "/usr/bin/docker" : "docker";
let socket: string | undefined;

/** Runs the docker command; resolves with what it prints. */
export async function docker(args: readonly string[], input?: string): Promise<string> {
  const running = run(client, [...dockerOptions(), ...args], { maxBuffer: 64 * 1024 * 1024 });
  running.child.stdin?.end(input ?? "");
  return (await running).stdout.trim();
}

/** Command and first arguments, for a process of one's own. */
export function dockerCommand(): readonly string[] {
  return [existsSync("/usr/bin/docker") ? "/usr/bin/docker" : client, ...dockerOptions()];
}

function dockerOptions(): string[] {
  return socket === undefined ? [] : ["-H", socket];
}

/** Why this machine cannot run such containers; undefined when it can. */
export function whyNoContainers(): string | undefined {
  if (process.platform !== "linux") return "hosts in containers need Linux";
  if (process.getuid?.() !== 0) return "hosts in containers need root";
  if (spawnSync("apt-get", ["--version"], { stdio: "ignore" }).status !== 0) {
    return "hosts in containers need Debian's docker.io and debootstrap";
  }
  return undefined;
}

/** Installs what is missing, starts the daemon, builds and imports the image. Gives its name. */
export async function prepareImage(suite: Suite): Promise<string> {
  installPackages();
  await startDaemon();
  const image = `hivematrix-test-host:${suite}-${String(edition)}`;
  const archive = join(cacheFolder(), `host-${suite}-${String(edition)}.tar`);
  const known = await docker(["images", "-q", image]);
  if (known !== "") return image;
  await locked(`${archive}.lock`, async () => {
    if (!existsSync(archive)) await makeArchive(suite, archive);
    await docker(["import", archive, image]);
  });
  return image;
}

function installPackages(): void {
  const missing = missingPackages(["docker.io", "debootstrap", "openssh-client"]);
  if (missing.length === 0) return;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  spawnSync("apt-get", ["-qq", "update"], { env, stdio: "ignore" });
  const options = ["-qq", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"];
  execFileSync("apt-get", [...options, "install", ...missing, "iptables"], { env, stdio: "pipe" });
}

/** Uses the machine's daemon, else one of our own, which ends after five minutes without work. */
async function startDaemon(): Promise<void> {
  if (socket !== undefined || answers(undefined)) return;
  if (!answers(ownSocket)) {
    mkdirSync(own.run, { recursive: true });
    const log = join(own.run, "log");
    const child = spawn("/bin/sh", ["-c", daemonScript, own.run, own.data, client, log], {
      detached: true,
      stdio: "ignore",
    });
    child.unref();
    const deadline = Date.now() + 60_000;
    while (!answers(ownSocket)) {
      if (Date.now() > deadline) {
        throw new Error(`dockerd does not start:\n${readFileSync(log, "utf8").slice(-2000)}`);
      }
      await sleep(300);
    }
  }
  socket = ownSocket;
}

function answers(address: string | undefined): boolean {
  const at = address === undefined ? [] : ["-H", address];
  return spawnSync(client, [...at, "version"], { stdio: "ignore", timeout: 5000 }).status === 0;
}

/** Two at once: the second finds the lock of the first and waits in `startDaemon`. */
const daemonScript = `
exec >>"$3" 2>&1
exec 9>"$0/lock"
flock -n 9 || exit 0
PATH=$PATH:/usr/sbin:/sbin
dockerd -H "unix://$0/docker.sock" --data-root "$1" --exec-root "$0/exec" --pidfile "$0/pid" 9>&- &
daemon=$!
idle=0
while [ $idle -lt 10 ] && kill -0 $daemon; do
  sleep 30
  idle=$((idle + 1))
  [ -z "$("$2" -H "unix://$0/docker.sock" ps -q)" ] || idle=0
done
kill $daemon
wait $daemon
`;

/** One process at a time builds. A lock whose holder died does not count. */
async function locked(path: string, work: () => Promise<void>): Promise<void> {
  mkdirSync(cacheFolder(), { recursive: true });
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      break;
    } catch {
      const holder = existsSync(path) ? readFileSync(path, "utf8") : "";
      if (holder !== "" && !existsSync(`/proc/${holder}`)) rmSync(path, { force: true });
      else await sleep(500);
    }
  }
  try {
    await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** About three minutes, once a machine and suite. */
async function makeArchive(suite: Suite, archive: string): Promise<void> {
  const folder = mkdtempSync(`${archive}-`);
  try {
    const root = join(folder, "root");
    const { sources, mirror } = hostSources(suite);
    // Its mounts live in a mount namespace of its own: an interruption leaves none behind.
    await run("unshare", [
      ...["--mount", "--pid", "--fork", "--kill-child", "debootstrap", "--variant=minbase"],
      ...[`--include=${included}`, suite, root, ...(mirror === undefined ? [] : [mirror])],
    ]);
    if (sources.length > 0) {
      rmSync(join(root, "etc/apt/sources.list"), { force: true });
      writeFileSync(join(root, "etc/apt/sources.list.d/debian.sources"), formatSources(sources));
    }
    writeFileSync(join(root, "etc/dpkg/dpkg.cfg.d/unsafe-io"), "force-unsafe-io\n");
    await run("chroot", [root, "/bin/sh", "-ec", imageScript]);
    for (const stale of ["var/cache/apt/archives", "var/lib/apt/lists"]) {
      for (const name of readdirSync(join(root, stale))) {
        if (/\.deb$|_/.test(name)) rmSync(join(root, stale, name));
      }
    }
    const made = join(folder, "root.tar");
    await run("tar", ["--numeric-owner", "-C", root, "-cf", made, "."]);
    renameSync(made, archive);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The accounts of `TestHost`. Keys come with the container. */
const imageScript = `
useradd --create-home --shell /bin/bash deploy
useradd --create-home --shell /bin/bash plain
echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy
chmod 0440 /etc/sudoers.d/deploy
for home in /root /home/deploy /home/plain; do
  install -d -m 0700 -o "$(stat -c %u "$home")" -g "$(stat -c %g "$home")" "$home/.ssh"
done
rm -f /etc/ssh/ssh_host_* /etc/machine-id
touch /etc/machine-id
systemctl mask systemd-udevd.service getty.target console-getty.service
`;

function hostSources(suite: Suite): ReturnType<typeof sourcesFor> {
  const folder = "/etc/apt/sources.list.d";
  const named = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  const files = ["/etc/apt/sources.list", ...named]
    .filter((path) => /\.(list|sources)$/.test(path) && existsSync(path))
    .map((path) => ({ path, text: readFileSync(path, "utf8") }));
  const release = readFileSync("/etc/os-release", "utf8");
  const codename = /^VERSION_CODENAME="?([a-z]+)/m.exec(release)?.[1] ?? "";
  const debian = /^ID="?debian/m.test(release) ? parseSources(files) : [];
  return sourcesFor(debian, codename, suite);
}
