import { expect } from "chai";

import { helpText, parseArguments, UsageError } from "../../setup/arguments.js";

describe("arguments of set-up", () => {
  it("keeps what is ours and passes everything else on in order", () => {
    const parsed = parseArguments(["up", "--beside", "--diff", "-s", "x", "--target", "a b"]);
    expect(parsed).to.deep.include({ verb: "up", stack: "x", beside: true });
    expect(parsed.passed).to.deep.equal(["--diff", "--target", "a b"]);
  });

  it("takes the stack from PULUMI_STACK, else dev", () => {
    expect(parseArguments(["up"]).stack).to.equal("dev");
    expect(parseArguments(["up"], { PULUMI_STACK: "prod" }).stack).to.equal("prod");
    expect(parseArguments(["up", "--stack=y"], { PULUMI_STACK: "prod" }).stack).to.equal("y");
  });

  it("knows what the user said about confirmation and still passes it on", () => {
    for (const flag of ["-y", "--yes", "--yes=true"]) {
      expect(parseArguments(["up", flag])).to.deep.include({ yes: true, passed: [flag] });
    }
    expect(parseArguments(["up", "--yes=false"]).yes).to.equal(false);
    expect(parseArguments(["up"]).yes).to.equal(undefined);
  });

  it("drops a separator typed once too often", () => {
    expect(parseArguments(["up", "--", "--beside", "--diff"])).to.deep.include({
      beside: true,
      passed: ["--diff"],
    });
  });

  it("understands --long only for test", () => {
    expect(parseArguments(["test", "--long"])).to.deep.include({ long: true, passed: [] });
    expect(parseArguments(["up", "--long"])).to.deep.include({ long: false, passed: ["--long"] });
  });

  it("leaves the services of dev in order", () => {
    const parsed = parseArguments(["dev", "core", "-s", "x", "nexus"]);
    expect(parsed).to.deep.include({ verb: "dev", stack: "x", passed: ["core", "nexus"] });
  });

  it("refuses an unknown verb, a bad stack and an option that npm swallowed", () => {
    expect(() => parseArguments(["frob"])).to.throw(
      UsageError,
      "Expected one of up, preview, down, dev, test, found “frob”.",
    );
    expect(() => parseArguments([])).to.throw("found no verb");
    expect(() => parseArguments(["up", "--stack", "../x"])).to.throw("--stack needs a name");
    expect(() => parseArguments(["up"], { npm_config_beside: "true" })).to.throw(
      "npm kept --beside for itself: put a -- before it, as in `npm run up -- --beside`.",
    );
  });

  it("explains itself", () => {
    expect(parseArguments(["--help"]).help).to.equal(true);
    expect(parseArguments(["down", "-h"]).help).to.equal(true);
    expect(helpText()).to.contain("--beside").and.to.contain("preview").and.to.contain("--stack");
  });
});
