// Starts one benchmark on the node of this checkout: npm run bench -- NAME
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const [name = "--help", ...rest] = process.argv.slice(2);

if (name === "--help" || !existsSync(here(`${name}.ts`))) {
  console.error(
    [
      "usage: npm run bench -- pulumi [RUNS] | logger [SECONDS] [LINES] | core [SECONDS] | gateway [SECONDS] [ROUNDS]",
      "",
      "pulumi  a no-op preview and up of the dev stack against those of an empty program",
      "gateway  the gateway beside nginx, auth_request, Caddy and oauth2-proxy",
      "logger  the logger's ingest and queries against PostgreSQL alone",
      "core    a service's token against jose's signature, a validation against an empty server",
    ].join("\n"),
  );
  process.exit(name === "--help" ? 0 : 2);
}
const node = here("../node_modules/.bin/node");
const { status } = spawnSync(node, [here(`${name}.ts`), ...rest], { stdio: "inherit" });
process.exit(status ?? 1);
