import { expect } from "chai";

import { TestGateway, window } from "../../support/gateway.ts";

describe("attack: services one may not use (weakness 16)", () => {
  let test: TestGateway;
  beforeEach(async () => {
    test = await TestGateway.start({
      routes: [{ name: "hidden", title: "Hidden", groups: ["admins"], visible: false }],
    });
  });
  afterEach(() => test.close());

  it("refuses a member of client what admins may see, for every method", async () => {
    const cookie = test.core.signIn(["client"]);
    for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      for (const path of ["/helm/", "/helm/api/logs", "/hidden/x", "/helm"]) {
        const { status } = await test.ask(path, { method, cookie });
        expect(status, `${method} ${path}`).to.equal(403);
      }
    }
    expect(test.service.received).to.deep.equal([]);
  });

  it("says so as a page to people and as a problem to scripts", async () => {
    const cookie = test.core.signIn(["client"]);
    const page = await test.ask("/helm/", { cookie, headers: window });
    expect(page.status).to.equal(403);
    expect(page.headers["content-type"]).to.equal("text/html; charset=utf-8");
    expect(page.body).to.include("You are not allowed to use this service.");
    const problem = await test.ask("/helm/", { cookie });
    expect(problem.headers["content-type"]).to.equal("application/problem+json");
    expect(JSON.parse(problem.body)).to.deep.equal({
      type: "about:blank#forbidden",
      title: "Forbidden",
      status: 403,
      detail: "You are not allowed to use this service.",
      instance: "/helm/",
      code: "ERR_GROUP",
    });
  });

  it("does not reach what has no route: core, the gateway, anything", async () => {
    const cookie = test.core.signIn();
    for (const path of [
      "/core/service-token",
      "/core/logout?redirect=https://evil.test",
      "/nexus/",
    ]) {
      const { status, headers } = await test.ask(path, { cookie });
      expect(status, path).to.equal(404);
      expect(headers).to.not.have.property("location");
    }
    expect(test.core.requests.map(({ path }) => path)).to.deep.equal(["/v1/sessions/resolve"]);
  });

  it("takes a removed group at its word at once", async () => {
    const cookie = test.core.signIn(["technicians"]);
    expect((await test.ask("/codex/", { cookie })).status).to.equal(200);
    const session = test.core.session(cookie);
    test.core.sessions.set(cookie, { ...session, user: { ...session.user, groups: ["client"] } });
    test.core.emit("session.changed", session.id);
    const deadline = Date.now() + 1000;
    let status = 200;
    while (status === 200 && Date.now() < deadline) {
      ({ status } = await test.ask("/codex/", { cookie }));
    }
    expect(status).to.equal(403);
  });

  it("sends people to sign in and back, and tells scripts 401 (weakness 13)", async () => {
    const page = await test.ask("/codex/a%20b?x=1&x=2", { headers: window });
    expect(page.status).to.equal(302);
    expect(page.headers.location).to.equal("/login?next=%2Fcodex%2Fa%2520b%3Fx%3D1%26x%3D2");
    expect(page.headers["cache-control"]).to.equal("no-store");
    const script = { accept: "text/html", "sec-fetch-mode": "cors" };
    for (const headers of [{}, { accept: "application/json" }, script]) {
      const { status, body } = await test.ask("/codex/", { headers });
      expect(status).to.equal(401);
      expect(JSON.parse(body)).to.include({ code: "ERR_SIGN_IN_REQUIRED", instance: "/codex/" });
    }
    // A form that is sent too late: nothing is redirected away, the browser can go back to it.
    const form = await test.ask("/codex/", { method: "POST", headers: window, body: "a=1" });
    expect(form.status).to.equal(401);
    expect(form.headers["content-type"]).to.include("text/html");
    const unknown = await test.ask("/nothing/", { headers: window });
    expect(unknown.status).to.equal(302);
    expect(test.service.received).to.deep.equal([]);
  });

  it("answers OPTIONS for nobody itself and forwards PATCH (weakness 39)", async () => {
    expect((await test.ask("/codex/", { method: "OPTIONS" })).status).to.equal(401);
    const cookie = test.core.signIn();
    await test.ask("/codex/a", { method: "PATCH", cookie, body: "x" });
    expect(test.service.only).to.include({ method: "PATCH", url: "/a" });
  });
});

describe("attack: a form on another site (weakness 9)", () => {
  let test: TestGateway;
  beforeEach(async () => {
    test = await TestGateway.start();
  });
  afterEach(() => test.close());

  it("changes nothing, also from another port or a sibling name", async () => {
    const cookie = test.core.signIn();
    for (const headers of [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", origin: "https://hive.test:8443" },
      { origin: "https://hive.test:8443" },
      { origin: "https://evil.hive.test" },
      { origin: "http://hive.test" },
      { origin: "null" },
    ]) {
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        const { status, body } = await test.ask("/codex/", { method, cookie, headers });
        expect(status, JSON.stringify(headers)).to.equal(403);
        expect(JSON.parse(body)).to.include({ code: "ERR_CROSS_ORIGIN" });
      }
    }
    expect(test.service.received).to.deep.equal([]);
  });

  it("is no page of ours, nor a program, which both may", async () => {
    const cookie = test.core.signIn();
    for (const headers of [
      {},
      { origin: "https://hive.test" },
      { origin: "null", "sec-fetch-site": "same-origin" },
    ]) {
      const { status } = await test.ask("/codex/", { method: "POST", cookie, headers });
      expect(status).to.equal(200);
    }
  });
});
