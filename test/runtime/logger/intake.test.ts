import { request } from "node:http";
import { gzipSync, zstdCompressSync } from "node:zlib";

import { expect } from "chai";

import { eventually, TestLogger } from "./testLogger.ts";

const path = "/api/logs/ingest";

describe("bodies of entries", () => {
  let logger: TestLogger;
  let codex: string;

  before(async () => {
    logger = await TestLogger.start();
    codex = await logger.core.service("codex");
  });
  after(() => logger.stop());

  const post = (body: RequestInit["body"], encoding?: string): Promise<Response> =>
    logger.request(path, codex, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(encoding !== undefined && { "content-encoding": encoding }),
      },
      ...(body !== undefined && { body }),
    });
  const codeOf = async (response: Response): Promise<unknown[]> => [
    response.status,
    ((await response.json()) as { code: string }).code,
  ];

  it("may be compressed with gzip or zstd, and of a length nobody says", async () => {
    const text = (message: string) => JSON.stringify({ logs: [{ message }] });
    expect((await post(gzipSync(text("by gzip")), "gzip")).status).to.equal(200);
    expect((await post(zstdCompressSync(text("by zstd")), "zstd")).status).to.equal(200);
    const chunked = await logger.request(path, codex, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: new Blob([text("by pieces")]).stream(),
      duplex: "half",
    });
    expect(chunked.status).to.equal(200);
    const rows = await logger.rows();
    expect(rows.map(({ message }) => message)).to.deep.equal(["by gzip", "by zstd", "by pieces"]);
  });

  it("are refused when they are not what they say, or in another encoding", async () => {
    expect(await codeOf(await post("no gzip", "gzip"))).to.deep.equal([400, "ERR_BODY_ENCODING"]);
    const half = gzipSync(JSON.stringify({ logs: [] })).subarray(0, -6);
    expect(await codeOf(await post(half, "gzip"))).to.deep.equal([400, "ERR_BODY_ENCODING"]);
    expect(await codeOf(await post("x", "br"))).to.deep.equal([415, "ERR_ENCODING_UNKNOWN"]);
  });

  it("are bounded after decompression: a bomb costs ten megabytes, not its size", async () => {
    const bomb = zstdCompressSync(Buffer.alloc(100 * 1024 * 1024));
    expect(bomb.length).to.be.below(20_000);
    expect(await codeOf(await post(bomb, "zstd"))).to.deep.equal([413, "ERR_BODY_TOO_LARGE"]);
  });

  it("wait outside while too many are under way: 429 and when to come again", async () => {
    const open = Array.from({ length: 3 }, () => {
      const sent = request(logger.url + path, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "content-length": 9 * 1024 * 1024,
          authorization: `Bearer ${codex}`,
        },
      });
      sent.on("error", () => undefined);
      sent.write('{"logs":[');
      return sent;
    });
    const large = JSON.stringify({ logs: [{ message: "x".repeat(8 * 1024 * 1024) }] });
    const refused = await eventually(async () => {
      const response = await post(large);
      return response.status === 200 ? undefined : response;
    });
    expect(refused.headers.get("retry-after")).to.equal("1");
    expect(await codeOf(refused)).to.deep.equal([429, "ERR_INTAKE_FULL"]);
    for (const sent of open) sent.destroy();
    await eventually(async () => (await post(large)).status === 200);
  });
});
