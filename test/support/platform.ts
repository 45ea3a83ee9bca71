import { chmod, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { ensureFlask, flaskFolder } from "./flask.ts";
import { freePort } from "./freePort.ts";
import { createTrial, type Trial } from "./trial.ts";

/** A platform that runs, with the Flask service of the tests registered as `flasky`. */
export interface Platform {
  readonly trial: Trial;
  /** Address of the Flask service. */
  readonly flasky: string;
  readonly outputs: Readonly<Record<string, string>>;
}

let platform: Promise<Platform> | undefined;

/** The one platform of this process; the first call brings it up, which takes a minute or two. */
export function sharedPlatform(): Promise<Platform> {
  platform ??= start();
  return platform;
}

after(async function () {
  this.timeout(60_000);
  const { trial } = (await platform?.catch(() => undefined)) ?? {};
  await trial?.remove();
});

async function start(): Promise<Platform> {
  const trial = await createTrial();
  const flasky = `http://127.0.0.1:${String(await addFlask(trial))}`;
  const { code, text } = await trial.run("up", "--beside");
  if (code !== 0) {
    await trial.remove();
    throw new Error(text);
  }
  return { trial, flasky, outputs: await trial.outputs() };
}

/** Registers the Flask service, in a folder that the trial's user can read. @returns its port */
async function addFlask(trial: Trial): Promise<number> {
  const folder = join(dirname(trial.directory), "flasky");
  await cp(flaskFolder, folder, { recursive: true });
  // The cache may lie where only this user may look.
  const venv = join(dirname(trial.directory), "venv");
  const python = await ensureFlask();
  await cp(dirname(dirname(python)), venv, { recursive: true, verbatimSymlinks: true });
  await chmod(venv, 0o755);
  const port = await freePort();
  const path = join(trial.directory, "apps_registry.json");
  const registry = JSON.parse(await readFile(path, "utf8")) as { apps: Record<string, unknown> };
  registry.apps["flasky"] = {
    description: "The Flask service of the tests.",
    source: { directory: folder, command: [join(venv, "bin", "python"), "run.py"] },
    port,
    dependencies: ["core"],
    database: "flasky",
    gateway: { groups: ["admins", "client"] },
  };
  await writeFile(path, JSON.stringify(registry));
  const config = join(trial.directory, "Pulumi.dev.yaml");
  await writeFile(config, `${await readFile(config, "utf8")}  hivematrix:apps: [flasky]\n`);
  await mkdir(join(folder, "instance"), { recursive: true });
  await chmod(folder, 0o777);
  return port;
}
