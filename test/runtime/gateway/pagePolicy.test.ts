import { expect } from "chai";

import { pagePolicy, policiesFor } from "../../../runtime/gateway/pagePolicy.ts";
import { TestGateway, until, window } from "../../support/gateway.ts";

const files = "https://hive.test/static/";
const basic = "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'";

describe("the policy of pages (weakness 41)", () => {
  it("is strict for our own and template services: nothing from elsewhere, nothing inline", () => {
    for (const kind of ["own", "template"] as const) {
      const policy = pagePolicy("helm", kind);
      expect(policiesFor(policy, [], files)).to.deep.equal([
        `default-src 'self'; img-src 'self' data:; ${basic}`,
      ]);
      expect(policy.reported).to.equal(undefined);
    }
  });

  it("watches what others do, and holds them to what concerns no script", () => {
    const policy = pagePolicy("codex", "python");
    expect(policiesFor(policy, [], files)).to.deep.equal([basic]);
    expect(policy.reported).to.equal(
      `default-src 'self'; img-src 'self' data:; ${basic}; report-uri /api/csp-report/codex`,
    );
  });

  const own: Readonly<Record<string, readonly [policy: string, extended: string]>> = {
    "lists hosts": [
      "script-src https://x.test; style-src 'none'",
      `script-src https://x.test ${files}; style-src ${files}`,
    ],
    "says 'self'": ["script-src 'self' 'nonce-a'", "script-src 'self' 'nonce-a'"],
    "has only a default": [
      "default-src 'none'",
      `default-src 'none'; script-src ${files}; style-src ${files}; img-src ${files}; connect-src 'self'`,
    ],
  };
  for (const [what, [policy, extended]] of Object.entries(own)) {
    it(`keeps that of a service which ${what}, and lets our files in`, () => {
      expect(policiesFor(pagePolicy("codex", "python"), [policy], files)).to.deep.equal([
        extended,
        basic,
      ]);
      expect(policiesFor(pagePolicy("codex", "python"), [policy], undefined)[0]).to.equal(policy);
    });
  }

  it("adds nothing that a service says itself", () => {
    const policy = "frame-ancestors 'none'; object-src 'none'; base-uri 'none'; form-action 'none'";
    expect(policiesFor(pagePolicy("a", "external"), [policy], undefined)).to.deep.equal([policy]);
  });
});

describe("reports on pages", () => {
  let test: TestGateway;
  beforeEach(async () => {
    test = await TestGateway.start();
  });
  afterEach(() => test.close());

  const report = (page: string) =>
    JSON.stringify({
      "csp-report": {
        "effective-directive": "script-src-elem",
        "blocked-uri": "https://unpkg.com/x?token=secret",
        "document-uri": `https://hive.test/codex/${page}?a=secret`,
      },
    });
  const send = (path: string, body: string | Buffer) =>
    test.ask(path, { method: "POST", body, headers: { "content-type": "application/csp-report" } });

  it("are sent to the gateway by pages, and are one line a violation for each service", async () => {
    const cookie = test.core.signIn();
    test.service.serve = (_request, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><p>x");
    };
    const { headers } = await test.ask("/codex/", { cookie, headers: window });
    const policy = String(headers["content-security-policy-report-only"]);
    const [, path = ""] = /report-uri (\S+)/.exec(policy) ?? [];
    expect(path).to.equal("/api/csp-report/codex");
    for (const page of ["a", "a", "b"])
      expect((await send(path, report(page))).status).to.equal(204);
    await until(() => test.log.filter((line) => line.includes("strict policy")).length === 2);
    const line = JSON.parse(
      test.log.find((each) => each.includes("strict policy")) ?? "",
    ) as object;
    expect(line).to.include({
      app: "codex",
      directive: "script-src-elem",
      blocked: "https://unpkg.com/x",
      page: "https://hive.test/codex/a",
    });
    expect(test.log.join()).to.not.include("secret");
  });

  it("are dropped when they are none, too long or about nobody", async () => {
    expect((await send("/api/csp-report/codex", "{")).status).to.equal(204);
    expect((await send("/api/csp-report/nobody", report("a"))).status).to.equal(204);
    expect((await send("/api/csp-report/codex", Buffer.alloc(20_000))).status).to.equal(413);
    expect((await test.ask("/api/csp-report/codex")).status).to.equal(405);
    expect(test.log.join()).to.not.include("strict policy");
  });
});
