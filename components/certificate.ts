import * as pulumi from "@pulumi/pulumi";

import { CertificateAuthority } from "../provider/sdk/certificateAuthority.ts";
import { Certificate as Leaf } from "../provider/sdk/certificate.ts";
import { Directory } from "../provider/sdk/directory.ts";
import { File } from "../provider/sdk/file.ts";
import type { Host } from "./host.ts";

export interface CertificateArgs {
  readonly host: Host;
  /** DNS names and addresses the gateway is reached by. */
  readonly names: readonly string[];
  /** The service that reads the key. */
  readonly reader: string;
}

/** A certificate authority of this host alone, and the gateway's certificate signed by it. */
export class Certificate extends pulumi.ComponentResource {
  /** What people's browsers must trust. */
  readonly authorityPath: string;
  /** Chain that the gateway presents. */
  readonly certificatePath: string;
  readonly keyPath: string;
  /** PEM of the authority. */
  readonly authority: pulumi.Output<string>;
  /** Changes with the gateway's certificate. */
  readonly hash: pulumi.Output<string>;

  constructor(name: string, args: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, ...plain } = args;
    super("hivematrix:index:Certificate", name, plain, opts);
    const child = { parent: this, provider: host.provider };
    const folder = `${host.settings}/tls`;
    this.authorityPath = `${folder}/ca.crt`;
    this.certificatePath = `${folder}/gateway.crt`;
    this.keyPath = `${folder}/gateway.key`;

    const authority = new CertificateAuthority(
      `${name}-authority`,
      { commonName: `HiveMatrix local CA (${pulumi.getStack()})` },
      child,
    );
    const leaf = new Leaf(
      `${name}-gateway`,
      {
        authorityCertificate: authority.certificate,
        authorityKey: authority.privateKey,
        names: [...args.names],
      },
      child,
    );
    const directory = new Directory(
      `${name}-folder`,
      { path: folder, mode: "0755", ...host.owned },
      { ...child, dependsOn: host.ready },
    );
    const file = (
      noun: string,
      path: string,
      content: pulumi.Output<string>,
      mode: string,
      owned = host.owned,
    ): File =>
      new File(
        `${name}-${noun}`,
        { path, content, mode, ...owned },
        { ...child, dependsOn: directory },
      );
    file("authority-file", this.authorityPath, authority.certificate, "0644");
    const presented = file(
      "gateway-file",
      this.certificatePath,
      pulumi.concat(leaf.certificate, authority.certificate),
      "0644",
    );
    const { owned } = host.accountOf(args.reader);
    file("gateway-key", this.keyPath, leaf.privateKey, "0600", owned);

    this.authority = authority.certificate;
    this.hash = presented.sha256;
    this.registerOutputs({ authorityPath: this.authorityPath });
  }
}
