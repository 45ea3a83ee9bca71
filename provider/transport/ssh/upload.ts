import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";

import { Fault } from "../../fault.ts";
import type { Connection } from "./connection.ts";
import { quote } from "./quote.ts";

/** Runs a script on the host; resolves with its output, throws what it failed with. */
export type Perform = (script: string) => Promise<string>;

/** Where what has come so far waits, by its whole content's hash: the next attempt goes on from there. */
const waiting = `hive_wait=/var/cache/hivematrix; [ "$(id -u)" -eq 0 ] || hive_wait="$HOME/.cache/hivematrix"`;

/**
 * Sends a file and proves by its hash that it is whole.
 * @param shell the command that runs a script as the right user
 * @param begin a script that fails where `finish` could not succeed
 * @param finish a script that takes the file named by `$hive_file` to its place
 */
export async function sendFile(
  connection: Connection,
  perform: Perform,
  shell: (script: string) => string,
  from: string,
  begin: string,
  finish: string,
  signal: AbortSignal,
): Promise<void> {
  const { size } = await stat(from);
  const whole = await hashOf(from, size);
  const place = `${waiting}; hive_file="$hive_wait/${whole}"`;
  const found = await perform(
    `${begin} || exit 1\n${place}\nmkdir -p -m 0700 "$hive_wait"\n` +
      `find "$hive_wait" -maxdepth 1 -type f -mtime +7 -delete\n` +
      `[ -f "$hive_file" ] || (umask 077; true >"$hive_file")\n` +
      `printf '%s %s' "$(stat -c %s -- "$hive_file")" "$(sha256sum <"$hive_file" | cut -c 1-64)"`,
  );
  const [text = "", hash = ""] = found.split(" ");
  const there = Number(text);
  const goesOn = there <= size && hash === (await hashOf(from, there));
  const start = goesOn ? there : 0;
  if (start < size) {
    const write = start === 0 ? ">" : ">>";
    const channel = await connection.exec(shell(`${place}; exec cat ${write}"$hive_file"`));
    channel.resume();
    channel.stderr.resume();
    const closed = new Promise<void>((resolve) => channel.once("close", resolve));
    try {
      await pipeline(createReadStream(from, { start }), channel, { signal });
    } catch (error) {
      if (connection.lost) throw connection.lost;
      throw signal.aborted ? new Fault("Interrupted; run the same command again.") : error;
    }
    await closed;
    if (connection.lost) throw connection.lost;
  }
  await perform(
    `${place}\n` +
      `if [ "$(sha256sum <"$hive_file" | cut -c 1-64)" != ${quote(whole)} ]; then rm -f "$hive_file"; echo "it arrived incomplete: No space left on device" >&2; exit 1; fi\n${finish}\nhive_code=$?; rmdir "$hive_wait" 2>/dev/null; exit $hive_code`,
  );
}

async function hashOf(path: string, length: number): Promise<string> {
  const hash = createHash("sha256");
  if (length > 0) {
    for await (const chunk of createReadStream(path, { end: length - 1 })) {
      hash.update(chunk as Buffer);
    }
  }
  return hash.digest("hex");
}
