import { expect } from "chai";

import { createCoreClient } from "../../../runtime/gateway/coreClient.ts";
import {
  followEvents,
  readEvents,
  type ServerEvent,
} from "../../../runtime/gateway/eventStream.ts";
import { createLog } from "../../../runtime/kernel/log.ts";
import { TestCore, until } from "../../support/gateway.ts";

describe("core's announcements", () => {
  let core: TestCore;
  let calls: string[];
  let lines: string[];
  let unfollow: () => void;
  let follow: (silence: number) => () => void;
  /** What `told` was set to, in turn: the false between two is too short to be looked for. */
  let turns: boolean[];
  const sessions = {
    get told() {
      return turns.at(-1) ?? false;
    },
    set told(value) {
      turns.push(value);
    },
    end: (id: string) => calls.push(`end ${id}`),
    change: (id: string) => calls.push(`change ${id}`),
    clear: () => calls.push("clear"),
  };

  beforeEach(async () => {
    core = new TestCore();
    await core.start();
    calls = [];
    turns = [];
    lines = [];
    const client = createCoreClient({
      url: core.url,
      name: "nexus",
      secret: "the-secret-of-the-gateway-0123456789",
    });
    const log = createLog("nexus", "info", { write: (line) => lines.push(line) });
    follow = (silence) => followEvents({ core: client, sessions, log, pause: 5, silence });
    unfollow = follow(60_000);
    await until(() => sessions.told);
  });
  afterEach(async () => {
    unfollow();
    await core.close();
  });

  it("are followed from now on, and acted on", async () => {
    core.emit("session.ended", "a");
    core.emit("session.changed", "b");
    core.emit("unknown", "c");
    core.emit("session.ended", "d");
    await until(() => calls.length === 4);
    expect(calls).to.deep.equal(["clear", "end a", "change b", "end d"]);
    expect(core.connections).to.deep.equal([undefined]);
  });

  it("are taken up again where the connection broke, without loss of what is known", async () => {
    core.emit("session.ended", "a");
    await until(() => calls.length === 2);
    core.dropFollowers();
    await until(() => core.connections.length === 2 && sessions.told);
    expect(turns).to.deep.equal([true, false, true]);
    expect(core.connections).to.deep.equal([undefined, "8"]);
    expect(calls).to.deep.equal(["clear", "end a"]);
  });

  it("empty the cache when some were missed, once", async () => {
    core.emit("reset");
    await until(() => calls.length === 2);
    core.dropFollowers();
    await until(() => core.connections.length === 2 && sessions.told);
    expect(calls).to.deep.equal(["clear", "clear"]);
    expect(core.connections).to.deep.equal([undefined, "8"]);
  });

  it("empty the cache when core's numbers go back: another database", async () => {
    core.sequence = 3;
    core.dropFollowers();
    await until(() => calls.length === 2);
    expect(calls).to.deep.equal(["clear", "clear"]);
  });

  it("are asked for again after a silence", async () => {
    unfollow();
    unfollow = follow(200);
    await until(() => core.connections.length >= 3 && sessions.told);
  });

  it("are missed aloud once an outage", async () => {
    const before = lines.length;
    core.outage = 503;
    core.dropFollowers();
    await until(() => core.refused >= 4);
    core.outage = undefined;
    await until(() => sessions.told);
    expect(lines).to.have.length(before + 1);
  });
});

describe("server-sent events", () => {
  async function read(...chunks: string[]): Promise<ServerEvent[]> {
    const events: ServerEvent[] = [];
    // eslint-disable-next-line @typescript-eslint/require-await -- a stream, as it comes
    async function* stream(): AsyncGenerator<string> {
      yield* chunks;
    }
    for await (const event of readEvents(stream(), () => undefined)) events.push(event);
    return events;
  }

  it("are read whatever pieces they come in", async () => {
    const text =
      ': hello\n\nid: 1\nevent: a\ndata: {"x":1}\n\r\n\r\nid: 2\r\nevent:b\r\ndata: 1\r\ndata: 2\r\n\r\nid: 3';
    const expected = [
      { event: "a", data: '{"x":1}', id: "1" },
      { event: "b", data: "1\n2", id: "2" },
    ];
    expect(await read(text)).to.deep.equal(expected);
    expect(await read(...Array.from(text))).to.deep.equal(expected);
  });

  it("are not kept for ever when they do not end", async () => {
    const fault = await read("data: ".padEnd(70_000, "x")).catch((caught: unknown) => caught);
    expect(fault).to.be.instanceOf(Error);
  });
});
