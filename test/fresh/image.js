import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { formatSources, parseSources, sourcesFor } from "./aptSources.js";
import { UsageError } from "./arguments.js";
import { execute } from "./helper.js";
import { networkPackage } from "./network.js";

/** What a rented Debian server has beyond minbase, and the runner's own need. */
const included = `ca-certificates,git,curl,sudo,procps,${networkPackage}`;

/** @param {string} suite @returns {string} */
export function imagePath(suite) {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(cache, "hivematrix", `fresh-${suite}.tar`);
}

/**
 * Makes the archive of a clean Debian, from the mirror this host's apt uses (debootstrap's own
 * default on a host that is not a Debian).
 * @param {string} suite
 * @param {string} log where debootstrap's words go
 */
export async function makeImage(suite, log) {
  if (!existsSync("/usr/sbin/debootstrap")) {
    throw new UsageError("debootstrap is missing: apt-get install debootstrap");
  }
  const archive = imagePath(suite);
  mkdirSync(join(archive, ".."), { recursive: true });
  const folder = mkdtempSync(`${archive}-`);
  try {
    const root = join(folder, "root");
    const { sources, mirror } = hostSources(suite);
    // Its mounts live in a mount namespace of its own: an interruption leaves none behind.
    const unshare = ["--mount", "--pid", "--fork", "--kill-child", "debootstrap"];
    const options = ["--variant=minbase", `--include=${included}`, suite, root];
    await execute(
      "unshare",
      [...unshare, ...options, ...(mirror === undefined ? [] : [mirror])],
      log,
    );
    if (sources.length > 0) {
      rmSync(join(root, "etc/apt/sources.list"), { force: true });
      writeFileSync(join(root, "etc/apt/sources.list.d/debian.sources"), formatSources(sources));
    }
    // As Docker's images have it: a machine that is thrown away need not wait for its disk.
    writeFileSync(join(root, "etc/dpkg/dpkg.cfg.d/unsafe-io"), "force-unsafe-io\n");
    for (const stale of ["var/cache/apt/archives", "var/lib/apt/lists"]) {
      for (const name of readdirSync(join(root, stale))) {
        if (/\.deb$|_/.test(name)) rmSync(join(root, stale, name));
      }
    }
    const archived = join(folder, "root.tar");
    await execute("tar", ["--numeric-owner", "-C", root, "-cf", archived, "."], log);
    renameSync(archived, archive);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} suite
 * @returns {ReturnType<typeof sourcesFor>}
 */
function hostSources(suite) {
  const folder = "/etc/apt/sources.list.d";
  const named = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  const files = ["/etc/apt/sources.list", ...named]
    .filter((path) => /\.(list|sources)$/.test(path) && existsSync(path))
    .map((path) => ({ path, text: readFileSync(path, "utf8") }));
  const release = readFileSync("/etc/os-release", "utf8");
  const codename = /^VERSION_CODENAME="?([a-z]+)/m.exec(release)?.[1] ?? "";
  const debian = /^ID="?debian/m.test(release) ? parseSources(files) : [];
  return sourcesFor(debian, codename, suite);
}
