import { expect } from "chai";

import { LiveTail } from "../../../runtime/logger/liveTail.ts";
import { LogStore, type StoredEntry } from "../../../runtime/logger/store.ts";
import { eventually, frozen, quiet, TestLogger } from "./testLogger.ts";

/** A browser's side of a stream: what came, in its order. */
class Follower {
  readonly events: StoredEntry[] = [];
  readonly ids: string[] = [];
  ended = false;
  readonly #abort = new AbortController();

  async open(logger: TestLogger, query: string, token: string, last?: number): Promise<Response> {
    const response = await logger.request(`/api/logs/stream?${query}`, token, {
      signal: this.#abort.signal,
      headers: last === undefined ? {} : { "last-event-id": String(last) },
    });
    if (response.status === 200) void this.#read(response);
    return response;
  }

  get messages(): string[] {
    return this.events.map(({ message }) => message);
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(response: Response): Promise<void> {
    let text = "";
    try {
      for await (const piece of response.body ?? []) {
        text += Buffer.from(piece as Uint8Array).toString();
        const blocks = text.split("\n\n");
        text = blocks.pop() ?? "";
        for (const block of blocks) this.#take(block);
      }
    } catch {
      // Cut off.
    }
    this.ended = true;
  }

  #take(block: string): void {
    const data = /^data: ([^\n]*)/m.exec(block)?.[1];
    if (data === undefined) return;
    this.events.push(JSON.parse(data) as StoredEntry);
    this.ids.push(/^id: (\d+)$/m.exec(block)?.[1] ?? "");
  }
}

describe("GET /api/logs/stream", () => {
  let logger: TestLogger;
  let codex: string;
  let core: string;
  let admin: string;
  const followers: Follower[] = [];

  before(async () => {
    logger = await TestLogger.start({}, () => new Date(), { technician: ["codex"] });
    codex = await logger.core.service("codex");
    core = await logger.core.service("core");
    admin = await logger.core.user("admin");
  });
  afterEach(() => {
    for (const one of followers.splice(0)) one.close();
  });
  after(() => logger.stop());

  const follow = async (query = "", token = admin, last?: number): Promise<Follower> => {
    const follower = new Follower();
    followers.push(follower);
    const { status } = await follower.open(logger, `service=codex&${query}`, token, last);
    expect(status).to.equal(200);
    return follower;
  };
  const write = (...messages: string[]): Promise<Response> =>
    logger.ingest({ logs: messages.map((message) => ({ message })) }, codex);

  it("brings what is stored from now on, in its order, to each what it asked for", async () => {
    await write("before");
    const all = await follow();
    const some = await follow("q=needle*");
    const errors = await follow("level=error");
    await write("one", "two needles", "three");
    await logger.ingest({ logs: [{ message: "bad", level: "ERROR" }] }, codex);
    await logger.ingest({ logs: [{ message: "another's" }] }, core);
    await eventually(() => Promise.resolve(all.events.length === 4 && errors.events.length === 1));
    expect(all.messages).to.deep.equal(["one", "two needles", "three", "bad"]);
    expect(some.messages).to.deep.equal(["two needles"]);
    expect(errors.messages).to.deep.equal(["bad"]);
    expect(all.ids).to.deep.equal(all.events.map(({ id }) => String(id)));
  });

  it("goes on where a broken one ended: nothing twice, nothing missing", async () => {
    const first = await follow();
    await write("a", "b");
    await eventually(() => Promise.resolve(first.events.length === 2));
    first.close();
    await write("c", "d");
    const second = await follow("", admin, first.events.at(-1)?.id);
    await write("e");
    await eventually(() => Promise.resolve(second.events.length === 3));
    expect(second.messages).to.deep.equal(["c", "d", "e"]);
  });

  it("hands lines on as data: they cannot end an event, begin one or act anywhere", async () => {
    const follower = await follow();
    const nasty = '<script>alert(1)</script>\n\ndata: {"id":1}\r\nevent: x\n\u2028\u0085';
    await write(nasty);
    await eventually(() => Promise.resolve(follower.events.length > 0));
    await write("next");
    await eventually(() => Promise.resolve(follower.events.length > 1));
    expect(follower.messages).to.deep.equal([nasty, "next"]);
  });

  it("shows users what their level may see, also by number, and others nothing", async () => {
    const technician = await logger.core.user("technician");
    const follower = new Follower();
    followers.push(follower);
    await follower.open(logger, "", technician);
    await logger.ingest({ logs: [{ message: "core's" }] }, core);
    await write("codex's");
    await eventually(() => Promise.resolve(follower.events.length > 0));
    expect(follower.messages).to.deep.equal(["codex's"]);

    const list = async (query: string, token: string) => {
      const answer = await logger.request(`/api/logs?${query}`, token);
      return ((await answer.json()) as { logs: StoredEntry[] }).logs;
    };
    const [secret] = await list("service=core&limit=1", admin);
    expect(await list("service=core", technician)).to.deep.equal([]);
    expect((await list("limit=1000", technician)).map((entry) => entry.service_name)).to.satisfy(
      (names: string[]) => names.length > 0 && names.every((name) => name === "codex"),
    );
    const one = await logger.request(`/api/logs/${String(secret?.id)}`, technician);
    expect(one.status).to.equal(404);
    for (const path of ["", "/stream", "/levels"]) {
      const client = await logger.request(`/api/logs${path}`, await logger.core.user("client"));
      expect(client.status).to.equal(403);
      expect((await logger.request(`/api/logs${path}`, codex)).status).to.equal(403);
    }
  });

  it("ends with the token, and refuses a position that is none", async () => {
    const follower = new Follower();
    followers.push(follower);
    const exp = Math.floor(Date.now() / 1000) + 2;
    await follower.open(logger, "", await logger.core.user("admin", { exp }));
    await eventually(() => Promise.resolve(follower.ended));
    expect(Date.now()).to.be.at.least(exp * 1000 - 50);
    const refused = await logger.request("/api/logs/stream?after=x", admin);
    expect(refused.status).to.equal(400);
  });
});

describe("the live tail", () => {
  let logger: TestLogger;
  before(async () => (logger = await TestLogger.start()));
  after(() => logger.stop());

  it("reads once for all, and leaves alone who cannot take more", async () => {
    const store = new LogStore(logger.pool, () => frozen);
    let reads = 0;
    const counting = {
      horizon: () => store.horizon(),
      after: (...args: Parameters<LogStore["after"]>) => {
        reads += 1;
        return store.after(...args);
      },
    };
    const tail = new LiveTail({ store: counting, log: quiet, interval: 10 });
    const taken: string[] = [];
    const full: string[] = [];
    for (let index = 0; index < 100; index++) {
      await tail.follow({ filter: {}, send: (text) => taken.push(text) > 0 }, 0);
    }
    await tail.follow({ filter: {}, send: (text) => full.push(text) < 0 }, 0);
    const codex = await logger.core.service("codex");
    await logger.ingest({ logs: [{ message: "one" }, { message: "two" }] }, codex);
    await eventually(() => Promise.resolve(taken.length === 100));
    await logger.ingest({ logs: [{ message: "three" }] }, codex);
    await eventually(() => Promise.resolve(taken.length === 200));
    await tail.close();
    expect(reads).to.equal(2);
    expect(full).to.have.length(1);
    expect(taken[0]?.match(/^id: /gm)).to.have.length(2);
  });
});
