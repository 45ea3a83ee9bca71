import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";

import { buildSync } from "esbuild";
import { z } from "zod";

/** A service's program, ready to be put on a host. */
export interface Bundle {
  /** Folder with `main.js`, its source map and licences, and the data folders of the service. */
  readonly source: string;
  /** Names the content: the same sources give the same version. */
  readonly version: string;
}

const checkout = join(import.meta.dirname, "..");
const folder = join(checkout, ".hive", "bundles");

/** Folders of a service that are shipped as they are. */
const dataFolders = ["assets", "migrations"];

/** Files of npm packages that are shipped with a service, by where they lie in its bundle. */
const packageFiles: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  gateway: { "assets/js/lucide.js": "node_modules/lucide/dist/umd/lucide.min.js" },
};

/** What a bundle was made of, with size and time of last change: unchanged means not made again. */
const recordSchema = z.object({
  version: z.string(),
  inputs: z.record(z.string(), z.string()),
});

/**
 * Makes one ESM file of runtime/<name>/main.ts and all it imports (esbuild): the host needs node
 * and nothing else. Takes some 300 ms, and 5 ms when nothing has changed.
 * @throws Error with esbuild's message when the sources do not build
 */
export function bundle(name: string): Bundle {
  const record = readRecord(name);
  if (record !== undefined) return record;
  mkdirSync(folder, { recursive: true });
  const fresh = mkdtempSync(join(folder, `.${name}-`));
  try {
    const inputs = build(name, fresh);
    const version = digestOf(fresh);
    const source = join(folder, name, version);
    if (!existsSync(source)) {
      rmSync(join(folder, name), { recursive: true, force: true });
      mkdirSync(join(folder, name), { recursive: true });
      renameSync(fresh, source);
    }
    const stamped = Object.fromEntries(inputs.map((path) => [path, stampOf(path)]));
    writeFileSync(recordPath(name), JSON.stringify({ version, inputs: stamped }));
    return { source, version };
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** @returns the files it was made of, relative to the checkout */
function build(name: string, target: string): string[] {
  const main = `runtime/${name}/main.ts`;
  const { metafile } = buildSync({
    absWorkingDir: checkout,
    entryPoints: [main],
    outfile: join(target, "main.js"),
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    sourcemap: "linked",
    legalComments: "linked",
    metafile: true,
    logLevel: "silent",
    // What is CommonJS among the libraries asks for node's own modules by require.
    banner: {
      js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);',
    },
  });
  const data = dataFolders.flatMap((each) => {
    const from = join(checkout, "runtime", name, each);
    if (!existsSync(from)) return [];
    cpSync(from, join(target, each), { recursive: true });
    return filesIn(from).map((path) => relative(checkout, path));
  });
  const further = Object.entries(packageFiles[name] ?? {});
  for (const [to, from] of further) cpSync(join(checkout, from), join(target, to));
  return [...Object.keys(metafile.inputs), ...data, ...further.map(([, from]) => from)];
}

function readRecord(name: string): Bundle | undefined {
  if (!existsSync(recordPath(name))) return undefined;
  const parsed = recordSchema.safeParse(JSON.parse(readFileSync(recordPath(name), "utf8")));
  if (!parsed.success) return undefined;
  const { version, inputs } = parsed.data;
  const source = join(folder, name, version);
  const same = Object.entries(inputs).every(([path, stamp]) => stampOf(path) === stamp);
  return same && existsSync(source) ? { source, version } : undefined;
}

function recordPath(name: string): string {
  return join(folder, `${name}.json`);
}

/** A data file that is new changes its folder's time, so that folder is looked at too. */
function stampOf(path: string): string {
  const found = statSync(join(checkout, path), { throwIfNoEntry: false });
  return found === undefined ? "" : `${String(found.size)} ${String(found.mtimeMs)}`;
}

function filesIn(directory: string): string[] {
  return [
    directory,
    ...readdirSync(directory, { recursive: true, encoding: "utf8" }).map((path) =>
      join(directory, path),
    ),
  ];
}

function digestOf(directory: string): string {
  const hash = createHash("sha256");
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
  for (const name of names) {
    const path = join(directory, name);
    if (!statSync(path).isFile()) continue;
    const content = readFileSync(path);
    hash.update(`${name}\0${String(content.length)}\0`).update(content);
  }
  return hash.digest("hex").slice(0, 16);
}
