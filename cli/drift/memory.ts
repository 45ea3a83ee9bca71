import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { z } from "zod";

import { hiveFolder } from "../record.js";

const schema = z.record(z.string(), z.iso.datetime());

/** When each drift was first seen, by its key; in `.hive/<stack>.drift.json`, at the desk. */
export class Memory {
  readonly #path: string;
  readonly #known: Readonly<Record<string, string>>;

  constructor(checkout: string, stack: string) {
    this.#path = join(hiveFolder(checkout), `${stack}.drift.json`);
    this.#known = read(this.#path);
  }

  /** @param now ISO 8601, for what is new */
  firstSeen(key: string, now: string): string {
    return this.#known[key] ?? now;
  }

  /**
   * Forgets what is not there any more.
   * @param seen first seen, by key
   * @param kept whether a key that is not among them could not be looked at
   */
  write(seen: Readonly<Record<string, string>>, kept: (key: string) => boolean): void {
    const others = Object.entries(this.#known).filter(([key]) => kept(key));
    const all = { ...Object.fromEntries(others), ...seen };
    if (Object.keys(all).length === 0 && !existsSync(this.#path)) return;
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    const beside = `${this.#path}.${process.pid}`;
    writeFileSync(beside, `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600 });
    renameSync(beside, this.#path);
  }
}

/** A file that cannot be read any more costs the dates, not the report. */
function read(path: string): Record<string, string> {
  if (!existsSync(path)) return {};
  try {
    return schema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return {};
  }
}
