import { expect } from "chai";

import { printToken, type TokenOptions } from "../../cli/token.ts";
import { claimsOf, type TestCore } from "../runtime/core/testCore.ts";
import { CoreTrial, failure, record } from "./coreTrial.ts";

describe("hive token", () => {
  let stand: CoreTrial;
  let core: TestCore;

  before(async () => {
    stand = await CoreTrial.start();
    core = await stand.platform.core();
  });

  after(() => stand.close());

  const make = async (options: TokenOptions = {}): Promise<string> => {
    const output = record();
    await printToken(stand.trial, options, output);
    expect(output.lines).to.have.length(1);
    return output.lines[0] ?? "";
  };

  /** Core's clock stands still since the test began; tokens may not be of its future. */
  const validate = (token: string): ReturnType<TestCore["validate"]> => {
    stand.platform.clock.now = Date.now();
    return core.validate(token);
  };

  it("prints an admin's token for a day, that core takes as any other, and marks it", async () => {
    const token = await make();
    const claims = claimsOf(token);
    expect(claims).to.deep.include({
      iss: "hivematrix-core",
      permission_level: "admin",
      groups: ["admins"],
      minted: true,
    });
    expect(Number(claims["exp"]) - Number(claims["iat"])).to.equal(86_400);
    expect(claims).not.to.have.property("aud");
    const { status, body } = await validate(token);
    expect(status).to.equal(200);
    expect(body["user"]).to.include({ sub: "hive:hive", permission_level: "admin" });
  });

  it("can be revoked", async () => {
    const token = await make();
    await validate(token);
    expect((await core.post("/api/token/revoke", { token })).status).to.equal(200);
    expect((await validate(token)).status).to.equal(401);
  });

  it("needs no running core", async () => {
    await core.close();
    const token = await make({ user: "ada", level: "billing", groups: "a,b", ttl: "2h" });
    expect(claimsOf(token)).to.deep.include({
      preferred_username: "ada",
      permission_level: "billing",
      groups: ["a", "b"],
    });
    core = await stand.platform.core();
    expect((await validate(token)).status).to.equal(200);
  });

  it("is in the audit trail, with who made it and without the token", async () => {
    const token = await make({ user: "grace", level: "client" });
    const { rows } = await stand.platform.database.pool.query<{ text: string; actor: string }>(
      `SELECT a::text AS text, actor FROM audit_log a
        WHERE action = 'token.minted' AND subject = $1`,
      [claimsOf(token)["jti"]],
    );
    expect(rows).to.have.length(1);
    expect(rows[0]?.actor).to.match(/^hive: ./);
    expect(rows[0]?.text).to.include("grace").and.not.to.include(token);
  });

  it("is made not at all when the audit trail cannot be written", async () => {
    const { pool } = stand.platform.database;
    const count = async (): Promise<number | null> =>
      (await pool.query("SELECT FROM sessions")).rowCount;
    const before = await count();
    await pool.query("ALTER TABLE audit_log RENAME TO away");
    const fault = await failure(make());
    await pool.query("ALTER TABLE away RENAME TO audit_log");
    expect(fault.message).to.contain("Core of this version has not been ready yet");
    expect(await count()).to.equal(before);
  });

  it("makes a service's token, without a session and short", async () => {
    const claims = claimsOf(await make({ service: "codex:helm" }));
    expect(claims).to.include({
      type: "service",
      calling_service: "codex",
      target_service: "helm",
      sub: "service:codex",
    });
    expect(Number(claims["exp"]) - Number(claims["iat"])).to.equal(300);
  });

  for (const options of [
    { level: "root" },
    { user: "a b" },
    { ttl: "25h" },
    { ttl: "1" },
    { ttl: "0s" },
    { service: "codex" },
    { service: "codex:helm", ttl: "6m" },
  ]) {
    it(`does not take ${JSON.stringify(options)}`, async () => {
      expect((await failure(make(options))).exitCode).to.equal(2);
    });
  }

  it("is refused where the stack forbids it, or with another ENCRYPTION_KEY", async () => {
    stand.write({ MINTING: "forbidden" });
    const forbidden = await failure(make());
    stand.write({ ENCRYPTION_KEY: "another encryption key of 32 letters", MINTING: "allowed" });
    const unreadable = await failure(make());
    stand.write({ MINTING: "allowed" });
    expect(forbidden.message).to.equal("Stack dev forbids tokens that are made by hand.");
    expect(unreadable.message).to.contain("Core has no signing key yet");
  });
});
