import { expect } from "chai";

import { normalizeEntry } from "../../../runtime/logger/entry.ts";
import { frozen } from "./testLogger.ts";

const normalize = (raw: unknown) => normalizeEntry(raw, "codex", frozen);

describe("normalizeEntry", () => {
  it("leaves a client's entry as it is", () => {
    const entry = {
      level: "WARNING",
      message: "slow",
      timestamp: "2026-11-24T09:59:59.123456",
      context: { path: "/x", method: "GET" },
      trace_id: "5f0c954e-1f5c-4c6b-9f6e-d3f9b8a6c001",
      user_id: "u-1",
      hostname: "host",
      process_id: 42,
    };
    expect(normalize(entry)).to.deep.equal({ ...entry, service_name: "codex" });
  });

  it("fills in what is missing", () => {
    expect(normalize({ message: "x" })).to.deep.equal({
      timestamp: "2026-11-24T10:00:00.000000",
      service_name: "codex",
      level: "INFO",
      message: "x",
      context: null,
      trace_id: null,
      user_id: null,
      hostname: null,
      process_id: null,
    });
  });

  const levels = [
    ["error", "ERROR"],
    ["Warn", "WARNING"],
    ["FATAL", "CRITICAL"],
    [50, "ERROR"],
    ["verbose", "INFO"],
    ["__proto__", "INFO"],
    ["constructor", "INFO"],
    [null, "INFO"],
    [{}, "INFO"],
  ] as const;
  for (const [level, expected] of levels) {
    it(`takes the level ${JSON.stringify(level)} for ${expected}`, () => {
      expect(normalize({ message: "x", level })).to.include({ level: expected });
    });
  }

  it("keeps a time it cannot read in the context and takes the present", () => {
    for (const timestamp of ["soon", "2026-11-26T00:00:00", 5e15, { a: 1 }]) {
      expect(normalize({ message: "x", timestamp, context: { a: 1 } })).to.deep.include({
        timestamp: "2026-11-24T10:00:00.000000",
        context: { a: 1, original_timestamp: JSON.stringify(timestamp) },
      });
    }
  });

  it("removes NUL and terminal escapes, also those a NUL would have hidden", () => {
    const message = "\u001b[31mred\u001b[0m \u001b]0;title\u0007a\0b\u001b\0[2Jc\u009b1md\u001b";
    expect(normalize({ message })).to.include({ message: "red abcd" });
  });

  it("cuts long texts without leaving half a character", () => {
    const entry = normalize({ message: "a".repeat(9999) + "😀", user_id: "é".repeat(200) });
    expect(entry).to.include({ message: `${"a".repeat(9999)}\ufffd`, user_id: "é".repeat(100) });
  });

  it("finds a secret that the cut would have left without its end", () => {
    const token = `eyJhbGciOiJSUzI1NiJ9.${"a".repeat(600)}.sig`;
    const { message } = normalize({ message: `${"x ".repeat(4900)}${token}` }) as {
      message: string;
    };
    expect(message).to.match(/x \[secret\]$/);
  });

  it("keeps secrets out of contexts, however deep", () => {
    const context = { headers: { authorization: "Bearer abcdefghij" }, list: [{ token: 1 }] };
    expect(normalize({ message: "x", context })).to.deep.include({
      context: { headers: { authorization: "[secret]" }, list: [{ token: "[secret]" }] },
    });
  });

  it("bounds contexts in depth and size and takes those that are no objects", () => {
    const deep = JSON.parse('{"a":'.repeat(5000) + "1" + "}".repeat(5000)) as object;
    expect(JSON.stringify(normalize({ message: "x", context: deep }))).to.contain("[too deep]");
    const wide = normalize({ message: "x", context: { a: "a".repeat(9000).split("") } });
    expect(Object.keys((wide as { context: object }).context)).to.deep.equal(["truncated"]);
    expect(normalize({ message: "x", context: ["a"] })).to.deep.include({
      context: { value: ["a"] },
    });
  });

  it("says why an entry cannot be stored", () => {
    expect(normalize(null)).to.deep.equal({ reason: "The entry is not an object" });
    expect(normalize("text")).to.deep.equal({ reason: "The entry is not an object" });
    expect(normalize({ message: null })).to.deep.equal({ reason: "message is missing" });
  });

  it("takes numbers and objects as messages", () => {
    expect(normalize({ message: 42 })).to.include({ message: "42" });
    expect(normalize({ message: { a: 1 } })).to.include({ message: '{"a":1}' });
  });

  it("leaves a process number out that the database could not hold", () => {
    for (const process_id of [-1, 2 ** 31, 1.5, "x", true]) {
      expect(normalize({ message: "x", process_id })).to.include({ process_id: null });
    }
    expect(normalize({ message: "x", process_id: "17" })).to.include({ process_id: 17 });
  });
});
