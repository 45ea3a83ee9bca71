import { expect } from "chai";

import { Callers } from "../../components/callers.ts";
import { Host } from "../../components/host.ts";
import { mockEngine } from "../support/engine.ts";
import { valueOf } from "../support/output.ts";

describe("components/Callers", () => {
  it("makes a secret for each service; core gets all of them, as a secret", async () => {
    const engine = await mockEngine();
    const host = new Host("host", { root: "/srv/hive" });
    const callers = new Callers("callers", { host, names: ["core", "codex"] });
    await engine.drain();
    expect(engine.childrenOf("callers")).to.deep.equal({
      "callers-core": { type: "host:index:Secret", inputs: { length: 43 } },
      "callers-codex": { type: "host:index:Secret", inputs: { length: 43 } },
    });
    const { value, isSecret } = await valueOf(callers.all);
    expect(JSON.parse(value)).to.deep.equal({
      core: "value of callers-core",
      codex: "value of callers-codex",
    });
    expect(isSecret).to.equal(true);
  });

  it("gives a service its own only", async () => {
    const engine = await mockEngine();
    const host = new Host("host", { root: "/srv/hive" });
    const callers = new Callers("callers", { host, names: ["codex"] });
    await engine.drain();
    expect((await valueOf(callers.secretOf("codex"))).value).to.equal("value of callers-codex");
    expect(() => callers.secretOf("ledger")).to.throw("ledger is not among the callers");
  });
});
