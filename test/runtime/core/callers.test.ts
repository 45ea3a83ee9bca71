import { request as httpRequest } from "node:http";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";

import { expect } from "chai";

import { permissionLevelOf } from "../../../runtime/core/permissionLevel.ts";
import { type Answer, basic, claimsOf, secrets, type TestCore, TestPlatform } from "./testCore.ts";

describe("the callers of core", () => {
  let platform: TestPlatform;
  let core: TestCore;

  before(async () => {
    platform = await TestPlatform.start();
    core = await platform.core();
  });

  after(() => platform.close());

  const ask = (headers: Record<string, string>, names: unknown, path = ""): Promise<Answer> =>
    core.post(`${path}/service-token`, names, { headers });

  const names = { calling_service: "codex", target_service: "helm" };
  const codex = { authorization: basic("codex", secrets.codex) };

  it("get a service's token exactly as the contract has it", async () => {
    const { status, body } = await ask(codex, names);
    expect(status).to.equal(200);
    const now = platform.clock.now / 1000;
    expect(claimsOf(body["token"] as string)).to.deep.equal({
      iss: "hivematrix-core",
      sub: "service:codex",
      calling_service: "codex",
      target_service: "helm",
      type: "service",
      iat: now,
      exp: now + 300,
    });
  });

  it("may prove themselves by the path, for every endpoint", async () => {
    const as = `/as/codex/${secrets.codex}`;
    expect((await ask({}, names, as)).status).to.equal(200);
    expect((await core.get(`${as}/.well-known/jwks.json`)).body).to.have.property("keys");
    expect((await core.get(`${as}/health`)).status).to.equal(200);
    expect((await core.get(as)).status).to.equal(200);
    const session = { cookie: "none" };
    const gateway = `/as/nexus/${secrets.nexus}`;
    expect((await core.post(`${gateway}/v1/sessions/end`, session)).status).to.equal(200);
  });

  it("weakness 14: nobody gets a service's token without credentials", async () => {
    const { status, body, headers } = await ask({}, names);
    expect(status).to.equal(401);
    expect(body).to.include({ code: "ERR_CALLER" });
    expect(headers.get("www-authenticate")).to.match(/^Basic /);
  });

  it("weakness 14: a user's token is no proof of a service", async () => {
    const user = platform.realm.addUser("mallory");
    const { session } = await core.begin(user);
    const { status } = await ask({ authorization: `Bearer ${session.token}` }, names);
    expect(status).to.equal(401);
  });

  for (const [title, header] of [
    ["a wrong secret", basic("codex", `${secrets.codex}x`)],
    ["the secret of another", basic("codex", secrets.helm)],
    ["no secret", basic("codex", "")],
    ["a name that nobody has", basic("nobody", secrets.codex)],
    ["a name that objects have", basic("constructor", secrets.codex)],
    ["no colon", `Basic ${Buffer.from("codex").toString("base64")}`],
    ["something else than Base64", "Basic *"],
  ] as const) {
    it(`are refused with ${title}`, async () => {
      expect((await ask({ authorization: header }, names)).status).to.equal(401);
    });
  }

  for (const path of [
    "/as/codex/wrong",
    `/as/helm/${secrets.codex}`,
    `/as/nobody/${secrets.codex}`,
    "/as/codex",
    "/as",
    "/as/codex/%E0%A4%A",
  ]) {
    it(`are refused everywhere by a false path: ${path.replace(secrets.codex, "…")}`, async () => {
      expect((await ask({}, names, path)).status).to.equal(401);
      expect((await core.get(`${path}/.well-known/jwks.json`)).status).to.equal(401);
    });
  }

  it("get no token in the name of another", async () => {
    const { status, body } = await ask(codex, { calling_service: "helm", target_service: "nexus" });
    expect(status).to.equal(403);
    expect(body).to.include({ code: "ERR_CALLER_NAME" });
  });

  for (const [body, error] of [
    [{}, "calling_service and target_service are required"],
    [{ calling_service: "codex" }, "calling_service and target_service are required"],
    [{ calling_service: "CODEX", target_service: "helm" }, "Invalid calling_service format"],
    [{ calling_service: "codex", target_service: "../x" }, "Invalid target_service format"],
    [{ calling_service: "codex", target_service: ["helm"] }, "Invalid target_service format"],
    [{ calling_service: "codex", target_service: "nobody" }, "Unknown target_service"],
    [{ calling_service: "nobody", target_service: "helm" }, "Unknown calling_service"],
  ] as const) {
    it(`are told what is wrong: ${JSON.stringify(body)}`, async () => {
      const answer = await ask(codex, body);
      expect(answer.status).to.equal(400);
      expect(answer.body).to.include({ error });
    });
  }

  it("weakness 29: a list as a body is 400", async () => {
    expect((await ask(codex, [])).status).to.equal(400);
    expect((await core.post("/api/token/validate", ["x"])).status).to.equal(400);
    expect((await core.post("/api/token/exchange", "text")).status).to.equal(400);
  });

  it("never find their secret in an error or in the log", async () => {
    const sent = [];
    for (const path of [
      `/as/codex/${secrets.codex}/no/such/path?x=${secrets.codex}`,
      `//as/codex/${secrets.codex}/health`,
      `/as/helm/${secrets.codex}/health`,
      `/AS/codex/${secrets.codex}/health`,
      `/as/codex/${secrets.codex}/service-token`,
      `http://core/as/codex/${secrets.codex}/health`,
    ]) {
      sent.push(await askRaw(core.url, path));
    }
    await platform.database.pool.query("ALTER TABLE sessions RENAME TO away");
    const cookie = { cookie: "a-cookie-in-clear" };
    const gateway = `/as/nexus/${secrets.nexus}/v1/sessions/end`;
    const failed = await core.post(gateway, cookie);
    await platform.database.pool.query("ALTER TABLE away RENAME TO sessions");
    expect(failed.status).to.equal(500);
    expect(core.lines.join("")).to.include("failed");
    for (const text of [...sent, failed.text, core.lines.join("")]) {
      expect(text).not.to.include(secrets.codex);
      expect(text).not.to.include(secrets.nexus);
      expect(text).not.to.include(cookie.cookie);
    }
  });
});

describe("permissionLevelOf", () => {
  for (const [groups, level] of [
    [[], "client"],
    [["client"], "client"],
    [["billing"], "billing"],
    [["/billing", "/technicians"], "technician"],
    [["technicians", "admins"], "admin"],
    [["/admins"], "admin"],
    [["/x/admins", "admin", "//admins", "Admins"], "client"],
  ] as const) {
    it(`gives ${level} for ${JSON.stringify(groups)}`, () => {
      expect(permissionLevelOf(groups)).to.equal(level);
    });
  }
});

/** fetch would tidy the request line up. */
async function askRaw(url: string, path: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const request = httpRequest({ hostname, port, path }).end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let text = `${String(response.statusCode)} ${JSON.stringify(response.headers)}`;
  for await (const chunk of response) text += String(chunk);
  return text;
}
