import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { noContainers } from "../support/container.ts";
import { secret } from "../support/hostPlugin.ts";
import { type DebianHost, startDebianHost } from "./debianHost.ts";

type Values = Record<string, unknown>;

const source = mkdtempSync(join(tmpdir(), "hivematrix-release-"));
const python = ["/usr/bin/python3", "-m", "http.server", "7300", "--bind", "127.0.0.1"];

interface Row {
  readonly type: string;
  readonly inputs: Values;
  /** An input that is refused, and the property that is named. */
  readonly wrong: readonly [Values, RegExp];
  /** Another wish, and the properties that the diff names. */
  readonly change: Values;
  readonly differs: readonly string[];
  /** Whether a new resource takes the place of the old one. */
  readonly replaces?: boolean;
  /** What import is asked for; default: the id. */
  readonly importId?: string;
  /** Inputs that no host tells. */
  readonly untold?: readonly string[];
  /** Prints something as long as it is there; absent: nothing of it is on the host. */
  readonly look?: string;
  /** Whether delete leaves it there. */
  readonly stays?: boolean;
  readonly before?: string;
}

/** The list of the architecture, and what came to it since. Archive: test/provider/archive.test.ts. */
const rows: readonly Row[] = [
  {
    type: "File",
    inputs: { path: "/srv/file", content: "one\n", mode: "0640", owner: "deploy", group: "deploy" },
    wrong: [{ path: "srv/file" }, /^path must be an absolute path/],
    change: { content: "two\n", mode: "0600" },
    differs: ["content", "mode"],
    look: "cat /srv/file 2>/dev/null || :",
  },
  {
    type: "Directory",
    inputs: { path: "/srv/folder", mode: "0750", owner: "deploy", group: "deploy" },
    wrong: [{ mode: "rwx" }, /^mode must be octal digits/],
    change: { mode: "0700" },
    differs: ["mode"],
    look: "stat -c %a /srv/folder 2>/dev/null || :",
  },
  {
    type: "Package",
    inputs: { names: ["sudo", "cron"] },
    wrong: [{ names: ["-x"] }, /^names\[0\] must be a package's name/],
    change: { names: ["sudo"] },
    differs: ["names[1]"],
    importId: "sudo",
    look: "dpkg-query -W -f '${Version}' cron",
    stays: true,
  },
  {
    type: "User",
    inputs: { name: "table", home: "/srv/table" },
    wrong: [{ name: "Table!" }, /^name must be a user name/],
    change: { home: "/srv/other" },
    differs: ["home"],
    look: "getent passwd table || :",
  },
  {
    type: "Release",
    inputs: { path: "/srv/release", source, version: "v1" },
    wrong: [{ version: "../v1" }, /^version must be at most 64 letters/],
    change: { version: "v2" },
    differs: ["version"],
    untold: ["source"],
    look: "ls /srv/release 2>/dev/null || :",
  },
  {
    type: "Secret",
    inputs: { length: 24 },
    wrong: [{ length: 3 }, /^length must be at least 16/],
    change: { version: 2 },
    differs: ["version"],
    importId: "/srv/secret",
    untold: ["length", "version"],
    before: "printf 'a-secret-of-somebody-else\\n' >/srv/secret",
  },
  {
    type: "Service",
    inputs: {
      name: "table",
      directory: "/srv/service",
      state: "/srv/services/table",
      command: [...python, "--directory", "/srv/it's here"],
      env: { GREETING: secret("two\nlines") },
      ready: [{ tcp: { port: 7300 } }],
      stopTimeout: 5,
    },
    wrong: [{ command: ["python3"] }, /^command\[0\] must be an absolute path/],
    change: { stopTimeout: 6 },
    differs: ["stopTimeout"],
    importId: "/srv/service/table",
    untold: ["ready"],
    before:
      'apt-get -qq update && apt-get -qq -y install --no-install-recommends runit >/dev/null && mkdir -p /srv/service /srv/services "/srv/it\'s here"',
    look: "ls /srv/services/table 2>/dev/null || :",
  },
  {
    type: "Unit",
    inputs: {
      name: "table",
      description: "50% of all",
      command: ["/usr/bin/python3", "-c", 'import time; print("$HOME %n"); time.sleep(999)'],
      env: { GREETING: secret('a "b" $c\\') },
      user: "deploy",
      writable: ["/srv"],
      egress: ["192.0.2.0/24"],
      ready: [{ exec: { command: ["/bin/true"] } }],
      readyTimeout: 30,
      stopTimeout: 5,
      after: ["cron.service"],
      jit: false,
    },
    wrong: [{ user: "no one" }, /^user must be a user name/],
    change: { memoryMax: "256M" },
    differs: ["memoryMax", "unit"],
    untold: ["readyTimeout"],
    look: "cat /etc/systemd/system/table.service 2>/dev/null || :",
  },
  {
    type: "Timer",
    inputs: {
      name: "tick",
      schedule: "*-*-* 02:00:00",
      command: ["/usr/bin/python3", "-c", 'print("$HOME")'],
      env: { KEY: secret("hidden") },
      user: "deploy",
      randomDelay: 60,
    },
    wrong: [{ command: ["python3"] }, /^command\[0\] must be an absolute path/],
    change: { schedule: "*-*-* 03:00:00" },
    differs: ["schedule", "timer"],
    look: "cat /etc/systemd/system/tick.timer 2>/dev/null || :",
  },
  {
    type: "Daemon",
    inputs: { unit: "cron.service" },
    wrong: [{ unit: "cron" }, /^unit must be a unit's name/],
    change: { restartOn: ["a"] },
    differs: ["restartOn"],
    untold: ["restartOn"],
    look: "systemctl is-active cron.service || :",
    stays: true,
  },
  {
    type: "Machine",
    inputs: {},
    wrong: [{ clock: "slow" }, /^clock must be "right"/],
    change: {},
    differs: [],
    importId: "this",
  },
  {
    type: "FirewallRuleset",
    inputs: { open: [{ port: 443 }] },
    wrong: [{ sshRate: 1 }, /^sshRate must be at least 6/],
    change: { open: [{ port: 443 }, { port: 80 }] },
    differs: ["open[1]", "rules"],
    look: "nft list table inet hivematrix 2>/dev/null || :",
  },
];

describe("every resource of the host provider", function () {
  this.timeout(120_000);
  this.slow(20_000);
  let on: DebianHost;

  before(async function () {
    this.timeout(900_000);
    if (noContainers !== undefined) return void this.skip();
    writeFileSync(join(source, "main.js"), "hello\n");
    on = await startDebianHost();
  });
  after(async () => {
    rmSync(source, { recursive: true, force: true });
    if (noContainers === undefined) await on.stop();
  });

  for (const row of rows) {
    const { type, look, untold = [], wrong, change, differs } = row;
    it(`${type}: check, preview, create, read, diff, update, import, delete`, async () => {
      const { plugin } = on;
      const sh = (script: string) => on.sh(script);
      const known = async (inputs: Values): Promise<Values> => {
        const checked = await plugin.check(type, inputs);
        expect(checked.failures).to.deep.equal([]);
        return checked.inputs;
      };
      if (row.before !== undefined) await sh(row.before);
      if (type === "Service") await plugin.create("Supervisor", { directory: "/srv/service" });

      const { failures } = await plugin.check(type, { ...row.inputs, ...wrong[0] });
      expect(failures.join("\n")).to.match(wrong[1]);
      const inputs = await known(row.inputs);
      const there = look === undefined ? "" : await sh(look);
      await plugin.create(type, inputs, { preview: true });
      if (look !== undefined) expect(await sh(look), "changed by a preview").to.equal(there);

      const made = await plugin.create(type, inputs);
      if (look !== undefined) expect(await sh(look)).not.to.equal("");
      const read = await plugin.read(type, made.id, made.properties);
      expect(read?.properties).to.deep.equal(made.properties);
      expect((await plugin.diff(type, made.properties, inputs)).changes).to.equal(false);

      const wanted = await known({ ...row.inputs, ...change });
      const { detailed } = await plugin.diff(type, made.properties, wanted);
      expect(Object.keys(detailed).toSorted()).to.deep.equal(differs);
      const updated = await plugin.update(type, made.id, made.properties, wanted);
      expect((await plugin.read(type, made.id, updated))?.properties).to.deep.equal(updated);

      const imported = await plugin.read(type, row.importId ?? made.id);
      expect(imported, "import").not.to.equal(undefined);
      const told = Object.entries(wanted).filter(([key]) => !untold.includes(key));
      for (const [key, value] of told) {
        const found = imported?.inputs[key];
        expect(plainOf(found), `import: ${key}`).to.deep.equal(plainOf(value));
        if (key === "env") expect(isSecret(found), "import: env").to.equal(true);
      }

      if (type === "Secret") {
        const value = imported?.properties["value"];
        expect(isSecret(value)).to.equal(true);
        expect(plainOf(value)).to.equal("a-secret-of-somebody-else");
      }

      await plugin.delete(type, made.id, updated);
      if (look === undefined) return;
      if (row.stays === true) expect(await sh(look)).to.equal(there);
      else {
        expect(await sh(look)).to.equal("");
        expect(await plugin.read(type, made.id, updated)).to.equal(undefined);
      }
    });
  }

  it("imports nothing that is not there, and no unit of somebody else's", async () => {
    for (const [type, id] of [
      ["File", "/srv/none"],
      ["Directory", "/srv/none"],
      ["User", "nobody-there"],
      ["Package", "no-such-package"],
      ["Release", "/srv/none"],
      ["Secret", "/srv/none"],
      ["Unit", "ssh"],
      ["Timer", "apt-daily"],
      ["Daemon", "none.service"],
      ["Service", "/srv/service/none"],
    ] as const) {
      expect(await on.plugin.read(type, id), type).to.equal(undefined);
    }
  });

  /** What the issue asks of File's validator: the four programs. */
  const validators: Record<
    string,
    { validate: string[]; good: string; bad: string; says: RegExp }
  > = {
    "nft -c -f": {
      validate: ["/usr/sbin/nft", "-c", "-f", "%s"],
      good: "table inet x { }\n",
      bad: "table inet x { nonsense }\n",
      says: /syntax error/,
    },
    "sshd -t": {
      validate: ["/usr/sbin/sshd", "-t", "-f", "%s"],
      good: "Port 22\n",
      bad: "Prot 22\n",
      says: /line 1: Bad configuration option: Prot/,
    },
    "visudo -c": {
      validate: ["/usr/sbin/visudo", "-c", "-q", "-f", "%s"],
      good: "deploy ALL=(ALL) NOPASSWD: ALL\n",
      bad: "deploy ALL=(ALL NOPASSWD\n",
      says: /syntax error|visudo refuses/,
    },
    "systemd-analyze verify": {
      validate: ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", "%s"],
      good: "[Service]\nExecStart=/bin/true\n",
      bad: "[Service]\nExecStart=/bin/missing\n",
      says: /\/bin\/missing is not executable/,
    },
  };
  for (const [name, { validate, good, bad, says }] of Object.entries(validators)) {
    it(`File asks ${name} before the new content takes its place`, async () => {
      const { plugin } = on;
      const sh = (script: string) => on.sh(script);
      const path = `/srv/checked.${name.startsWith("systemd") ? "service" : "conf"}`;
      const inputs = { path, content: good, mode: "0440", validate };
      await sh(`printf before >${path}`);
      const { id, properties } = await plugin.create("File", inputs);
      const refused = await plugin
        .update("File", id, properties, { ...inputs, content: bad })
        .then(() => expect.fail("it was not refused"))
        .catch((error: unknown) => (error as Error).message);
      expect(refused).to.match(says).and.to.include(`${path} was not changed`);
      expect(await sh(`cat ${path}`)).to.equal(good.trim());
      expect(await sh("ls -A /srv | grep '^.checked' || :")).to.equal("");
      await plugin.delete("File", id, properties);
      expect(await sh(`cat ${path}; rm ${path}`)).to.equal("before");
    });
  }
});

/** Without the marks of secrets. */
function plainOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value !== "object" || value === null) return value;
  if (isSecret(value)) return plainOf((value as { value: unknown }).value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainOf(item)]));
}

function isSecret(value: unknown): boolean {
  return JSON.stringify(value).startsWith(JSON.stringify(secret(0)).slice(0, 60));
}
