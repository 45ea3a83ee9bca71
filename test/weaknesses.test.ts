import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

const root = join(import.meta.dirname, "..");

function sources(pattern: string): string[] {
  return globSync(pattern, { cwd: root }).map((path) => readFileSync(join(root, path), "utf8"));
}

describe("the weaknesses of the Python platform (contract, section 5)", () => {
  const map = JSON.parse(
    readFileSync(join(import.meta.dirname, "weaknesses.json"), "utf8"),
  ) as Readonly<Record<string, string>>;
  const titles = sources("test/**/*.test.ts")
    .flatMap((text) => [...text.matchAll(/(?:describe|it)\(\s*(["`])(.*?)\1/gs)])
    .map(([, , title = ""]) => title);

  it("each have a test that exists, or a reason why they are not ours", () => {
    for (const [number, title] of Object.entries(map)) {
      expect(Number(number)).to.be.within(1, 67);
      if (/^not ours: ./.test(title)) continue;
      expect(titles, number).to.include(title);
      expect(title, number).to.match(new RegExp(`\\b${number}\\b`));
    }
  });

  it("that core has to answer are all there", () => {
    for (const number of [...Array.from({ length: 17 }, (_, index) => index + 14), 66]) {
      expect(map).to.have.property(String(number));
    }
  });

  it("weakness 30: nothing of the platform turns the check of certificates off", () => {
    for (const text of sources("{runtime,cli,components,provider,setup}/**/*.{ts,js}")) {
      expect(text).not.to.match(/rejectUnauthorized: *false|NODE_TLS_REJECT_UNAUTHORIZED/);
    }
  });
});
