import { z } from "zod";

import { same } from "../diff.ts";
import { define, known, type Of } from "../resource.ts";

/** Before its end it is renewed by the next up; days. */
const renewal = 30;

const inputs = {
  authorityCertificate: z.string().describe("PEM of the CertificateAuthority."),
  authorityKey: z.string().describe("PEM of its key; secret."),
  names: z
    .array(z.string().regex(/^[A-Za-z0-9*.:-]+$/, "must be a DNS name or an IP address"))
    .min(1)
    .describe("DNS names and IP addresses."),
  days: z.int().min(31).max(397).default(397).describe("Validity; default 397."),
};

const outputs = {
  certificate: z.string().describe("PEM, without the authority's."),
  privateKey: z.string().describe("PKCS 8 PEM."),
  notAfter: z.string().describe("End of validity, ISO 8601."),
};

export const certificate = define({
  description: "A server certificate (ECDSA P-256). Renewed by the first `up` in its last 30 days.",
  inputs,
  outputs,
  replaceOn: [],
  secretInputs: ["authorityKey"],
  secretOutputs: ["privateKey"],

  plan: (wanted, old) =>
    old !== undefined &&
    !isExpiring(old) &&
    Object.keys(inputs).every((key) =>
      same(old[key as keyof typeof inputs], wanted[key as keyof typeof inputs]),
    )
      ? { certificate: old.certificate, privateKey: old.privateKey, notAfter: old.notAfter }
      : {},
  stale: (old) => (isExpiring(old) ? ["notAfter"] : []),

  async create(_context, wanted) {
    const { issueCertificate } = await import("../pki.ts");
    const { serial, ...issued } = await issueCertificate(wanted);
    return { id: serial, outputs: issued };
  },
  read: (_context, _id, old) => Promise.resolve(known(old, "Certificate")),
  async update(_context, _old, wanted) {
    const { issueCertificate } = await import("../pki.ts");
    const { certificate: pem, privateKey, notAfter } = await issueCertificate(wanted);
    return { certificate: pem, privateKey, notAfter };
  },
  delete: () => Promise.resolve(),
});

function isExpiring({ notAfter }: Of<typeof outputs>): boolean {
  return Date.parse(notAfter) - Date.now() < renewal * 86_400_000;
}
