import type { LogEntry } from "./entry.ts";

/** Entries whose words are one row of the index: more are smaller on disk and slower to look through. */
const groupSize = 128;

/** Characters of a word in the index; what is asked for is cut as well. */
const longest = 64;

/** Words of a text: letters and digits of any script, in lower case; the rest separates them. */
export function wordsOf(text: string): string[] {
  const lower = text.toLowerCase();
  return (lower.match(ascii.test(lower) ? asciiWord : anyWord) ?? []).map((word) =>
    word.length > longest ? word.slice(0, longest).toWellFormed() : word,
  );
}

const ascii = /^[\x00-\x7f]*$/;
const asciiWord = /[a-z0-9]+/g;
const anyWord = /[\p{L}\p{N}]+/gu;

/** Rows of log_words in COPY's text format, for entries numbered from `first` on. */
export function wordRows(entries: readonly LogEntry[], first: number): string {
  let rows = "";
  for (let start = 0; start < entries.length;) {
    const day = entries[start]?.timestamp.slice(0, 10);
    const words = new Set<string>();
    let [from, to] = ["9", ""];
    let end = start;
    // A row belongs to one partition, so to one day.
    for (; end < entries.length && end - start < groupSize; end++) {
      const entry = entries[end];
      if (entry?.timestamp.slice(0, 10) !== day || entry === undefined) break;
      if (entry.timestamp < from) from = entry.timestamp;
      if (entry.timestamp > to) to = entry.timestamp;
      for (const word of wordsOf(entry.message)) words.add(word);
    }
    // Only letters and digits: nothing that a tsvector's text would need quotes for.
    const text = [...words].join(" ");
    if (text !== "") rows += `${first + start}\t${first + end - 1}\t${from}\t${to}\t${text}\n`;
    start = end;
  }
  return rows;
}
