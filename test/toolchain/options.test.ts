import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { versions } from "../../toolchain/layout.js";
import { splitArguments } from "../../toolchain/nodejs/options.ts";

describe("toolchain: nodeargs", () => {
  const cases: [string, string[]][] = [
    ["", []],
    ["--import=./a.js  --max-old-space-size=200", ["--import=./a.js", "--max-old-space-size=200"]],
    ["--title='two words'", ["--title=two words"]],
    ['--title="a \\"quoted\\" word"', ['--title=a "quoted" word']],
    ["a\\ b", ["a b"]],
  ];
  for (const [text, words] of cases) {
    it(`splits ${text || "nothing"}`, () => {
      expect(splitArguments(text)).to.deep.equal(words);
    });
  }
});

describe("toolchain: pins", () => {
  it("are the versions of the SDKs that the program uses", () => {
    const text = readFileSync(join(import.meta.dirname, "../../package.json"), "utf8");
    const { dependencies } = JSON.parse(text) as { dependencies: Record<string, string> };
    for (const name of ["pulumi", "keycloak", "postgresql"] as const) {
      expect(dependencies[`@pulumi/${name}`], name).to.equal(versions[name]);
    }
  });
});
