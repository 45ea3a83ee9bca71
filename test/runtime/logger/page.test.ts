import { expect } from "chai";

import { markup } from "../../../runtime/logger/pages/markup.ts";
import { renderOverview } from "../../../runtime/logger/pages/overview.ts";
import { TestLogger } from "./testLogger.ts";

describe("markup", () => {
  it("escapes values, in text and in attributes, but not markup of its own", () => {
    const evil = `<script>alert("1")</script>'&`;
    const escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;";
    expect(markup`<a title="${evil}">${evil}${markup`<b>${1}</b>`}</a>`.html).to.equal(
      `<a title="${escaped}">${escaped}<b>1</b></a>`,
    );
    expect(
      markup`${null}${undefined}${false}${[markup`<i>a</i>`, markup`<i>b</i>`]}`.html,
    ).to.equal("<i>a</i><i>b</i>");
  });

  it("shows what is not seen: control characters and marks of direction", () => {
    expect(markup`${"a\u001b[2Jb\rc\u202Ed\u0085\nnext\tline"}`.html).to.equal(
      "a[U+001B][2Jb[U+000D]c[U+202E]d[U+0085]\nnext\tline",
    );
  });
});

describe("GET /", () => {
  let logger: TestLogger;
  let admin: string;

  before(async () => {
    // A port that needs root and that nobody uses: a free one may be somebody's in a moment.
    logger = await TestLogger.start({ codex: "http://127.0.0.1:1/health" });
    admin = await logger.core.user("admin");
    await logger.ingest(
      {
        logs: [
          { message: "<img src=x onerror=alert(1)>\u001b[2J\u202E", trace_id: `"><script>` },
          { message: "older", level: "ERROR", timestamp: "2026-11-24T09:00:00", trace_id: "t-1" },
        ],
      },
      await logger.core.service("codex"),
    );
  });
  after(() => logger.stop());

  const page = async (query = "", headers: Record<string, string> = {}): Promise<string> => {
    const response = await logger.request(`/${query}`, admin, { headers });
    expect(response.status).to.equal(200);
    expect(response.headers.get("content-type")).to.equal("text/html; charset=utf-8");
    expect(response.headers.get("cache-control")).to.equal("no-store");
    return await response.text();
  };

  it("shows the services with their states, and the last lines, newest first", async () => {
    const text = await page();
    expect(text).to.match(/^<!doctype html>\n<html lang="en">\n<head>/);
    expect(text)
      .to.contain('<main role="main">')
      .and.to.contain("<title>Helm - HiveMatrix</title>");
    expect(text).to.match(/<tr data-service="codex">[^]*?○ not running[^]*?connection refused/);
    expect(text).to.match(/<tr data-service="core">[^]*?✓ running/);
    expect(text).to.match(/<tr data-service="postgres">[^]*?✓ running/);
    expect(text.indexOf("onerror")).to.be.below(text.indexOf("older"));
  });

  it("shows log lines as text, whatever is in them (log injection)", async () => {
    const text = await page();
    expect(text).to.contain("&lt;img src=x onerror=alert(1)&gt;[U+202E]");
    expect(text).to.contain(
      'href="/?trace_id=%22%3E%3Cscript%3E" title="&quot;&gt;&lt;script&gt;">&quot;&gt;&lt;scrip</a>',
    );
    expect(text).not.to.match(/<script|<img|\u001b|\u202e| style=| on[a-z]+="/);
  });

  it("filters, and shows what was asked for", async () => {
    const text = await page("?service=codex&level=error&trace_id=t-1");
    expect(text).to.contain("older").and.not.to.contain("onerror");
    expect(text).to.contain('<option value="codex" selected>');
    expect(text).to.contain('<option value="ERROR" selected>');
    expect(text).to.contain('name="trace_id" maxlength="36" value="t-1"');
    const none = await page(`?service=${encodeURIComponent('"><script>')}`);
    expect(none).to.contain("There are no such log lines.").and.not.to.contain("<script");
    expect(none).to.contain('<option value="&quot;&gt;&lt;script&gt;" selected>');
  });

  it("links below the gateway's prefix, if it is one", async () => {
    expect(await page("", { "x-forwarded-prefix": "/helm" })).to.contain('action="/helm/"');
    for (const prefix of ["//evil.example", '/"><script>', "https://evil.example"]) {
      expect(await page("", { "x-forwarded-prefix": prefix })).to.contain('action="/"');
    }
  });

  it("tells others that they may not see it", async () => {
    const response = await logger.request("/", await logger.core.user("client"));
    expect(response.status).to.equal(403);
    expect(response.headers.get("content-type")).to.equal("text/html; charset=utf-8");
    expect(await response.text()).to.contain("This page is for administrators.");
    const nobody = await logger.request("/");
    expect([nobody.status, nobody.headers.get("content-type")]).to.deep.equal([
      401,
      "application/problem+json",
    ]);
  });

  it("shows the states also when the log store does not answer", () => {
    const asked = { service: "", level: "", traceId: "" };
    const options = { prefix: "", states: [], services: [], asked, entries: undefined };
    expect(renderOverview(options)).to.contain("The log store does not answer.");
  });
});
