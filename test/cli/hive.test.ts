import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { expect } from "chai";

import { describeExports, quote, readEnvironment } from "../../cli/env.ts";
import { writeRecord } from "../../cli/record.js";
import { StackState } from "../../cli/stackState.ts";

const checkout = dirname(dirname(import.meta.dirname));

function hive(...args: string[]) {
  return spawnSync(process.execPath, [join(checkout, "cli", "hive.js"), ...args], {
    encoding: "utf8",
  });
}

describe("hive", function () {
  this.timeout(30_000);

  it("explains itself and each command", () => {
    const { stdout, status } = hive("--help");
    expect(status).to.equal(0);
    for (const command of ["env", "status", "logs", "start", "stop", "restart"]) {
      expect(stdout).to.contain(`  ${command} [options]`);
      const help = hive(command, "--help");
      expect(help.status).to.equal(0);
      expect(help.stdout).to.contain("--json").and.to.contain("--stack");
    }
  });

  it("answers a typing error with exit code 2", () => {
    const { stderr, status } = hive("statsu");
    expect(status).to.equal(2);
    expect(stderr).to.contain("Did you mean status?");
  });

  it("says on standard error, in one sentence, that nothing is set up", () => {
    for (const command of ["status", "logs", "start", "stop", "restart"]) {
      const { stdout, stderr, status } = hive(command, "--stack", "nowhere", "--json");
      expect(status, command).to.equal(1);
      expect(stdout).to.equal("");
      expect(stderr.trim().split("\n"), command).to.have.length(1);
    }
  });

  describe("env", () => {
    let folder: string;
    let bin: string;

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "hive env-"));
      bin = join(folder, "bin");
      mkdirSync(bin);
      writeFileSync(join(bin, "pulumi"), "#!/bin/sh\necho v3.259.0\n", { mode: 0o755 });
    });

    afterEach(() => {
      rmSync(folder, { recursive: true });
    });

    /** Without a toolchain folder the user's own `pulumi` is what there is. */
    function inShell<T>(work: () => T, more: NodeJS.ProcessEnv = {}): T {
      const saved = { ...process.env };
      process.env["PATH"] = `${bin}:${process.env["PATH"] ?? ""}`;
      for (const name of Object.keys(process.env)) {
        if (name.startsWith("PULUMI_")) Reflect.deleteProperty(process.env, name);
      }
      Object.assign(process.env, { PULUMI_CREDENTIALS_PATH: folder, ...more });
      try {
        return work();
      } finally {
        process.env = saved;
      }
    }

    const read = () => inShell(() => readEnvironment(folder, "dev"));

    it("refuses before there is a state", () => {
      expect(read).to.throw("Stack dev is not set up in this checkout: run `npm run up`.");
      writeRecord(folder, "dev", { root: "/r" });
      expect(read).to.throw("There is no state of stack dev yet");
    });

    it("points at the trial's own state and never at a file that Pulumi would rewrite", () => {
      writeRecord(folder, "dev", { root: "/r" });
      writeFileSync(join(folder, ".hive", "passphrase"), "secret\n");
      writeFileSync(join(folder, "Pulumi.dev.yaml"), "config: {}\n");
      const variables = read();
      expect(variables).to.deep.include({
        PULUMI_BACKEND_URL: `file://${folder}/.hive/state`,
        PULUMI_CONFIG_PASSPHRASE_FILE: `${folder}/.hive/passphrase`,
        PULUMI_STACK: "dev",
      });
      expect(variables["PATH"]).to.match(new RegExp(`^${folder}/node_modules/.bin:`));
      expect(JSON.stringify(variables)).not.to.contain("secret\\n");
      const config = variables["PULUMI_OPTION_CONFIG_FILE"] ?? "";
      expect(readFileSync(config, "utf8")).to.equal("config: {}\n");
      // What Pulumi's save begins with: making the folder, after cleaning the path as text.
      const [, proc = "", self = "", first = ""] = join(config).split("/");
      expect(() => {
        mkdirSync(join("/", proc, self, first));
      }).to.throw(/ENOENT/);
    });

    it("has the trial's own passphrase, whatever the shell's is for", () => {
      writeRecord(folder, "dev", { root: "/r" });
      writeFileSync(join(folder, ".hive", "passphrase"), "secret\n");
      const pulumi = `#!/bin/sh
[ "$1" = version ] && echo v3.259.0 && exit
printf '{"deployment": {"resources": [{"urn": "%s", "type": "%s"}]}}' \
  "$PULUMI_CONFIG_PASSPHRASE" "$PULUMI_CONFIG_PASSPHRASE_FILE"\n`;
      writeFileSync(join(bin, "pulumi"), pulumi, { mode: 0o755 });
      const state = inShell(() => new StackState(folder, "dev").resources(), {
        PULUMI_CONFIG_PASSPHRASE: "of another stack",
      });
      expect(state).to.deep.equal([{ urn: "", type: `${folder}/.hive/passphrase` }]);
    });

    it("is quoted for a shell", () => {
      const text = describeExports({ A: "it's $HOME `x`" });
      const { stdout } = spawnSync("sh", ["-c", `eval "$1"; printf %s "$A"`, "sh", text], {
        encoding: "utf8",
      });
      expect(stdout).to.equal("it's $HOME `x`");
      expect(quote("a")).to.equal("'a'");
    });
  });
});

describe("requireNode", () => {
  const run = (versions: string, env: NodeJS.ProcessEnv = {}) => {
    const script = join(checkout, "cli", "requireNode.js");
    const code = `Object.defineProperty(process, "versions", { value: { node: "${versions}" } }); await import(${JSON.stringify(script)}); console.log("runs");`;
    return spawnSync(process.execPath, ["--input-type=module", "-e", code], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], ...env },
    });
  };

  it("lets a Node pass that runs TypeScript", () => {
    for (const version of ["22.18.0", "24.0.0"]) expect(run(version).stdout).to.equal("runs\n");
  });

  it("stops an older one with one sentence; Pulumi is told that the user knows", () => {
    for (const version of ["18.19.0", "22.17.9"]) {
      const { stderr, stdout, status } = run(version);
      expect(stdout).to.equal("");
      expect(status).to.equal(1);
      expect(stderr).to.equal(
        `This program needs Node 22.18 or newer and was started with ${version}: ` +
          'run `eval "$(npx hive env)"` first, or use `npm run up`.\n',
      );
    }
    expect(run("20.0.0", { PULUMI_CONFIG: "{}" }).status).to.equal(32);
  });
});
