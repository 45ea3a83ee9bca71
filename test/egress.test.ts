import { expect } from "chai";

import { describeEgress, egressOf } from "../egress.ts";
import { registrySchema } from "../registry.ts";

const app = { description: "An app.", source: { runtime: "core" }, port: 5010 };

describe("egress", () => {
  const { apps } = registrySchema.parse({
    apps: {
      codex: { ...app, egress: ["192.0.2.0/24", "2001:db8::/32"] },
      mail: { ...app, egress: { any: "mail goes everywhere" } },
      quiet: app,
    },
  });

  it("is what a unit takes, for every service and Keycloak", () => {
    expect(egressOf(apps)).to.deep.equal({
      codex: { networks: ["192.0.2.0/24", "2001:db8::/32"], reason: undefined },
      mail: { networks: ["any"], reason: "mail goes everywhere" },
      quiet: { networks: [], reason: undefined },
      keycloak: { networks: [], reason: undefined },
      postgres: { networks: [], reason: undefined },
    });
  });

  it("is said in one line a service", () => {
    expect(describeEgress(egressOf(apps))).to.deep.equal([
      "codex may talk with 192.0.2.0/24, 2001:db8::/32",
      "mail may talk with anybody (mail goes everywhere)",
      "quiet talks with nobody outside",
      "keycloak talks with nobody outside",
      "postgres talks with nobody outside",
    ]);
  });
});
