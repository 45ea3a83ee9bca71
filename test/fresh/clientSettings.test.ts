import { expect } from "chai";

import * as settings from "./clientSettings.js";

describe("settings of a clean machine's package clients", () => {
  it("are what the network needs, not what the user prefers", () => {
    expect(
      settings.npmSettings(
        "registry=https://r.example/\n@a:registry=https://a.example/\n//r.example/:_authToken=t\nyes=false\ncafile=/c.pem\n",
      ),
    ).to.equal(
      "registry=https://r.example/\n@a:registry=https://a.example/\n//r.example/:_authToken=t\ncafile=/c.pem\n",
    );
    expect(settings.goSettings("GOPROXY=https://g.example\nGOFLAGS=-mod=mod\n")).to.equal(
      "GOPROXY=https://g.example\n",
    );
    expect(
      settings.aptSettings(
        'APT::Get::Assume-Yes "1";\nAcquire::http::Proxy "http://p.example";\nAcquire::http "";\nAcquire::Check-Date "false";\n',
      ),
    ).to.equal('Acquire::http::Proxy "http://p.example";\nAcquire::Check-Date "false";\n');
  });

  it("are taken from the variables set for that, and no others", () => {
    const environment = {
      HTTPS_PROXY: "http://p.example",
      no_proxy: "",
      PIP_CERT: "/c.pem",
      npm_config_registry: "https://r.example/",
      npm_config_prefix: "/usr",
      NODE_OPTIONS: "--inspect",
      GITHUB_TOKEN: "t",
    };
    expect(settings.clientVariables(environment)).to.have.all.keys(
      "HTTPS_PROXY",
      "PIP_CERT",
      "npm_config_registry",
    );
  });

  it("leave Maven's own file alone, which only blocks plain http", () => {
    const mirror = (body: string) => `<settings><mirrors>${body}</mirrors></settings>`;
    const blocker = "<mirror><id>b</id><url>http://0.0.0.0/</url><blocked>true</blocked></mirror>";
    const real = "<mirror><id>m</id><url>https://m.example/</url></mirror>";
    expect(settings.mavenSettings(mirror(`<!-- ${real} -->${blocker}`))).to.equal("");
    expect(settings.mavenSettings(mirror(real + blocker))).to.contain("m.example");
  });

  it("name the certificates that a clean machine does not know", () => {
    const certificate = (body: string) =>
      `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----`;
    const hosts = [certificate("a"), "# Own", certificate("b"), certificate("b")].join("\n");
    expect(settings.unknownCertificates(hosts, certificate("a"))).to.deep.equal([certificate("b")]);
  });
});
