import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

import { freePort } from "../../support/freePort.ts";
import { secrets, TestPlatform, until } from "./testCore.ts";

const main = fileURLToPath(new URL("../../../runtime/core/main.ts", import.meta.url));

interface Process {
  readonly child: ChildProcess;
  readonly output: { text: string };
  readonly ended: Promise<number | null>;
}

function start(env: Readonly<Record<string, unknown>>): Process {
  const strings = Object.entries(env).map(([name, value]) => [name, String(value)]);
  const child = spawn(process.execPath, [main], {
    env: Object.fromEntries(strings) as Record<string, string>,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { text: "" };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (output.text += chunk.toString()));
  }
  return { child, output, ended: once(child, "close").then(([code]) => code as number | null) };
}

describe("core's process", () => {
  let folder: string;
  let platform: TestPlatform;
  const children: ChildProcess[] = [];

  before(async () => {
    platform = await TestPlatform.start();
    folder = mkdtempSync(join(tmpdir(), "hivematrix-core-"));
  });

  after(async () => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
    await platform.close();
  });

  const run = (env: Readonly<Record<string, unknown>>): Process => {
    const started = start(env);
    children.push(started.child);
    return started;
  };

  it("ends with 78 and every fault, but no value, when its environment is not usable", async () => {
    const { output, ended } = run({ ...platform.env(), PORT: 0, ENCRYPTION_KEY: "too short" });
    expect(await ended).to.equal(78);
    expect(output.text).to.match(/^The environment is not usable:\n/);
    expect(output.text).to.include("PORT: ");
    expect(output.text).to.include("ENCRYPTION_KEY: ");
    expect(output.text).not.to.include("too short");
    expect(output.text).not.to.include(secrets.codex);
  });

  it("ends with 1 and says why when its database is not there", async () => {
    const { output, ended } = run({ ...platform.env(), DB_PORT: 1 });
    expect(await ended).to.equal(1);
    expect(output.text).to.include("did not start");
    expect(output.text).to.include("ECONNREFUSED");
  });

  it("serves on loopback, says when it is ready, and ends in order with a stream open", async () => {
    const port = await freePort();
    const readyFile = join(folder, "ready");
    const { child, output, ended } = run({
      ...platform.env(),
      PORT: port,
      READY_FILE: readyFile,
    });
    await until(() => existsSync(readyFile) || child.exitCode !== null);
    const url = `http://127.0.0.1:${String(port)}`;
    expect((await fetch(url)).status, output.text).to.equal(200);
    const as = `/as/nexus/${secrets.nexus}`;
    const stream = await fetch(`${url}${as}/v1/events`);
    expect(stream.status).to.equal(200);
    child.kill("SIGTERM");
    expect(await ended).to.equal(0);
    expect(await stream.text()).to.include("event: hello");
    expect(existsSync(readyFile)).to.equal(false);
    expect(output.text).not.to.include(secrets.nexus);
  });
});
