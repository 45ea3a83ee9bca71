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

  it("of the logger follows from where its settings send it, without what is secret there", () => {
    const { apps: own } = registrySchema.parse({
      apps: { helm: { ...app, source: { runtime: "logger" } }, core: app },
    });
    const of = (...addresses: string[]) => egressOf(own, addresses)["helm"];
    expect(of()).to.deep.equal({ networks: [], reason: undefined });
    expect(of("http://localhost:8025/x", "smtp://127.0.0.1:25")?.networks).to.deep.equal([]);
    expect(of("https://192.0.2.7/hook?token=hidden", "http://[2001:db8::7]:80/")).to.deep.equal({
      networks: ["192.0.2.7/32", "2001:db8::7/128"],
      reason: "its alerts and lines go to 192.0.2.7, 2001:db8::7",
    });
    expect(of("smtp://user:hidden@mail.example:587", "https://192.0.2.7/")).to.deep.equal({
      networks: ["any"],
      reason: "its alerts and lines go to mail.example, 192.0.2.7",
    });
    expect(egressOf(own, ["https://192.0.2.7/"])["core"]?.networks).to.deep.equal([]);
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
