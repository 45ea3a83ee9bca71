import * as pulumi from "@pulumi/pulumi";

import type { OwnCertificate } from "../certificateConfig.ts";
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
  /** What people are shown, if somebody else issued it; else the local authority's. */
  readonly own?: OwnCertificate | undefined;
}

/** Days before the end of a certificate that somebody else issued from which on it is said. */
const renewal = 21;

/**
 * A certificate authority of this host alone, and the gateway's certificate signed by it. A
 * certificate of one's own is presented instead, except to who asks for localhost: the platform
 * itself, and its health checks, go on with the local authority.
 */
export class Certificate extends pulumi.ComponentResource {
  /** What people's browsers must trust. */
  readonly authorityPath: string;
  /** Chain that the gateway presents. */
  readonly certificatePath: string;
  readonly keyPath: string;
  /** The local authority's for localhost, beside a certificate of one's own. */
  readonly local: { readonly certificatePath: string; readonly keyPath: string } | undefined;
  /** PEM of the authority. */
  readonly authority: pulumi.Output<string>;
  /** Changes with what the gateway presents. */
  readonly hash: pulumi.Output<string>;

  constructor(name: string, args: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, own, ...plain } = args;
    super("hivematrix:index:Certificate", name, plain, opts);
    const child = { parent: this, provider: host.provider };
    const folder = `${host.settings}/tls`;
    this.authorityPath = `${folder}/ca.crt`;
    this.certificatePath = `${folder}/gateway.crt`;
    this.keyPath = `${folder}/gateway.key`;
    this.local =
      own === undefined
        ? undefined
        : { certificatePath: `${folder}/local.crt`, keyPath: `${folder}/local.key` };

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
    const issued = {
      chain: pulumi.concat(leaf.certificate, authority.certificate),
      key: leaf.privateKey,
    };
    const { owned } = host.accountOf(args.reader);
    const pair = (
      noun: string,
      at: { certificatePath: string; keyPath: string },
      { chain, key }: { chain: pulumi.Input<string>; key: pulumi.Output<string> },
    ): File => {
      file(`${noun}-key`, at.keyPath, key, "0600", owned);
      return file(`${noun}-file`, at.certificatePath, pulumi.output(chain), "0644");
    };
    const presented = [
      pair("gateway", this, own ?? issued),
      ...(this.local === undefined ? [] : [pair("local", this.local, issued)]),
    ];
    if (own !== undefined && own.daysLeft < renewal) {
      const left = `The gateway's certificate ends in ${String(own.daysLeft)} days`;
      void pulumi.log.warn(`${left}; renew it and run up.`, this);
    }

    this.authority = authority.certificate;
    // Another key is another certificate.
    this.hash = pulumi
      .all(presented.map(({ sha256 }) => sha256))
      .apply((hashes) => hashes.join(" "));
    this.registerOutputs({ authorityPath: this.authorityPath });
  }
}
