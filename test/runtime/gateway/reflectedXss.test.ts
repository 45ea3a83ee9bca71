import { expect } from "chai";

import { TestGateway, window } from "../../support/gateway.ts";

const script = "<script>alert(1)</script>";

describe("attack: reflected scripts (weakness 3)", () => {
  let test: TestGateway;
  before(async () => {
    test = await TestGateway.start();
  });
  after(() => test.close());

  it("finds nothing of what was sent in any page of ours", async () => {
    const cookie = test.core.signIn(["nobody"]);
    const encoded = encodeURIComponent(script).replaceAll("%2F", "_");
    const paths = [
      `/keycloak-callback?error=${encoded}&error_description=${encoded}`,
      `/keycloak-callback?error=${script}&state=${"a".repeat(43)}`,
      `/login/${encoded}`,
      `/${encoded.replaceAll("%", "")}/`,
      `/<script>alert(1)<script>/`,
      `/static/${encoded}`,
      `/keycloak/${encoded}`,
      `/logout?x=${encoded}`,
      `/codex/${encoded}`,
    ];
    for (const path of paths) {
      const headers = { ...window, "sec-fetch-site": "cross-site", "user-agent": script };
      for (const asked of [
        await test.ask(path, { headers, cookie }),
        await test.ask(path, { headers: { ...headers, host: `${script}.test` }, cookie }),
      ]) {
        expect(asked.body.toLowerCase(), path).to.not.include("alert(1)");
        if (asked.body === "") continue;
        expect(asked.headers["content-type"]).to.equal("text/html; charset=utf-8");
        expect(asked.headers["content-security-policy"]).to.match(
          /^default-src 'none'; script-src 'self'/,
        );
        expect(asked.headers["x-content-type-options"]).to.equal("nosniff");
      }
    }
  });

  it("writes a user's name as text", async () => {
    const cookie = test.core.signIn(["nobody"]);
    const { status, body } = await test.ask("/", { headers: window, cookie });
    expect(status).to.equal(200);
    expect(body).to.include("No services available for your permission level.");
    expect(body).to.include("Ada &lt;Lovelace&gt;");
    expect(body).to.not.include("<Lovelace>");
  });
});
