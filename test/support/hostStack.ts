import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

import { prepareTools } from "../../setup/tools.ts";
import { startHost, type TestHost } from "./container.ts";
import type { Suite } from "./containerImage.ts";
import { type Relay, startRelay } from "./relay.ts";

const checkout = join(import.meta.dirname, "..", "..");

/** What a program starts with: the classes of the provider, and the host as `provider`. */
const heading = (paths: readonly string[], forwards: string): string => `
import { readFileSync } from "node:fs";
import { secret } from "@pulumi/pulumi";
${paths
  .map((path) => {
    const name = basename(path);
    const file = name.charAt(0).toLowerCase() + name.slice(1);
    return `import { ${name} } from "${checkout}/${dirname(path)}/${file}.ts";`;
  })
  .join("\n")}

const provider = new Provider("there", {
  transport: "ssh",
  address: process.env.TEST_ADDRESS,
  port: Number(process.env.TEST_PORT),
  user: process.env.TEST_USER ?? "deploy",
  privateKey: readFileSync(process.env.TEST_KEY, "utf8"),
  hostKey: process.env.TEST_HOST_KEY,
  forwards: ${forwards},
});
`;

export interface HostStackOptions {
  /** Of the project, and of the folder. */
  readonly name: string;
  /** Exported by `provider/sdk/`, used by the program. */
  readonly classes: readonly string[];
  /** Exported by `components/`. */
  readonly components?: readonly string[];
  /** TypeScript; has `provider` and Pulumi's `secret`. */
  readonly program: string;
  readonly forwards?: readonly { localPort: number; host: string; port: number }[];
  readonly suite?: Suite;
  /** Past the relay, as a firewall wants it: it knows the port people come in by. */
  readonly direct?: boolean;
}

/** A small program of the test's own, deployed with the real Pulumi to a host in a container. */
export class HostStack {
  readonly host: TestHost;
  /** All that reaches the host's port 22 goes through it, unless `direct`. */
  readonly relay: Relay;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;

  private constructor(host: TestHost, relay: Relay, folder: string, env: NodeJS.ProcessEnv) {
    this.host = host;
    this.relay = relay;
    this.folder = folder;
    this.env = env;
  }

  /** Gives the hook that calls it 15 minutes: the first one on a machine builds an image. */
  static async start(options: HostStackOptions): Promise<HostStack> {
    const { name, program, forwards = [], suite, direct = false } = options;
    const imported = [
      ...["Provider", ...options.classes].map((own) => `provider/sdk/${own}`),
      ...(options.components ?? []).map((own) => `components/${own}`),
    ];
    const host = await startHost(suite);
    const relay = await startRelay(host.address, 22);
    const folder = mkdtempSync(join(tmpdir(), `hivematrix-${name}-`));
    const env = {
      ...process.env,
      ...(await prepareTools(checkout)).env,
      PULUMI_BACKEND_URL: `file://${folder}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      TEST_ADDRESS: direct ? host.address : "127.0.0.1",
      TEST_PORT: direct ? "22" : String(relay.port),
      TEST_KEY: host.keyPath,
      TEST_HOST_KEY: host.hostKey,
    };
    const project = {
      name,
      main: "index.ts",
      runtime: { name: "nodejs", options: { typescript: false } },
      plugins: { providers: [{ name: "host", path: join(checkout, "provider") }] },
    };
    writeFileSync(join(folder, "Pulumi.yaml"), JSON.stringify(project));
    writeFileSync(join(folder, "package.json"), '{"type": "module", "main": "index.ts"}');
    writeFileSync(join(folder, "index.ts"), heading(imported, JSON.stringify(forwards)) + program);
    symlinkSync(join(checkout, "node_modules"), join(folder, "node_modules"));
    const stack = new HostStack(host, relay, folder, env);
    await stack.pulumi("stack", "init", "test");
    return stack;
  }

  /** @throws Error with all it printed when it does not end with 0 */
  async pulumi(...args: string[]): Promise<string> {
    const { code, text } = await this.attempt(args);
    if (code === 0) return text;
    throw new Error(`pulumi ${args.join(" ")}:\n${text}`);
  }

  /** Whatever comes of it. @param more for its environment */
  attempt(
    args: readonly string[],
    more: NodeJS.ProcessEnv = {},
  ): Promise<{ code: number; text: string }> {
    const all = [...args, "--non-interactive", "--color=never"];
    const options = { cwd: this.folder, env: { ...this.env, ...more }, maxBuffer: 1e8 };
    return new Promise((resolve) => {
      const child = execFile("pulumi", all, options, (error, stdout, stderr) => {
        const text = error === null ? stdout : `${stdout}\n${stderr}`;
        resolve({ code: child.exitCode ?? 1, text });
      });
    });
  }

  /** On the host, as root, with a shell. @throws Error with what it printed */
  async sh(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.host.exec(["sh", "-c", script]);
    if (code !== 0) throw new Error(`${script}: exit code ${String(code)}\n${stdout}${stderr}`);
    return stdout.trim();
  }

  async close(): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    await this.relay.close();
    await this.host.stop();
  }
}

/** Whether something listens on 127.0.0.1 here. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => {
      resolve(false);
    });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
