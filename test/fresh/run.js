import { existsSync, mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { helpText, parseArguments, UsageError } from "./arguments.js";
import { writeBundle } from "./bundle.js";
import { followTest, followUp } from "./commands.js";
import { equip } from "./equip.js";
import { Files } from "./files.js";
import { execute, killChildren, measure } from "./helper.js";
import { imagePath, makeImage } from "./image.js";
import { Machine } from "./machine.js";
import { Report, Stopped } from "./report.js";

const source = fileURLToPath(new URL("../..", import.meta.url));
const bundle = "/srv/hivematrix.bundle";

/** @type {(() => Promise<void>)[]} what is to be undone, last first, however the end comes */
const undo = [];
let interrupted = false;

/** @typedef {import("./arguments.js").Arguments} Arguments */

/** @param {Arguments} options @returns {Promise<number>} the exit code */
async function main(options) {
  if (process.getuid?.() !== 0) {
    throw new UsageError("A clean machine takes root: run this as root, or put sudo -E before it.");
  }
  process.umask(0o022);
  // Not /tmp, which may be memory: a machine grows to some gigabytes.
  const work = mkdtempSync("/var/tmp/hivematrix-fresh-");
  const logs = join(work, "logs");
  mkdirSync(logs);
  const report = new Report(logs);
  undo.push(async () => {
    if (report.failed === 0 && !options.keep) await remove(work);
    else process.stdout.write(`The steps' logs: ${logs}\n`);
  });

  try {
    if (options.rebuild || !existsSync(imagePath(options.suite))) {
      report.heading(`A clean ${options.suite}, kept for the next time`);
      await report.step(`debootstrap ${options.suite}`, (log) =>
        measure(log, () => makeImage(options.suite, log)),
      );
    }
    if (options.shell !== undefined) await onMachine("shell", options, work, report);
    else if (options.only !== "both") await onMachine(options.only, options, work, report);
    else {
      for (const command of /** @type {const} */ (["up", "test"])) {
        await onMachine(command, options, work, report).catch(unlessStopped);
      }
    }
  } catch (error) {
    unlessStopped(error);
  }
  await cleanUp();
  report.end();
  return report.failed === 0 ? 0 : 1;
}

/**
 * A clean machine, a clone on it, what `command` stands for, and its end.
 * @param {"up" | "test" | "shell"} command
 * @param {Arguments} options
 * @param {string} work
 * @param {Report} report
 */
async function onMachine(command, options, work, report) {
  const user = options.user
    ? { name: "newcomer", home: "/home/newcomer" }
    : { name: "root", home: "/root" };
  const title = { up: "npm run up", test: "npm test", shell: "a command" }[command];
  report.heading(`${options.suite}, as ${user.name}: ${title}`);
  const kept = undo.length;
  try {
    const stage = await newcomer(join(work, command), user, options, report);
    if (command === "up") await followUp(stage);
    else if (command === "test") await followTest(stage);
    else await followShell(stage, options.shell ?? "");
  } finally {
    // At once: the next machine wants the same ports.
    await cleanUp(kept);
  }
}

/**
 * What a newcomer does before the two commands.
 * @param {string} root
 * @param {{ name: string, home: string }} user
 * @param {Arguments} options
 * @param {Report} report
 * @returns {Promise<import("./commands.js").Stage>}
 */
async function newcomer(root, user, options, report) {
  /** @type {Machine | undefined} */
  let machine;
  undo.push(async () => {
    await machine?.end();
    if (options.keep) process.stdout.write(`The machine's files: ${root}\n`);
    else await remove(root);
  });
  let files;
  let cloned = { commit: "", left: 0 };
  await report.step("a clean machine", (log) =>
    measure(log, async () => {
      mkdirSync(root);
      await execute("tar", ["--numeric-owner", "-C", root, "-xpf", imagePath(options.suite)], log);
      cloned = writeBundle(source, join(root, bundle), options);
      machine = await Machine.start(root);
      if (options.user) await machine.addUser(user.name, log);
      const { environment, ports } = equip(root, user.home);
      machine.environment = environment;
      await machine.connect(ports);
      await machine.settle(user, log);
      files = new Files(root, machine, log);
    }),
  );
  if (machine === undefined || files === undefined) throw new Stopped();

  const settled = machine;
  const sudo = options.user ? ["sudo"] : [];
  const type = (/** @type {string[]} */ ...words) =>
    report.step(words.join(" "), (log) => settled.run(words, { log }));
  await type(...sudo, "apt-get", "update");
  await type(...sudo, "apt-get", "install", "-y", "git", "npm");
  await type("git", "clone", bundle, "hivematrix");
  report.detail(
    cloned.left > 0 ? `${cloned.commit}, without ${cloned.left} changed files` : cloned.commit,
  );
  return { machine, files, report, checkout: `${user.home}/hivematrix` };
}

/** @param {import("./commands.js").Stage} stage @param {string} line */
async function followShell({ machine, report, checkout }, line) {
  const text = await report.step("the command", (log) =>
    machine.run(["bash", "-c", line], { log, folder: checkout, minutes: 60 }),
  );
  process.stdout.write(text);
}

/** @param {string} path */
async function remove(path) {
  await execute("rm", ["-rf", "--one-file-system", path], "/dev/null");
}

/** @param {unknown} error */
function unlessStopped(error) {
  if (!(error instanceof Stopped)) throw error;
}

/** @param {number} [down] to this many entries */
async function cleanUp(down = 0) {
  while (undo.length > down) await undo.pop()?.();
}

for (const [signal, number] of /** @type {const} */ ([
  ["SIGINT", 2],
  ["SIGTERM", 15],
  ["SIGHUP", 1],
])) {
  process.on(signal, () => {
    if (interrupted) return;
    interrupted = true;
    killChildren();
    void cleanUp().finally(() => process.exit(128 + number));
  });
}

try {
  const options = parseArguments(process.argv.slice(2));
  if (options.help) process.stdout.write(helpText);
  else process.exitCode = await main(options);
} catch (error) {
  await cleanUp();
  process.stderr.write(`${error instanceof UsageError ? error.message : error.stack}\n`);
  process.exitCode = error instanceof UsageError ? error.exitCode : 1;
}
