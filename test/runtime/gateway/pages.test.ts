import { buffer } from "node:stream/consumers";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
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
    expect(headers["cache-control"]).to.equal("private, no-cache");
    expect(headers.etag).to.match(/^W\/"[A-Za-z0-9_-]{11}s-theirs"$/);
    expect(headers["vary"]).to.equal("Accept, Cookie, Sec-Fetch-Dest");
    expect(headers["content-length"]).to.equal(String(Buffer.byteLength(body)));
    for (const name of ["last-modified", "accept-ranges"]) {
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

  it("get it also when they come compressed all the same", async () => {
    const codings = {
      gzip: gzipSync,
      deflate: deflateSync,
      br: brotliCompressSync,
      zstd: zstdCompressSync,
    };
    for (const [coding, compress] of Object.entries(codings)) {
      test.service.serve = (_request, response) => {
        const headers = { "content-type": "text/html", "content-encoding": coding };
        response.writeHead(200, headers).end(compress(page));
      };
      const { headers, body } = await test.ask("/codex/", { cookie, headers: window });
      expect(headers).to.not.have.property("content-encoding");
      expect(headers["cache-control"]).to.equal("private, no-store");
      expect(body, coding).to.include("<h1>Hi</h1>").and.to.include('class="hivematrix-layout"');
    }
  });

  it("are answered with 502 when what they come in is none of that", async () => {
    test.service.serve = (_request, response) => {
      const headers = { "content-type": "text/html", "content-encoding": "gzip" };
      response.writeHead(200, headers).end("no gzip at all");
    };
    expect((await test.ask("/codex/", { cookie, headers: window })).status).to.equal(502);
  });

  it("pass as they are in a coding nobody here knows", async () => {
    test.service.serve = (_request, response) => {
      const headers = { "content-type": "text/html", "content-encoding": "x-own", etag: '"x"' };
      response.writeHead(200, headers).end("\u0001\u0002");
    };
    const response = await test.open("/codex/", { cookie, headers: window });
    expect(response.headers).to.include({ "content-encoding": "x-own", etag: '"x"' });
    expect((await buffer(response)).toString()).to.equal("\u0001\u0002");
  });

  it("are not sent again to a browser that has them, until the look or the page is another", async () => {
    const asked: (string | undefined)[] = [];
    test.service.serve = (request, response) => {
      asked.push(request.headers["if-none-match"]);
      const known = request.headers["if-none-match"] === '"theirs"';
      response.writeHead(known ? 304 : 200, { "content-type": "text/html", etag: '"theirs"' });
      response.end(known ? undefined : page);
    };
    const first = await test.ask("/codex/", { cookie, headers: window });
    const etag = String(first.headers.etag);
    const ask = (who: string) =>
      test.ask("/codex/", { cookie: who, headers: { ...window, "if-none-match": `"x", ${etag}` } });
    const again = await ask(cookie);
    expect([again.status, again.headers.etag, again.body]).to.deep.equal([304, etag, ""]);
    // Somebody with another menu, though at the same browser.
    const other = await ask(test.core.signIn(["admins"]));
    expect(other.status).to.equal(200);
    expect(other.headers.etag).to.not.equal(etag);
    expect(asked).to.deep.equal([undefined, '"theirs"', undefined]);
  });

  it("pass byte by byte when they are XML, which takes no more than it has", async () => {
    const xhtml =
      '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head/><body/></html>';
    test.service.serve = (_request, response) => {
      response.writeHead(200, { "content-type": "application/xhtml+xml" }).end(xhtml);
    };
    expect((await test.ask("/codex/", { cookie, headers: window })).body).to.equal(xhtml);
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
      "content-security-policy":
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
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
      "content-security-policy":
        "img-src 'self', object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
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
