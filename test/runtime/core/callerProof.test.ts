import { userInfo } from "node:os";

import { expect } from "chai";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

import { assertionType } from "../../../runtime/core/assertions.ts";
import { basic, secrets, type TestCore, TestPlatform } from "./testCore.ts";

const names = { calling_service: "codex", target_service: "helm" };
const key = await generateKeyPair("ES256", { extractable: true });
const other = await generateKeyPair("ES256");

describe("callers that send no secret", () => {
  let platform: TestPlatform;
  let core: TestCore;

  before(async () => {
    platform = await TestPlatform.start();
    const CALLER_KEYS = JSON.stringify({ codex: await exportJWK(key.publicKey) });
    core = await platform.core({ CALLER_KEYS });
  });

  after(() => platform.close());

  describe("but sign an assertion (RFC 7523)", () => {
    let number = 0;
    const now = (): number => platform.clock.now / 1000;

    function sign(changes: JWTPayload = {}, signer = key.privateKey): Promise<string> {
      number += 1;
      const claims = {
        iss: "codex",
        sub: "codex",
        aud: "hivematrix-core",
        jti: `assertion ${String(number)}`,
        iat: now(),
        exp: now() + 60,
        ...changes,
      };
      return new SignJWT(claims).setProtectedHeader({ alg: "ES256" }).sign(signer);
    }

    const send = async (assertion: string, on = core) =>
      on.post("/service-token", {
        ...names,
        client_assertion_type: assertionType,
        client_assertion: assertion,
      });

    it("get a token", async () => {
      const { status, body } = await send(await sign());
      expect(status).to.equal(200);
      expect(body).to.have.property("token");
    });

    it("are refused when it comes again, by every process on the database", async () => {
      const assertion = await sign();
      const second = await platform.core({
        CALLER_KEYS: JSON.stringify({ codex: await exportJWK(key.publicKey) }),
      });
      expect((await send(assertion)).status).to.equal(200);
      expect((await send(assertion)).status).to.equal(401);
      expect((await send(assertion, second)).status).to.equal(401);
    });

    it("may have a clock that is a few seconds ahead", async () => {
      expect((await send(await sign({ iat: now() + 3, exp: now() + 63 }))).status).to.equal(200);
    });

    for (const [title, changes] of [
      ["is another's", { iss: "helm", sub: "helm" }],
      ["has another subject", { sub: "helm" }],
      ["is for somebody else", { aud: "https://elsewhere.test" }],
      ["has expired", { iat: -120, exp: -60 }],
      ["is good for too long", { exp: 3600 }],
      ["was made too long ago", { iat: -400 }],
      ["was made in the future", { iat: 60, exp: 120 }],
      ["has no jti", { jti: undefined }],
      ["has no end", { exp: undefined }],
    ] as const) {
      it(`are refused when it ${title}`, async () => {
        const moved = Object.entries(changes).map(([claim, value]): [string, unknown] => [
          claim,
          typeof value === "number" ? now() + value : value,
        ]);
        expect((await send(await sign(Object.fromEntries(moved)))).status).to.equal(401);
      });
    }

    it("are refused with another key, with none, and with no assertion at all", async () => {
      expect((await send(await sign({}, other.privateKey))).status).to.equal(401);
      const [, payload] = (await sign()).split(".");
      const none = Buffer.from('{"alg":"none"}').toString("base64url");
      expect((await send(`${none}.${payload ?? ""}.`)).status).to.equal(401);
      expect((await send("x")).status).to.equal(401);
      expect((await core.post("/service-token", names)).status).to.equal(401);
    });

    it("get no token in the name of another", async () => {
      const { status } = await core.post("/service-token", {
        ...names,
        calling_service: "nexus",
        client_assertion_type: assertionType,
        client_assertion: await sign(),
      });
      expect(status).to.equal(403);
    });

    it("forget used assertions when they have expired", async () => {
      platform.clock.forward(600);
      await core.prune();
      const { rows } = await platform.database.pool.query("SELECT FROM client_assertions");
      expect(rows).to.have.length(0);
    });
  });

  describe("with the compatibility switch", () => {
    let believing: TestCore;

    before(async () => {
      believing = await platform.core({ UNPROVEN_CALLERS: "believed" });
    });

    it("are taken at their word, which is noted", async () => {
      expect((await believing.post("/service-token", names)).status).to.equal(200);
      await believing.close();
      const { rows } = await platform.database.pool.query(
        "SELECT FROM audit_log WHERE action = 'caller.believed' AND actor = 'codex'",
      );
      expect(rows).to.have.length(1);
      believing = await platform.core({ UNPROVEN_CALLERS: "believed" });
    });

    it("are not believed to be the gateway, nor somebody nobody knows", async () => {
      for (const calling_service of ["nexus", "nobody", 7, undefined]) {
        const { status } = await believing.post("/service-token", { ...names, calling_service });
        expect(status, String(calling_service)).to.equal(401);
      }
    });

    it("are not believed with a wrong secret, or through somebody else", async () => {
      for (const headers of [
        { authorization: basic("codex", secrets.helm) },
        { "x-forwarded-for": "203.0.113.7" },
        { forwarded: "for=203.0.113.7" },
      ]) {
        expect((await believing.post("/service-token", names, { headers })).status).to.equal(401);
      }
    });

    it("are refused without it", async () => {
      expect((await core.post("/service-token", names)).status).to.equal(401);
    });
  });

  it("never stand for the gateway by their user", () => {
    const CALLER_USERS = JSON.stringify({ nexus: userInfo().username });
    return platform.core({ CALLER_USERS }).then(
      () => expect.fail("it started"),
      (fault: unknown) => {
        expect((fault as Error).message).to.include("CALLER_USERS");
      },
    );
  });
});
