import { expect } from "chai";

import { findingsOf, parsePath } from "../../../cli/drift/findings.ts";
import { type Preview, readPreview } from "../../../cli/drift/preview.ts";

const urn = "urn:pulumi:dev::p::host:index:File::settings";
const recorded = {
  type: "host:index:File",
  id: "/etc/x",
  inputs: { path: "/etc/x", content: "one\n", mode: "0644" },
  outputs: { path: "/etc/x", content: "one\n", mode: "0644", sha256: "a" },
  modified: "2026-01-02T03:04:05Z",
};

function previewOf(...steps: Record<string, unknown>[]): Preview {
  return (
    readPreview(JSON.stringify({ steps: steps.map((step) => ({ urn, ...step })) })) ??
    expect.fail("not a preview")
  );
}

const looked = { op: "refresh", oldState: recorded };
const found = (changes: Record<string, unknown>) => ({
  ...recorded,
  inputs: { ...recorded.inputs, ...changes },
  outputs: { ...recorded.outputs, ...changes },
});
const short = (preview: Preview) =>
  findingsOf(preview).map(({ property, expected, found: there }) => [property, expected, there]);

describe("findings of a preview", () => {
  it("are what was changed since the last up: expected by the program, found on the host", () => {
    const update = {
      op: "update",
      oldState: found({ content: "two\n", mode: "0777" }),
      newState: recorded,
      detailedDiff: { content: { kind: "update" }, mode: { kind: "update" } },
    };
    expect(short(previewOf(looked, update))).to.deep.equal([
      ["content", "one\n", "two\n"],
      ["mode", "0644", "0777"],
    ]);
  });

  it("are not what the program wants otherwise by now, nor what was never made", () => {
    const update = {
      op: "update",
      oldState: recorded,
      newState: found({ content: "newer\n" }),
      detailedDiff: { content: { kind: "update" } },
    };
    expect(short(previewOf(looked, update))).to.deep.equal([]);
    expect(short(previewOf({ op: "create", newState: recorded }))).to.deep.equal([]);
    expect(short(previewOf(looked, { op: "same", oldState: recorded }))).to.deep.equal([]);
  });

  it("are one for all of a lost resource, with its short inputs", () => {
    expect(short(previewOf(looked, { op: "create", newState: recorded }))).to.deep.equal([
      [null, recorded.inputs, null],
    ]);
  });

  it("take a property that only the provider computes from the state", () => {
    const update = {
      op: "update",
      oldState: { ...recorded, outputs: { ...recorded.outputs, sha256: "b" } },
      newState: { type: recorded.type, inputs: recorded.inputs },
      detailedDiff: { sha256: { kind: "update" } },
    };
    expect(short(previewOf(looked, update))).to.deep.equal([["sha256", "a", "b"]]);
  });

  it("name a secret that differs, also one within a secret map, and never show it", () => {
    const hidden = { ...recorded, inputs: { env: "[secret]" }, outputs: { env: "[secret]" } };
    const update = {
      op: "update",
      oldState: hidden,
      newState: hidden,
      detailedDiff: { "env.PASSWORD": { kind: "update" } },
    };
    const preview = previewOf({ op: "refresh", oldState: hidden }, update);
    expect(short(preview)).to.deep.equal([["env.PASSWORD", "[secret]", "[secret]"]]);
  });

  it("name each resource once, also one that is to be replaced", () => {
    const replace = {
      op: "create-replacement",
      oldState: found({ path: "/etc/y" }),
      newState: recorded,
      detailedDiff: { path: { kind: "update-replace" } },
    };
    expect(
      short(previewOf(looked, replace, { ...replace, op: "replace" }, { ...looked, op: "delete" })),
    ).to.deep.equal([["path", "/etc/x", "/etc/y"]]);
  });

  it("know when we changed the same system last", () => {
    const other = "urn:pulumi:dev::p::host:index:File::other";
    const later = { ...recorded, modified: "2026-02-02T00:00:00Z" };
    const steps = [
      looked,
      { urn: other, op: "refresh", oldState: later },
      { op: "create", newState: recorded },
    ];
    expect(findingsOf(previewOf(...steps)).map(({ since }) => since)).to.deep.equal([
      later.modified,
    ]);
  });
});

describe("the path of a property", () => {
  const paths: Record<string, (string | number)[]> = {
    content: ["content"],
    "ready[0].tcp.port": ["ready", 0, "tcp", "port"],
    'env["a.b"]': ["env", "a.b"],
    'env["a\\"]b"].c': ["env", 'a"]b', "c"],
  };
  for (const [text, path] of Object.entries(paths)) {
    it(`${text} has its steps`, () => {
      expect(parsePath(text)).to.deep.equal(path);
    });
  }
});
