import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export interface Asset {
  /** For Content-Type. */
  readonly type: string;
  readonly body: Buffer;
  /** Strong, with its quotes. */
  readonly etag: string;
}

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
};

const assets = readAssets(fileURLToPath(new URL("./assets/", import.meta.url)));

/** A bundle has it among its assets; run from its sources, the gateway takes it from the package. */
const icons = "/static/js/lucide.js";
if (!assets.has(icons)) {
  const path = fileURLToPath(import.meta.resolve("lucide/dist/umd/lucide.min.js"));
  assets.set(icons, readAsset(path));
}

/** Changes with any of the assets; an address that has it in its query may be cached for ever. */
export const assetVersion = hash(...[...assets.values()].map(({ etag }) => etag).sort());

/**
 * A file of the platform's look. All were read at the start, so a path is only a key: there is
 * nothing to climb out of.
 * @param path as in the address, without query, e.g. `/static/css/global.css`
 */
export function findAsset(path: string): Asset | undefined {
  return assets.get(path);
}

function readAssets(folder: string): Map<string, Asset> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Map(
    files
      .filter((file) => file.isFile() && extname(file.name) in types)
      .map((file) => {
        const path = join(file.parentPath, file.name);
        return [`/static/${relative(folder, path)}`, readAsset(path)];
      }),
  );
}

function readAsset(path: string): Asset {
  const body = readFileSync(path);
  const type = types[extname(path)] ?? "application/octet-stream";
  return { type, body, etag: `"${hash(body)}"` };
}

function hash(...parts: readonly (string | Buffer)[]): string {
  const sum = createHash("sha256");
  for (const part of parts) sum.update(part);
  return sum.digest("base64url").slice(0, 16);
}
