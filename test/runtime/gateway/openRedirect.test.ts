import { expect } from "chai";

import { TestGateway, window } from "../../support/gateway.ts";

describe("attack: open redirect (weaknesses 2, 4, 5)", () => {
  let test: TestGateway;
  before(async () => {
    test = await TestGateway.start();
  });
  after(() => test.close());

  it("goes to the public name whatever Host says", async () => {
    for (const host of [
      "evil.test",
      "hive.test.",
      "hive.test:8443",
      "hive.test@evil.test",
      "localhost",
    ]) {
      for (const path of ["/login?next=/a", "/", "/codex/?x=//evil.test", "/logout"]) {
        const { status, headers } = await test.ask(path, { headers: { ...window, host } });
        expect(status, host).to.equal(308);
        expect(headers.location).to.equal(`https://hive.test${path}`);
      }
      const other = await test.ask("/codex/", { method: "POST", headers: { ...window, host } });
      expect(other.status).to.equal(421);
      expect((await test.ask("/codex/", { headers: { host } })).status).to.equal(421);
    }
    for (const host of ["HIVE.test", "hive.test:443"]) {
      expect((await test.ask("/codex/", { headers: { host } })).status).to.equal(401);
    }
  });

  it("has no way from an unknown path to another site", async () => {
    for (const path of [
      "/http:/evil.test",
      "/@evil.test/",
      "/.evil.test/",
      "/codex?next=//evil.test",
    ]) {
      const { headers } = await test.ask(path, { headers: window });
      const { location = "" } = headers;
      expect(location, path).to.match(/^\/login\?next=%2F/);
    }
    expect((await test.ask("/http://evil.test", { headers: window })).status).to.equal(400);
    expect((await test.ask("/%5cevil.test", { headers: window })).status).to.equal(400);
  });

  it("redirects to a service's start page by a path of its own", async () => {
    const cookie = test.core.signIn();
    const { status, headers } = await test.ask("/codex?a=1&a=2", { cookie });
    expect(status).to.equal(308);
    expect(headers.location).to.equal("/codex/?a=1&a=2");
  });
});
