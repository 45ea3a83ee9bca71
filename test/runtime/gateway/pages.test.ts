import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { expect } from "chai";

import { TestGateway, window } from "../../support/gateway.ts";

const page = "<!doctype html><html><head><title>T</title></head><body><h1>Hi</h1></body></html>";

describe("pages of services (weakness 34)", () => {
  let test: TestGateway;
  let cookie: string;
  beforeEach(async () => {
    test = await TestGateway.start();
    cookie = test.core.signIn(["technicians"]);
    test.service.serve = (_request, response) => {
      response.writeHead(200, {
        "content-type": "text/html; charset=utf-8",
        "content-length": Buffer.byteLength(page),
        etag: '"theirs"',
        "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
        "accept-ranges": "bytes",
        "cache-control": "public, max-age=3600",
        vary: "Accept",
      });
      response.end(page);
    };
  });
  afterEach(() => test.close());

  it("get the layout with what this user may use, and are kept by nobody", async () => {
    const { body, headers } = await test.ask("/codex/", { cookie, headers: window });
    expect(body).to.include("<h1>Hi</h1>").and.to.include('class="hivematrix-layout"');
    expect(body).to.include('href="/codex/"').and.to.not.include('href="/helm/"');
    expect(body).to.include("Ada &lt;Lovelace&gt;");
    expect(headers["cache-control"]).to.equal("private, no-store");
    expect(headers["vary"]).to.equal("Accept, Cookie");
    for (const name of ["etag", "content-length", "last-modified", "accept-ranges"]) {
      expect(headers, name).to.not.have.property(name);
    }
    expect(test.service.only.headers["accept-encoding"]).to.equal("identity");
  });

  it("get it after a form was sent and with an error status as well", async () => {
    test.service.serve = (_request, response) => {
      response.writeHead(422, { "content-type": "text/html" }).end(page);
    };
    const { status, body } = await test.ask("/codex/", { method: "POST", cookie, headers: window });
    expect(status).to.equal(422);
    expect(body).to.include('class="hivematrix-layout"');
  });

  it("pass as they are when a script or a frame asks", async () => {
    for (const headers of [
      {},
      { accept: "*/*", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" },
      { ...window, "sec-fetch-dest": "iframe" },
    ]) {
      const answer = await test.ask("/codex/", { cookie, headers });
      expect(answer.body).to.equal(page);
      expect(answer.headers.etag).to.equal('"theirs"');
      expect(answer.headers["cache-control"]).to.equal("public, max-age=3600");
    }
  });

  it("pass as they are when they come compressed all the same", async () => {
    const zipped = gzipSync(page);
    test.service.serve = (_request, response) => {
      const headers = { "content-type": "text/html", "content-encoding": "gzip", etag: '"x"' };
      response.writeHead(200, headers).end(zipped);
    };
    const response = await test.open("/codex/", { cookie, headers: window });
    expect(response.headers).to.include({ "content-encoding": "gzip", etag: '"x"' });
    expect(await buffer(response)).to.deep.equal(zipped);
  });

  it("get the layout without a menu on public paths, also while core is away", async () => {
    test.core.outage = 0;
    const { status, body } = await test.ask("/beacon/display", { cookie, headers: window });
    expect(status).to.equal(200);
    expect(body).to.include('class="hivematrix-layout"').and.to.not.include("Ada");
  });

  it("come with security headers of ours, and their own where they are narrower (weakness 41)", async () => {
    const plain = await test.ask("/codex/", { cookie, headers: window });
    expect(plain.headers).to.include({
      "strict-transport-security": "max-age=31536000",
      "x-content-type-options": "nosniff",
      "referrer-policy": "same-origin",
      "x-frame-options": "SAMEORIGIN",
      "content-security-policy": "frame-ancestors 'self'",
    });
    test.service.serve = (_request, response) => {
      response.writeHead(200, {
        "content-security-policy": "img-src 'self'",
        "x-frame-options": "DENY",
        "x-content-type-options": "none",
        "strict-transport-security": "max-age=0",
      });
      response.end();
    };
    const own = await test.ask("/codex/", { cookie });
    expect(own.headers).to.include({
      "strict-transport-security": "max-age=31536000",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "content-security-policy": "img-src 'self', frame-ancestors 'self'",
      "cache-control": "private",
    });
  });
});

describe("the start page", () => {
  it("is the first service of the menu", async () => {
    const test = await TestGateway.start();
    const start = async (groups: string[]) => {
      const cookie = test.core.signIn(groups);
      return test.ask("/", { cookie, headers: window });
    };
    expect((await start(["admins"])).headers.location).to.equal("/codex/");
    expect((await start(["client"])).headers.location).to.equal("/beacon/");
    const none = await start(["others"]);
    expect(none.status).to.equal(200);
    expect(none.body).to.include("No services available for your permission level.");
    expect((await test.ask("/", { headers: window })).headers.location).to.equal("/login?next=%2F");
    await test.close();
  });
});
