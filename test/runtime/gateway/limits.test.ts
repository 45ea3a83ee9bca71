import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

import { expect } from "chai";

import { addressGroup, RateLimit } from "../../../runtime/gateway/rateLimit.ts";
import { cookiesOf, TestGateway, until, window } from "../../support/gateway.ts";

describe("limits (weakness 21)", () => {
  let test: TestGateway;
  let now: number;
  const start = async (env: Record<string, string>): Promise<void> => {
    test = await TestGateway.start({ env, options: { now: () => now } });
  };
  beforeEach(() => {
    now = Date.now();
  });
  afterEach(() => test.close());

  it("are for each user, answered with 429 and when to come again", async () => {
    await start({ REQUESTS_PER_USER: "3" });
    const [ada, bob] = [
      test.core.signIn(),
      test.core.signIn(["admins"], {
        user: { ...test.core.session(test.core.signIn()).user, sub: "2" },
      }),
    ];
    for (let round = 0; round < 3; round += 1) {
      expect((await test.ask("/codex/", { cookie: ada })).status).to.equal(200);
    }
    const { status, headers, body } = await test.ask("/codex/", { cookie: ada });
    expect(status).to.equal(429);
    expect(headers["retry-after"]).to.equal("20");
    expect(headers["content-type"]).to.equal("application/problem+json");
    expect(JSON.parse(body)).to.deep.include({
      type: "about:blank#rate-limit-exceeded",
      title: "Too Many Requests",
      status: 429,
      code: "ERR_RATE_LIMIT",
      retry_after: 20,
    });
    expect((await test.ask("/codex/", { cookie: bob })).status).to.equal(200);
    expect((await test.ask("/codex/", { cookie: ada, headers: window })).body).to.include("429");
    now += 20_000;
    expect((await test.ask("/codex/", { cookie: ada })).status).to.equal(200);
    expect(test.gateway.metrics.render()).to.match(/rate_limited_total 2\n/);
  });

  it("are for each address, whatever a client says its address is", async () => {
    await start({ REQUESTS_PER_ADDRESS: "2" });
    const statuses = [];
    for (const address of ["1.1.1.1", "2.2.2.2", "3.3.3.3"]) {
      const headers = {
        "x-forwarded-for": address,
        forwarded: `for=${address}`,
        "x-real-ip": address,
      };
      statuses.push((await test.ask("/static/none", { headers })).status);
    }
    expect(statuses).to.deep.equal([404, 404, 429]);
    // Who supervises the process is never refused.
    expect((await test.ask("/health/live")).status).to.equal(200);
    for (const path of ["/healthy/", "/health/none"]) {
      expect((await test.ask(path)).status, path).to.equal(429);
    }
  });

  it("are narrower for attempts to sign in", async () => {
    await start({ SIGN_INS_PER_ADDRESS: "1" });
    const path = "/keycloak-callback?code=x&state=y";
    expect((await test.ask(path)).status).to.equal(401);
    expect((await test.ask(path)).status).to.equal(429);
    const form = "/keycloak/realms/hivematrix/login-actions/authenticate";
    expect((await test.ask(form, { method: "POST" })).status).to.equal(429);
    expect(test.keycloak.received).to.deep.equal([]);
  });

  it("close connections of one address above their number, before TLS", async () => {
    await start({ CONNECTIONS_PER_ADDRESS: "2" });
    const first = await test.connect();
    const second = await test.connect();
    const third = connect({ port: test.port, host: "127.0.0.1" });
    third.on("error", () => undefined);
    await once(third, "close");
    expect(third.bytesRead).to.equal(0);
    first.destroy();
    await once(first, "close");
    await until(() => test.gateway.metrics.render().includes("gateway_connections 1\n"));
    (await test.connect()).destroy();
    second.destroy();
    expect(test.gateway.metrics.render()).to.match(/connections_refused_total 1\n/);
  });
});

describe("the counting of requests", () => {
  it("forget those who asked longest ago, so that many addresses need no more room", () => {
    const limit = new RateLimit({ perMinute: 1, now: () => 0, capacity: 3 });
    for (const key of ["a", "b", "c", "d", "e"]) limit.take(key);
    expect(limit.size).to.equal(3);
    expect(() => {
      limit.take("e");
    }).to.throw("Too many");
    limit.take("a");
  });

  it("take a network of IPv6 for one address", () => {
    expect(addressGroup("10.0.0.1")).to.equal("10.0.0.1");
    for (const address of [
      "2001:db8:0:7::1",
      "2001:db8::7:0:0:0:ffff",
      "2001:0db8:0000:0007:1:2:3:4",
    ]) {
      expect(addressGroup(address), address).to.equal("2001:db8:0:7::/64");
    }
    expect(addressGroup("::1")).to.equal("0:0:0:0::/64");
    expect(addressGroup("fe80::1%eth0")).to.equal("fe80:0:0:0::/64");
  });
});

describe("failed attempts to sign in", () => {
  let test: TestGateway;
  beforeEach(async () => {
    test = await TestGateway.start();
  });
  afterEach(() => test.close());

  const line = (): Record<string, unknown> => {
    const found = test.log.filter((each) => each.includes('"msg":"sign-in failed"'));
    expect(found).to.have.length(1);
    return JSON.parse(found[0] ?? "") as Record<string, unknown>;
  };

  it("are one line with the address of the connection, which others ban by", async () => {
    await test.ask("/keycloak-callback?code=x&state=y", {
      headers: { "x-forwarded-for": "6.6.6.6" },
    });
    const { time, ...rest } = line();
    expect(time).to.match(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(rest).to.deep.equal({
      level: "warn",
      service: "nexus",
      address: "127.0.0.1",
      code: "ERR_SIGN_IN_STATE",
      msg: "sign-in failed",
    });
  });

  it("are seen at Keycloak's form as well: it comes once more", async () => {
    const form = "/keycloak/realms/hivematrix/login-actions/authenticate?execution=1";
    await test.ask(form, { method: "POST", body: "username=a&password=b" });
    await until(() => test.log.some((each) => each.includes("ERR_CREDENTIALS")));
    expect(line()).to.include({ address: "127.0.0.1", code: "ERR_CREDENTIALS" });
    test.keycloak.serve = (_request, response) => {
      response.writeHead(302, { location: "/" }).end();
    };
    await test.ask(form, { method: "POST", body: "username=a&password=b" });
    line();
  });

  it("are what the filter for fail2ban finds, and nothing that was typed is", async () => {
    await test.ask("/keycloak-callback?code=x&state=y");
    const filter = readFileSync(
      join(import.meta.dirname, "../../../docs/fail2ban/hivematrix.conf"),
      "utf8",
    );
    const [, regex = ""] = /^failregex = (.*)$/m.exec(filter) ?? [];
    const found = new RegExp(regex.replace("<HOST>", "(?<host>[0-9a-f.:]+)"));
    const failed = test.log.find((each) => each.includes("sign-in failed")) ?? "";
    expect(found.exec(failed.trim())?.groups?.["host"]).to.equal("127.0.0.1");
    const forged = JSON.stringify({
      path: '","address":"6.6.6.6","code":"ERR_X","msg":"sign-in failed"}',
    });
    expect(found.test(forged)).to.equal(false);
  });

  it("never show what was typed", async () => {
    await test.ask("/keycloak-callback?code=the-code&state=the-state");
    await test.ask("/keycloak/realms/hivematrix/login-actions/authenticate", {
      method: "POST",
      body: "password=the-password",
    });
    expect(test.log.join()).to.not.match(/the-(?:code|state|password)/);
    expect(cookiesOf(await test.ask("/login")).size).to.equal(1);
  });
});
