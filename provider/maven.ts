import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

import { Fault } from "./fault.ts";
import { type Context, succeeded } from "./resource.ts";
import { LocalTransport } from "./transport/local.ts";

/** Fixed: another version of it may print and place files otherwise. */
const plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1";

interface Coordinates {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
  readonly type: "tar.gz" | "zip";
  readonly classifier: string | undefined;
}

const pattern =
  /^maven:(?<group>[\w.-]+):(?<artifact>[\w.-]+):(?<version>[\w.-]+):(?<type>tar\.gz|zip)(?::(?<classifier>[\w.-]+))?$/;

/** Undefined when it is not `maven:GROUP:ARTIFACT:VERSION:TYPE[:CLASSIFIER]`. */
export function parseMaven(source: string): Coordinates | undefined {
  return pattern.exec(source)?.groups as Coordinates | undefined;
}

/**
 * The path of the archive in the cache of the machine that runs Pulumi, fetched by Maven as its user
 * has set it up: a host needs neither Maven nor a way to its repositories.
 * @throws Fault when it cannot be fetched or is not the expected one.
 */
export async function fetchMaven(
  { signal, progress }: Pick<Context, "signal" | "progress">,
  source: string,
  sha256: string | undefined,
): Promise<string> {
  const wanted = parseMaven(source);
  if (wanted === undefined) throw new Fault(`${source} is not a source this provider knows.`);
  const cache = join(cacheRoot(), "archives");
  const path = join(cache, fileName(wanted));
  await mkdir(cache, { recursive: true });
  if ((await stat(path).catch(() => undefined)) === undefined) {
    progress(`fetching ${fileName(wanted)}`);
    const fresh = await mkdtemp(join(cache, ".fetching-"));
    try {
      const argv = ["mvn", "-q", "-B", "-ntp", `${plugin}:copy`, ...parameters(wanted, fresh)];
      // Without it the JVM leaves a folder in /tmp.
      const env = { MAVEN_OPTS: `${process.env["MAVEN_OPTS"] ?? ""} -XX:-UsePerfData`.trim() };
      const fetched = await new LocalTransport().run(argv, { signal, cwd: cache, env });
      succeeded(fetched, `Fetching ${source} with mvn`);
      const [name] = await readdir(fresh);
      if (name === undefined) throw new Fault(`mvn ended well but did not bring ${source}.`);
      await rename(join(fresh, name), path);
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }
  if (sha256 !== undefined) await verify(path, sha256);
  return path;
}

function fileName({ artifact, version, classifier, type }: Coordinates): string {
  return `${[artifact, version, ...(classifier === undefined ? [] : [classifier])].join("-")}.${type}`;
}

function parameters(wanted: Coordinates, folder: string): string[] {
  const { group, artifact, version, type, classifier } = wanted;
  const parts = [group, artifact, version, type, ...(classifier === undefined ? [] : [classifier])];
  return [`-Dartifact=${parts.join(":")}`, `-DoutputDirectory=${folder}`];
}

/** The cache of everything this project fetches. */
function cacheRoot(): string {
  const { HIVEMATRIX_CACHE, XDG_CACHE_HOME } = process.env;
  return HIVEMATRIX_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "hivematrix");
}

/** Removes a file that is not the expected one: the next up fetches it again. */
async function verify(path: string, sha256: string): Promise<void> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  const found = hash.digest("hex");
  if (found === sha256) return;
  await rm(path);
  throw new Fault(
    `${path} has sha256 ${found}, not the expected ${sha256}; check version and sum.`,
  );
}
