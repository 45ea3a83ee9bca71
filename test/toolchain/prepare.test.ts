import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { waitFor } from "./workspace.ts";

const toolchain = join(import.meta.dirname, "../../toolchain");
const nowhere = "http://127.0.0.1:9";
const archive = `pulumi-v3.259.0-${process.platform}-${process.arch}.tar.gz`;

/** Answers like Go; a build writes an executable and, if told so, waits for a file first. */
const fakeGo = `#!/bin/sh
if [ "$1" = version ]; then echo "go version go1.26.8 linux/amd64"; exit; fi
echo "$PWD" >> "$FAKE/builds"
while [ -e "$FAKE/hold" ]; do sleep 0.05; done
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\n' > "$2"
chmod +x "$2"
`;

/** Answers like the official CLI, as far as it is asked here. */
const fakePulumi = `#!/bin/sh
if [ "$1" = version ]; then echo v3.259.0; exit; fi
folder="$PULUMI_HOME/plugins/resource-$4-$5"
mkdir -p "$folder" && cp "$0" "$folder/pulumi-resource-$4"
`;

interface Result {
  code: number | null;
  output: string;
}

describe("toolchain: preparing the PULUMI_HOME", function () {
  this.timeout(30_000);
  let folder: string;
  let server: Server | undefined;
  let env: NodeJS.ProcessEnv;

  const home = (name: string): string => join(folder, "cache/pulumi-3.259.0", name);
  const count = (file: string): number =>
    existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").length : 0;

  function writeExecutable(name: string, text: string): void {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  }

  function start(script: string, ...args: string[]) {
    const child = spawn(process.execPath, [join(toolchain, script), ...args], { env });
    let output = "";
    child.stdout.on("data", (data: Buffer) => (output += data.toString()));
    child.stderr.on("data", (data: Buffer) => (output += data.toString()));
    const ended = new Promise<Result>((resolve) => {
      child.once("close", (code) => {
        resolve({ code, output });
      });
    });
    return { child, ended, read: () => output };
  }

  const run = async (script: string, ...args: string[]): Promise<Result> =>
    start(script, ...args).ended;

  /** Serves an archive of a fake release and its checksums. */
  async function publish(checksum?: string): Promise<void> {
    writeExecutable("release/pulumi/pulumi", fakePulumi);
    writeExecutable("release/pulumi/pulumi-language-nodejs", "#!/bin/sh\n");
    writeExecutable("release/pulumi/pulumi-language-go", "#!/bin/sh\n");
    const tar = spawn("tar", ["-czf", join(folder, archive), "-C", join(folder, "release"), "."]);
    await new Promise((resolve) => tar.once("close", resolve));
    const content = readFileSync(join(folder, archive));
    const sum = checksum ?? createHash("sha256").update(content).digest("hex");
    server = createServer(({ url }, response) => {
      response.end(url?.endsWith("checksums.txt") ? `${sum}  ${archive}\n` : content);
    });
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    env["HIVEMATRIX_PULUMI_DOWNLOADS"] = `http://127.0.0.1:${port}`;
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "toolchain-prepare-"));
    env = {
      PATH: `${join(folder, "go")}:/usr/bin:/bin`,
      HOME: folder,
      FAKE: folder,
      HIVEMATRIX_CACHE: join(folder, "cache"),
      HIVEMATRIX_PULUMI_DOWNLOADS: nowhere,
    };
    writeExecutable("go/go", fakeGo);
  });

  afterEach(() => {
    server?.close();
    server = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  it("builds everything where nothing official can be had, once", async () => {
    const first = await run("prepare.ts");
    expect(first.code, first.output).to.equal(0);
    expect(first.output).to.contain("official download not reachable: building from source\n");
    expect(first.output).to.contain("pulumi 3.259.0: built from source\n");
    expect(first.output).to.contain(
      "keycloak 6.13.0: built from source (upstream of December 2024)\n",
    );
    expect(count(join(folder, "builds"))).to.equal(3);
    expect(existsSync(home("bin/pulumi-language-nodejs"))).to.equal(true);
    const second = await run("prepare.ts");
    expect(second.output.trim().split("\n")).to.have.length(3);
    expect(count(join(folder, "builds"))).to.equal(3);
  });

  it("describes what is there as JSON, and says by its exit code whether that is all", async () => {
    const before = await run("prepare.ts", "--json");
    expect(before.code).to.equal(1);
    expect(before.output).to.contain('"source":"missing"');
    await run("prepare.ts");
    const after = await run("prepare.ts", "--json");
    expect(after.code).to.equal(0);
    const described = JSON.parse(after.output) as { bin: string; pulumi: object };
    expect(described.bin).to.equal(home("bin"));
    expect(described.pulumi).to.deep.include({ version: "3.259.0", source: "built from source" });
  });

  it("plans what is missing, and nothing when all is there", async () => {
    const { output } = await run("plan.js");
    const { steps, apt } = JSON.parse(output) as { steps: { name: string }[]; apt: string[] };
    const names = steps.map(({ name }) => name);
    const versions = ["pulumi CLI 3.259.0", "postgresql plugin 3.18.1", "keycloak plugin 6.13.0"];
    expect(names).to.deep.equal(versions);
    expect(apt).to.deep.equal([]);
    await run("prepare.ts");
    expect((await run("plan.js")).output).to.equal('{"steps":[],"apt":[]}\n');
  });

  it("plans a Go from PyPI, with pip, where there is none", async () => {
    env["PATH"] = join(folder, "empty");
    const { output } = await run("plan.js");
    const { steps, apt } = JSON.parse(output) as { steps: { name: string }[]; apt: string[] };
    expect(steps[0]?.name).to.equal("Go 1.27.3");
    expect(apt).to.include("python3-pip");
  });

  it("downloads the official release, checks it and lets it fetch its plugins", async () => {
    await publish();
    expect((await run("plan.js")).output).to.contain("official download");
    const { code, output } = await run("prepare.ts");
    expect(code, output).to.equal(0);
    expect(output).to.contain("pulumi 3.259.0: official\n");
    expect(output).to.contain("postgresql 3.18.1: official\n");
    expect(count(join(folder, "builds"))).to.equal(0);
    expect(readFileSync(home("bin/pulumi-language-nodejs"), "utf8")).to.equal("#!/bin/sh\n");
    expect(existsSync(home("bin/pulumi-language-go"))).to.equal(false);
  });

  it("does not use a download with another checksum than the published one", async () => {
    await publish("0".repeat(64));
    const { code, output } = await run("prepare.ts");
    expect(code, output).to.equal(0);
    expect(output).to.match(/official download not used \(its SHA-256 is [0-9a-f]{64}, published/);
    expect(output).to.contain("pulumi 3.259.0: built from source\n");
  });

  it("uses an official CLI of the same version on PATH", async () => {
    writeExecutable("theirs/pulumi", fakePulumi);
    writeExecutable("theirs/pulumi-language-nodejs", "#!/bin/sh\n");
    env["PATH"] = `${join(folder, "theirs")}:${env["PATH"] ?? ""}`;
    const { output } = await run("prepare.ts");
    expect(output).to.contain("pulumi 3.259.0: official\n");
  });

  it("builds again when a program or a pin of the toolchain has changed", async () => {
    await run("prepare.ts");
    const note = home("plugins/resource-keycloak-v6.13.0/source");
    writeFileSync(note, "built from source\nof another program\n");
    await run("prepare.ts");
    expect(count(join(folder, "builds"))).to.equal(4);
  });

  it("goes on after it was killed, and leaves nothing unfinished", async () => {
    writeFileSync(join(folder, "hold"), "");
    const { child, ended } = start("prepare.ts");
    await waitFor("a build runs", () => count(join(folder, "builds")) === 1);
    child.kill("SIGKILL");
    await ended;
    rmSync(join(folder, "hold"));
    const { code, output } = await run("prepare.ts");
    expect(code, output).to.equal(0);
    expect(globSync("*unfinished*", { cwd: home(".") })).to.deep.equal([]);
    expect(existsSync(join(folder, "cache/pulumi-3.259.0.lock"))).to.equal(false);
  });

  it("ends its builds when it is interrupted", async () => {
    writeFileSync(join(folder, "hold"), "");
    const { child, ended } = start("prepare.ts");
    await waitFor("a build runs", () => count(join(folder, "builds")) === 1);
    child.kill("SIGINT");
    expect((await ended).code).to.equal(130);
    expect(existsSync(join(folder, "cache/pulumi-3.259.0.lock"))).to.equal(false);
    await waitFor("the build has ended", () => !globSync("/proc/[0-9]*/cmdline").some(isOurBuild));
  });

  function isOurBuild(file: string): boolean {
    try {
      return readFileSync(file, "utf8").includes(join(folder, "go/go"));
    } catch {
      return false;
    }
  }

  it("lets a second one wait for the first, and do nothing twice", async () => {
    writeFileSync(join(folder, "hold"), "");
    const first = start("prepare.ts");
    await waitFor("a build runs", () => count(join(folder, "builds")) === 1);
    const second = start("prepare.ts");
    await waitFor("the second waits", () => second.read().includes("another preparation"));
    rmSync(join(folder, "hold"));
    expect((await first.ended).code).to.equal(0);
    const { code, output } = await second.ended;
    expect(code, output).to.equal(0);
    expect(output).to.contain(`(process ${first.child.pid ?? 0}): waiting for it`);
    expect(count(join(folder, "builds"))).to.equal(3);
  });

  it("says in a few lines why a build failed", async () => {
    writeExecutable(
      "go/go",
      fakeGo.replace('echo "$PWD"', 'echo "no route to the proxy" >&2; exit 1\necho'),
    );
    const { code, output } = await run("prepare.ts");
    expect(code).to.equal(1);
    expect(output).to.contain(
      "go build -trimpath -buildvcs=false failed:\n  no route to the proxy",
    );
    expect(output).not.to.contain("    at ");
  });
});
