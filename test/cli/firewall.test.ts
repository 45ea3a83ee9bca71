import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { expect } from "chai";

const hive = join(import.meta.dirname, "..", "..", "cli", "hive.js");

function print(...args: string[]) {
  return spawnSync(process.execPath, [hive, "firewall", "-s", "nowhere", ...args], {
    encoding: "utf8",
  });
}

describe("hive firewall", function () {
  this.timeout(30_000);

  it("prints a script for each tool", () => {
    const nft = print().stdout;
    expect(nft).to.contain("\ntable inet hivematrix\ndelete table inet hivematrix\n");
    expect(nft).to.contain("tcp dport 80 accept\n    tcp dport 443 accept");
    const ufw = print("--format", "ufw", "--open", "8443", "--ssh-port", "2222").stdout;
    expect(ufw)
      .to.contain("ufw limit 2222/tcp\nufw allow 8443/tcp\n")
      .and.not.contain("443/tcp\nufw allow 80");
    const { script } = JSON.parse(
      print("--format", "iptables", "--open", "80,81", "--json").stdout,
    ) as { script: string };
    for (const program of ["iptables", "ip6tables"]) {
      expect(script).to.contain(
        `\n${program} -w -t mangle -A HIVEMATRIX -p tcp --dport 81 -j RETURN`,
      );
    }
  });

  it("refuses what is no port, rate or tool", () => {
    expect(print("--open", "web")).to.include({ status: 2, stdout: "" });
    expect(print("--ssh-rate", "1")).to.include({ status: 2, stdout: "" });
    expect(print("--format", "pf")).to.include({ status: 2, stdout: "" });
  });
});
