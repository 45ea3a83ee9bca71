import { expect } from "chai";

import { createLoginStates } from "../../../runtime/gateway/loginState.ts";

describe("a sign-in under way", () => {
  const state = { state: "abcdefgh-1", nonce: "n", verifier: "v", next: "/a" };
  let now: number;
  const key = "a-key-for-cookies-that-is-long-enough";
  const states = createLoginStates(key, () => now);

  beforeEach(() => {
    now = 1_700_000_000_000;
  });

  async function begin(): Promise<string> {
    const [cookie = ""] = await states.write(state, undefined);
    return cookie.split(";")[0] ?? "";
  }

  it("is known again by its state, in its browser, for ten minutes", async () => {
    const cookie = await begin();
    expect(await states.read(state.state, `a=1; ${cookie}`)).to.deep.equal(state);
    now += 599_000;
    expect(await states.read(state.state, cookie)).to.deep.equal(state);
    now += 2000;
    expect(await states.read(state.state, cookie)).to.equal(undefined);
  });

  it("is not known by another state, another key, twice, or without its cookie", async () => {
    const cookie = await begin();
    expect(await states.read("abcdefgh-2", cookie)).to.equal(undefined);
    expect(await states.read("abcdefgh", cookie)).to.equal(undefined);
    expect(await states.read(state.state, `${cookie}; ${cookie}`)).to.equal(undefined);
    expect(await states.read(state.state, undefined)).to.equal(undefined);
    const other = createLoginStates(`${key}!`, () => now);
    expect(await other.read(state.state, cookie)).to.equal(undefined);
  });

  it("shows nothing of what it holds", async () => {
    const long = { ...state, verifier: "the-verifier", next: "/the-next" };
    const text = (await states.write(long, undefined)).join();
    expect(text).to.not.include("the-");
    const parts = text.split(/[=.;]/).map((part) => Buffer.from(part, "base64url").toString());
    expect(parts.join()).to.not.include("the-");
  });
});
