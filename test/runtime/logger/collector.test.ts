import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import type { Pool } from "pg";

import { migrate } from "../../../runtime/kernel/migrations.ts";
import { Collector } from "../../../runtime/logger/collector.ts";
import { LogStore } from "../../../runtime/logger/store.ts";
import { createDatabase, restartPostgres } from "../../support/postgres.ts";
import { eventually, frozen, poolOf, quiet } from "./testLogger.ts";

const migrations = new URL("../../../runtime/logger/migrations/", import.meta.url);

describe("Collector", () => {
  let pool: Pool;
  let folder: string;
  let main: string;
  let current: string;
  let lines = 0;

  before(async () => {
    pool = poolOf(await createDatabase());
    await migrate(pool, migrations);
  });
  after(() => pool.end());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "collector-"));
    main = join(folder, "codex", "log", "main");
    current = join(main, "current");
    mkdirSync(main, { recursive: true });
    lines = 0;
    await pool.query("TRUNCATE log_entries, log_cursors");
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const create = (over: Pool = pool): Collector => {
    const now = () => frozen;
    return new Collector({ folder, pool: over, store: new LogStore(over, now), log: quiet, now });
  };
  const line = (text: string): string => {
    lines += 1;
    return `2026-11-24_09:00:00.${String(lines).padStart(5, "0")} ${text}\n`;
  };
  const write = (...texts: readonly string[]): void => {
    appendFileSync(current, texts.map(line).join(""));
  };
  /** As svlogd puts `current` aside. */
  const rotate = (time: number, kind = "s"): string => {
    const path = join(main, `@4000000${String(time)}0000000000000000.${kind}`);
    renameSync(current, path);
    writeFileSync(current, "");
    return path;
  };
  const stored = async (): Promise<string[]> => {
    const { rows } = await pool.query<{ message: string }>(
      "SELECT message FROM log_entries ORDER BY id",
    );
    return rows.map(({ message }) => message);
  };

  it("stores a service's lines once, with time, service and level", async () => {
    write("first", '{"level":"error","msg":"second","request_id":"r-1"}');
    const collector = create();
    await collector.collect();
    await collector.collect();
    const { rows } = await pool.query(
      "SELECT timestamp::text, service_name, level, message, trace_id FROM log_entries ORDER BY id",
    );
    const same = { service_name: "codex" };
    expect(rows).to.deep.equal([
      {
        ...same,
        timestamp: "2026-11-24 09:00:00.00001",
        level: "INFO",
        message: "first",
        trace_id: null,
      },
      {
        ...same,
        timestamp: "2026-11-24 09:00:00.00002",
        level: "ERROR",
        message: "second",
        trace_id: "r-1",
      },
    ]);
  });

  it("goes on where another process of the logger stopped", async () => {
    write("a");
    await create().collect();
    write("b");
    await create().collect();
    expect(await stored()).to.deep.equal(["a", "b"]);
  });

  it("waits for the end of a half line", async () => {
    const collector = create();
    write("a");
    const half = line("half and whole");
    appendFileSync(current, half.slice(0, 30));
    await collector.collect();
    expect(await stored()).to.deep.equal(["a"]);
    appendFileSync(current, half.slice(30));
    await collector.collect();
    expect(await stored()).to.deep.equal(["a", "half and whole"]);
  });

  it("takes a half line of a file that nobody writes to any more", async () => {
    appendFileSync(current, line("torn").trimEnd());
    rotate(1, "u");
    write("after");
    await create().collect();
    expect(await stored()).to.deep.equal(["torn", "after"]);
  });

  it("reads the rest of a file put aside before the new one", async () => {
    const collector = create();
    write("a");
    await collector.collect();
    write("b");
    rotate(1);
    write("c");
    await collector.collect();
    await collector.collect();
    expect(await stored()).to.deep.equal(["a", "b", "c"]);
  });

  it("follows several files put aside while no logger ran", async () => {
    write("a");
    await create().collect();
    write("b");
    rotate(1);
    write("c");
    rotate(2);
    write("d");
    rotate(3);
    write("e");
    await create().collect();
    expect(await stored()).to.deep.equal(["a", "b", "c", "d", "e"]);
  });

  it("waits when svlogd is between two files", async () => {
    const collector = create();
    write("a");
    rotate(1);
    unlinkSync(current);
    await collector.collect();
    write("b");
    await collector.collect();
    expect(await stored()).to.deep.equal(["a", "b"]);
  });

  it("loses and repeats nothing when the file it read is gone", async () => {
    write("a");
    rotate(1);
    write("b");
    await create().collect();
    const gone = rotate(2);
    write("c");
    rotate(3);
    write("d");
    unlinkSync(gone);
    await create().collect();
    expect(await stored()).to.deep.equal(["a", "b", "c", "d"]);
  });

  it("begins anew with a truncated file and does not repeat the ones before (weakness 52)", async () => {
    const collector = create();
    write("a");
    rotate(1);
    write("b", "c");
    await collector.collect();
    truncateSync(current);
    write("d");
    await collector.collect();
    expect(await stored()).to.deep.equal(["a", "b", "c", "d"]);
    truncateSync(current);
    write("e is longer than what was there before", "f");
    await collector.collect();
    expect((await stored()).slice(4)).to.deep.equal([
      "e is longer than what was there before",
      "f",
    ]);
  });

  it("picks up services that come later", async () => {
    const collector = create();
    write("a");
    await collector.collect();
    const other = join(folder, "flask", "log", "main");
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, "current"), line("b"));
    mkdirSync(join(folder, "not a service", "log", "main"), { recursive: true });
    writeFileSync(join(folder, "not a service", "log", "main", "current"), line("c"));
    await collector.collect();
    expect(await stored()).to.deep.equal(["a", "b"]);
  });

  it("follows no link: a service does not have us read another's file", async () => {
    const secret = join(folder, "secret");
    writeFileSync(secret, line("secret"));
    symlinkSync(secret, current);
    symlinkSync(secret, join(main, "@400000010000000000000000.s"));
    await create().collect();
    expect(await stored()).to.deep.equal([]);
  });

  it("stores what is no UTF-8, has NUL, escapes, secrets or is far too long", async () => {
    appendFileSync(current, Buffer.from(line("x").replace("x\n", ""), "latin1"));
    appendFileSync(current, Buffer.from([0xff, 0x61, 0x00, 0x62, 0x0a]));
    write("\u001b[31mred\u001b[0m GET /as/codex/S3CRET/service-token", "y".repeat(700_000), "end");
    const collector = create();
    while (await collector.collect());
    const [bytes, red, long, end] = await stored();
    expect([bytes, red, end]).to.deep.equal([
      "\ufffdab",
      "red GET /as/codex/[secret]/service-token",
      "end",
    ]);
    expect(long).to.equal("y".repeat(10_000));
  });

  it("takes a large backlog in turns, all of it and in order", async () => {
    const texts = Array.from(
      { length: 30_000 },
      (_, index) => `${String(index)} ${"z".repeat(60)}`,
    );
    write(...texts);
    const collector = create();
    let rounds = 1;
    while (await collector.collect()) rounds += 1;
    expect(rounds).to.be.above(1);
    expect(await stored()).to.deep.equal(texts);
  });

  it("stores nothing twice when two loggers collect at the same time", async () => {
    const [one, two] = [create(), create()];
    const texts: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      texts.push(`line ${String(round)}`);
      write(`line ${String(round)}`);
      await Promise.all([one.collect(), two.collect()]);
    }
    await Promise.all([one.collect(), two.collect()]);
    expect(await stored()).to.deep.equal(texts);
  });

  it("goes on after PostgreSQL was away, and stores nothing twice", async () => {
    const collector = create();
    write("a");
    await collector.collect();
    write("b");
    const restarted = restartPostgres();
    for (let round = 0; round < 50; round += 1) await collector.collect();
    await restarted;
    write("c");
    await eventually(async () => {
      await collector.collect();
      return (await stored()).length >= 3;
    });
    expect(await stored()).to.deep.equal(["a", "b", "c"]);
  });

  it("collects by itself once started, and ends", async () => {
    const now = () => frozen;
    const store = new LogStore(pool, now);
    const collector = new Collector({ folder, pool, store, log: quiet, now, interval: 10 });
    collector.start();
    write("a");
    await eventually(async () => (await stored()).length === 1);
    write("b");
    await eventually(async () => (await stored()).length === 2);
    await collector.close();
    expect(await stored()).to.deep.equal(["a", "b"]);
  });
});
