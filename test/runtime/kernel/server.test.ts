import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { expect } from "chai";

const kernel = new URL("../../../runtime/kernel/", import.meta.url).href;

/** `/slow` answers when the test wants, `/never` never; `/` at once with the process's id. */
const program = `
import { createServer } from "node:http";
import { serve } from "${kernel}server.ts";
import { createLog } from "${kernel}log.ts";
let release;
const server = createServer((request, response) => {
  if (request.url === "/slow") release = () => response.end("slow");
  else if (request.url === "/release") { response.end("ok"); release(); }
  else if (request.url === "/never") response.flushHeaders();
  else response.end(String(process.pid));
});
await serve({
  listeners: [{ server, host: "127.0.0.1" }],
  port: Number(process.env.PORT),
  readyFile: process.env.READY_FILE,
  log: createLog("test", "info"),
  drain: () => { if (process.env.RELEASE) release(); },
  close: async () => {
    if (process.env.FAIL) throw new Error("cannot close");
    process.stdout.write("closed\\n");
  },
  drainTime: 0.2,
});
`;

describe("serve", () => {
  let folder: string;
  let port: number;
  let children: ChildProcess[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "hivematrix-serve-"));
    children = [];
    const probe = createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    ({ port } = probe.address() as AddressInfo);
    probe.close();
    await once(probe, "close");
  });

  afterEach(() => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  interface Running {
    readonly child: ChildProcess;
    readonly readyFile: string;
    readonly ended: Promise<{ code: number | null; output: string }>;
  }

  const start = async (env: Readonly<Record<string, string>> = {}): Promise<Running> => {
    const readyFile = join(folder, `ready-${String(children.length)}`);
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      env: { PORT: String(port), READY_FILE: readyFile, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.push(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    }
    const ended = once(child, "close").then(([code]) => ({ code: code as number | null, output }));
    while (!existsSync(readyFile) && child.exitCode === null) await delay(10);
    return { child, readyFile, ended };
  };

  const get = async (path: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${String(port)}${path}`)).text();

  it("says that it is ready, and ends with 0 and no trace at SIGTERM", async () => {
    const { child, readyFile, ended } = await start();
    expect(readFileSync(readyFile, "utf8")).to.equal(`${String(child.pid)}\n`);
    expect(await get("/")).to.equal(String(child.pid));
    child.kill("SIGTERM");
    const { code, output } = await ended;
    expect(code).to.equal(0);
    expect(output).to.include("closed\n");
    expect(existsSync(readyFile)).to.equal(false);
  });

  it("lets a request under way finish", async () => {
    const { child, ended } = await start({ RELEASE: "1" });
    const slow = get("/slow");
    await get("/");
    child.kill("SIGINT");
    expect(await slow).to.equal("slow");
    expect((await ended).code).to.equal(0);
  });

  it("cuts off what takes longer than the drain time", async () => {
    const { child, ended } = await start();
    const response = await fetch(`http://127.0.0.1:${String(port)}/never`);
    const body = response.text().catch(() => "cut off");
    child.kill("SIGTERM");
    expect((await ended).code).to.equal(0);
    expect(await body).to.equal("cut off");
  });

  it("ends with 1 and says so when it cannot close", async () => {
    const { child, ended } = await start({ FAIL: "1" });
    child.kill("SIGTERM");
    const { code, output } = await ended;
    expect(code).to.equal(1);
    expect(output).to.include("did not end in order");
  });

  it("shares its port with a successor, so that none is missed in between", async () => {
    const old = await start();
    const successor = await start();
    old.child.kill("SIGTERM");
    await old.ended;
    expect(await get("/")).to.equal(String(successor.child.pid));
  });
});
