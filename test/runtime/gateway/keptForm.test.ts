import { expect } from "chai";

import { TestGateway, window } from "../../support/gateway.ts";

describe("a form that is sent when the session is over (weakness 12)", () => {
  let test: TestGateway;
  beforeEach(async () => {
    test = await TestGateway.start();
  });
  afterEach(() => test.close());

  const post = (body: string, headers: Record<string, string> = {}) =>
    test.ask("/codex/companies/new?x=1", {
      method: "POST",
      body,
      headers: {
        ...window,
        origin: "https://hive.test",
        "sec-fetch-site": "same-origin",
        "content-type": "application/x-www-form-urlencoded",
        ...headers,
      },
    });

  it("comes back with all that was filled in, to be sent again", async () => {
    const { status, headers, body } = await post(
      "name=A%26B+%22x%22&tag=1&tag=2&text=a%0D%0Ab&empty=",
    );
    expect(status).to.equal(401);
    expect(headers["cache-control"]).to.equal("no-store");
    expect(body).to.include('<form method="post" action="/codex/companies/new?x=1">');
    const fields = [...body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
    expect(fields.map(([, name, value]) => [name, value])).to.deep.equal([
      ["name", "A&amp;B &quot;x&quot;"],
      ["tag", "1"],
      ["tag", "2"],
      ["text", "a\r\nb"],
      ["empty", ""],
    ]);
    expect(body).to.include('href="/login" target="_blank"');
    expect(headers["content-security-policy"]).to.include("form-action 'self'");
    expect(test.service.received).to.deep.equal([]);
  });

  it("comes back in parts as well, but for files", async () => {
    const part = (name: string, file: string, value: string) =>
      `--b\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${value}\r\n`;
    const type = { "content-type": "multipart/form-data; boundary=b" };
    const kept = await post(`${part("a", "", "<1>")}--b--\r\n`, type);
    expect(kept.body)
      .to.include('enctype="multipart/form-data"')
      .and.to.include('value="&lt;1&gt;"');
    const lost = await post(`${part("f", '; filename="x"', "1")}--b--\r\n`, type);
    expect(lost.status).to.equal(401);
    expect(lost.body).to.not.include("<form");
  });

  it("does not come back for another site, a script, or when it is too large", async () => {
    for (const headers of [
      { origin: "https://evil.test", "sec-fetch-site": "cross-site" },
      { "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" },
      { "content-type": "text/plain" },
    ]) {
      const { status, body } = await post("a=secret", headers);
      expect(status).to.equal(401);
      expect(body).to.not.include("secret");
    }
    expect((await post(`a=${"x".repeat(300_000)}`)).body).to.not.include("<form");
  });
});
