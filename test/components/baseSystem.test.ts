import { expect } from "chai";

import { BaseSystem } from "../../components/baseSystem.ts";
import { Provider } from "../../provider/sdk/provider.ts";
import { type MockEngine, mockEngine } from "../support/engine.ts";

async function build(timeDaemon: string): Promise<MockEngine> {
  const outputs = { "base-machine": { timeDaemon } };
  const engine = await mockEngine({ outputs });
  new BaseSystem("base", { provider: new Provider("host", { transport: "local" }) });
  await engine.drain();
  return engine;
}

describe("components/BaseSystem", () => {
  it("looks at the machine first, then makes packages, time and security updates", async () => {
    const engine = await build("");
    const children = engine.childrenOf("base");
    expect(Object.keys(children).toSorted()).to.deep.equal([
      "base-apt-daily",
      "base-apt-daily-upgrade",
      "base-machine",
      "base-packages",
      "base-time",
      "base-time-package",
      "base-upgrades-origins",
      "base-upgrades-package",
      "base-upgrades-times",
    ]);
    for (const name of ["base-packages", "base-time-package", "base-upgrades-package"]) {
      expect(engine.find(name).dependsOn, name).to.deep.equal(["base-machine"]);
    }
  });

  it("installs Debian's time daemon where there is none, and keeps another one", async () => {
    const none = await build("");
    expect(none.find("base-time-package").inputs).to.deep.equal({ names: ["systemd-timesyncd"] });
    expect(none.find("base-time").inputs).to.deep.equal({ unit: "systemd-timesyncd.service" });
    const chrony = await build("chrony");
    expect(chrony.find("base-time-package").inputs).to.deep.equal({ names: ["chrony"] });
    expect(chrony.find("base-time").inputs).to.deep.equal({ unit: "chrony.service" });
  });

  it("lets security updates alone come by themselves, and never starts the machine again", async () => {
    const engine = await build("");
    const { inputs } = engine.find("base-upgrades-origins");
    const content = String(inputs["content"]);
    expect(content).to.include("#clear Unattended-Upgrade::Origins-Pattern;");
    const origins = [...content.matchAll(/"(origin=[^"]*)"/g)].map(([, origin]) => origin);
    expect(origins).not.to.deep.equal([]);
    for (const origin of origins) expect(origin).to.match(/label=Debian-Security$/);
    expect(content).to.include('Automatic-Reboot "false"');
    expect(inputs["validate"]).to.deep.equal(["apt-config", "-c", "%s", "dump"]);
  });
});
