import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { once } from "node:events";

import { UsageError } from "./arguments.js";
import { connect, ownNetworkPossible } from "./network.js";
import { cpuSeconds, processesOf } from "./processes.js";

/**
 * Namespaces and a changed root instead of Docker: they need no daemon, no image registry and no
 * storage driver, work the same on a developer's machine, in a CI job and inside most containers,
 * and the kernel ends everything inside the moment the first process ends. The network is a
 * machine's own as well (network.js) wherever the host has what that takes.
 */
const namespaces = ["--mount", "--pid", "--ipc", "--uts", ...(ownNetworkPossible ? ["--net"] : [])];

/** From the host's shell into the machine: $1 is its root. What follows is its process 1. */
const enter = `set -e
read -r pid rest < /proc/self/stat   # the host's /proc: the number seen from outside
mount --bind "$1" "$1"
cd "$1"
mount -o remount,bind,dev,suid,exec .
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys || true
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm dev/net
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
for node in null:3 zero:5 full:7 random:8 urandom:9; do
  mknod -m 666 "dev/\${node%:*}" c 1 "\${node#*:}"
done
mknod -m 666 dev/tty c 5 0
mknod -m 666 dev/net/tun c 10 200
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
ln -s pts/ptmx dev/ptmx
touch run/fresh-network
mount --bind /proc/self/ns/net run/fresh-network
hostname fresh
pivot_root . mnt
exec chroot . /bin/bash -c "$2" init "$pid"
`;

/** Reaps what is orphaned, and ends, all the others with it, as soon as the runner is gone. */
const init = `umount -l /mnt; echo "ready $1"; while read -r line; do :; done`;

/**
 * A command's end.
 * @typedef {object} Outcome
 * @property {number} code
 * @property {string} text what it printed
 * @property {number} wall seconds
 * @property {number} cpu seconds, with everything it left running
 */

/** A running clean machine. */
export class Machine {
  /**
   * @param {import("node:child_process").ChildProcess} holder
   * @param {number} pid of its process 1, seen from outside
   */
  constructor(holder, pid) {
    this.holder = holder;
    this.pid = pid;
    /** @type {{ name: string, home: string }} who runs the commands */
    this.user = { name: "root", home: "/root" };
    /** @type {Record<string, string>} */
    this.environment = {};
    /** @type {import("node:child_process").ChildProcess | undefined} */
    this.network = undefined;
    this.ending = false;
  }

  /**
   * @param {string} root an unpacked Debian
   * @returns {Promise<Machine>}
   */
  static async start(root) {
    const args = [...namespaces, "--fork", "--kill-child", "bash", "-c", enter, "bash", root, init];
    // A session of its own: Ctrl-C is the runner's to handle.
    const holder = spawn("unshare", args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
    let said = "";
    const ready = new Promise((resolve, reject) => {
      const hear = (/** @type {Buffer} */ data) => {
        said += data.toString();
        const [, pid] = /^ready (\d+)$/m.exec(said) ?? [];
        if (pid !== undefined) resolve(Number(pid));
      };
      holder.stdout.on("data", hear);
      holder.stderr.on("data", hear);
      holder.once("error", reject);
      holder.once("exit", () => {
        reject(new UsageError(`The clean machine does not start here: ${said.trim()}`));
      });
    });
    return new Machine(holder, await ready);
  }

  /** @param {readonly number[]} ports of the host's loopback that it may use */
  async connect(ports) {
    if (ownNetworkPossible) this.network = await connect(this.pid, ports);
  }

  /**
   * Makes the user whose commands follow, with sudo as rented servers have it.
   * @param {string} name
   * @param {string} log
   */
  async addUser(name, log) {
    const rule = `${name} ALL=(ALL) NOPASSWD: ALL`;
    await this.mustRun(["useradd", "--create-home", "--shell", "/bin/bash", name], log);
    await this.mustRun(["sh", "-c", 'echo "$0" > /etc/sudoers.d/90-cloud', rule], log);
  }

  /**
   * Takes over what was put into the machine from outside: certificates, and the user's files.
   * @param {{ name: string, home: string }} user
   * @param {string} log
   */
  async settle(user, log) {
    await this.mustRun(["update-ca-certificates"], log);
    await this.mustRun(["chown", "-R", `${user.name}:`, user.home], log);
    this.user = user;
  }

  /** @param {readonly string[]} command @param {string} log */
  async mustRun(command, log) {
    const { code } = await this.run(command, { log, folder: "/", root: true });
    if (code !== 0) throw new Error(`${command.join(" ")} failed`);
  }

  /**
   * Runs a command without a terminal and without input, as a CI job does.
   * @param {readonly string[]} command
   * @param {{ log: string, folder?: string, root?: boolean, minutes?: number, environment?: Record<string, string> }} options
   *   folder: default the user's home; minutes: it is killed after that, default 10
   * @returns {Promise<Outcome>}
   */
  async run(
    command,
    { log, folder = this.user.home, root = false, minutes = 10, environment = {} },
  ) {
    const { name, home } = root ? { name: "root", home: "/root" } : this.user;
    const enterArgs = ["--target", String(this.pid), ...namespaces, "--"];
    const become = ["setpriv", `--reuid=${name}`, `--regid=${name}`, "--init-groups", "--"];
    const there = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', folder];
    const system = name === "root" ? "/usr/local/sbin:/usr/sbin:/sbin:" : "";
    const output = openSync(log, "a");
    const began = { time: Date.now(), cpu: this.cpu(), size: readFileSync(log).length };
    const child = spawn("nsenter", [...enterArgs, ...become, ...there, ...command], {
      // To a file: a service that kept its parent's output open cannot make us wait.
      stdio: ["ignore", output, output],
      detached: true,
      env: {
        PATH: `${system}/usr/local/bin:/usr/bin:/bin`,
        HOME: home,
        USER: name,
        LOGNAME: name,
        SHELL: "/bin/bash",
        LANG: "C.UTF-8",
        ...this.environment,
        ...environment,
      },
    });
    const limit = setTimeout(() => {
      process.kill(-(child.pid ?? 0), "SIGKILL");
    }, minutes * 60_000);
    const [code] = await once(child, "exit");
    clearTimeout(limit);
    closeSync(output);
    if (this.ending) await new Promise(() => {}); // the runner is cleaning up: nobody to tell
    return {
      code: code ?? 1,
      text:
        readFileSync(log).subarray(began.size).toString() +
        (code === null ? `\nended after ${minutes} minutes` : ""),
      wall: (Date.now() - began.time) / 1000,
      cpu: this.cpu() - began.cpu,
    };
  }

  /** @returns {number} seconds used by everything that ever ran in it, and by the runner's helpers */
  cpu() {
    return cpuSeconds(this.pid);
  }

  /** @returns {import("./processes.js").Process[]} what runs in it, without its process 1 */
  processes() {
    return processesOf(this.pid).filter(({ pid }) => pid !== this.pid);
  }

  /** Ends everything inside. */
  async end() {
    this.ending = true;
    this.network?.kill("SIGKILL");
    if (this.holder.exitCode !== null || this.holder.signalCode !== null) return;
    const ended = once(this.holder, "exit");
    this.holder.kill("SIGKILL"); // --kill-child takes process 1 along, the kernel the others
    await ended;
    // The kernel is still busy with it for a moment.
    while (processesOf(this.pid).length > 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
