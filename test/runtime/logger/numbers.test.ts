import { expect } from "chai";

import { LogStore } from "../../../runtime/logger/store.ts";
import { frozen, TestLogger } from "./testLogger.ts";

describe("numbers of entries", () => {
  let logger: TestLogger;
  let store: LogStore;

  before(async () => {
    logger = await TestLogger.start();
    store = new LogStore(logger.pool, () => frozen);
  });
  after(() => logger.stop());

  const entryOf = (message: string) => ({
    timestamp: "2026-11-24T09:00:00.000000",
    service_name: "codex",
    level: "INFO" as const,
    message,
    context: null,
    trace_id: null,
    user_id: null,
    hostname: null,
    process_id: null,
  });

  it("end below a transaction that is not committed, and go on above one that never was", async () => {
    const slow = await logger.pool.connect();
    const before = await store.horizon();
    await slow.query("BEGIN");
    await slow.query("SELECT log_numbers(10)");
    await store.insert([entryOf("faster")]);
    expect(await store.horizon()).to.equal(before);
    await slow.query("ROLLBACK");
    slow.release();
    expect(await store.horizon()).to.equal(before + 11);
    const found = await store.after(before, await store.horizon(), {}, 10);
    expect(found.map(({ id, message }) => [id, message])).to.deep.equal([[before + 11, "faster"]]);
  });

  it("let a reader miss nothing while several write at the same time", async () => {
    const writers = 4;
    const each = 60;
    const start = await store.horizon();
    const write = async (name: number): Promise<void> => {
      for (let index = 0; index < each; index++) {
        const messages = Array.from({ length: 1 + (index % 7) }, (_, at) => `${index}-${at}`);
        await store.insert(messages.map((text) => entryOf(`w${name} ${text}`)));
      }
    };
    const written = new AbortController();
    const ended = Promise.all(Array.from({ length: writers }, (_, name) => write(name))).finally(
      () => {
        written.abort();
      },
    );
    const seen: number[] = [];
    let position = start;
    const read = async (): Promise<void> => {
      const horizon = await store.horizon();
      const found = await store.after(position, horizon, { service: "codex" }, 10_000);
      seen.push(...found.map(({ id }) => id));
      position = horizon;
    };
    while (!written.signal.aborted) await read();
    await ended;
    await read();
    const { rows } = await logger.pool.query<{ id: number }>(
      `SELECT id::float8 AS id FROM log_entries WHERE id > ${start} AND service_name = 'codex' ORDER BY id`,
    );
    expect(seen).to.deep.equal(rows.map(({ id }) => id));
  });
});
