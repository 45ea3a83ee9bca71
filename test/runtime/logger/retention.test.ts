import { expect } from "chai";
import { pino } from "pino";

import { Retention } from "../../../runtime/logger/retention.ts";
import { loggerSettings } from "../../../runtime/logger/settings.ts";
import { LogStore } from "../../../runtime/logger/store.ts";
import { frozen, quiet, TestLogger } from "./testLogger.ts";

describe("retention", () => {
  let logger: TestLogger;
  let store: LogStore;

  before(async () => {
    logger = await TestLogger.start();
  });
  after(() => logger.stop());
  beforeEach(async () => {
    await retention({ days: 1 }, 10).apply();
    await logger.pool.query("TRUNCATE log_entries, log_words");
    // One that knows no day yet.
    store = new LogStore(logger.pool, () => frozen);
  });

  const insert = (day: string, service = "codex"): Promise<void> =>
    store.insert([
      {
        timestamp: `${day}T09:00:00.000000`,
        service_name: service,
        level: "INFO",
        message: `of ${day}`,
        context: null,
        trace_id: null,
        user_id: null,
        hostname: null,
        process_id: null,
      },
    ]);
  const left = async (): Promise<string[]> =>
    (await logger.rows()).map(
      ({ service_name: name, message }) => `${String(name)} ${String(message)}`,
    );
  const retention = (settings: object, usage: number | undefined, log = quiet): Retention =>
    new Retention({
      pool: logger.pool,
      log,
      settings: loggerSettings.parse({ retention: settings }).retention,
      now: () => frozen,
      usage: () => Promise.resolve(usage),
    });

  it("drops days beyond their age, with their words, and old lines of no day (weakness 50)", async () => {
    for (const day of ["2026-11-24", "2026-11-14", "2026-11-13", "2019-01-01"]) await insert(day);
    expect(await retention({ days: 10 }, 10).apply()).to.deep.equal(["20261113"]);
    expect(await left()).to.deep.equal(["codex of 2026-11-24", "codex of 2026-11-14"]);
    const { rows } = await logger.pool.query("SELECT first_time::text AS time FROM log_words");
    expect(rows).to.have.length(2);
    expect(await retention({ days: 10 }, 10).apply()).to.deep.equal([]);
  });

  it("takes single services' lines earlier", async () => {
    for (const service of ["codex", "nexus"]) {
      for (const day of ["2026-11-24", "2026-11-20"]) await insert(day, service);
    }
    await retention({ services: { nexus: 3 } }, 10).apply();
    expect(await left()).to.deep.equal([
      "codex of 2026-11-24",
      "codex of 2026-11-20",
      "nexus of 2026-11-24",
    ]);
  });

  it("drops the oldest day first when the disk is almost full, says so, and keeps today", async () => {
    for (const day of ["2026-11-24", "2026-11-22", "2026-11-21"]) await insert(day);
    const lines: { level: number; msg: string }[] = [];
    const log = pino({}, { write: (line) => void lines.push(JSON.parse(line) as never) });
    let usage = 95;
    const one = new Retention({
      pool: logger.pool,
      log,
      settings: loggerSettings.parse({}).retention,
      now: () => frozen,
      usage: () => Promise.resolve((usage -= 2)),
    });
    expect((await one.apply()).slice(0, 1)).to.deep.equal(["20261121"]);
    expect(lines[0]).to.deep.include({
      level: 50,
      msg: "the lines of 20261121 are dropped before their time: the disk is almost full",
    });
    await retention({}, 99).apply();
    expect(await left()).to.deep.equal(["codex of 2026-11-24"]);
  });

  it("drops the oldest day while all are larger than they may be", async () => {
    for (const day of ["2026-11-24", "2026-11-23"]) await insert(day);
    const dropped = await retention({ gigabytes: 0.000001 }, undefined).apply();
    expect(dropped).to.include("20261123");
    expect(await left()).to.deep.equal(["codex of 2026-11-24"]);
  });
});
