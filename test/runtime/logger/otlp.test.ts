import { JsonLogsSerializer, ProtobufLogsSerializer } from "@opentelemetry/otlp-transformer";
import { expect } from "chai";
import fc from "fast-check";

import { readLogsRequest } from "../../../runtime/logger/otlp/binary.ts";
import { listRecords } from "../../../runtime/logger/otlp/record.ts";
import { TestLogger } from "./testLogger.ts";

/** A record as OpenTelemetry's SDK hands it to its exporter. */
const record = {
  hrTime: [1_795_514_399, 123_456_789],
  hrTimeObserved: [1_795_514_399, 200_000_000],
  severityNumber: 17,
  severityText: "ERROR",
  body: "payment failed",
  attributes: { "http.route": "/pay", attempts: 3, ratio: 0.5, ok: false, list: ["a", 1] },
  droppedAttributesCount: 0,
  spanContext: {
    traceId: "5b8efff798038103d269b633813fc60c",
    spanId: "eee19b7ec3c1b174",
    traceFlags: 1,
  },
  resource: {
    attributes: { "service.name": "Shop Web", "host.name": "h-1", "process.pid": 77, zone: "b" },
  },
  instrumentationScope: { name: "checkout", version: "1.0.0" },
};
type Records = Parameters<typeof ProtobufLogsSerializer.serializeRequest>[0];
const serialize = (kind: "json" | "binary", ...records: object[]): Buffer =>
  Buffer.from(
    (kind === "json" ? JsonLogsSerializer : ProtobufLogsSerializer).serializeRequest(
      records as unknown as Records,
    ) ?? [],
  );
const types = { json: "application/json", binary: "application/x-protobuf" } as const;

describe("POST /v1/logs (OTLP/HTTP)", () => {
  let logger: TestLogger;
  let codex: string;
  let admin: string;

  before(async () => {
    logger = await TestLogger.start();
    codex = await logger.core.service("codex");
    admin = await logger.core.user("admin");
  });
  after(() => logger.stop());
  beforeEach(() => logger.pool.query("TRUNCATE log_entries"));

  const post = (
    kind: "json" | "binary",
    body: RequestInit["body"],
    token: string,
  ): Promise<Response> =>
    logger.request("/v1/logs", token, {
      method: "POST",
      headers: { "content-type": types[kind] },
      ...(body !== undefined && { body }),
    });

  for (const kind of ["json", "binary"] as const) {
    it(`takes what OpenTelemetry's own exporter sends as ${types[kind]}`, async () => {
      const response = await post(kind, serialize(kind, record), admin);
      expect([response.status, response.headers.get("content-type")?.split(";")[0]]).to.deep.equal([
        200,
        types[kind],
      ]);
      expect(await response.text()).to.equal(kind === "json" ? "{}" : "");
      const [row] = await logger.rows();
      expect(row).to.deep.include({
        timestamp: "2026-11-24 09:59:59.123456",
        service_name: "shop-web",
        level: "ERROR",
        message: "payment failed",
        trace_id: "5b8efff798038103d269b633813fc60c",
        hostname: "h-1",
        process_id: 77,
      });
      expect(row?.["context"]).to.deep.equal({
        "http.route": "/pay",
        attempts: 3,
        ratio: 0.5,
        ok: false,
        list: ["a", 1],
        span_id: "eee19b7ec3c1b174",
        scope: "checkout",
        resource: { zone: "b" },
        "service.name": "Shop Web",
      });
    });
  }

  it("binds the service to the caller whatever the records say", async () => {
    await post("binary", serialize("binary", record), codex);
    expect((await logger.rows()).map(({ service_name: name }) => name)).to.deep.equal(["codex"]);
  });

  it("keeps a W3C trace id, found by the request's id in its other form too", async () => {
    await post("json", serialize("json", record), codex);
    const uuid = "5b8efff7-9803-8103-d269-b633813fc60c";
    await logger.ingest({ logs: [{ message: "the gateway's", trace_id: uuid }] }, codex);
    for (const id of [uuid, record.spanContext.traceId]) {
      const response = await logger.request(`/api/logs?trace_id=${id}`, admin);
      const { logs } = (await response.json()) as { logs: { message: string }[] };
      expect(logs.map(({ message }) => message).sort()).to.deep.equal([
        "payment failed",
        "the gateway's",
      ]);
    }
  });

  it("has a level for every severity", () => {
    const levels = [0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 99].map((severityNumber) => {
      const scopeLogs = [{ logRecords: [{ severityNumber, severityText: "notice" }] }];
      return listRecords({ resourceLogs: [{ scopeLogs }] })[0]?.raw["level"];
    });
    expect(levels.join(" ")).to.equal(
      "notice DEBUG DEBUG DEBUG DEBUG INFO INFO WARNING WARNING ERROR ERROR CRITICAL CRITICAL notice",
    );
  });

  it("tells by a partial success what it did not store", async () => {
    const bad = { ...record, body: undefined };
    const json = await post("json", serialize("json", record, bad), codex);
    expect(await json.json()).to.deep.equal({
      partialSuccess: { rejectedLogRecords: "1", errorMessage: "message is missing" },
    });
    const binary = await post("binary", serialize("binary", record, bad), codex);
    const bytes = new Uint8Array(await binary.arrayBuffer());
    const { partialSuccess } = ProtobufLogsSerializer.deserializeResponse(bytes);
    expect(partialSuccess).to.deep.equal({
      rejectedLogRecords: 1,
      errorMessage: "message is missing",
    });
    expect(await logger.rows()).to.have.length(2);
  });

  it("answers 400 to what is no request, 401 without a token, 413 to too many", async () => {
    const broken = [
      await post("binary", Buffer.from([0x0a, 0xff, 0xff, 0x01, 1]), codex),
      await post("json", "[]", codex),
      await post("json", "{", codex),
    ];
    expect(broken.map(({ status }) => status)).to.deep.equal([400, 400, 400]);
    expect((await post("json", "{}", "")).status).to.equal(401);
    const many = [{ scopeLogs: [{ logRecords: Array.from({ length: 10_001 }, () => ({})) }] }];
    expect((await post("json", JSON.stringify({ resourceLogs: many }), codex)).status).to.equal(
      413,
    );
  });

  it("reads any bytes without harm: a request or an error", () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(bytes, (body) => {
        try {
          listRecords(readLogsRequest(body));
        } catch (fault) {
          expect(fault).to.be.an("error");
          expect(fault).not.to.be.instanceOf(RangeError);
        }
      }),
    );
  });
});
