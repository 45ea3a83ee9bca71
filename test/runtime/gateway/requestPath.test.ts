import { posix } from "node:path";
import { expect } from "chai";
import fc from "fast-check";

import { decide } from "../../../runtime/gateway/access.ts";
import { readTarget, type RequestPath } from "../../../runtime/gateway/requestPath.ts";

/** Pieces from which attacks on paths are made, among harmless ones. */
const piece = fc.constantFrom(
  ...["a", "b", "codex", "display", "/", "//", ".", "..", "...", "%2e", "%2E", "%2f", "%2F", "%5c"],
  ...["\\", ";", "%3b", "%00", "%0a", "%25", "%252e", "%252f", "%25252e", "%", "%zz", "%c0%ae"],
  ...["?", "#", "%23", "%3f", "%20", "+", "~", "é", "%c3%a9", "\u0000", "\t", " ", "%7f", "%c2%85"],
);
const target = fc
  .array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 8 })
  .map((pieces) => `/${pieces.join("")}`);

function read(text: string): RequestPath | undefined {
  try {
    return readTarget(text);
  } catch {
    return undefined;
  }
}

describe("the path of a request", () => {
  it("is taken apart without changing a byte", () => {
    const query = "?a=1&a=2&c&d=%2F%00../";
    expect(readTarget(`/codex/a%20b/%C3%A9/${query}`)).to.deep.equal({
      raw: "/codex/a%20b/%C3%A9/",
      query,
      first: "codex",
      rest: "/a%20b/%C3%A9/",
      normalRest: "/a b/é/",
    });
    expect(readTarget("/")).to.include({ raw: "/", first: "", rest: "", normalRest: "" });
    expect(readTarget("/codex")).to.include({ first: "codex", rest: "" });
    expect(readTarget("/codex/")).to.include({ rest: "/", normalRest: "/" });
    expect(readTarget("/codex/100%25")).to.include({ normalRest: "/100%" });
    expect(readTarget("/codex/a.b/..c/...")).to.include({ normalRest: "/a.b/..c/..." });
  });

  const refused = {
    "dot segments": ["/a/../b", "/a/./b", "/..", "/.", "/a/..", "/a/."],
    "encoded dot segments": [
      "/a/%2e%2e/b",
      "/a/.%2E/b",
      "/a/%2e",
      "/a/%252e%252e/b",
      "/a/%25252e./b",
    ],
    "encoded separators": ["/a/b%2fc", "/a/b%2Fc", "/a/%2f", "/a/b%5cc", "/a/%5C..%5c"],
    "separators hidden twice": ["/a/%252e%252e%252fb", "/a/x%252f..%252fb", "/a/..%255cb"],
    backslashes: ["/a\\b", "/\\evil.test", "/a/..\\b"],
    "path parameters": ["/a/b;c=1", "/a/..;/b", "/a/b%3bc", "/a/..%3b/b"],
    "control characters": [
      "/a/%00",
      "/a/%0d%0a",
      "/a/%7f",
      "/a/%c2%85",
      "/a\u0001",
      "/a b",
      "/a\tb",
    ],
    "encoding that is none": ["/a/%", "/a/%4", "/a/%zz", "/a/%ff", "/a/%c0%ae", "/a/%u002e"],
    "empty segments inside": ["//", "//evil.test", "/a//b", "/a//"],
    "an encoded first segment": ["/%63odex/", "/%6cogin", "/codex%2f"],
    "other forms of a target": [
      "",
      "*",
      "a",
      "https://hive.test/",
      "hive.test:443",
      "/a#b",
      "/é",
      "/a?x#y",
    ],
  };
  for (const [what, paths] of Object.entries(refused)) {
    it(`is refused with ${what}`, () => {
      for (const path of paths) {
        expect(() => readTarget(path), JSON.stringify(path))
          .to.throw()
          .that.deep.includes({ status: 400, code: "ERR_PATH" });
      }
    });
  }

  it("means the same before and after what browsers, POSIX and a second decoding make of it", () => {
    fc.assert(
      fc.property(target, (text) => {
        const path = read(text);
        if (path === undefined) return;
        expect(path.raw + path.query).to.equal(text);
        expect(`/${path.first}${path.rest}`).to.equal(path.raw);
        // What a backend sees that decodes the path and resolves dot segments, in either order.
        const decoded = `/${path.first}${path.normalRest}`;
        expect(decodeURIComponent(path.raw)).to.equal(decoded);
        expect(posix.normalize(decoded)).to.equal(decoded);
        expect(decodeURIComponent(new URL(path.raw, "http://x").pathname)).to.equal(decoded);
        expect(decoded.split("/").length).to.equal(path.raw.split("/").length);
        expect(path.raw).to.not.match(/%2f|%5c|[\\;]/i);
        let deep = decoded;
        for (let round = 0; round < 4; round += 1) {
          try {
            deep = decodeURIComponent(deep);
          } catch {
            break;
          }
          expect(deep.split(/[/\\]/)).to.not.include.members([".."]);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it("is public for the gateway only if it is public for what receives it", () => {
    const rule = { groups: ["admins"], public: ["/display"] };
    fc.assert(
      fc.property(target, (text) => {
        const path = read(`/beacon/display${text}`) ?? read(`/beacon${text}`);
        if (path === undefined) return;
        const { allowed } = decide(rule, undefined, path.normalRest);
        // The backend's own reading of the bytes it gets.
        const seen = posix.normalize(decodeURIComponent(new URL(path.rest, "http://x").pathname));
        expect(allowed).to.equal(seen === "/display" || seen.startsWith("/display/"));
      }),
      { numRuns: 5000 },
    );
  });
});
