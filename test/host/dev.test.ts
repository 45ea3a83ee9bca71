import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { expect } from "chai";

import { findFreeRun } from "../../setup/listeners.js";
import { eventually, Running } from "../support/trial.ts";

const checkout = dirname(dirname(import.meta.dirname));

/** Stand-in of a service's main.ts: answers with a word, and with who it is. */
const program = (word: string): string => `
import { createServer } from "node:http";
import { word } from "./word.ts";

const server = createServer((_, response) => {
  const { GREETING, READY_FILE } = process.env;
  response.end([word, GREETING, READY_FILE ?? "no file", process.pid].join("|"));
});
server.listen(Number(process.env["PORT"]), "127.0.0.1", () => {
  const line = { level: "info", time: new Date().toISOString(), msg: "ready", word: "${word}" };
  console.log(JSON.stringify(line));
});
process.on("SIGTERM", () => process.exit(0));
process.on("SIGINT", () => process.exit(0));
`;

/** A trial with one service under a real runit; its sources are two files. */
describe("npm run dev", function () {
  this.timeout(120_000);
  this.slow(20_000);
  let folder: string;
  let copy: string;
  let port: number;
  let supervisor: ChildProcess;
  let dev: Running | undefined;

  before(function () {
    if (!existsSync("/usr/bin/runsvdir")) this.skip();
  });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "hivematrix-dev-"));
    copy = join(folder, "checkout");
    mkdirSync(copy);
    for (const path of ["setup", "cli", "provider", "ports.js", "registry.ts", "hostConfig.ts"]) {
      cpSync(join(checkout, path), join(copy, path), { recursive: true });
    }
    for (const path of ["package.json", "package-lock.json"]) {
      cpSync(join(checkout, path), join(copy, path));
    }
    symlinkSync(join(checkout, "node_modules"), join(copy, "node_modules"));
    port = await findFreeRun({ from: 28_000 });
    provision();
    supervisor = spawn("runsvdir", ["-P", join(root(), "service")], { stdio: "ignore" });
    await eventually("the supervised service", 20, async () => (await ask()) === "bundle");
  });

  afterEach(async () => {
    dev?.signal("SIGTERM");
    await dev?.ended;
    dev = undefined;
    const ended = once(supervisor, "exit");
    // HUP: runsvdir ends its services too.
    supervisor.kill("SIGHUP");
    await ended;
    await eventually("an end", 15, () => Promise.resolve(processes().length === 0));
    rmSync(folder, { recursive: true });
  });

  const root = (): string => join(folder, "data");
  const source = (file: string): string => join(copy, "runtime", "core", file);

  function provision(): void {
    mkdirSync(join(copy, ".hive"), { mode: 0o700 });
    writeFileSync(join(copy, ".hive", "dev.json"), JSON.stringify({ root: root() }));
    const app = { description: "Core.", source: { runtime: "core" }, port: "core" };
    writeFileSync(join(copy, "apps_registry.json"), JSON.stringify({ apps: { core: app } }));
    mkdirSync(join(copy, "runtime", "core"), { recursive: true });
    writeFileSync(source("main.ts"), program("first"));
    writeFileSync(source("word.ts"), 'export const word: string = "first";\n');

    const state = join(root(), "services", "core");
    mkdirSync(join(state, "env"), { recursive: true });
    const variables = { PORT: String(port), GREETING: "a\0b", READY_FILE: join(root(), "proof") };
    for (const [name, value] of Object.entries(variables)) {
      writeFileSync(join(state, "env", name), `${value}\n`, { mode: 0o600 });
    }
    const bundle = join(folder, "bundle.js");
    const answer = `require("node:http").createServer((q, r) => r.end("bundle")).listen(process.env.PORT, "127.0.0.1")`;
    writeFileSync(bundle, answer);
    const run = `#!/bin/sh\nexec chpst -e ${state}/env ${process.execPath} ${bundle} 2>/dev/null\n`;
    writeFileSync(join(state, "run"), run, { mode: 0o755 });
    mkdirSync(join(root(), "service"));
    symlinkSync(state, join(root(), "service", "core"));
    const url = `http://127.0.0.1:${String(port)}/`;
    writeFileSync(join(root(), "health.json"), JSON.stringify({ core: url }));
  }

  async function ask(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${String(port)}/`);
    return await response.text();
  }

  /** Of everything that was started from the temporary folder. */
  function processes(): number[] {
    return readdirSync("/proc")
      .filter((pid) => /^\d+$/.test(pid))
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder);
        } catch {
          return false;
        }
      })
      .map(Number);
  }

  /** Through main.js, as npm does; `direct` is its child alone, which can be killed apart. */
  function start({ direct = false, names = ["core"] } = {}): Running & { pid: number } {
    const script = join(copy, "setup", direct ? "dev.ts" : "main.js");
    const child = spawn(process.execPath, [script, "dev", ...names], {
      cwd: copy,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    return Object.assign(new Running(child), { pid: child.pid ?? 0 });
  }

  const answers = (words: string): Promise<string> =>
    eventually(`an answer with ${words}`, 30, async () => {
      const text = await ask();
      return text.startsWith(words) ? text : undefined;
    });

  it("runs the sources, follows what is saved, shows a crash, gives the service back", async () => {
    dev = start();
    const first = await answers("first|");
    expect(first).to.match(/^first\|a\nb\|no file\|\d+$/);
    await eventually("readiness", 10, () =>
      Promise.resolve(dev?.text.includes("✓ core ready, from sources")),
    );
    expect(dev.text).to.match(/^core {2}\d\d:\d\d:\d\d\.\d{3} {2}INFO {3}ready {2}word=first$/m);

    writeFileSync(source("word.ts"), 'export const word: string = "second";\n');
    expect(await answers("second|")).not.to.contain(first.split("|").at(-1));

    for (const [text, sign] of [
      ['export const word = "";\nthrow new Error("broken on purpose");\n', "broken on purpose"],
      ["export const word: = 1;\n", "SyntaxError"],
    ] as const) {
      writeFileSync(source("word.ts"), text);
      await eventually(sign, 20, () => Promise.resolve(dev?.text.includes(sign)));
    }
    writeFileSync(source("word.ts"), 'export const word: string = "third";\n');
    await answers("third|");

    dev.signal("SIGINT");
    const { code, text } = await dev.ended;
    expect(code, text).to.equal(0);
    expect(await ask()).to.equal("bundle");
    expect(text).to.match(/✓ core stopped.*✓ core ready [\d.]+ s\n$/s);
    expect(processes().filter((pid) => pid !== supervisor.pid)).to.have.length(1);
  });

  it("leaves nothing on the port when it is killed; the next one works", async () => {
    const killed = start({ direct: true });
    await answers("first|");
    process.kill(killed.pid, "SIGKILL");
    await killed.ended;
    await eventually("a free port", 20, () =>
      ask().then(
        () => false,
        () => true,
      ),
    );
    dev = start();
    await answers("first|");
    dev.signal("SIGTERM");
    expect((await dev.ended).code).to.equal(0);
    expect(await ask()).to.equal("bundle");
  });

  it("gives the service back when the command above it is killed", async () => {
    const killed = start();
    await answers("first|");
    process.kill(killed.pid, "SIGKILL");
    await killed.ended;
    expect(await answers("bundle")).to.equal("bundle");
  });

  it("ends what an earlier one left, but not one that runs", async () => {
    dev = start();
    await answers("first|");
    const second = await start().ended;
    expect(second.code).to.equal(1);
    expect(second.text).to.match(/^`npm run dev` runs already \(process \d+\): end it first.\n$/);
    dev.signal("SIGTERM");
    await dev.ended;

    const orphan = spawn(process.execPath, [source("main.ts")], {
      detached: true,
      stdio: "ignore",
      env: { ...process.env, PORT: String(port + 1) },
    });
    const gone = once(orphan, "exit");
    dev = start();
    await gone;
    await answers("first|");
  });

  it("says what it needs, and touches nothing", async () => {
    const cases = [
      [["cor"], 2, "There is no service cor. Did you mean core? There are: core."],
      [["--fast"], 2, "`npm run dev` has no option --fast."],
    ] as const;
    for (const [names, code, sentence] of cases) {
      const outcome = await start({ names: [...names] }).ended;
      expect(outcome).to.deep.equal({ code, text: `${sentence}\n` });
    }
    expect(await ask()).to.equal("bundle");
  });
});
