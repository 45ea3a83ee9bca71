import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { resolve } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

/** Keys of Pulumi.<stack>.yaml about a certificate of one's own, instead of the local authority's. */
export const certificateSettings = {
  certificate: z
    .string()
    .min(1)
    .optional()
    .describe("PEM file here with the gateway's certificate and those up to its authority."),
  certificateKey: z
    .string()
    .min(1)
    .optional()
    .describe("PEM file here with the certificate's key, not encrypted."),
};

type Settings = z.output<z.ZodObject<typeof certificateSettings>>;

/** A certificate that somebody else issued. */
export interface OwnCertificate {
  /** PEM: the certificate first, then each one that signed the one before it. */
  readonly chain: string;
  readonly key: pulumi.Output<string>;
  /** Whole days until it ends. */
  readonly daysLeft: number;
}

/**
 * Reads and checks certificate and key. Undefined: none is given.
 * @param name what people enter by
 * @throws Error with one sentence about the first thing that is wrong
 */
export function ownCertificate(
  { certificate, certificateKey }: Settings,
  directory: string,
  name: string,
  now = new Date(),
): OwnCertificate | undefined {
  if (certificate === undefined && certificateKey === undefined) return undefined;
  if (certificate === undefined || certificateKey === undefined) {
    const [missing, given] =
      certificate === undefined
        ? ["certificate", "certificateKey"]
        : ["certificateKey", "certificate"];
    throw new Error(`hivematrix:${missing} is missing: ${given} alone is of no use.`);
  }
  const chain = readPem("certificate", resolve(directory, certificate));
  const certificates = parseChain(chain, certificate);
  const pem = readPem("certificateKey", resolve(directory, certificateKey));
  const key = parseKey(pem, certificateKey);
  const [leaf] = certificates;
  if (leaf === undefined) throw new Error("not reached");
  checkChain(certificates, certificate);
  if (!leaf.checkPrivateKey(key)) {
    throw new Error(
      `hivematrix:certificateKey: ${certificateKey} is not the key of ${titleOf(leaf)}, the first certificate in ${certificate}.`,
    );
  }
  for (const one of certificates) checkTime(one, certificate, now);
  checkName(leaf, certificate, name);
  const daysLeft = Math.floor((leaf.validToDate.getTime() - now.getTime()) / 86_400_000);
  return { chain, key: pulumi.secret(pem), daysLeft };
}

function readPem(setting: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(`hivematrix:${setting}: ${path} cannot be read (${String(code)}).`, { cause });
  }
}

function parseChain(text: string, path: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) {
    throw new Error(`hivematrix:certificate: ${path} holds no certificate in PEM.`);
  }
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new Error(
        `hivematrix:certificate: certificate ${String(index + 1)} in ${path} cannot be read.`,
        { cause },
      );
    }
  });
}

function parseKey(text: string, path: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (cause) {
    const why = text.includes("ENCRYPTED") ? "is encrypted" : "holds no private key in PEM";
    throw new Error(`hivematrix:certificateKey: ${path} ${why}.`, { cause });
  }
}

function checkChain(certificates: readonly X509Certificate[], path: string): void {
  for (const [index, one] of certificates.slice(0, -1).entries()) {
    const signer = certificates[index + 1];
    if (signer !== undefined && one.checkIssued(signer) && one.verify(signer.publicKey)) continue;
    throw new Error(
      `hivematrix:certificate: in ${path}, ${titleOf(one)} is not signed by the certificate after it; put each one's signer after it, the gateway's first.`,
    );
  }
}

function checkTime(one: X509Certificate, path: string, now: Date): void {
  const [begin, end] = [one.validFromDate, one.validToDate];
  if (end < now) {
    throw new Error(
      `hivematrix:certificate: ${titleOf(one)} in ${path} ended on ${dayOf(end)}; renew it.`,
    );
  }
  if (begin > now) {
    throw new Error(
      `hivematrix:certificate: ${titleOf(one)} in ${path} begins on ${dayOf(begin)} only.`,
    );
  }
}

function checkName(leaf: X509Certificate, path: string, name: string): void {
  const found = isIP(name) === 0 ? leaf.checkHost(name) : leaf.checkIP(name);
  if (found !== undefined) return;
  throw new Error(
    `hivematrix:certificate: ${path} is not for ${name}, which people enter by, but for ${leaf.subjectAltName ?? titleOf(leaf)}; set hivematrix:domain or get another one.`,
  );
}

function titleOf({ subject }: X509Certificate): string {
  return subject.split("\n").at(-1) ?? subject;
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
