import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
  mergeOptions,
} from "@pulumi/pulumi";

export interface CertificateAuthorityArgs {
  /** As shown in browsers' lists. */
  commonName: Input<string>;
  /** Validity; default 3650. */
  days?: Input<number> | undefined;
}

/** A private certificate authority (ECDSA P-256), kept in the state. */
export class CertificateAuthority extends CustomResource {
  declare readonly commonName: Output<string>;
  declare readonly days: Output<number>;
  /** PEM. */
  declare readonly certificate: Output<string>;
  /** PKCS 8 PEM; secret. */
  declare readonly privateKey: Output<string>;

  constructor(name: string, args: CertificateAuthorityArgs, opts?: CustomResourceOptions) {
    const secret = { additionalSecretOutputs: ["privateKey"] };
    super(
      "host:index:CertificateAuthority",
      name,
      { ...args, certificate: undefined, privateKey: undefined },
      mergeOptions(opts, secret),
    );
  }
}
