import { expect } from "chai";
import type { Pool } from "pg";

import { migrate } from "../../../runtime/kernel/migrations.ts";
import { normalizeEntry, type LogEntry } from "../../../runtime/logger/entry.ts";
import { LogStore } from "../../../runtime/logger/store.ts";
import { createDatabase } from "../../support/postgres.ts";
import { frozen, poolOf } from "./testLogger.ts";

const migrations = new URL("../../../runtime/logger/migrations/", import.meta.url);

describe("partitions", () => {
  let pool: Pool;

  beforeEach(async () => {
    pool = poolOf(await createDatabase());
    await migrate(pool, migrations);
  });
  afterEach(() => pool.end());

  const entryAt = (timestamp: string): LogEntry => ({
    ...(normalizeEntry({ message: timestamp }, "codex", frozen) as LogEntry),
    timestamp,
  });
  const names = async (): Promise<string[]> => {
    const { rows } = await pool.query<{ name: string }>(
      "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'log_entries'::regclass ORDER BY 1",
    );
    return rows.map(({ name }) => name);
  };
  const where = async (): Promise<string[]> => {
    const { rows } = await pool.query<{ name: string }>(
      "SELECT tableoid::regclass::text AS name FROM log_entries ORDER BY id",
    );
    return rows.map(({ name }) => name);
  };

  it("are made from yesterday to a week ahead, by several processes at once", async () => {
    const stores = [new LogStore(pool, () => frozen), new LogStore(pool, () => frozen)];
    await Promise.all(stores.map((store) => store.partitions.prepare()));
    const days = [23, 24, 25, 26, 27, 28, 29, 30].map((day) => `log_entries_202611${String(day)}`);
    expect(await names()).to.deep.equal([...days, "log_entries_20261201", "log_entries_default"]);
  });

  it("are made for entries of the last 30 days; older ones are strays", async () => {
    const store = new LogStore(pool, () => frozen);
    const days = ["2026-10-24", "2026-10-25", "2026-11-24"];
    await store.insert(days.map((day) => entryAt(`${day}T12:00:00.000000`)));
    expect(await where()).to.deep.equal([
      "log_entries_default",
      "log_entries_20261025",
      "log_entries_20261124",
    ]);
  });

  it("take over their day's strays", async () => {
    await new LogStore(pool, () => new Date("2027-03-01")).insert([
      entryAt("2026-11-24T00:00:00.000000"),
      entryAt("2026-11-24T23:59:59.999999"),
      entryAt("2026-11-26T00:00:00.000000"),
    ]);
    expect(new Set(await where())).to.deep.equal(new Set(["log_entries_default"]));
    const store = new LogStore(pool, () => frozen);
    await store.partitions.cover([entryAt("2026-11-24T12:00:00.000000")]);
    const [day, rest] = ["log_entries_20261124", "log_entries_default"];
    expect(await where()).to.deep.equal([day, day, rest]);
    expect(await store.find({}, 10, 0)).to.have.length(3);
  });

  it("have the indexes of the contract", async () => {
    await new LogStore(pool, () => frozen).partitions.prepare();
    const { rows } = await pool.query<{ name: string }>(
      "SELECT indexname AS name FROM pg_indexes WHERE tablename = 'log_entries'",
    );
    expect(rows.map(({ name }) => name)).to.include.members([
      "idx_log_service_timestamp",
      "idx_log_level_timestamp",
    ]);
  });
});
