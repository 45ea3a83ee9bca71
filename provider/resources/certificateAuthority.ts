import { z } from "zod";

import { same } from "../diff.ts";
import { define, known } from "../resource.ts";

export const certificateAuthority = define({
  description: "A private certificate authority (ECDSA P-256), kept in the state.",
  inputs: {
    commonName: z.string().min(1).max(64).describe("As shown in browsers' lists."),
    days: z.int().min(31).max(7300).default(3650).describe("Validity; default 3650."),
  },
  outputs: {
    certificate: z.string().describe("PEM."),
    privateKey: z.string().describe("PKCS 8 PEM."),
  },
  replaceOn: [],
  secretOutputs: ["privateKey"],

  plan: (inputs, old) =>
    old !== undefined && same(old.commonName, inputs.commonName) && same(old.days, inputs.days)
      ? { certificate: old.certificate, privateKey: old.privateKey }
      : {},
  async create(_context, inputs) {
    const { issueAuthority } = await import("../pki.ts");
    const { serial, ...outputs } = await issueAuthority(inputs.commonName, inputs.days);
    return { id: serial, outputs };
  },
  read: (_context, _id, old) => Promise.resolve(known(old, "CertificateAuthority")),
  async update(_context, _old, inputs) {
    const { issueAuthority } = await import("../pki.ts");
    const { certificate, privateKey } = await issueAuthority(inputs.commonName, inputs.days);
    return { certificate, privateKey };
  },
  delete: () => Promise.resolve(),
});
