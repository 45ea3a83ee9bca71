import { createHash } from "node:crypto";

import { expect } from "chai";

import type { RealmUser } from "../../support/identity.ts";
import { type TestCore, TestPlatform, until } from "./testCore.ts";

interface Row {
  readonly id: string;
  readonly action: string;
  readonly actor: string | null;
  readonly subject: string | null;
  readonly address: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly content: string;
  readonly previous: Buffer;
  readonly hash: Buffer;
}

describe("weakness 66: core's audit trail", () => {
  let platform: TestPlatform;
  let core: TestCore;
  let ada: RealmUser;

  beforeEach(async () => {
    platform = await TestPlatform.start();
    core = await platform.core();
    ada = platform.realm.addUser("ada", ["technicians"]);
  });

  afterEach(() => platform.close());

  const rows = async (action = "%"): Promise<Row[]> => {
    const found = await platform.database.pool.query<Row>(
      `SELECT *, jsonb_build_array(id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         action, actor, subject, address, details)::text AS content
         FROM audit_log WHERE action LIKE $1 ORDER BY id`,
      [action],
    );
    return found.rows;
  };

  const written = async (action: string): Promise<Row[]> => {
    await until(async () => (await rows(action)).length > 0);
    return rows(action);
  };

  it("has sign-ins with address and device, and their end with its reason", async () => {
    const tokens = await platform.realm.signIn(ada);
    const grant = { ...tokens, address: "192.0.2.7", agent: "Browser/1" };
    const { body } = await core.post("/v1/sessions", grant, { caller: "nexus" });
    const { cookie, session } = body as { cookie: string; session: { id: string } };
    await core.post("/v1/sessions/end", { cookie }, { caller: "nexus" });
    const [began] = await rows("session.began");
    expect(began).to.deep.include({ actor: ada.sub, subject: session.id, address: "192.0.2.7" });
    expect(began?.details).to.deep.equal({
      user: "ada",
      level: "technician",
      browser: true,
      agent: "Browser/1",
    });
    const [ended] = await rows("session.ended");
    expect(ended).to.deep.include({ actor: ada.sub, subject: session.id });
    expect(ended?.details).to.deep.equal({ reason: "sign-out", user: ada.sub });
  });

  it("has changes of a level, and sessions that Keycloak ended", async () => {
    const { cookie, session } = await core.begin(ada);
    ada.groups = ["admins"];
    platform.clock.forward(31);
    await core.resolve(cookie);
    ada.enabled = false;
    platform.clock.forward(31);
    await core.resolve(cookie);
    const [changed] = await rows("session.changed");
    expect(changed).to.deep.include({ subject: session.id, details: { level: "admin" } });
    expect(await rows("session.ended")).to.have.length(1);
    expect((await rows("session.ended"))[0]).to.include({ actor: "keycloak" });
  });

  it("has refusals and tokens of services, equal ones of a second as one row with a number", async () => {
    const names = { calling_service: "codex", target_service: "helm" };
    for (let i = 0; i < 5; i += 1) await core.post("/service-token", names);
    await core.post("/service-token", names, { caller: "codex" });
    await core.post("/service-token", names, { caller: "helm" });
    await core.post("/api/token/exchange", { access_token: "x.y.z" });
    const [issued] = await written("service_token.issued");
    expect(issued).to.include({ actor: "codex", subject: "helm" });
    const refused = await written("service_token.refused");
    const counted = refused.map(({ details }) => Number(details["count"] ?? 1));
    expect(counted.reduce((sum, count) => sum + count, 0)).to.equal(6);
    expect(refused.map(({ actor }) => actor)).to.include("helm");
    expect(await written("session.refused")).to.have.length(1);
  });

  it("has every change of a signing key, also one made by hand", async () => {
    await platform.database.pool.query("UPDATE signing_keys SET retired_at = $1", [
      new Date(platform.clock.now),
    ]);
    await until(async () => (await rows("signing_key.added")).length === 2);
    await platform.database.pool.query("DELETE FROM signing_keys");
    expect(await rows("signing_key.changed")).to.have.length(1);
    expect(await rows("signing_key.deleted")).to.have.length(2);
  });

  it("is a chain: each hash covers the content and the hash before it", async () => {
    const begun = await Promise.all(Array.from({ length: 8 }, () => core.begin(ada)));
    await Promise.all(
      begun.map(({ cookie }) => core.post("/v1/sessions/end", { cookie }, { caller: "nexus" })),
    );
    let previous = Buffer.alloc(0);
    const all = await rows();
    expect(all).to.have.length(17);
    for (const [index, row] of all.entries()) {
      expect(Number(row.id)).to.equal(index + 1);
      expect(row.previous).to.deep.equal(previous);
      const hash = createHash("sha256").update(previous).update(row.content).digest();
      expect(row.hash).to.deep.equal(hash);
      previous = hash;
    }
  });

  for (const statement of [
    "UPDATE audit_log SET actor = 'nobody'",
    "DELETE FROM audit_log",
    "TRUNCATE audit_log",
  ]) {
    it(`refuses ${statement}`, async () => {
      const fault = await platform.database.pool.query(statement).then(
        () => undefined,
        (error: unknown) => error as Error,
      );
      expect(fault?.message).to.equal("audit_log is append-only");
    });
  }

  it("has no token, no cookie and no secret", async () => {
    const { cookie, session } = await core.begin(ada);
    await core.post("/api/token/revoke", { token: session.token });
    const text = JSON.stringify(await rows());
    expect(text).not.to.include(cookie).and.not.to.include(session.token);
  });

  it("loses nothing that was noted while the database was away", async () => {
    await platform.database.pool.query("ALTER TABLE audit_log RENAME TO away");
    await core.post("/service-token", {});
    await until(() => core.lines.some((line) => line.includes("audit trail cannot be written")));
    await platform.database.pool.query("ALTER TABLE away RENAME TO audit_log");
    expect(await written("service_token.refused")).to.have.length(1);
  });
});
