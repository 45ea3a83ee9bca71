import "./reflectMetadata.ts";

import type { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";

import { Fault } from "./fault.ts";

interface Issued {
  /** Hex. */
  readonly serial: string;
  readonly certificate: string;
  readonly privateKey: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const day = 86_400_000;

/** A self-signed authority that may sign servers' certificates and nothing below. */
export async function issueAuthority(commonName: string, days: number): Promise<Issued> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: [{ CN: [commonName] }],
    ...validity(days),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return issued(certificate, keys);
}

/** A server's certificate for the names. @throws Fault when certificate and key do not belong together. */
export async function issueCertificate(wanted: {
  readonly authorityCertificate: string;
  readonly authorityKey: string;
  readonly names: readonly string[];
  readonly days: number;
}): Promise<Issued & { readonly notAfter: string }> {
  const authority = new x509.X509Certificate(wanted.authorityCertificate);
  const signingKey = await importKey(wanted.authorityKey);
  const keys = await generateKeys();
  const { notBefore, notAfter } = validity(wanted.days);
  // No certificate outlives the one that signed it.
  const end = new Date(Math.min(notAfter.getTime(), authority.notAfter.getTime()));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: [{ CN: [wanted.names[0] ?? ""] }],
    issuer: authority.subject,
    notBefore,
    notAfter: end,
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        wanted.names.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority),
    ],
  });
  if (!(await certificate.verify({ publicKey: authority.publicKey, signatureOnly: true }))) {
    throw new Fault("authorityCertificate and authorityKey do not belong together; give a pair.");
  }
  return { ...(await issued(certificate, keys)), notAfter: end.toISOString() };
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  try {
    const [key] = x509.PemConverter.decode(pem);
    if (key === undefined) throw new Error("no PEM");
    return await crypto.subtle.importKey("pkcs8", key, algorithm, false, ["sign"]);
  } catch {
    throw new Fault("authorityKey is not a PKCS 8 PEM of an ECDSA P-256 key.");
  }
}

async function issued(
  certificate: x509.X509Certificate,
  keys: webcrypto.CryptoKeyPair,
): Promise<Issued> {
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    serial: certificate.serialNumber,
    certificate: `${certificate.toString("pem")}\n`,
    privateKey: `${x509.PemConverter.encode(key, "PRIVATE KEY")}\n`,
  };
}

function validity(days: number): { notBefore: Date; notAfter: Date } {
  // Whole seconds, as they are written; an hour back: the clock of who verifies may be slow.
  const start = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;
  return { notBefore: new Date(start), notAfter: new Date(start + days * day) };
}

/** 16 random bytes, positive (RFC 5280, 4.1.2.2). */
function serial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString("hex");
}
