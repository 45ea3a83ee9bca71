import { readFile, stat as statHere } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Duplex } from "node:stream";

import { Fault } from "../fault.ts";
import { absentAsUndefined, explained } from "./explain.ts";
import { Connection } from "./ssh/connection.ts";
import { describeHost, type SshOptions } from "./ssh/options.ts";
import { printed, quote } from "./ssh/quote.ts";
import { runRemote } from "./ssh/remoteCommand.ts";
import { remoteError } from "./ssh/remoteError.ts";
import { RemoteShell } from "./ssh/remoteShell.ts";
import { sendFile } from "./ssh/upload.ts";
import type {
  Account,
  Entry,
  Ownership,
  RunOptions,
  RunResult,
  Transport,
  WriteOptions,
} from "./transport.ts";

/** The largest file that travels within a command, in one round trip; bytes. */
const smallFile = 256 * 1024;

interface Session {
  readonly connection: Connection;
  readonly shell: RemoteShell;
}

/** A machine reached by SSH: one connection, made when it is first needed and again after a cut. */
export class SshTransport implements Transport {
  readonly user: string;
  readonly address: string;
  readonly port: number;
  readonly #options: SshOptions;
  readonly #host: string;
  #session: Promise<Session> | undefined;
  /** Sendings of shells that are gone. */
  #former = 0;
  #shell: RemoteShell | undefined;
  /** Large uploads go one after the other: two of the same content would meet in one file. */
  #uploading: Promise<unknown> = Promise.resolve();

  constructor(options: SshOptions) {
    this.#options = options;
    this.#host = describeHost(options);
    this.user = options.sudo ? "root" : options.user;
    this.address = options.address;
    this.port = options.port;
  }

  /** At most how many round trips what was asked so far took, without those of the connection. */
  get roundTrips(): number {
    return this.#former + (this.#shell?.sendings ?? 0);
  }

  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const { user } = options;
    if (user !== undefined && user !== this.user && this.user !== "root") {
      throw new Fault(
        `Only root can run something as ${user}; leave "user" out, or set sudo for ${this.#host}.`,
      );
    }
    const { shell } = await this.#open();
    return runRemote(shell, argv, { ...options, user: user === this.user ? undefined : user });
  }

  async stat(path: string): Promise<Entry | undefined> {
    const found = await this.#look(`hive_stat ${quote(path)}`, path);
    if (found === undefined) return undefined;
    const [mode = "", size, uid = "", gid = "", owner = "", group = ""] = found.split(" ");
    const bits = parseInt(mode, 16);
    const types: Record<number, Entry["type"]> = { 8: "file", 4: "directory", 10: "link" };
    return {
      type: types[bits >> 12] ?? "other",
      mode: (bits & 0o7777).toString(8).padStart(4, "0"),
      owner: owner === "UNKNOWN" ? uid : owner,
      group: group === "UNKNOWN" ? gid : group,
      size: Number(size),
    };
  }

  read(path: string): Promise<Buffer | undefined> {
    return this.#bytes(`hive_read ${quote(path)}`, path);
  }

  async list(path: string): Promise<string[] | undefined> {
    const names = await this.#bytes(`hive_list ${quote(path)}`, path);
    return names?.toString("utf8").split("\0").slice(0, -1);
  }

  async linkTarget(path: string): Promise<string | undefined> {
    return (await this.#bytes(`hive_link ${quote(path)}`, path))?.toString("utf8");
  }

  async account(name: string): Promise<Account | undefined> {
    const line = (await this.#bytes(`hive_account ${quote(name)}`, name))?.toString("utf8").trim();
    if (line === undefined || line === "") return undefined;
    const [found = "", , uid, gid, comment = "", home = "/", shell = ""] = line.split(":");
    return { name: found, uid: Number(uid), gid: Number(gid), comment, home, shell };
  }

  async writeAtomic(
    path: string,
    content: string | Buffer,
    options: WriteOptions = {},
  ): Promise<void> {
    const beside = `${dirname(path)}/.${basename(path)}.new`;
    const script = createFile(beside, `${printed(content)} | cat >"$hive_new"`, {
      mode: "0644",
      ...options,
    });
    const place = `{ mv -T -f -- ${quote(beside)} ${quote(path)} || { rm -f -- ${quote(beside)}; false; }; } && sync -- ${quote(dirname(path))}`;
    await this.#explained(path, async () => {
      const { validate } = options;
      const then = validate === undefined ? ` && ${place}` : "";
      await this.#perform(`rm -f -- ${quote(beside)} && { ${script}; }${then}`);
      if (validate === undefined) return;
      try {
        await this.#validate(validate, beside, path, options.signal);
      } catch (error) {
        await this.remove(beside);
        throw error;
      }
      await this.#perform(place);
    });
  }

  async upload(from: string, to: string, ownership: Ownership, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { size } = await statHere(from);
    await this.#explained(to, async () => {
      if (size <= smallFile) {
        const content = await readFile(from);
        await this.#perform(createFile(to, `${printed(content)} | cat >"$hive_new"`, ownership));
        return;
      }
      const work = this.#uploading.then(() => this.#uploadLarge(from, to, ownership, signal));
      this.#uploading = work.catch(() => undefined);
      await work;
    });
  }

  async bring(from: string, to: string, signal: AbortSignal): Promise<string> {
    await this.upload(from, to, { mode: "0600" }, signal);
    return to;
  }

  async makeDirectory(path: string, ownership: Ownership): Promise<void> {
    const made = quote(path);
    const script = [
      // Nothing but a directory may be there; a link to one is one, as for mkdir(2) and chmod(2).
      `{ mkdir -- ${made} 2>/dev/null || [ -d ${made} ] || mkdir -- ${made}; }`,
      ...changeOwner(made, ownership),
      ...(ownership.mode === undefined ? [] : [`chmod ${ownership.mode} -- ${made}`]),
    ];
    await this.#explained(path, () => this.#perform(script.join(" && ")));
  }

  async makeLink(path: string, target: string): Promise<void> {
    const beside = quote(`${dirname(path)}/.${basename(path)}.new`);
    const script = `rm -f -- ${beside} && ln -s -T -- ${quote(target)} ${beside} && mv -T -f -- ${beside} ${quote(path)}`;
    await this.#explained(path, () => this.#perform(script));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#explained(to, () => this.#perform(`mv -T -f -- ${quote(from)} ${quote(to)}`));
  }

  async remove(path: string): Promise<void> {
    const gone = quote(path);
    const script = `if [ -d ${gone} ] && [ ! -L ${gone} ]; then rmdir -- ${gone}; else rm -f -- ${gone}; fi`;
    await this.#explained(path, () => this.#perform(script));
  }

  async removeTree(path: string): Promise<void> {
    await this.#explained(path, () => this.#perform(`rm -rf --one-file-system -- ${quote(path)}`));
  }

  async reconnect(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => {
        reject(new Fault(`${this.#host} does not answer in time`));
      });
    });
    const connecting = Connection.open(this.#options);
    connecting.then(
      (connection) => {
        connection.close();
      },
      () => undefined,
    );
    await Promise.race([connecting, late]);
  }

  async connect(host: string, port: number, signal: AbortSignal): Promise<Duplex> {
    signal.throwIfAborted();
    const { connection } = await this.#open();
    const channel = await connection.forward(host, port);
    if (signal.aborted) channel.destroy();
    signal.throwIfAborted();
    return channel;
  }

  /** Ends the connection. What is asked afterwards makes a new one. */
  close(): void {
    void this.#session?.then(
      ({ connection }) => {
        connection.close();
      },
      () => undefined,
    );
  }

  async #uploadLarge(
    from: string,
    to: string,
    ownership: Ownership,
    signal: AbortSignal,
  ): Promise<void> {
    const { connection } = await this.#open();
    await sendFile(
      connection,
      (script) => this.#perform(script),
      (script) => `${this.#become()}/bin/sh -c ${quote(script)}`,
      from,
      `(set -C; true >${quote(to)}) && rm -f -- ${quote(to)}`,
      createFile(to, `cat "$hive_file" >"$hive_new" && rm -f "$hive_file"`, ownership),
      signal,
    );
  }

  /** The one session; whoever asks while it is being made waits for the same. */
  #open(): Promise<Session> {
    this.#session ??= this.#connect().catch((error: unknown) => {
      this.#session = undefined;
      throw error;
    });
    return this.#session;
  }

  async #connect(): Promise<Session> {
    const connection = await Connection.open(this.#options);
    connection.onLost(() => {
      this.#session = undefined;
    });
    const shell = await RemoteShell.open(connection, `${this.#become()}/bin/sh`, (said) => {
      connection.close();
      return this.#options.sudo && this.#options.user !== "root"
        ? this.#noSudo(said)
        : new Fault(`${this.#host} gives no shell${said === "" ? "" : `: ${said}`}.`);
    });
    this.#former += this.#shell?.sendings ?? 0;
    this.#shell = shell;
    return { connection, shell };
  }

  #explained(path: string, work: () => Promise<unknown>): Promise<unknown> {
    return explained(path, work, this.user);
  }

  #become(): string {
    return this.#options.sudo && this.#options.user !== "root" ? "sudo -n " : "";
  }

  #noSudo(said: string): Fault {
    const { user } = this.#options;
    const reason = said === "" ? "" : ` (${said.split("\n").at(-1) ?? ""})`;
    return new Fault(
      `${this.#host} may not use sudo without a password${reason}. As root on the host: echo '${user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/${user}`,
    );
  }

  async #validate(
    argv: readonly string[],
    beside: string,
    path: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const command = argv.map((argument) => argument.replaceAll("%s", beside));
    const { code, stdout, stderr } = await this.run(command, { signal });
    if (code === 0) return;
    const said = (stderr.trim() || stdout.trim()).replaceAll(beside, path);
    throw new Fault(`${path} was not changed, ${argv[0] ?? ""} refuses the new content: ${said}`);
  }

  /** Runs a piece of shell. @throws Error as Node's file system would. */
  async #perform(script: string): Promise<string> {
    const { shell } = await this.#open();
    const { code, stdout, stderr } = await shell.job(shell.nextId(), `export LC_ALL=C\n${script}`);
    if (code === 0) return stdout.toString("utf8");
    const account = /invalid (user|group|spec): ['‘]([^'’]*)/.exec(stderr);
    if (account) throw new Fault(noAccount(account[1] ?? "", account[2] ?? ""));
    throw remoteError(stderr);
  }

  async #bytes(call: string, path: string): Promise<Buffer | undefined> {
    const found = await this.#look(call, path);
    return found === undefined ? undefined : Buffer.from(found, "base64");
  }

  /** What one of the shell's small functions prints; undefined when nothing is there. */
  async #look(call: string, path: string): Promise<string | undefined> {
    const { shell } = await this.#open();
    const answer = shell.look(call).then((line) => {
      if (line.startsWith("0 ")) return line.slice(2);
      throw remoteError(line.slice(2));
    });
    return absentAsUndefined(answer, path, this.user);
  }
}

function noAccount(kind: string, name: string): string {
  const [user = "", group] = name.split(":");
  return kind === "group" || (group !== undefined && group !== "" && user === "")
    ? `There is no group ${group ?? name}.`
    : `There is no user ${user}; declare a User for it.`;
}

/** A script: a new file with its owner and mode first, then its content, safely on the disk. */
function createFile(path: string, fill: string, ownership: Ownership): string {
  const { mode = "0644" } = ownership;
  const steps = [
    ...changeOwner('"$hive_new"', ownership),
    `chmod ${mode} -- "$hive_new"`,
    `{ ${fill}; }`,
    `sync -- "$hive_new"`,
  ];
  // -C: it must not be there, not as a link either (open(2), O_EXCL).
  return `hive_new=${quote(path)}; (set -C; umask 077; true >"$hive_new") && { { ${steps.join(" && ")}; } || { rm -f -- "$hive_new"; false; }; }`;
}

/** A user without a group brings its own (chown's `user:`). */
function changeOwner(quoted: string, { owner, group }: Ownership): string[] {
  if (owner === undefined && group === undefined) return [];
  const who = owner === undefined ? `:${group ?? ""}` : `${owner}:${group ?? ""}`;
  return [`chown -h ${quote(who)} -- ${quoted}`];
}
