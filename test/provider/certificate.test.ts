import { X509Certificate } from "node:crypto";

import { expect } from "chai";

import { HostPlugin, secret, unknown } from "../support/hostPlugin.ts";

type Values = Record<string, unknown>;

/** What is inside a value marked as secret. */
function inside(value: unknown): string {
  expect(value).to.have.property("value");
  return (value as { value: string }).value;
}

describe("CertificateAuthority and Certificate", () => {
  let plugin: HostPlugin;
  let authority: Values;
  let wanted: Values;

  before(async () => {
    plugin = await HostPlugin.start();
    const inputs = { commonName: "Test authority", days: 3650 };
    ({ properties: authority } = await plugin.create("CertificateAuthority", inputs));
    wanted = {
      authorityCertificate: authority["certificate"],
      authorityKey: authority["privateKey"],
      names: ["localhost", "hive.example.org", "127.0.0.1", "::1"],
      days: 397,
    };
  });
  after(() => plugin.stop());

  it("sign a certificate for the names, and keep the keys secret", async () => {
    const { properties } = await plugin.create("Certificate", wanted);
    const root = new X509Certificate(String(authority["certificate"]));
    const leaf = new X509Certificate(String(properties["certificate"]));
    expect(leaf.verify(root.publicKey)).to.equal(true);
    expect(leaf.checkIssued(root)).to.equal(true);
    expect(root.ca).to.equal(true);
    expect(leaf.ca).to.equal(false);
    expect(leaf.checkHost("hive.example.org")).to.equal("hive.example.org");
    expect(leaf.checkIP("127.0.0.1")).to.equal("127.0.0.1");
    expect(leaf.subjectAltName).to.include("IP Address:0:0:0:0:0:0:0:1");
    expect(inside(properties["privateKey"])).to.match(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(inside(authority["privateKey"])).to.match(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(properties["authorityKey"]).to.deep.equal(authority["privateKey"]);
    expect(Date.parse(String(properties["notAfter"]))).to.equal(Date.parse(leaf.validTo));
  });

  it("mark the authority's key as secret, also when nobody did", async () => {
    const { inputs } = await plugin.check("Certificate", { ...wanted, authorityKey: "plain" });
    expect(inputs["authorityKey"]).to.deep.equal(secret("plain"));
  });

  it("are unknown in a preview", async () => {
    const news = { ...wanted, authorityKey: secret(unknown) };
    const { properties } = await plugin.create("Certificate", news, { preview: true });
    expect(properties).to.include({ certificate: unknown, notAfter: unknown });
    expect(properties["privateKey"]).to.deep.equal(secret(unknown));
  });

  it("are renewed in the last 30 days and for other names, not otherwise", async () => {
    const { id, properties } = await plugin.create("Certificate", wanted);
    expect((await plugin.diff("Certificate", properties, wanted)).changes).to.equal(false);
    const ends = new Date(Date.now() + 29 * 86_400_000).toISOString();
    const old = { ...properties, notAfter: ends };
    const diff = await plugin.diff("Certificate", old, wanted);
    expect(diff).to.deep.equal({ changes: true, replaces: [], detailed: { notAfter: "update" } });
    const renewed = await plugin.update("Certificate", id, old, wanted);
    expect(renewed["certificate"]).not.to.equal(properties["certificate"]);
    const names = await plugin.diff("Certificate", properties, { ...wanted, names: ["other"] });
    expect(names.replaces).to.deep.equal([]);
    expect(names.detailed).to.include({ "names[0]": "update" });
  });

  it("refuse a key of another authority", async () => {
    const inputs = { commonName: "Other", days: 3650 };
    const other = await plugin.create("CertificateAuthority", inputs);
    const error = await plugin
      .create("Certificate", { ...wanted, authorityKey: other.properties["privateKey"] })
      .catch((thrown: unknown) => thrown);
    expect(error).to.have.property(
      "message",
      "authorityCertificate and authorityKey do not belong together; give a pair.",
    );
  });
});
