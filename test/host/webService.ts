import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";

import { expect } from "chai";

import { freePort } from "../support/freePort.ts";
import { type HostPlugin, PluginError } from "../support/hostPlugin.ts";
import { processesIn } from "./running.ts";

type Values = Record<string, unknown>;

/** Answers with GREETING and its process number, once it has lived DELAY ms; with FAULT it ends. */
export const program = `
  const { writeFileSync } = require("node:fs");
  const { GREETING, FAULT, DELAY, PORT, READY_FILE, SAYS } = process.env;
  console.log("this is " + GREETING);
  const server = require("node:http").createServer((request, response) => {
    response.setHeader("connection", "close");
    response.end(GREETING + " " + process.pid);
  });
  process.on("SIGTERM", () => setImmediate(() => server.close(() => process.exit(0))));
  setTimeout(() => {
    if (FAULT !== undefined) {
      console.log("fault: " + FAULT);
      process.exit(3);
    }
    server.listen({ port: Number(PORT), host: "127.0.0.1", reusePort: true }, () => {
      if (READY_FILE) writeFileSync(READY_FILE, (SAYS ?? process.pid) + "\\n");
    });
  }, Number(DELAY ?? 0));
`;

/** The same in one line, as a variable's value. */
export const programLine = program.replaceAll("\n", " ").trim();

/** A small web server under a supervisor, in a folder of its own. */
export class WebService {
  readonly folder: string;
  readonly port: number;
  readonly supervisor: Values;
  /** As last declared. */
  inputs: Values = {};
  readonly #plugin: () => HostPlugin;

  private constructor(plugin: () => HostPlugin, folder: string, port: number) {
    this.#plugin = plugin;
    this.folder = folder;
    this.port = port;
    this.supervisor = { directory: join(folder, "service") };
  }

  static async prepare(plugin: () => HostPlugin): Promise<WebService> {
    const folder = await mkdtemp(join(tmpdir(), "host-web-"));
    await chmod(folder, 0o755);
    await mkdir(join(folder, "service"));
    await mkdir(join(folder, "services"));
    return new WebService(plugin, folder, await freePort());
  }

  get state(): string {
    return join(this.folder, "services", "web");
  }

  get candidate(): string {
    return join(this.state, "candidate");
  }

  /** Checked inputs with this environment besides the port. */
  async declare(env: Values, more: Values = {}): Promise<Values> {
    const { inputs, failures } = await this.#plugin().check("Service", {
      name: "web",
      directory: join(this.folder, "service"),
      state: this.state,
      command: [process.execPath, "-e", program],
      env: { PORT: String(this.port), ...env },
      ready: [{ http: { url: `http://127.0.0.1:${String(this.port)}/` } }],
      readyTimeout: 30,
      stopTimeout: 3,
      ...more,
    });
    expect(failures).to.deep.equal([]);
    this.inputs = inputs;
    return inputs;
  }

  async start(env: Values, more: Values = {}): Promise<Values> {
    const wanted = await this.declare(env, more);
    await this.#plugin().create("Supervisor", this.supervisor);
    return (await this.#plugin().create("Service", wanted)).properties;
  }

  update(olds: Values, wanted: Values): Promise<Values> {
    return this.#plugin().update("Service", "web", olds, wanted);
  }

  /** What the update failed with. */
  async failedUpdate(olds: Values, wanted: Values): Promise<PluginError> {
    const error: unknown = await this.update(olds, wanted).then(
      () => expect.fail("it did not fail"),
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(PluginError);
    return error as PluginError;
  }

  async read(olds: Values): Promise<Values | undefined> {
    return (await this.#plugin().read("Service", "web", olds))?.properties;
  }

  /** Its answer over a connection of its own. */
  async answer(): Promise<{ greeting: string; pid: number }> {
    const request = get({ port: this.port, host: "127.0.0.1", agent: false });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    let text = "";
    for await (const piece of response.setEncoding("utf8")) text += String(piece);
    const [greeting = "", pid] = text.split(" ");
    return { greeting, pid: Number(pid) };
  }

  /** Asks one request after the other until the work is done: how often, who answered, what failed. */
  async whileAsking<T>(work: Promise<T>) {
    const greetings = new Set<string>();
    const faults: string[] = [];
    const asking = new AbortController();
    const end = (): void => {
      asking.abort();
    };
    work.then(end, end);
    let count = 0;
    for (; !asking.signal.aborted; count += 1) {
      await this.answer().then(
        ({ greeting }) => greetings.add(greeting),
        (fault: unknown) => faults.push(String(fault)),
      );
      await later(2);
    }
    return { result: await work, count, greetings: [...greetings], faults };
  }

  /** Running web servers of this folder, whoever started them. */
  programs(): number[] {
    return processesIn(this.folder)
      .filter(({ argv }) => argv.startsWith(process.execPath))
      .map(({ pid }) => pid);
  }

  /** Removes all of it, and sees that nothing runs any more. */
  async clear(): Promise<void> {
    if ("name" in this.inputs) await this.#plugin().delete("Service", "web", this.inputs);
    await this.#plugin().delete("Supervisor", join(this.folder, "service"), this.supervisor);
    expect(processesIn(this.folder)).to.deep.equal([]);
    await rm(this.folder, { recursive: true });
  }
}
