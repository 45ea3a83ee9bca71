import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
  mergeOptions,
} from "@pulumi/pulumi";

export interface CertificateArgs {
  /** PEM of the CertificateAuthority. */
  authorityCertificate: Input<string>;
  /** PEM of its key; secret. */
  authorityKey: Input<string>;
  /** DNS names and IP addresses. */
  names: Input<Input<string>[]>;
  /** Validity, 31 to 397; default 397. */
  days?: Input<number> | undefined;
}

/** A server certificate (ECDSA P-256). Renewed by the first `up` in its last 30 days. */
export class Certificate extends CustomResource {
  declare readonly authorityCertificate: Output<string>;
  declare readonly authorityKey: Output<string>;
  declare readonly names: Output<string[]>;
  declare readonly days: Output<number>;
  /** PEM, without the authority's. */
  declare readonly certificate: Output<string>;
  /** PKCS 8 PEM; secret. */
  declare readonly privateKey: Output<string>;
  /** End of validity, ISO 8601. */
  declare readonly notAfter: Output<string>;

  constructor(name: string, args: CertificateArgs, opts?: CustomResourceOptions) {
    const secret = { additionalSecretOutputs: ["privateKey"] };
    super(
      "host:index:Certificate",
      name,
      { ...args, certificate: undefined, privateKey: undefined, notAfter: undefined },
      mergeOptions(opts, secret),
    );
  }
}
