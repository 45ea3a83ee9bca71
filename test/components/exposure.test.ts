import { expect } from "chai";

import { Exposure } from "../../components/exposure.ts";
import { Host } from "../../components/host.ts";
import { egressOf } from "../../egress.ts";
import { mockEngine } from "../support/engine.ts";

const ports = [{ name: "core", port: 5000, open: false }];

describe("components/Exposure", () => {
  /** What is said to whoever looks at a preview, or runs an up. */
  async function said(preview: boolean, supervisor: "runit" | "systemd"): Promise<string> {
    const lines: string[] = [];
    const { log } = console;
    console.log = (...words: unknown[]) => void lines.push(words.join(" "));
    try {
      const engine = await mockEngine({ preview });
      const host = new Host("host", { root: "/srv/hive", supervisor });
      new Exposure("exposure", { host, ports, egress: egressOf({}), after: [] });
      await engine.drain();
      expect(engine.childrenOf("exposure")).to.deep.equal({});
    } finally {
      console.log = log;
    }
    return lines.join("\n");
  }

  it("makes nothing, and says in a preview of a real host who may talk out", async () => {
    expect(await said(true, "systemd")).to.contain("keycloak talks with nobody outside");
    expect(await said(false, "systemd")).to.equal("");
    // Nobody keeps a trial's services to it.
    expect(await said(true, "runit")).to.equal("");
  });
});
