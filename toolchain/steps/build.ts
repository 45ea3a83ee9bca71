import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

import { type Artefact, describeBuild, findModule } from "../layout.js";
import { runCommand } from "./command.ts";
import { type Go, provideGo } from "./go.ts";
import { showProgress } from "./progress.ts";
import { makeTemporary, placeDirectory } from "./temporary.ts";

const cli = {
  package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
  variable: "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
};

async function compile(artefact: Artefact, go: Go): Promise<void> {
  const { name, version, directory, file } = artefact;
  const folder = makeTemporary();
  const isCli = name === "pulumi";
  const stamp = isCli ? `${cli.variable}=v${version}` : `main.version=${version}`;
  const output = join(folder, relative(directory, file));
  mkdirSync(join(output, ".."), { recursive: true });
  const flags = ["-trimpath", "-buildvcs=false", "-ldflags", `-s -w -X ${stamp}`, "-o", output];
  await runCommand(go.path, ["build", ...flags, isCli ? cli.package : "."], {
    cwd: findModule(name),
    env: go.env,
  });
  writeFileSync(join(folder, "source"), describeBuild(name));
  placeDirectory(folder, directory);
}

/** Builds an artefact from Go modules and puts it into its place, complete or not at all. */
export async function buildArtefact(artefact: Artefact): Promise<void> {
  const go = await provideGo();
  await showProgress(`${artefact.title}: building from source`, () => compile(artefact, go));
}
