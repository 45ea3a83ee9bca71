import { expect } from "chai";

import { KnownSessions } from "../../../runtime/core/knownSessions.ts";
import { basic, secrets, type TestCore, TestPlatform } from "./testCore.ts";

describe("sessions that core knows by heart", () => {
  let told: boolean;
  let now: number;
  let keys: number;
  let known: KnownSessions;

  beforeEach(() => {
    [told, now, keys] = [true, 1_000_000, 1];
    known = new KnownSessions({
      isTold: () => told,
      keys: () => keys,
      clock: () => now,
      capacity: 3,
      characters: 100,
    });
  });

  function keep(token: string, session = token, answer = "{}", epoch = known.epoch): void {
    const times = { issuedAt: now, expiresAt: now + 60_000, keys };
    known.keep(token, times, { id: session, until: now + 30_000, answer }, epoch);
  }

  it("are found by a token that was seen before, by no other", () => {
    keep("a");
    expect(known.find("a")).to.include({ id: "a", answer: "{}" });
    expect(known.find("b")).to.equal(undefined);
  });

  it("are not known while changes are not heard of", () => {
    keep("a");
    told = false;
    expect(known.find("a")).to.equal(undefined);
  });

  it("are asked for again when their time, their token's or a key's is over", () => {
    keep("a");
    now += 30_000;
    expect(known.find("a")).to.equal(undefined);
    now -= 30_001;
    expect(known.find("a"), "issued in the future").to.equal(undefined);
    now += 1;
    keys = 2;
    expect(known.find("a")).to.equal(undefined);
  });

  it("are forgotten when they change, and not kept when that happens meanwhile", () => {
    keep("a");
    const { epoch } = known;
    known.forget("a");
    expect(known.find("a")).to.equal(undefined);
    keep("a", "a", "{}", epoch);
    expect(known.find("a")).to.equal(undefined);
    keep("a");
    known.clear();
    expect(known.find("a")).to.equal(undefined);
  });

  it("are bounded in number and size", () => {
    for (const token of ["a", "b", "c", "d"]) keep(token);
    expect(known.size).to.equal(3);
    expect(known.find("a")).to.equal(undefined);
    keep("e", "e", "x".repeat(90));
    keep("f", "f", "x".repeat(90));
    expect(known.find("e")).to.equal(undefined);
    expect(known.find("f")).not.to.equal(undefined);
  });
});

describe("core's busy paths", () => {
  let platform: TestPlatform;
  let core: TestCore;
  let other: TestCore;

  before(async () => {
    platform = await TestPlatform.start();
    [core, other] = await Promise.all([platform.core(), platform.core()]);
  });
  after(() => platform.close());

  /** A token whose session both processes know by heart. */
  async function known(): Promise<string> {
    const { session } = await core.begin(platform.realm.addUser("ada"));
    for (const each of [core, other, core, other]) {
      expect((await each.validate(session.token)).status).to.equal(200);
    }
    return session.token;
  }

  /** Until the other process refuses it, too; how long that took. */
  async function refused(token: string): Promise<number> {
    const start = performance.now();
    while ((await other.validate(token)).status === 200) {
      if (performance.now() - start > 10_000) throw new Error("still valid");
    }
    return performance.now() - start;
  }

  it("answer the same quickly as the ordinary way, with every header", async () => {
    const token = await known();
    const ordinary = await core.post(
      "/api/token/validate",
      { token },
      {
        headers: { "content-type": "application/json; charset=utf-8" },
      },
    );
    const quick = await core.validate(token);
    expect(quick.text).to.equal(ordinary.text);
    for (const name of ["content-type", "content-length", "cache-control"]) {
      expect(quick.headers.get(name), name).to.equal(ordinary.headers.get(name));
    }
    const id = { headers: { "x-correlation-id": "abc" } };
    const named = await core.post("/api/token/validate", { token }, id);
    expect(named.headers.get("x-correlation-id")).to.equal("abc");
  });

  it("take a proof in the path", async () => {
    const token = await known();
    const as = `/as/codex/${secrets.codex}`;
    expect((await core.post(`${as}/api/token/validate`, { token })).status).to.equal(200);
    const names = { calling_service: "codex", target_service: "helm" };
    expect((await core.post(`${as}/service-token`, names)).status).to.equal(200);
    expect((await core.post("/as/codex/wrong/api/token/validate", { token })).status).to.equal(401);
  });

  it("leave every fault to the ordinary way", async () => {
    const authorization = basic("codex", secrets.codex);
    const json = { "content-type": "application/json" };
    for (const [path, raw, headers, status] of [
      ["/api/token/validate", "{", json, 400],
      ["/api/token/validate", "null", json, 400],
      ["/api/token/validate", '{"token":7}', json, 400],
      ["/api/token/validate", '{"token":"x"}', { "content-type": "text/plain" }, 415],
      ["/service-token", "{", { ...json, authorization }, 400],
      ["/service-token", "null", { ...json, authorization }, 400],
      ["/service-token", "{}", json, 401],
    ] as const) {
      const answer = await core.post(path, undefined, { raw, headers });
      expect(answer.status, `${path} ${raw}`).to.equal(status);
      expect(answer.headers.get("content-type")).to.equal("application/problem+json");
    }
    expect((await core.get("/api/token/validate")).status).to.equal(405);
  });

  it("weakness 24: a revocation is effective everywhere within a second", async () => {
    const token = await known();
    expect((await core.post("/api/token/revoke", { token })).status).to.equal(200);
    expect((await core.validate(token)).status).to.equal(401);
    expect(await refused(token)).to.be.lessThan(1000);
  });

  it("hear of sessions that somebody ends, changes or deletes by hand", async () => {
    for (const change of [
      "UPDATE sessions SET ended_at = now()",
      "DELETE FROM sessions",
      "TRUNCATE sessions",
    ]) {
      const token = await known();
      await platform.database.pool.query(change);
      expect(await refused(token), change).to.be.lessThan(1000);
    }
  });

  it("ask the database while nothing can be heard", async () => {
    const token = await known();
    await platform.database.pool.query("ALTER TABLE sessions DISABLE TRIGGER session_changed");
    try {
      await platform.database.pool.query("UPDATE sessions SET ended_at = now()");
      expect((await other.validate(token)).status, "nobody told it").to.equal(200);
      await platform.database.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND query ~ '^(LISTEN|SELECT$)' AND pid <> pg_backend_pid()`,
      );
      expect(await refused(token)).to.be.lessThan(1000);
    } finally {
      await platform.database.pool.query("ALTER TABLE sessions ENABLE TRIGGER session_changed");
    }
  });

  it("know nothing any more when the key of a token is gone", async () => {
    const token = await known();
    await platform.database.pool.query("DELETE FROM signing_keys");
    // As soon as there is another one, which takes a moment to make.
    await refused(token);
  });
});
