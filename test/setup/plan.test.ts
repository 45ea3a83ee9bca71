import { expect } from "chai";

import { describePlan, type Plan } from "../../setup/plan.js";
import { openTerminal } from "../../setup/terminal.js";

const terminal = openTerminal({ write: () => true });

function plan(...steps: Plan["steps"]): Plan {
  return { steps, setupPackages: [], programPackages: [], npm: false };
}

describe("plan", () => {
  it("is one short line when nothing is missing", () => {
    expect(describePlan(plan(), terminal)).to.deep.equal(["Everything set-up needs is here."]);
  });

  it("shows sizes and minutes in columns, with their sum", () => {
    const lines = describePlan(
      plan(
        { name: "npm packages", how: "npm ci", mb: 320, minutes: 0.5 },
        { name: "pulumi CLI", how: "built from source", mb: 310, minutes: 5 },
      ),
      terminal,
    );
    expect(lines).to.deep.equal([
      "Plan (only what is missing here)",
      "   npm packages  npm ci             320 MB  < 1 min",
      "   pulumi CLI    built from source  310 MB   ~5 min",
      "   together                         630 MB   ~6 min",
    ]);
  });
});
