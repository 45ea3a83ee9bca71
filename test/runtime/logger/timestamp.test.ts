import { expect } from "chai";

import { readTimestamp, timestampOf } from "../../../runtime/logger/timestamp.ts";

describe("timestamps", () => {
  const read: readonly (readonly [unknown, string | undefined])[] = [
    ["2026-11-24T10:15:21.123456", "2026-11-24T10:15:21.123456"],
    ["2026-11-24 10:15:21", "2026-11-24T10:15:21.000000"],
    ["2026-11-24_10:15:21.12345", "2026-11-24T10:15:21.123450"],
    ["2026-11-24T10:15:21.123456789Z", "2026-11-24T10:15:21.123456"],
    ["2026-11-24T01:15:21.5+02:00", "2026-11-23T23:15:21.500000"],
    ["2026-11-24T23:15:21-0130", "2026-11-25T00:45:21.000000"],
    ["2026-11-24", "2026-11-24T00:00:00.000000"],
    ["2026-11-24T10:15", "2026-11-24T10:15:00.000000"],
    [1_795_515_321_123, "2026-11-24T10:15:21.123000"],
    ["2026-02-30T10:15:21", undefined],
    ["2026-11-24T25:15:21", undefined],
    ["2026-11-24T10:15:60", undefined],
    ["0000-01-01T00:00:00", undefined],
    ["1969-12-31T23:59:59", undefined],
    ["9999-12-31T23:59:59-01:00", undefined],
    ["yesterday", undefined],
    ["", undefined],
    ["2026-11-24T10:15:21'; DROP TABLE log_entries", undefined],
    [Number.NaN, undefined],
    [1e300, undefined],
    [-1, undefined],
    [null, undefined],
    [{}, undefined],
  ];
  for (const [value, expected] of read) {
    it(`reads ${JSON.stringify(value)} as ${String(expected)}`, () => {
      expect(readTimestamp(value)).to.equal(expected);
    });
  }

  it("writes naive UTC with microseconds", () => {
    expect(timestampOf(new Date("2026-11-24T10:15:21.123Z"))).to.equal(
      "2026-11-24T10:15:21.123000",
    );
  });
});
