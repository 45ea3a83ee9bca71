import type { PoolClient, Submittable } from "pg";

/** What `pg` gives a submitted statement to write to; its types do not have all of it. */
interface Wire {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** COPY … FROM STDIN of rows that are in memory already (protocol: "COPY Operations"). */
class Copy implements Submittable {
  /** Wrapped by `pg` to end the timer of `query_timeout`; called once. */
  callback: (fault: Error | null) => void;
  readonly #text: string;
  readonly #rows: Buffer[];
  #fault: Error | null = null;

  constructor(text: string, rows: readonly Buffer[], callback: (fault: Error | null) => void) {
    this.#text = text;
    this.#rows = [...rows];
    this.callback = callback;
  }

  submit(connection: unknown): void {
    (connection as Wire).query(this.#text);
  }

  handleCopyInResponse(connection: unknown): void {
    const rows = this.#rows.shift();
    if (rows !== undefined) (connection as Wire).sendCopyFromChunk(rows);
    (connection as Wire).endCopyFrom();
  }

  handleCommandComplete(): void {
    // The end is ReadyForQuery.
  }

  handleError(fault: Error): void {
    this.#fault ??= fault;
    // After a broken connection nothing else comes.
    this.callback(fault);
  }

  handleReadyForQuery(): void {
    this.callback(this.#fault);
  }
}

/**
 * Stores rows of several tables with one message to the database.
 * @param tables rows in COPY's text format by table, with its columns where they are not all
 * @param last a statement to run after them in the same message
 */
export async function copyRows(
  client: PoolClient,
  tables: Readonly<Record<string, string>>,
  last?: "COMMIT",
): Promise<void> {
  const statements = Object.keys(tables).map((table) => `COPY ${table} FROM STDIN`);
  if (last !== undefined) statements.push(last);
  const rows = Object.values(tables).map((text) => Buffer.from(text));
  await new Promise<void>((resolve, reject) => {
    const settle = (fault: Error | null): void => {
      if (fault === null) resolve();
      else reject(fault);
    };
    client.query(new Copy(statements.join("; "), rows, settle));
  });
}

const special = /[\\\n\r\t]/;
const escapes: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** A value in COPY's text format. */
export function copyText(value: string | null): string {
  if (value === null) return "\\N";
  return special.test(value)
    ? value.replace(/[\\\n\r\t]/g, (character) => escapes[character] ?? character)
    : value;
}
