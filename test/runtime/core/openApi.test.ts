import { expect } from "chai";

import { openApiDocument } from "../../../runtime/core/openApi.ts";
import { type TestCore, TestPlatform } from "./testCore.ts";

describe("core's OpenAPI document", () => {
  let platform: TestPlatform;
  let core: TestCore;

  before(async () => {
    platform = await TestPlatform.start();
    core = await platform.core();
  });
  after(() => platform.close());

  const get = async (groups: string[]) => {
    const { session } = await core.begin(platform.realm.addUser("ada", groups));
    const headers = { authorization: `Bearer ${session.token}` };
    return { session, ask: () => core.get("/openapi.json", { headers }) };
  };

  it("is for administrators whose session goes on", async () => {
    expect((await core.get("/openapi.json")).status).to.equal(401);
    expect((await (await get(["technicians"])).ask()).status).to.equal(403);
    const { ask, session } = await get(["admins"]);
    const { status, body } = await ask();
    expect(status).to.equal(200);
    expect(body).to.deep.equal(openApiDocument());
    await core.post("/api/token/revoke", { token: session.token });
    expect((await ask()).status).to.equal(401);
  });

  it("has every path that core answers a POST on, with its schema", async () => {
    const { paths } = openApiDocument() as { paths: Record<string, { post: object }> };
    for (const [path, { post }] of Object.entries(paths)) {
      expect((await core.get(path)).status, path).to.equal(405);
      expect(JSON.stringify(post), path).to.include('"type":"object"');
    }
  });
});
