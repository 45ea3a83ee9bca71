import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { explainedBy } from "../support/faults.ts";
import { type Relay, startRelay } from "../support/relay.ts";
import { type SshServer, startSshServer } from "../support/sshServer.ts";
import { SshTransport } from "../../provider/transport/ssh.ts";

describe("SshTransport, in time", function () {
  this.timeout(60_000);
  let server: SshServer;
  let relay: Relay;
  let transport: SshTransport;
  let folder: string;

  const options = () => ({
    address: "127.0.0.1",
    port: relay.port,
    user: "someone",
    privateKey: server.privateKey,
    hostKey: server.hostKey,
    sudo: false,
  });

  before(async () => {
    server = await startSshServer();
    relay = await startRelay("127.0.0.1", server.port);
    transport = new SshTransport(options());
  });
  after(async () => {
    transport.close();
    await relay.close();
    await server.close();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "host-ssh-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("tries a host that does not answer three times, then names address and port", async () => {
    const free = await startRelay("127.0.0.1", 1);
    await free.close();
    const began = performance.now();
    const away = new SshTransport({ ...options(), port: free.port });
    const said = await explainedBy(away.stat("/etc"));
    expect(said).to.match(/^someone@127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/);
    expect(performance.now() - began).to.be.greaterThan(2400);
  });

  it("ends a command with all it started, by a cancel and by its time", async () => {
    const pids = join(folder, "pids");
    const command = ["sh", "-c", `sleep 300 & echo $! >${pids}; sleep 300`];
    expect(await explainedBy(transport.run(command, { timeout: 1 }))).to.equal(
      "sh did not end within 1 s.",
    );
    await gone(Number(await readFile(pids, "utf8")));
    const abort = new AbortController();
    const work = explainedBy(transport.run(command, { signal: abort.signal }));
    await until(async () => (await readFile(pids, "utf8").catch(() => "")) !== "");
    abort.abort();
    expect(await work).to.equal("sh was interrupted; run the same command again.");
    await gone(Number(await readFile(pids, "utf8")));
  });

  it("makes a new connection when the shell on the host was killed", async () => {
    const { connections } = relay;
    const topmost = [
      ...["parent() { ps -o ppid= -p $1; }", "p=$PPID"],
      'while [ "$(ps -o comm= -p $(parent $p))" = sh ]; do p=$(parent $p); done',
      "kill -9 $p",
    ];
    await transport.run(["sh", "-c", topmost.join("\n")]).catch(() => undefined);
    await until(async () => (await transport.stat("/").catch(() => undefined)) !== undefined);
    expect(relay.connections - connections).to.be.at.least(1);
  });

  it("takes a key from the agent", async () => {
    const agent = execFileSync("ssh-agent", ["-a", `${folder}/agent`, "-s"], { encoding: "utf8" });
    try {
      const env = { ...process.env, SSH_AUTH_SOCK: `${folder}/agent` };
      execFileSync("ssh-add", ["-q", "-"], { env, input: server.privateKey, stdio: "pipe" });
      const { privateKey, ...others } = options();
      expect(privateKey).to.include("PRIVATE KEY");
      const other = new SshTransport({ ...others, agent: `${folder}/agent` });
      expect(await other.stat("/")).to.include({ type: "directory" });
      other.close();
      execFileSync("ssh-add", ["-q", "-D"], { env, stdio: "pipe" });
      const said = await explainedBy(
        new SshTransport({ ...others, agent: `${folder}/agent` }).stat("/"),
      );
      expect(said).to.include("does not accept any key of the agent");
    } finally {
      process.kill(Number(/SSH_AGENT_PID=(\d+)/.exec(agent)?.[1]));
    }
  });

  it("does not make others wait for a long command", async () => {
    await transport.stat("/");
    const long = transport.run(["sleep", "2"]);
    const began = performance.now();
    await transport.stat("/");
    await transport.stat("/");
    expect(performance.now() - began).to.be.below(1500);
    await long;
  });

  it("says that the connection was lost in the middle, and connects again for the next", async () => {
    await transport.stat("/");
    const work = explainedBy(transport.run(["sleep", "30"], { timeout: 60 }));
    await transport.stat("/");
    relay.cut();
    expect(await work).to.match(/^The connection to someone@.* was lost.*run the same command/);
    expect(await transport.stat("/")).to.include({ type: "directory" });
  });

  it("goes on with a large upload where a cut connection left it", async () => {
    const [from, to] = [join(folder, "from"), join(folder, "to")];
    const content = Buffer.from(Array.from({ length: 400_000 }, (_, n) => `${n}\n`).join(""));
    await writeFile(from, content);
    const { signal } = new AbortController();
    await transport.stat("/");
    relay.cutAfter(2_000_000);
    expect(await explainedBy(transport.upload(from, to, {}, signal))).to.match(/was lost/);
    const before = relay.bytes;
    await transport.upload(from, to, {}, signal);
    expect((await readFile(to)).equals(content)).to.equal(true);
    expect(relay.bytes - before).to.be.below(content.length - 1_000_000);
  });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    expect(Date.now()).to.be.below(deadline);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function gone(pid: number): Promise<void> {
  expect(pid).to.be.greaterThan(1);
  await until(async () => {
    const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    return status === "" || status.includes(") Z ");
  });
}
