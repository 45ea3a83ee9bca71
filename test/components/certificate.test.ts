import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";

import { Certificate } from "../../components/certificate.ts";
import { Host } from "../../components/host.ts";
import { mockEngine, secret } from "../support/engine.ts";

const names = ["localhost", "127.0.0.1", "::1"];

function build(user?: string): Certificate {
  const host = new Host("host", { root: "/srv/hive", user });
  return new Certificate("certificate", { host, names, reader: "nexus" });
}

describe("components/Certificate", () => {
  it("makes an authority named after the stack, the gateway's certificate and three files", async () => {
    const engine = await mockEngine({ stack: "trial" });
    build();
    await engine.drain();
    expect(engine.childrenOf("certificate")).to.deep.equal({
      "certificate-authority": {
        type: "host:index:CertificateAuthority",
        inputs: { commonName: "HiveMatrix local CA (trial)" },
      },
      "certificate-gateway": {
        type: "host:index:Certificate",
        inputs: {
          authorityCertificate: "certificate of certificate-authority\n",
          authorityKey: secret("private key of certificate-authority\n"),
          names,
        },
      },
      "certificate-folder": {
        type: "host:index:Directory",
        inputs: { path: "/srv/hive/tls", mode: "0755" },
      },
      "certificate-authority-file": {
        type: "host:index:File",
        inputs: {
          path: "/srv/hive/tls/ca.crt",
          content: "certificate of certificate-authority\n",
          mode: "0644",
        },
      },
      "certificate-gateway-file": {
        type: "host:index:File",
        inputs: {
          path: "/srv/hive/tls/gateway.crt",
          content: "certificate of certificate-gateway\ncertificate of certificate-authority\n",
          mode: "0644",
        },
      },
      "certificate-gateway-key": {
        type: "host:index:File",
        inputs: {
          path: "/srv/hive/tls/gateway.key",
          content: secret("private key of certificate-gateway\n"),
          mode: "0600",
        },
      },
    });
  });

  it("puts a certificate of one's own in its place, and keeps the authority's for localhost", async () => {
    const engine = await mockEngine();
    const own = { chain: "own chain\n", key: pulumi.secret("own key\n"), daysLeft: 90 };
    const host = new Host("host", { root: "/srv/hive" });
    const built = new Certificate("certificate", { host, names, reader: "nexus", own });
    await engine.drain();
    const content = (noun: string) => engine.find(`certificate-${noun}`).inputs["content"];
    expect(content("gateway-file")).to.equal("own chain\n");
    expect(content("gateway-key")).to.deep.equal(secret("own key\n"));
    expect(content("local-file")).to.contain("certificate of certificate-gateway");
    expect(engine.find("certificate-local-key").inputs["mode"]).to.equal("0600");
    expect(built.local).to.deep.equal({
      certificatePath: "/srv/hive/tls/local.crt",
      keyPath: "/srv/hive/tls/local.key",
    });
  });

  it("writes the authority's key nowhere", async () => {
    const engine = await mockEngine();
    build();
    await engine.drain();
    const files = engine.registered.filter(({ type }) => type === "host:index:File");
    expect(JSON.stringify(files)).not.to.include("private key of certificate-authority");
  });

  it("knows the paths before anything is there", async () => {
    const engine = await mockEngine({ preview: true });
    const certificate = build();
    await engine.drain();
    expect(certificate.authorityPath).to.equal("/srv/hive/tls/ca.crt");
    expect(certificate.certificatePath).to.equal("/srv/hive/tls/gateway.crt");
    expect(certificate.keyPath).to.equal("/srv/hive/tls/gateway.key");
  });

  it("gives folder and files to the host's user", async () => {
    const engine = await mockEngine();
    build("hive");
    await engine.drain();
    for (const noun of ["folder", "authority-file", "gateway-file", "gateway-key"]) {
      const { inputs } = engine.find(`certificate-${noun}`);
      expect(inputs, noun).to.include({ owner: "hive", group: "hive" });
    }
  });
});
