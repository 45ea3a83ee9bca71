import { expect } from "chai";

import { exitCodeOf } from "../../../cli/drift.ts";
import { describeReport, type Report } from "../../../cli/drift/report.ts";
import { record } from "../coreTrial.ts";

const none: Report = {
  stack: "dev",
  time: "2026-01-02T00:00:00.000Z",
  looked: 67,
  drift: [],
  notSeen: [],
};
const finding = {
  urn: "urn:pulumi:dev::p::host:index:File::settings",
  type: "host:index:File",
  name: "settings",
  id: "/etc/x",
  property: "content",
  expected: "a\nb\nc\n",
  found: "a\nB\nc\n",
  firstSeen: "2026-01-01T00:00:00.000Z",
  recorded: [{ when: "2026-01-01T00:00:00.000Z", who: "deploy", source: "sudo: vi" }],
};
const report = (changes: Partial<Report>): string[] =>
  describeReport({ ...none, ...changes }, record());

describe("the report of drift", () => {
  it("says that there is none, and of how many", () => {
    expect(report({})).to.deep.equal(["✓ no drift: 67 resources are as the last up left them"]);
    expect(exitCodeOf(none)).to.equal(0);
  });

  it("shows a changed text line by line, who and when, and what to do next", () => {
    expect(report({ drift: [finding] })).to.deep.equal([
      "✗ File settings (/etc/x): content",
      "    - b",
      "    + B",
      "    2026-01-01T00:00:00.000Z  by deploy  sudo: vi",
      "    first seen 2026-01-01T00:00:00.000Z",
      "  Next: `npm run up` puts it back.",
    ]);
    expect(exitCodeOf({ ...none, drift: [finding] })).to.equal(1);
  });

  it("shows values, what is gone and a secret only by name", () => {
    const plain = { ...finding, recorded: [], property: "mode", expected: "0644", found: "0777" };
    const secret = { ...plain, property: "content", expected: "[secret]", found: "[secret]" };
    const gone = { ...plain, property: null, found: null };
    const lines = report({ drift: [plain, secret, gone] });
    expect(lines).to.include.members([
      '    expected "0644"',
      '    found    "0777"',
      "    a secret is another one than it should be",
      "✗ File settings (/etc/x): gone",
    ]);
    expect(lines.join("\n")).not.to.include("[secret]");
  });

  it("cuts long texts", () => {
    const found = Array.from({ length: 50 }, (_, index) => `line ${index}`).join("\n");
    expect(report({ drift: [{ ...finding, found }] })).to.include("    … and 34 more lines");
  });

  it("names what was not seen, which is no “no drift”: exit code 3", () => {
    const notSeen = [{ server: "Keycloak", reason: "connection refused" }];
    expect(report({ notSeen })).to.deep.equal(["○ not seen: Keycloak: connection refused"]);
    expect(exitCodeOf({ ...none, notSeen })).to.equal(3);
    expect(exitCodeOf({ ...none, notSeen, drift: [finding] })).to.equal(1);
  });
});
