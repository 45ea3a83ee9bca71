import { expect } from "chai";

import { parseLines } from "../../../runtime/logger/lineParser.ts";

const stamp = "2026-11-24_10:15:21.12345";
const parse = (...texts: readonly string[]) =>
  parseLines(texts.map((text) => `${stamp} ${text}`)).map(({ level, message }) => [level, message]);

describe("parseLines", () => {
  it("takes svlogd's time, or that of a JSON line", () => {
    const lines = [
      `${stamp} plain`,
      `${stamp} {"level":"info","time":"2026-11-24T10:15:20.000Z","msg":"json"}`,
      `${stamp} {"level":"info","time":"soon","msg":"json"}`,
      "without",
    ];
    expect(parseLines(lines).map(({ timestamp }) => timestamp)).to.deep.equal([
      stamp,
      "2026-11-24T10:15:20.000000",
      stamp,
      undefined,
    ]);
  });

  it("reads pino's lines", () => {
    const line =
      '{"level":"warn","time":"2026-11-24T10:15:20.000Z","service":"core","pid":7,' +
      '"request_id":"r-1","user_id":"u","err":{"type":"Error","message":"no"},"msg":"refused"}';
    expect(parseLines([`${stamp} ${line}`])).to.deep.equal([
      {
        level: "warn",
        timestamp: "2026-11-24T10:15:20.000000",
        message: "refused",
        context: { err: { type: "Error", message: "no" } },
        trace_id: "r-1",
        user_id: "u",
        hostname: undefined,
        process_id: 7,
      },
    ]);
  });

  it("reads lines of JSON that are no log lines as well as it can", () => {
    expect(
      parse('{"a":1}', "{broken", '{"level":50,"err":{"message":"why"}}', "[1]"),
    ).to.deep.equal([
      [undefined, '{"a":1}'],
      [undefined, "{broken"],
      [50, "why"],
      [undefined, "[1]"],
    ]);
  });

  const known: readonly (readonly [string, string | undefined, string])[] = [
    ["2026-11-24 10:15:21,123 INFO  [org.keycloak.x] (main) up", "INFO", "up"],
    ["2026-11-24 10:15:21,123 ERROR [org.keycloak.x] (executor-1) no", "ERROR", "no"],
    ["2026-11-24 10:15:21,123 WARN  [io.quarkus] (main) hm", "WARN", "hm"],
    ["2026-11-24 10:15:21.123 UTC [12] LOG:  ready", "INFO", "ready"],
    ["2026-11-24 10:15:21.123 UTC [12] core@core ERROR:  no table", "ERROR", "no table"],
    ["2026-11-24 10:15:21.123 UTC [12] FATAL:  no role", "FATAL", "no role"],
    ["2026-11-24 10:15:21.123 UTC [12] DEBUG3:  x", "DEBUG", "x"],
    ["[2026-11-24 10:15:21,123] ERROR in app: Exception on /", "ERROR", "Exception on /"],
    ["[2026-11-24 10:15:21 +0000] [9] [INFO] Listening", "INFO", "Listening"],
    ["WARNING:werkzeug:text", "WARNING", "text"],
    ["2026-11-24 10:15:21,123 - app.sync - DEBUG - text", "DEBUG", "text"],
    ["2026-11-24 10:15:21,123 CRITICAL app: text", "CRITICAL", "app: text"],
    ['127.0.0.1 - - [24/Nov/2026 10:15:21] "GET /error HTTP/1.1" 200 -', undefined, ""],
    ["0 errors, ERROR is only a word here", undefined, ""],
    [
      "2026-11-24 10:15:21,123 INFO  [x] (main) ERROR: not the level",
      "INFO",
      "ERROR: not the level",
    ],
  ];
  for (const [line, level, message] of known) {
    it(`finds ${level ?? "no level"} in ${line}`, () => {
      expect(parse(line)).to.deep.equal([[level, message === "" ? line : message]]);
    });
  }

  it("keeps a stack trace with its error", () => {
    expect(
      parse(
        "2026-11-24 10:15:21,123 ERROR [x] (main) failed: java.lang.Error",
        "\tat org.keycloak.X.y(X.java:1)",
        "Caused by: java.lang.Error",
        "at last",
        "",
        "2026-11-24 10:15:21,123 INFO  [x] (main) next",
      ),
    ).to.deep.equal([
      [
        "ERROR",
        "failed: java.lang.Error\n\tat org.keycloak.X.y(X.java:1)\nCaused by: java.lang.Error\nat last",
      ],
      ["INFO", "next"],
    ]);
  });

  it("keeps PostgreSQL's detail with its error", () => {
    const head = "2026-11-24 10:15:21.123 UTC [12] a@b ";
    const lines = [`${head}ERROR:  no`, `${head}DETAIL:  why`, `${head}STATEMENT:  SELECT`, "\t1"];
    expect(parse(...lines)).to.deep.equal([
      ["ERROR", `no\n${head}DETAIL:  why\n${head}STATEMENT:  SELECT\n\t1`],
    ]);
  });

  it("keeps a Python traceback whole, with the error before it", () => {
    const traceback = [
      "Traceback (most recent call last):",
      '  File "a"',
      "    f()",
      "ValueError: x",
    ];
    expect(
      parse("[2026-11-24 10:15:21,123] ERROR in app: no", ...traceback, "INFO:a:next"),
    ).to.deep.equal([
      ["ERROR", `no\n${traceback.join("\n")}`],
      ["INFO", "next"],
    ]);
    expect(parse("INFO:a:fine", ...traceback, "plain")).to.deep.equal([
      ["INFO", "fine"],
      ["ERROR", traceback.join("\n")],
      [undefined, "plain"],
    ]);
  });

  it("does not grow without bound with what is joined", () => {
    const [entry] = parseLines(["a", ...Array.from({ length: 5000 }, () => " ".repeat(9) + "x")]);
    expect(entry?.message.length).to.be.within(10_000, 10_020);
  });
});
