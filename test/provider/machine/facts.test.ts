import { expect } from "chai";

import { parseFacts, refusal, untested } from "../../../provider/machine/facts.ts";

const release = (name: string, id: string, version: string, codename: string) =>
  `PRETTY_NAME="${name}"\nID=${id}\nVERSION_ID="${version}"\nVERSION_CODENAME=${codename}\n`;

const printed = (changes: Partial<Record<"release" | "dpkg" | "systemd", string>> = {}) =>
  `${changes.release ?? release("Debian GNU/Linux 12 (bookworm)", "debian", "12", "bookworm")}@dpkg
${changes.dpkg ?? "amd64"}
@systemd
${changes.systemd ?? "systemd 252 (252.39-1~deb12u1)"}
@cores
2
@memory
 2048000 kB
@time
chrony
`;

describe("facts about a machine", () => {
  it("are what it says of itself", () => {
    expect(parseFacts(printed())).to.deep.equal({
      system: "Debian GNU/Linux 12 (bookworm)",
      id: "debian",
      version: "12",
      codename: "bookworm",
      architecture: "amd64",
      systemd: 252,
      cores: 2,
      memory: 2000,
      tested: true,
      timeDaemon: "chrony",
    });
  });

  it("are all there for a system that says nothing of itself", () => {
    const facts = parseFacts("@dpkg\n@systemd\n@cores\n1\n@memory\n1024 kB\n@time\n");
    expect(facts).to.include({ system: "an unknown system", systemd: 0, timeDaemon: "" });
  });

  const refused: Record<string, [Parameters<typeof printed>[0], string]> = {
    "a system without Debian packages": [
      { release: release("Fedora Linux 43", "fedora", "43", ""), dpkg: "" },
      "Fedora Linux 43 has no Debian packages (dpkg); use Debian 12 or 13.",
    ],
    "a system without systemd": [
      { release: release("Devuan 5", "devuan", "5", "daedalus"), systemd: "" },
      "Devuan 5 is not run by systemd; use Debian 12 or 13.",
    ],
    "an old one": [
      {
        release: release("Debian GNU/Linux 11 (bullseye)", "debian", "11", "bullseye"),
        systemd: "systemd 247 (247.3-7)",
      },
      "Debian GNU/Linux 11 (bullseye) has systemd 247, older than 252; use Debian 12 or 13.",
    ],
  };
  for (const [what, [changes, sentence]] of Object.entries(refused)) {
    it(`refuse ${what} with one sentence`, () => {
      expect(refusal(parseFacts(printed(changes)))).to.equal(sentence);
    });
  }

  it("take Debian 12 and 13, and mark anything else that may work as untested", () => {
    for (const version of ["12", "13"]) {
      const facts = parseFacts(printed({ release: release("Debian", "debian", version, "x") }));
      expect([refusal(facts), untested(facts)]).to.deep.equal([undefined, undefined]);
    }
    const ubuntu = parseFacts(
      printed({ release: release("Ubuntu 24.04.3 LTS", "ubuntu", "24.04", "noble") }),
    );
    expect(refusal(ubuntu)).to.equal(undefined);
    expect(untested(ubuntu)).to.equal(
      "Ubuntu 24.04.3 LTS is untested: supported are Debian 12 and 13.",
    );
  });
});
