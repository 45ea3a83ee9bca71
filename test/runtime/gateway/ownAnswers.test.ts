import { once } from "node:events";
import { get, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

import { expect } from "chai";

import { createRedirectServer } from "../../../runtime/gateway/plainServers.ts";
import { TestGateway, until, window } from "../../support/gateway.ts";

async function ask(
  server: Server,
  path: string,
  headers = {},
): Promise<IncomingMessage & { text: string }> {
  if (!server.listening) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  const { port } = server.address() as AddressInfo;
  const request = get({ host: "127.0.0.1", port, path, headers, agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return Object.assign(response, { text: await text(response) });
}

describe("what the gateway tells of itself", () => {
  let test: TestGateway;
  beforeEach(async () => {
    test = await TestGateway.start({ env: { METRICS_PORT: "1" } });
  });
  afterEach(() => test.close());

  it("is ready while core is heard, and alive all the time", async () => {
    expect((await test.ask("/health/ready")).status).to.equal(200);
    test.core.outage = 0;
    test.core.dropFollowers();
    await until(() => test.gateway.metrics.render().includes("core_heard 0\n"));
    const { status, body } = await test.ask("/health/ready");
    expect([status, JSON.parse(body)]).to.deep.equal([
      503,
      { service: "nexus", status: "unhealthy" },
    ]);
    expect((await test.ask("/health/live")).status).to.equal(200);
  });

  it("is counted for Prometheus, on a port of its own that knows nothing else", async () => {
    const cookie = test.core.signIn();
    await test.ask("/codex/a?secret=1", { cookie });
    await test.ask("/nothing");
    await until(() => test.lines.length === 2);
    const listener = test.gateway.listeners.find(({ port }) => port === 1);
    expect(listener?.host).to.equal("127.0.0.1");
    const { text: body, headers, statusCode } = await ask(listener?.server as Server, "/metrics");
    expect(statusCode).to.equal(200);
    expect(headers["content-type"]).to.include("version=0.0.4");
    expect(body).to.include(
      'hivematrix_gateway_requests_total{service="codex",method="GET",status="200"} 1\n',
    );
    expect(body).to.match(/request_seconds_bucket\{service="codex",le="\+Inf"\} 1\n/);
    expect(body).to.match(/hivematrix_gateway_sessions 1\n/);
    expect(body).to.not.include("secret");
    for (const line of body.trim().split("\n")) {
      expect(line).to.match(/^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{[^}]*\})? [\d.e+-]+)$/);
    }
    expect((await ask(listener?.server as Server, "/")).statusCode).to.equal(404);
    expect((await test.ask("/metrics", { cookie })).status).to.equal(404);
  });

  it("has its mark for browsers that ask for one", async () => {
    const { status, headers, body } = await test.ask("/favicon.ico");
    expect([status, headers["content-type"]]).to.deep.equal([200, "image/svg+xml"]);
    expect(body).to.include("<svg");
  });

  it("keeps its own files out of the way in the log", async () => {
    await test.ask("/static/css/global.css");
    await test.ask("/static/none.css");
    await until(() => test.lines.length === 2);
    expect(test.lines.map(({ level }) => level)).to.deep.equal(["DEBUG", "INFO"]);
  });

  it("writes no line for who supervises it, but for every other path", async () => {
    for (const path of ["/health", "/health/live", "/health/ready", "/healthy/", "/health/none"]) {
      await test.ask(path);
    }
    await until(() => test.lines.length === 2);
    const paths = test.lines.map(({ context }) => context?.["path"]);
    expect(paths).to.deep.equal(["/healthy/", "/health/none"]);
  });

  it("gives icons from here, in a version that is kept", async () => {
    const { status, headers } = await test.ask("/static/js/lucide.js");
    expect(status).to.equal(200);
    expect(headers["content-type"]).to.include("javascript");
  });

  it("shows its components to administrators alone", async () => {
    const page = await test.ask("/design", { cookie: test.core.signIn(), headers: window });
    expect(page.status).to.equal(200);
    expect(page.body).to.include("hivematrix-layout").and.to.include("data-table");
    expect(page.body).to.not.match(/ style=|<style|javascript:|https?:\/\/(?!www\.w3\.org)/);
    const user = {
      ...test.core.session(test.core.signIn()).user,
      permission_level: "client" as const,
    };
    const cookie = test.core.signIn(["client"], { user });
    expect((await test.ask("/design", { cookie })).status).to.equal(403);
    expect((await test.ask("/design", { headers: window })).status).to.equal(302);
  });
});

describe("the port without TLS (weakness 41)", () => {
  it("sends everybody to the public name, not to that of the request", async () => {
    const server = createRedirectServer(new URL("https://hive.test"));
    for (const [path, location] of [
      ["/codex/a?b=1", "https://hive.test/codex/a?b=1"],
      ["//evil.test/", "https://hive.test/"],
    ] as const) {
      const { statusCode, headers } = await ask(server, path, { host: "evil.test" });
      expect([statusCode, headers.location]).to.deep.equal([308, location]);
    }
    server.close();
  });
});
