import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";

import { ownCertificate } from "../certificateConfig.ts";
import { issueAuthority, issueCertificate } from "../provider/pki.ts";

describe("a certificate of one's own", () => {
  let directory: string;
  let ca: Awaited<ReturnType<typeof issueAuthority>>;
  let leaf: Awaited<ReturnType<typeof issueCertificate>>;
  let other: Awaited<ReturnType<typeof issueCertificate>>;

  const issue = (names: string[]) =>
    issueCertificate({
      authorityCertificate: ca.certificate,
      authorityKey: ca.privateKey,
      names,
      days: 90,
    });

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "hivematrix-certificate-"));
    ca = await issueAuthority("An authority", 365);
    [leaf, other] = await Promise.all([
      issue(["hive.example", "203.0.113.5"]),
      issue(["b.example"]),
    ]);
    write("chain.pem", leaf.certificate + ca.certificate);
    write("leaf.pem", leaf.certificate);
    write("turned.pem", ca.certificate + leaf.certificate);
    write("mixed.pem", leaf.certificate + other.certificate);
    write("key.pem", leaf.privateKey);
    write("other.pem", other.privateKey);
    write("text.pem", "no certificate");
    write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    write(
      "locked.pem",
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
  });
  after(() => {
    rmSync(directory, { recursive: true });
  });

  function write(name: string, text: string): void {
    writeFileSync(join(directory, name), text);
  }

  const day = 86_400_000;
  function read(certificate?: string, certificateKey?: string, name = "hive.example", days = 0) {
    const settings = { certificate, certificateKey };
    return ownCertificate(settings, directory, name, new Date(Date.now() + days * day));
  }

  it("is none when none is given", () => {
    expect(read()).to.equal(undefined);
  });

  it("is taken when chain, key, time and name fit; its key is a secret", async () => {
    const found = read("chain.pem", "key.pem");
    expect(found?.chain).to.equal(leaf.certificate + ca.certificate);
    expect(found?.daysLeft).to.be.within(88, 90);
    expect(await pulumi.isSecret(found?.key ?? pulumi.output(""))).to.equal(true);
    expect(read("leaf.pem", "key.pem", "203.0.113.5")).to.have.property("chain");
  });

  const ended = new Date(Date.now() + 90 * day).toISOString().slice(0, 7);
  const faults: [string, Parameters<typeof read>, string | RegExp][] = [
    [
      "half of a pair",
      ["chain.pem", undefined],
      "hivematrix:certificateKey is missing: certificate alone is of no use.",
    ],
    [
      "a file that is not there",
      ["none.pem", "key.pem"],
      /^hivematrix:certificate: .*none\.pem cannot be read \(ENOENT\)\.$/,
    ],
    [
      "a file without a certificate",
      ["text.pem", "key.pem"],
      "hivematrix:certificate: text.pem holds no certificate in PEM.",
    ],
    [
      "a certificate that is none",
      ["broken.pem", "key.pem"],
      "hivematrix:certificate: certificate 1 in broken.pem cannot be read.",
    ],
    [
      "a key that is none",
      ["chain.pem", "text.pem"],
      "hivematrix:certificateKey: text.pem holds no private key in PEM.",
    ],
    [
      "an encrypted key",
      ["chain.pem", "locked.pem"],
      "hivematrix:certificateKey: locked.pem is encrypted.",
    ],
    [
      "another one's key",
      ["chain.pem", "other.pem"],
      "hivematrix:certificateKey: other.pem is not the key of CN=hive.example, the first certificate in chain.pem.",
    ],
    [
      "a chain in the wrong order",
      ["turned.pem", "key.pem"],
      "hivematrix:certificate: in turned.pem, CN=An authority is not signed by the certificate after it; put each one's signer after it, the gateway's first.",
    ],
    [
      "a chain of strangers",
      ["mixed.pem", "key.pem"],
      /^hivematrix:certificate: in mixed\.pem, CN=hive\.example is not signed by the certificate after it/,
    ],
    [
      "one that has ended",
      ["chain.pem", "key.pem", "hive.example", 100],
      new RegExp(
        `^hivematrix:certificate: CN=hive\\.example in chain\\.pem ended on ${ended}-\\d\\d; renew it\\.$`,
      ),
    ],
    [
      "one that has not begun",
      ["chain.pem", "key.pem", "hive.example", -10],
      /^hivematrix:certificate: CN=hive\.example in chain\.pem begins on \d{4}-\d\d-\d\d only\.$/,
    ],
    [
      "one for another name",
      ["chain.pem", "key.pem", "b.example"],
      "hivematrix:certificate: chain.pem is not for b.example, which people enter by, but for DNS:hive.example, IP Address:203.0.113.5; set hivematrix:domain or get another one.",
    ],
  ];
  for (const [what, given, message] of faults) {
    it(`refuses ${what} in one sentence`, () => {
      expect(() => read(...given)).to.throw(Error, message);
      try {
        read(...given);
      } catch (fault) {
        expect((fault as Error).message)
          .not.to.contain("\n")
          .and.not.contain("BEGIN");
      }
    });
  }
});
