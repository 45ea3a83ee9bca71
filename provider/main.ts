import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

// Every preview starts the plugin: compiled code is kept beside the packages it comes from.
enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/host-provider", import.meta.url)));

const { serve } = await import("./server.ts");
const { provider, port } = await serve(process.argv[2]);

/** Ends what is being done; exits 0, since the engine reports every other code. */
function leave(): void {
  provider.close();
  process.exit(0);
}

process.on("SIGINT", leave);
process.on("SIGTERM", leave);

// An engine that was killed cannot say goodbye: its orphan is given another parent.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) leave();
}, 1000).unref();

process.stdout.write(`${port}\n`);
