import { expect } from "chai";
import type { JWK } from "jose";

import { overlap, rotateSigningKey } from "../../../runtime/core/keyRotation.ts";
import { Seal } from "../../../runtime/core/seal.ts";
import type { RealmUser } from "../../support/identity.ts";
import { headerOf, type TestCore, TestPlatform, until } from "./testCore.ts";

describe("core's signing keys", () => {
  let platform: TestPlatform;
  let core: TestCore;
  let ada: RealmUser;

  beforeEach(async () => {
    platform = await TestPlatform.start();
    core = await platform.core();
    ada = platform.realm.addUser("ada");
  });

  afterEach(() => platform.close());

  const kids = async (of = core): Promise<(string | undefined)[]> => {
    const { keys } = (await of.get("/.well-known/jwks.json")).body as unknown as { keys: JWK[] };
    return keys.map(({ kid }) => kid);
  };

  const retire = async (): Promise<void> => {
    await platform.database.pool.query("UPDATE signing_keys SET retired_at = $1", [
      new Date(platform.clock.now),
    ]);
  };

  it("are the same after a restart", async () => {
    const before = await kids();
    await core.close();
    core = await platform.core();
    expect(await kids()).to.deep.equal(before);
  });

  it("are made once by processes that start together", async () => {
    await platform.database.pool.query("DELETE FROM signing_keys");
    await core.close();
    const cores = await Promise.all([platform.core(), platform.core(), platform.core()]);
    const [first, ...others] = await Promise.all(cores.map((one) => kids(one)));
    expect(first).to.have.length(1);
    expect(others).to.deep.equal([first, first]);
  });

  it("are replaced under running sessions: new tokens have the new key, old ones stay valid", async () => {
    const other = await platform.core();
    const [old] = await kids();
    const { cookie, session } = await core.begin(ada);
    await retire();
    await until(async () => (await kids()).length === 2 && (await kids(other)).length === 2);
    const current = (await kids()).find((kid) => kid !== old);
    expect(await kids()).to.include(old);
    expect(await kids(other)).to.deep.equal(await kids());
    expect((await core.validate(session.token)).status).to.equal(200);
    const renewed = (await core.resolve(cookie)).body["session"] as typeof session;
    expect(renewed.id).to.equal(session.id);
    expect(headerOf(renewed.token)).to.include({ kid: current });
    expect((await other.validate(renewed.token)).status).to.equal(200);
  });

  it("are published after they were retired until their longest token has expired", async () => {
    await retire();
    await until(async () => (await kids()).length === 2);
    platform.clock.forward(86_400);
    await platform.database.pool.query("NOTIFY signing_keys");
    const later = await platform.core();
    expect(await kids(later)).to.have.length(2);
    platform.clock.forward(61);
    const muchLater = await platform.core();
    expect(await kids(muchLater)).to.have.length(1);
  });

  it("are gone at once when their rows are deleted, with all tokens", async () => {
    const { cookie, session } = await core.begin(ada);
    const [leaked] = await kids();
    await platform.database.pool.query("DELETE FROM signing_keys");
    await until(async () => !(await kids()).includes(leaked));
    expect((await core.validate(session.token)).status).to.equal(401);
    const renewed = (await core.resolve(cookie)).body["session"] as typeof session;
    expect((await core.validate(renewed.token)).status).to.equal(200);
  });

  const rotate = async (atOnce = false): Promise<string> => {
    const client = await platform.database.pool.connect();
    const secret = platform.env().ENCRYPTION_KEY;
    try {
      const { now } = platform.clock;
      return (await rotateSigningKey({ client, secret, actor: "test", now, atOnce })).kid;
    } finally {
      client.release();
    }
  };

  const signedBy = async (of = core): Promise<unknown> =>
    headerOf((await of.begin(ada)).session.token)["kid"];

  it("weakness 27: are rotated with an overlap, and nobody is asked to start again", async () => {
    const other = await platform.core();
    const [old] = await kids();
    const { session } = await core.begin(ada);
    const next = await rotate();
    await until(async () => (await kids()).includes(next) && (await kids(other)).includes(next));
    platform.clock.forward(overlap - 1);
    expect([await signedBy(), await signedBy(other)]).to.deep.equal([old, old]);
    platform.clock.forward(1);
    expect([await signedBy(), await signedBy(other)]).to.deep.equal([next, next]);
    expect(await kids()).to.have.members([old, next]);
    expect((await other.validate(session.token)).status).to.equal(200);
    platform.clock.forward(86_460);
    await core.prune();
    await until(async () => (await kids()).length === 1);
    expect(await kids()).to.deep.equal([next]);
  });

  it("publish a new key longer than PyJWT keeps the old ones", () => {
    expect(overlap).to.be.at.least(300);
  });

  it("are rotated once by who asks twice, and at once by who wants that", async () => {
    const next = await rotate();
    expect(await rotate()).to.equal(next);
    await until(async () => (await kids()).includes(next));
    expect(await signedBy()).not.to.equal(next);
    expect(await rotate(true)).to.equal(next);
    await until(async () => (await signedBy()) === next);
    expect(await kids()).to.have.length(2);
    const { rows } = await platform.database.pool.query(
      "SELECT actor FROM audit_log WHERE action = 'signing_key.rotated'",
    );
    expect(rows).to.deep.equal([{ actor: "test" }, { actor: "test" }]);
  });

  it("are unreadable in the database", async () => {
    const { rows } = await platform.database.pool.query<{ private_key: Buffer; text: string }>(
      "SELECT private_key, public_key::text AS text FROM signing_keys",
    );
    expect(rows[0]?.private_key.toString("latin1")).not.to.include("PRIVATE KEY");
    expect(Object.keys(JSON.parse(rows[0]?.text ?? "") as object)).to.have.members([
      "kty",
      "n",
      "e",
    ]);
  });

  it("are made anew, and said so, when ENCRYPTION_KEY is another", async () => {
    const [old] = await kids();
    const { cookie, session } = await core.begin(ada);
    const other = await platform.core({ ENCRYPTION_KEY: "another encryption key of 32 letters" });
    expect(await kids(other)).to.have.length(2);
    expect(other.lines.join("")).to.include("sealed with another ENCRYPTION_KEY");
    const renewed = (await other.resolve(cookie)).body["session"] as typeof session;
    expect(headerOf(renewed.token)["kid"]).not.to.equal(old);
    expect((await other.validate(session.token)).status).to.equal(200);
  });
});

describe("Seal", () => {
  const seal = new Seal("a secret of 32 letters or more ....", "tests");

  it("gives back what it closed", () => {
    expect(seal.open(seal.close("text ä", "owner"), "owner")).to.equal("text ä");
    expect(seal.close("text", "owner")).not.to.deep.equal(seal.close("text", "owner"));
  });

  it("opens nothing that is another's, altered, cut or sealed for another purpose", () => {
    const sealed = seal.close("text", "owner");
    expect(seal.open(sealed, "other")).to.equal(undefined);
    expect(seal.open(sealed.subarray(0, 20), "owner")).to.equal(undefined);
    expect(seal.open(Buffer.alloc(0), "owner")).to.equal(undefined);
    const other = new Seal("a secret of 32 letters or more ....", "others");
    expect(other.open(sealed, "owner")).to.equal(undefined);
    for (let i = 0; i < sealed.length; i += 1) {
      const altered = Buffer.from(sealed);
      altered[i] = (altered[i] ?? 0) ^ 1;
      expect(seal.open(altered, "owner")).to.equal(undefined);
    }
  });
});
