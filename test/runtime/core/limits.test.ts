import { expect } from "chai";

import { Limits } from "../../../runtime/core/limits.ts";
import { type Answer, type Caller, claimsOf, type TestCore, TestPlatform } from "./testCore.ts";

describe("core's limits and rules for callers", () => {
  let platform: TestPlatform;
  let core: TestCore;

  beforeEach(async () => {
    platform = await TestPlatform.start();
    core = await platform.core({
      SERVICE_TOKENS_PER_MINUTE: 10,
      SERVICE_TOKEN_LIFETIME: 60,
      USER_TOKEN_LIFETIME: 600,
      CALLS: JSON.stringify({ codex: ["helm", "nexus"], helm: ["nexus"] }),
      AUDIENCE_SERVICES: JSON.stringify(["nexus"]),
    });
  });

  afterEach(() => platform.close());

  const ask = (caller: Caller, target: string): Promise<Answer> => {
    const names = { calling_service: caller, target_service: target };
    return core.post("/service-token", names, { caller });
  };

  const claims = ({ body }: Answer): Record<string, unknown> => claimsOf(body["token"] as string);

  it("weakness 21: one caller's limit is nobody else's, and it is 429", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 10; i += 1) statuses.push((await ask("codex", "helm")).status);
    expect(statuses).to.deep.equal(Array(10).fill(200));
    const { status, headers, body } = await ask("codex", "helm");
    expect(status).to.equal(429);
    expect(headers.get("content-type")).to.equal("application/problem+json");
    expect(headers.get("retry-after")).to.equal("6");
    expect(body).to.include({ code: "ERR_LIMIT", retry_after: 6 });
    expect((await ask("helm", "nexus")).status).to.equal(200);
    platform.clock.forward(6);
    expect((await ask("codex", "helm")).status).to.equal(200);
    expect((await ask("codex", "helm")).status).to.equal(429);
  });

  it("weakness 21: one session's limit is nobody else's", async () => {
    const one = await core.begin(platform.realm.addUser("ada"));
    const two = await core.begin(platform.realm.addUser("grace"));
    const revoke = async (token: string): Promise<number> =>
      (await core.post("/api/token/revoke", { token })).status;
    const statuses = new Set<number>();
    for (let i = 0; i < 60; i += 1) statuses.add(await revoke(one.session.token));
    expect([...statuses]).to.deep.equal([200]);
    expect(await revoke(one.session.token)).to.equal(429);
    expect(await revoke(two.session.token)).to.equal(200);
  });

  it("one stolen access token is not exchanged for ever", async () => {
    const { access_token } = await platform.realm.signIn(platform.realm.addUser("ada"));
    const statuses: number[] = [];
    for (let i = 0; i < 21; i += 1) {
      statuses.push((await core.post("/api/token/exchange", { access_token })).status);
    }
    expect(statuses).to.deep.equal([...Array<number>(20).fill(200), 429]);
  });

  it("keep a bounded number of buckets", () => {
    const limits = new Limits(() => 0);
    for (let i = 0; i < 10_001; i += 1) limits.take("x", String(i), 1);
    expect(() => {
      limits.take("x", "10000", 1);
    }).to.throw("Too many requests");
    limits.take("x", "0", 1);
  });

  it("weakness 15: who may call whom is asked", async () => {
    const { status, body } = await ask("helm", "codex");
    expect(status).to.equal(403);
    expect(body).to.include({ code: "ERR_CALL" });
    expect((await ask("nexus", "helm")).status).to.equal(403);
    expect((await ask("codex", "nexus")).status).to.equal(200);
  });

  it("weakness 28: services that are marked get aud, the others never", async () => {
    expect(claims(await ask("codex", "nexus"))).to.include({ aud: "nexus" });
    expect(claims(await ask("codex", "helm"))).not.to.have.property("aud");
    const { session } = await core.begin(platform.realm.addUser("ada"));
    expect(claimsOf(session.token)).not.to.have.property("aud");
  });

  it("tokens live as long as the stack says", async () => {
    const now = platform.clock.now / 1000;
    expect(claims(await ask("codex", "helm"))["exp"]).to.equal(now + 60);
    const { session } = await core.begin(platform.realm.addUser("ada"));
    expect(session.token_expires_at).to.equal(now + 600);
  });
});
