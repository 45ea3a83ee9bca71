import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** A program and what it needs in its environment. */
export interface Program {
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
}

const here = import.meta.dirname;

/** Where what was fetched or built for this benchmark is kept. */
const cache = join(
  process.env["HIVEMATRIX_CACHE"] ??
    join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "hivematrix"),
  "bench-gateway",
);

/** Debian packages with the programs and the libraries that a small system does not have. */
const debian = ["nginx", "wrk", "libluajit-5.1-2", "libpcre2-8-0"];

/**
 * A program of Debian: the machine's own, or else unpacked from its package into the cache, so that
 * nothing of the machine is changed.
 * @throws Error when it is not there and apt cannot bring it
 */
export function debianProgram(name: "nginx" | "wrk"): Program {
  const own = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"]
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
  if (own !== undefined) return { path: own, env: process.env };
  const root = join(cache, "debian");
  const find = () => globSync(`usr/{bin,sbin}/${name}`, { cwd: root })[0];
  if (find() === undefined) unpack(root);
  const found = find();
  if (found === undefined) throw new Error(`apt does not bring ${name}: install it`);
  const libraries = globSync("usr/lib/*-linux-gnu", { cwd: root }).map((path) => join(root, path));
  return {
    path: join(root, found),
    env: { ...process.env, LD_LIBRARY_PATH: libraries.join(delimiter) },
  };
}

function unpack(root: string): void {
  console.log(`fetching ${debian.join(", ")} (apt-get download)`);
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "apt-"));
  try {
    execFileSync("apt-get", ["download", "-q", ...debian], { cwd: folder, stdio: "pipe" });
    for (const file of globSync("*.deb", { cwd: folder })) {
      execFileSync("dpkg-deb", ["-x", file, root], { cwd: folder });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const packages = {
  caddy: "github.com/caddyserver/caddy/v2/cmd/caddy",
  "oauth2-proxy": "github.com/oauth2-proxy/oauth2-proxy/v7",
} as const;

/** A Go program from the exact versions of its go.mod here, built once. @throws Error without a Go */
export function goProgram(name: keyof typeof packages): Program {
  const path = join(cache, `${name}-${versionOf(name)}`);
  if (!existsSync(path)) {
    console.log(`building ${name} ${versionOf(name)} (some minutes)`);
    mkdirSync(cache, { recursive: true });
    const args = ["build", "-trimpath", "-ldflags", "-s -w", "-o", `${path}.new`, packages[name]];
    execFileSync(findGo(), args, {
      cwd: join(here, name),
      env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" },
      stdio: ["ignore", "ignore", "inherit"],
    });
    renameSync(`${path}.new`, path);
  }
  return { path, env: process.env };
}

function versionOf(name: keyof typeof packages): string {
  return name === "caddy" ? "2.8.4" : "7.8.1";
}

/** The machine's Go, or the one that the toolchain brought. */
function findGo(): string {
  const brought = globSync("go-*/bin/go", { cwd: join(cache, "..") }).map((path) =>
    join(cache, "..", path),
  );
  const all = [
    ...(process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "go")),
    ...brought,
  ];
  const found = all.find((path) => existsSync(path));
  if (found === undefined) throw new Error("the peers are Go programs: put go on the PATH");
  return found;
}
