import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import { connect } from "node:net";
import { userInfo } from "node:os";
import { basename, dirname } from "node:path";
import type { Duplex } from "node:stream";

import { codeOf, Fault } from "../fault.ts";
import { Accounts } from "./accounts.ts";
import { runCommand } from "./command.ts";
import { absentAsUndefined, explained } from "./explain.ts";
import type {
  Account,
  Entry,
  Ownership,
  RunOptions,
  RunResult,
  Transport,
  WriteOptions,
} from "./transport.ts";

/** This machine, as the user who runs Pulumi. */
export class LocalTransport implements Transport {
  readonly #accounts = new Accounts();
  readonly #self: Account;

  constructor() {
    const { username, uid, gid, homedir, shell } = userInfo();
    this.#self = { name: username, uid, gid, comment: "", home: homedir, shell: shell ?? "" };
  }

  get user(): string {
    return this.#self.name;
  }

  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const { user } = options;
    const other = user === undefined || user === this.user ? undefined : await this.#become(user);
    return runCommand(argv, options, this.#self, other);
  }

  async stat(path: string): Promise<Entry | undefined> {
    const found = await absentAsUndefined(fs.lstat(path), path);
    if (found === undefined) return undefined;
    const [owner, group] = await Promise.all([
      found.uid === this.#self.uid ? this.#self : this.#accounts.user(found.uid),
      this.#accounts.group(found.gid),
    ]);
    return {
      type: found.isFile()
        ? "file"
        : found.isDirectory()
          ? "directory"
          : found.isSymbolicLink()
            ? "link"
            : "other",
      mode: (found.mode & 0o7777).toString(8).padStart(4, "0"),
      owner: owner?.name ?? String(found.uid),
      group: group?.name ?? String(found.gid),
      size: found.size,
    };
  }

  read(path: string): Promise<Buffer | undefined> {
    // A named pipe would keep us waiting for somebody who writes.
    const flag = constants.O_RDONLY | constants.O_NONBLOCK;
    return absentAsUndefined(fs.readFile(path, { flag }), path);
  }

  list(path: string): Promise<string[] | undefined> {
    return absentAsUndefined(fs.readdir(path), path);
  }

  linkTarget(path: string): Promise<string | undefined> {
    return absentAsUndefined(fs.readlink(path), path);
  }

  account(name: string): Promise<Account | undefined> {
    return this.#accounts.user(name);
  }

  async writeAtomic(
    path: string,
    content: string | Buffer,
    options: WriteOptions = {},
  ): Promise<void> {
    // One fixed name: what an interrupted write left behind is taken away by the next one.
    const beside = `${dirname(path)}/.${basename(path)}.new`;
    const { uid, gid } = await this.#ids(options);
    await explained(path, async () => {
      await fs.rm(beside, { force: true });
      const flags =
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      const file = await fs.open(beside, flags, 0o600);
      try {
        if (uid !== -1 || gid !== -1) await file.chown(uid, gid);
        await file.chmod(parseInt(options.mode ?? "0644", 8));
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
    });
    try {
      if (options.validate) await this.#validate(options.validate, beside, path, options.signal);
      await explained(path, () => fs.rename(beside, path));
    } catch (error) {
      await fs.rm(beside, { force: true });
      throw error;
    }
    await explained(path, () => syncDirectory(dirname(path)));
  }

  async upload(from: string, to: string, ownership: Ownership, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { uid, gid } = await this.#ids(ownership);
    await explained(to, async () => {
      // The file system shares the blocks where it can (reflink); the kernel copies them elsewhere.
      await fs.copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      const file = await fs.open(to, "r");
      try {
        if (uid !== -1 || gid !== -1) await file.chown(uid, gid);
        if (ownership.mode !== undefined) await file.chmod(parseInt(ownership.mode, 8));
        await file.sync();
      } finally {
        await file.close();
      }
    });
  }

  bring(from: string, _to: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    return Promise.resolve(from);
  }

  async makeDirectory(path: string, ownership: Ownership): Promise<void> {
    const { uid, gid } = await this.#ids(ownership);
    await explained(path, async () => {
      await fs.mkdir(path).catch((error: unknown) => {
        if (codeOf(error) !== "EEXIST") throw error;
      });
      if (uid !== -1 || gid !== -1) await fs.lchown(path, uid, gid);
      if (ownership.mode !== undefined) await fs.chmod(path, parseInt(ownership.mode, 8));
    });
  }

  async makeLink(path: string, target: string): Promise<void> {
    const beside = `${dirname(path)}/.${basename(path)}.new`;
    await explained(path, async () => {
      await fs.rm(beside, { force: true });
      await fs.symlink(target, beside);
      await fs.rename(beside, path);
    });
  }

  async rename(from: string, to: string): Promise<void> {
    await explained(to, () => fs.rename(from, to));
  }

  async remove(path: string): Promise<void> {
    await explained(path, async () => {
      const found = await absentAsUndefined(fs.lstat(path), path);
      if (found?.isDirectory() === true) await fs.rmdir(path);
      else await fs.rm(path, { force: true });
    });
  }

  async removeTree(path: string): Promise<void> {
    await explained(path, () => fs.rm(path, { recursive: true, force: true, maxRetries: 3 }));
  }

  connect(host: string, port: number, signal: AbortSignal): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, signal });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(socket);
      });
    });
  }

  async #become(user: string): Promise<Account> {
    if (this.#self.uid !== 0) {
      throw new Fault(`Only root can run something as ${user}; leave "user" out or run as root.`);
    }
    return this.#known(user);
  }

  async #known(user: string): Promise<Account> {
    const account = await this.#accounts.user(user);
    if (account === undefined) throw new Fault(`There is no user ${user}; declare a User for it.`);
    return account;
  }

  /** -1 means as it is, as chown takes it. */
  async #ids({ owner, group }: Ownership): Promise<{ uid: number; gid: number }> {
    const user = owner === undefined ? undefined : await this.#known(owner);
    const found = group === undefined ? undefined : await this.#accounts.group(group);
    if (group !== undefined && found === undefined) throw new Fault(`There is no group ${group}.`);
    return { uid: user?.uid ?? -1, gid: found?.gid ?? user?.gid ?? -1 };
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
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await fs.open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
