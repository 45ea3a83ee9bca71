import { PassThrough } from "node:stream";

import { expect } from "chai";

import { describeTime } from "../../cli/logLine.ts";
import { openOutput } from "../../cli/output.ts";
import { createLog } from "../../runtime/kernel/log.ts";
import { describeLine } from "../../setup/devLine.ts";

const output = openOutput(stream(false), {});
const now = new Date("2026-03-10T12:00:00Z");

const show = (text: string): string[] => describeLine(text, output, now);

describe("a line of a service under development", () => {
  const time = "2026-03-10T11:59:58.123Z";
  const clock = describeTime(new Date(time), now);

  it("has time, level, message and what else it says", () => {
    const line = { level: "info", time, service: "core", pid: 3, msg: "ready", port: 5000 };
    const hosts = ["127.0.0.1"];
    expect(show(JSON.stringify({ ...line, hosts, path: "/a b" }))).to.deep.equal([
      `${clock}  INFO   ready  port=5000 hosts=["127.0.0.1"] path=/a b`,
    ]);
  });

  it("shows an error with its stack below", () => {
    const err = { type: "Error", message: "no", stack: "Error: no\n    at x.ts:1" };
    expect(show(JSON.stringify({ level: "error", time, msg: "failed", err }))).to.deep.equal([
      `${clock}  ERROR  failed`,
      "  | Error: no",
      "  |     at x.ts:1",
    ]);
  });

  it("is read as the services write it", () => {
    const written = new PassThrough();
    createLog("core", "debug", written).warn({ err: new Error("away") }, "no answer");
    const [first, second] = show(String(written.read()).trim());
    expect(first).to.match(/^[\d-]* ?\d\d:\d\d:\d\d\.\d{3} {2}WARN {3}no answer$/);
    expect(second).to.equal("  | Error: away");
  });

  it("stays as it is when it is something else, but harmless", () => {
    expect(show("Restarting 'main.ts'")).to.deep.equal(["Restarting 'main.ts'"]);
    expect(show("{ not JSON")).to.deep.equal(["{ not JSON"]);
    expect(show('{"a":1}')).to.deep.equal(['{"a":1}']);
    expect(show("\u001b[2Jx\u001b[31mred\u001b[0m")).to.deep.equal(["\\u001b[2Jxred"]);
    const sly = JSON.stringify({ level: "in\u001b[2Jfo", time, msg: "a\nb\u001b[H", x: "\u0007" });
    expect(show(sly).join("\n")).not.to.match(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it("is coloured on a terminal", () => {
    const [line] = describeLine(
      JSON.stringify({ level: "error", time, msg: "x" }),
      openOutput(stream(true), { TERM: "xterm" }),
      now,
    );
    expect(line).to.contain("\u001b[31mERROR\u001b[0m");
  });
});

function stream(isTTY: boolean): NodeJS.WriteStream {
  return { isTTY, write: () => true } as unknown as NodeJS.WriteStream;
}
