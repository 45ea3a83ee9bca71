import { expect } from "chai";

import { installedPackages, parseDeployment } from "../../setup/checkpoint.ts";

describe("checkpoint", () => {
  it("reads an empty stack", () => {
    expect(parseDeployment({ manifest: {} })).to.deep.equal({ resources: [], pending: [] });
  });

  it("knows what was cut off half-way", () => {
    const deployment = {
      pending_operations: [{ type: "creating", resource: { urn: "urn:a::b", type: "t" } }],
    };
    expect(parseDeployment(deployment).pending).to.deep.equal(deployment.pending_operations);
  });

  it("lists the Debian packages that were installed, without those found", () => {
    const checkpoint = parseDeployment({
      resources: [
        {
          urn: "u",
          type: "host:index:Package",
          inputs: { names: ["runit", "postgresql", "maven"] },
          outputs: { found: ["maven"] },
        },
        { urn: "v", type: "host:index:File", inputs: { names: ["x"] } },
      ],
    });
    expect(installedPackages(checkpoint)).to.deep.equal(["postgresql", "runit"]);
  });
});
