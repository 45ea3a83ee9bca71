import { expect } from "chai";

import type { RealmUser } from "../../support/identity.ts";
import { restartPostgres } from "../../support/postgres.ts";
import { type TestCore, TestPlatform, type TestStream, until } from "./testCore.ts";

describe("core's events", () => {
  let platform: TestPlatform;
  let core: TestCore;
  let ada: RealmUser;
  let streams: TestStream[];

  beforeEach(async () => {
    platform = await TestPlatform.start();
    core = await platform.core();
    ada = platform.realm.addUser("ada");
    streams = [];
  });

  afterEach(async () => {
    for (const stream of streams) stream.close();
    await platform.close();
  });

  const listen = async (on: TestCore, after?: number): Promise<TestStream> => {
    const stream = await on.listen(after);
    streams.push(stream);
    return stream;
  };

  const endOne = async (): Promise<string> => {
    const { cookie, session } = await core.begin(ada);
    await core.post("/v1/sessions/end", { cookie }, { caller: "nexus" });
    return session.id;
  };

  it("begin with hello, then tell what happens", async () => {
    await endOne();
    const stream = await listen(core);
    expect(stream.response.headers.get("content-type")).to.equal("text/event-stream");
    expect(await stream.next()).to.deep.equal({ event: "hello", id: 1, data: {} });
    const session = await endOne();
    expect(await stream.next()).to.deep.equal({ event: "session.ended", id: 2, data: { session } });
  });

  it("go on where a listener stopped", async () => {
    const missed = [await endOne(), await endOne(), await endOne()];
    const stream = await listen(core, 1);
    expect(await stream.next()).to.deep.equal({ event: "hello", id: 1, data: {} });
    for (const [index, session] of missed.slice(1).entries()) {
      const expected = { event: "session.ended", id: index + 2, data: { session } };
      expect(await stream.next()).to.deep.equal(expected);
    }
  });

  it("tell every process on one database", async () => {
    const other = await platform.core();
    const stream = await listen(other);
    await stream.next();
    const session = await endOne();
    expect((await stream.next()).data).to.deep.equal({ session });
  });

  it("say reset to a listener whose events are gone, or who comes from another database", async () => {
    await endOne();
    platform.clock.forward(1);
    await endOne();
    platform.clock.forward(86_399);
    await core.prune();
    for (const after of [0, 99]) {
      const stream = await listen(core, after);
      expect(await stream.next()).to.deep.equal({ event: "hello", id: 2, data: {} });
      expect(await stream.next()).to.deep.equal({ event: "reset", id: 2, data: {} });
    }
    const stream = await listen(core, 1);
    await stream.next();
    expect(await stream.next()).to.include({ event: "session.ended", id: 2 });
  });

  it("refuse a number that is none", async () => {
    const answer = await core.get("/v1/events?after=x", { caller: "nexus" });
    expect(answer.status).to.equal(400);
  });

  it("end when core is about to end", async () => {
    const stream = await listen(core);
    await stream.next();
    core.drain();
    const fault = await stream.next().catch((error: unknown) => error);
    expect(fault).to.have.property("message", "The stream has ended");
  });

  it("weakness 22: core recovers by itself from a restart of PostgreSQL, streams included", async () => {
    const { cookie } = await core.begin(ada);
    const stream = await listen(core);
    await stream.next();
    await restartPostgres();
    await until(async () => (await core.resolve(cookie)).status === 200);
    await core.post("/v1/sessions/end", { cookie }, { caller: "nexus" });
    expect((await stream.next()).event).to.equal("session.ended");
  });
});
