#!/usr/bin/env node
// `npx hive` on whatever Node the machine has: goes on with the checkout's Node 24 where needed.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));
const main = join(folder, "main.ts");
const [major, minor] = process.versions.node.split(".").map(Number);

if (major > 22 || (major === 22 && minor >= 18)) {
  await import(main);
} else {
  const node = join(dirname(folder), "node_modules", ".bin", "node");
  if (existsSync(node)) {
    const { status } = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: "inherit" });
    process.exitCode = status ?? 130;
  } else {
    process.stderr.write("HiveMatrix is not set up in this checkout yet: run `npm run up`.\n");
    process.exitCode = 1;
  }
}
