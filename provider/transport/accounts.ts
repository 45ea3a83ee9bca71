import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

import type { Account } from "./transport.ts";

type Database = "passwd" | "group";

const execute = promisify(execFile);

/** Users and groups of this machine: the files first, then whatever else the system asks (getent). */
export class Accounts {
  async user(key: string | number): Promise<Account | undefined> {
    const row = await this.#row("passwd", key);
    if (row === undefined) return undefined;
    const [name = "", , uid, gid, comment = "", home = "/", shell = ""] = row;
    return { name, uid: Number(uid), gid: Number(gid), comment, home, shell };
  }

  async group(key: string | number): Promise<{ name: string; gid: number } | undefined> {
    const row = await this.#row("group", key);
    return row && { name: row[0] ?? "", gid: Number(row[2]) };
  }

  /** Read afresh each time: a User of the same up may just have been made. */
  async #row(database: Database, key: string | number): Promise<string[] | undefined> {
    const lines = await readFile(`/etc/${database}`, "utf8").catch(() => "");
    const column = typeof key === "number" ? 2 : 0;
    const find = (text: string) =>
      text
        .split("\n")
        .map((line) => line.split(":"))
        .find((row) => row[column] === String(key));
    return find(lines) ?? find(await ask(database, key));
  }
}

/** The line getent prints; empty when there is none. */
async function ask(database: Database, key: string | number): Promise<string> {
  try {
    return (await execute("getent", [database, String(key)])).stdout;
  } catch {
    return "";
  }
}
