import { readFileSync } from "node:fs";
import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";

import { Directory } from "../provider/sdk/directory.ts";
import { Release } from "../provider/sdk/release.ts";
import type { Host } from "./host.ts";

export interface RuntimeArgs {
  readonly host: Host;
}

/** The npm package that holds the program `node` for this architecture. */
const nodePackage = join(import.meta.dirname, "..", "node_modules", "node");

/**
 * What the platform's own services run on: a folder for their releases, and Node, taken from this
 * checkout, so that the host needs neither npm nor a Node of its own.
 */
export class Runtime extends pulumi.ComponentResource {
  /** Folder of all releases. */
  readonly folder: string;
  /** Absolute path of the program `node`. */
  readonly node: pulumi.Output<string>;
  /** What releases lie in; they depend on it. */
  readonly ready: pulumi.Resource;

  constructor(name: string, args: RuntimeArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, ...plain } = args;
    super("hivematrix:index:Runtime", name, plain, opts);
    const child = { parent: this, provider: host.provider };
    this.folder = `${host.root}/releases`;
    this.ready = new Directory(
      `${name}-folder`,
      { path: this.folder, mode: "0755", purge: true, ...host.owned },
      { ...child, dependsOn: host.ready },
    );
    const node = new Release(
      `${name}-node`,
      {
        path: `${this.folder}/node`,
        source: join(nodePackage, "bin", "node"),
        version: nodeVersion(),
        ...host.owned,
      },
      { ...child, dependsOn: this.ready },
    );
    this.node = pulumi.interpolate`${node.directory}/node`;
    this.registerOutputs({ folder: this.folder });
  }
}

function nodeVersion(): string {
  const text = readFileSync(join(nodePackage, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
