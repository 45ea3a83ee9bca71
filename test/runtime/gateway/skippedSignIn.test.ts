import { expect } from "chai";

import { TestGateway } from "../../support/gateway.ts";

/** peers 3.8: sign-in skipped by User-Agent, by the end of a path, by case, by a name with a dot. */
describe("attack: sign-in that is skipped (peers 3.8)", () => {
  let test: TestGateway;
  beforeEach(async () => {
    test = await TestGateway.start();
  });
  afterEach(() => test.close());

  it("cannot be had by who one claims to be", async () => {
    for (const agent of [
      "kube-probe/1.30",
      "GoogleHC/1.0",
      "ELB-HealthChecker/2.0",
      "Prometheus",
    ]) {
      const { status } = await test.ask("/codex/", { headers: { "user-agent": agent } });
      expect(status, agent).to.equal(401);
    }
    expect(test.service.received).to.deep.equal([]);
  });

  it("cannot be had by how a path ends, begins or is written (weakness 42)", async () => {
    for (const path of [
      ...[
        "/codex/x.css",
        "/codex/health",
        "/codex/favicon.ico",
        "/codex/static/x.js",
        "/codex/x?/display",
      ],
      ...[
        "/Beacon/display",
        "/beacon/Display",
        "/beacon/displayed",
        "/beacon/x/display",
        "/docs",
        "/apispec.json",
      ],
    ]) {
      expect((await test.ask(path)).status, path).to.equal(401);
    }
    for (const path of [
      "/beacon/display/..;/x",
      "/beacon/display%23/%2e%2e",
      "/beacon/display#x",
    ]) {
      expect((await test.ask(path)).status, path).to.equal(400);
    }
    expect(test.service.received).to.deep.equal([]);
  });

  it("cannot be had by another form of the name", async () => {
    const cookie = test.core.signIn();
    for (const host of ["hive.test.", "hive.test:80", "HIVE.TEST.", "127.0.0.1", "x@hive.test"]) {
      const { status } = await test.ask("/codex/", { cookie, headers: { host } });
      expect(status, host).to.equal(421);
    }
    expect((await test.ask("/codex/", { cookie, headers: { host: "HIVE.test" } })).status).to.equal(
      200,
    );
  });

  it("is given to webhooks by the registry, which then bear their own secret (weakness 44)", async () => {
    const headers = { "x-webhook-secret": "theirs", "x-forwarded-user": "root" };
    await test.ask("/beacon/display/hook", { method: "POST", headers, body: "{}" });
    const { headers: got } = test.service.only;
    expect(got["x-webhook-secret"]).to.equal("theirs");
    for (const name of ["authorization", "x-forwarded-user"])
      expect(got).to.not.have.property(name);
  });
});
