import { expect } from "chai";

import { formatSources, parseSources, sourcesFor } from "./aptSources.js";

const deb822 = `Types: deb
# URIs: http://old.example/debian
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: https://third.example/debian
Suites: bookworm
Components: main
Signed-By: /etc/apt/keyrings/third.gpg
`;

const lines = `# deb http://off.example/debian bookworm main
deb [arch=amd64,arm64 check-date=no] http://mirror.example/debian bookworm main contrib # ours
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian-security bookworm-security main
deb https://docker.example/linux/debian bookworm stable
`;

describe("apt's sources of a clean machine", () => {
  it("are Debian's own entries of the host, for the release wanted", () => {
    const parsed = parseSources([{ path: "/etc/apt/sources.list.d/debian.sources", text: deb822 }]);
    const { sources, mirror } = sourcesFor(parsed, "bookworm", "trixie");
    expect(mirror).to.equal("http://mirror.example/debian");
    expect(formatSources(sources)).to.equal(
      [
        "Types: deb",
        "URIs: http://mirror.example/debian",
        "Suites: trixie trixie-updates",
        "Components: main",
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
        "",
      ].join("\n"),
    );
  });

  it("are read from one-line entries with their options", () => {
    const parsed = parseSources([{ path: "/etc/apt/sources.list", text: lines }]);
    const { sources, mirror } = sourcesFor(parsed, "bookworm", "bookworm");
    expect(mirror).to.equal("http://mirror.example/debian");
    expect(sources).to.deep.equal([
      {
        types: "deb",
        uris: "http://mirror.example/debian",
        suites: "bookworm",
        components: "main contrib",
        architectures: "amd64 arm64",
        "check-date": "no",
      },
      {
        types: "deb",
        uris: "http://mirror.example/debian-security",
        suites: "bookworm-security",
        components: "main",
      },
    ]);
  });

  it("are none on a host without any of Debian's, whose mirror debootstrap then chooses", () => {
    expect(sourcesFor([], "noble", "bookworm")).to.deep.equal({ sources: [], mirror: undefined });
  });
});
