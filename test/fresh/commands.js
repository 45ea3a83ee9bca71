/** The README's two commands, each followed from a clean machine to its end. */

/**
 * A clean machine with a clone on it.
 * @typedef {object} Stage
 * @property {import("./machine.js").Machine} machine
 * @property {import("./files.js").Files} files
 * @property {import("./report.js").Report} report
 * @property {string} checkout inside
 */

/** "A second run takes seconds": the bound, in seconds. */
const quick = 30;

/** What the end of `up` must tell. */
const accessPoints = {
  "the address of Keycloak": /https?:\/\/(localhost|127\.0\.0\.1)\S*/,
  "the user": /admin/,
  "the one-time password": /password/i,
  "how to trust the certificate": /ca\.crt/,
  "the next command": /hive status/,
};

/** Pulumi's words for something that is not unchanged. */
const changes = /^.*\b\d+ (?:created|updated|replaced|deleted|to \w+)\b.*$/gm;

/** @param {Stage} stage */
export async function followUp({ machine, files, report, checkout }) {
  const npm = run({ machine, report, checkout });
  const before = await files.list(checkout);

  const first = await npm("npm run up", ["run", "up"], 40);
  report.check("tells where to go and what to do", missing(first, accessPoints));
  const listening = machine.processes().flatMap(({ listens }) => listens);
  report.check(
    `listens on loopback only (${String(listening.length)} ports)`,
    listening.length === 0
      ? ["nothing listens at all"]
      : listening.filter((address) => !/^(127\.|\[::1\])/.test(address)),
  );

  const owner = machine.user.name === "root" ? "hive" : machine.user.name;
  const uid = await machine.run(["id", "-u", owner], { log: files.log });
  report.check(
    `everything runs as ${owner}`,
    machine
      .processes()
      .filter((process) => process.uid !== Number(uid.text))
      .map(({ pid, command }) => `${String(pid)} ${command}`),
  );

  const began = Date.now();
  const second = await npm("npm run up, again", ["run", "up"]);
  const took = (Date.now() - began) / 1000;
  report.check(`took at most ${quick} s`, took <= quick ? [] : [`${took.toFixed(1)} s`]);
  report.check("changed nothing", [
    ...missing(second, { "Pulumi's count of what is unchanged": /\d+ unchanged/ }),
    ...(second.match(changes) ?? []),
  ]);

  const expect = ["run", "preview", "--", "--expect-no-changes"];
  await npm("npm run preview -- --expect-no-changes", expect);
  report.check("git status is clean", await changed({ machine, files, report, checkout }));

  await npm("npm run down -- --yes", ["run", "down", "--", "--yes"]);
  report.check("no process, no listener is left", remains(machine));
  const left = files.left(before, await files.list(checkout));
  report.check("no file is left outside checkout and caches", left);
  const users = await machine.run(["grep", "-i", "hive", "/etc/passwd"], { log: files.log });
  report.check("no user is left", users.text.split("\n").filter(Boolean));
  report.check("git status is clean", await changed({ machine, files, report, checkout }));
}

/** @param {Stage} stage */
export async function followTest({ machine, files, report, checkout }) {
  const text = await run({ machine, report, checkout })("npm test", ["test"], 90);
  for (const line of text.match(/^.*(\d+ passed, \d+ failed|\bskipped\b|\d+ pending).*$/gm) ?? []) {
    report.detail(line.trim());
  }
  const count = { "the line “N passed, 0 failed”": /^[1-9]\d* passed, 0 failed(, \d+ skipped)?$/m };
  report.check("counts what passed, and nothing failed", missing(text, count));
  report.check("no process, no listener is left", remains(machine));
  report.check("git status is clean", await changed({ machine, files, report, checkout }));
}

/**
 * @param {Pick<Stage, "machine" | "report" | "checkout">} stage
 * @returns {(name: string, args: string[], minutes?: number) => Promise<string>}
 */
function run({ machine, report, checkout }) {
  return (name, args, minutes = 10) =>
    report.step(name, (log) =>
      machine.run(["npm", ...args], { log, folder: checkout, minutes, environment: { CI: "1" } }),
    );
}

/**
 * @param {string} text
 * @param {Readonly<Record<string, RegExp>>} expected
 * @returns {string[]}
 */
function missing(text, expected) {
  return Object.entries(expected)
    .filter(([, pattern]) => !pattern.test(text))
    .map(([name]) => `${name} is missing`);
}

/** @param {Stage} stage @returns {Promise<string[]>} */
async function changed({ machine, files, checkout }) {
  const command = ["git", "status", "--porcelain"];
  const { text } = await machine.run(command, { log: files.log, folder: checkout });
  return text.split("\n").filter(Boolean);
}

/** @param {import("./machine.js").Machine} machine @returns {string[]} */
function remains(machine) {
  return machine
    .processes()
    .map(({ pid, command, listens }) => `${String(pid)} ${command} ${listens.join(" ")}`.trimEnd());
}
