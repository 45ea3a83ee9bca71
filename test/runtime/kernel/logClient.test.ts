import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { pino } from "pino";

import type { Entry } from "../../../runtime/kernel/log.ts";
import { LogClient, type LogClientOptions } from "../../../runtime/kernel/logClient.ts";

describe("the client of the logger, while that is away", () => {
  let folder: string;
  let path: string;
  let isAway = true;
  let got: Entry[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "spill-"));
    path = join(folder, "spilled");
    [isAway, got] = [true, []];
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const answer = ((_url: string, { body }: { body: string }) => {
    if (isAway) return Promise.reject(new Error("away"));
    got.push(...(JSON.parse(body) as { logs: Entry[] }).logs);
    return Promise.resolve(new Response("{}"));
  }) as unknown as typeof fetch;
  const create = (changes: Partial<LogClientOptions> = {}, bytes = 1_000_000): LogClient =>
    new LogClient({
      url: "http://127.0.0.1:1",
      service: "codex",
      token: () => Promise.resolve("t"),
      capacity: 20,
      interval: 3_600_000,
      spill: { path, bytes },
      fetch: answer,
      ...changes,
    });
  const settle = async (until: () => boolean): Promise<void> => {
    for (const end = Date.now() + 10_000; !until();) {
      if (Date.now() > end) throw new Error("not within 10 s");
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const fill = async (client: LogClient, from: number, to: number): Promise<void> => {
    for (let index = from; index < to; index++) {
      client.write({ level: "INFO", message: String(index) });
      if (index % 10 === 9) await settle(() => client.waiting <= 20);
    }
  };
  const numbers = (count: number): string[] => Array.from({ length: count }, (_, at) => String(at));

  it("spills to a file, and catches up in order with nothing lost", async () => {
    const client = create();
    await fill(client, 0, 2000);
    expect([client.dropped, client.waiting <= 20]).to.deep.equal([0, true]);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    isAway = false;
    await client.close();
    expect(got.map(({ message }) => message)).to.deep.equal(numbers(2000));
    expect(existsSync(path)).to.equal(false);
  });

  it("keeps the order when a batch comes back while more had to wait", async () => {
    let fail: (() => void) | undefined;
    const hanging = (() =>
      new Promise((_resolve, reject) => {
        fail = () => {
          reject(new Error("away"));
        };
      })) as unknown as typeof fetch;
    const client = create({
      interval: 0,
      fetch: (...args) => (fail === undefined ? hanging(...args) : answer(...args)),
    });
    client.write({ level: "INFO", message: "0" });
    await settle(() => fail !== undefined);
    for (const message of numbers(30).slice(1)) client.write({ level: "INFO", message });
    fail?.();
    isAway = false;
    await client.close();
    expect(client.dropped).to.equal(0);
    expect(got.map(({ message }) => message)).to.deep.equal(numbers(30));
  });

  it("leaves the file to the next process, which sends it before its own", async () => {
    const first = create();
    await fill(first, 0, 50);
    await first.close();
    expect([first.dropped, readFileSync(path, "utf8").match(/\n/g)?.length]).to.deep.equal([0, 50]);
    isAway = false;
    const second = create();
    second.write({ level: "INFO", message: "50" });
    await second.close();
    expect(got.map(({ message }) => message)).to.deep.equal(numbers(51));
  });

  it("is bounded, and counts and tells what it had to drop (weakness 50)", async () => {
    const client = create({}, 2000);
    await fill(client, 0, 500);
    expect(statSync(path).size).to.be.at.most(2000);
    expect(client.dropped).to.be.above(400);
    isAway = false;
    await client.close();
    const told = got.find(({ message }) => message.endsWith("log lines were dropped"));
    expect(told?.message).to.equal(`${client.dropped} log lines were dropped`);
    const kept = got.filter((entry) => entry !== told).map(({ message }) => Number(message));
    expect(kept).to.deep.equal([...kept].sort((a, b) => a - b));
    expect(kept.length + client.dropped).to.equal(500);
  });

  it("reads over what a crash left half", async () => {
    writeFileSync(path, '{"level":"INFO","message":"0"}\n{"level":"IN');
    isAway = false;
    const client = create();
    client.write({ level: "INFO", message: "1" });
    await client.close();
    expect(got.map(({ message }) => message)).to.deep.equal(numbers(2));
  });

  it("is a destination of pino's", async () => {
    isAway = false;
    const client = create();
    const log = pino({ base: null }, client.stream());
    log.warn({ trace_id: "r-1", path: "/a" }, "slow");
    log.error({ err: new Error("why") }, "failed");
    await client.close();
    expect(got[0]).to.deep.include({
      level: "WARNING",
      message: "slow",
      trace_id: "r-1",
      context: { path: "/a" },
    });
    expect(got[1]).to.deep.include({ level: "ERROR", message: "failed" });
  });
});
