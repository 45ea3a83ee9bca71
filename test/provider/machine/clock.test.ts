import { expect } from "chai";

import { offset } from "../../../provider/machine/clock.ts";

describe("a host's clock", () => {
  const now = 1_800_000_000;
  const cases: [string, number, string | undefined][] = [
    ["the same time", now, undefined],
    ["a minute ahead", now + 60, undefined],
    ["a minute behind", now - 60, undefined],
    ["an hour ahead", now + 3600, "60 min ahead"],
    ["an hour behind", now - 3600, "60 min behind"],
    ["years behind, as after a flat battery", 0, `${Math.round(now / 86_400)} days behind`],
  ];
  for (const [what, theirs, said] of cases) {
    it(`${what}: ${said ?? "right"}`, () => {
      expect(offset(theirs, now, now)).to.equal(said);
    });
  }

  it("is not blamed for an answer that took long", () => {
    expect(offset(now, now, now + 300)).to.equal(undefined);
    expect(offset(now + 300, now, now + 300)).to.equal(undefined);
  });
});
