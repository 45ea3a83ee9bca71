import { existsSync, readFileSync } from "node:fs";

import { ports } from "../ports.js";
import { findHolders, listListeners, runsFrom } from "./listeners.js";
import { isFilled, passphrasePath, stateFolder } from "./trialFolder.js";

/**
 * What stands in the way, each one sentence; found before anything is changed.
 * @typedef {object} Findings
 * @property {string[]} refusals `up` stops here
 * @property {string[]} warnings
 */

/** Room for npm packages, tools, a build of them, Keycloak and the first databases. */
const neededMegabytes = 3000;

/**
 * @param {import("./machine.js").Machine} machine
 * @returns {Findings}
 */
export function checkSystem({ platform, system, apt }) {
  const family = [system.id, ...system.like.split(" ")];
  if (platform !== "linux" || !apt || !family.some((id) => id === "debian" || id === "ubuntu")) {
    const name = platform === "linux" ? system.name : platform;
    return {
      refusals: [
        `This is ${name}; the trial runs on Debian and Ubuntu (apt-get), in a container or a virtual machine too.`,
      ],
      warnings: [],
    };
  }
  const tested = system.id === "debian" && ["12", "13"].includes(system.version);
  return {
    refusals: [],
    warnings: tested ? [] : [`${system.name} is untested; Debian 12 and 13 are tested.`],
  };
}

/**
 * @param {import("./machine.js").Machine} machine
 * @param {readonly string[]} packages Debian packages that are missing
 * @param {{ listsMissing: boolean }} apt listsMissing: `apt-get update` never ran here
 * @returns {string[]}
 */
export function checkPrivilege({ privilege }, packages, { listsMissing }) {
  if (packages.length === 0 || privilege !== "none") return [];
  const update = listsMissing ? "sudo apt-get update && " : "";
  return [
    `Debian packages are missing and you are not root (sudo asks for a password): ` +
      `run \`${update}sudo apt-get install -y --no-install-recommends ${packages.join(" ")}\`, then this command again.`,
  ];
}

/**
 * @param {import("./machine.js").Machine} machine
 * @param {string} checkout
 * @param {boolean} somethingMissing the plan is not empty
 * @returns {string[]}
 */
export function checkDisk({ writable, freeMegabytes }, checkout, somethingMissing) {
  const refusals = [];
  if (!writable) {
    refusals.push(`${checkout} may not be written by you: clone into a folder of your own.`);
  }
  if (somethingMissing && freeMegabytes !== undefined && freeMegabytes < neededMegabytes) {
    refusals.push(
      `Only ${freeMegabytes} MB of disk are free and ${neededMegabytes} MB are needed: make room, then run this command again.`,
    );
  }
  return refusals;
}

/**
 * @param {object} trial
 * @param {string} trial.checkout
 * @param {number} trial.uid ours
 * @param {number | undefined} trial.owner uid of whoever made .hive
 * @param {import("../cli/record.js").Trial | undefined} trial.record
 * @param {string} trial.root where the trial lies or would lie
 * @returns {string[]}
 */
export function checkTrial({ checkout, uid, owner, record, root }) {
  if (owner !== undefined && owner !== uid) {
    const name = userName(owner);
    const again = owner === 0 ? "run this command with sudo" : `run this command as ${name}`;
    return [`The trial of this checkout was made by ${name} (uid ${owner}): ${again}.`];
  }
  const refusals = [];
  if (existsSync(stateFolder(checkout)) && !existsSync(passphrasePath(checkout))) {
    refusals.push(
      `${passphrasePath(checkout)} is missing, and without it the state in .hive/state cannot be read: ` +
        "put the file back from your backup.",
    );
  }
  if (record?.root === undefined && root.startsWith("/var/lib/") && isFilled(root)) {
    refusals.push(
      `${root} exists already and was not made from this checkout: ` +
        `\`npm run up -- --beside\` uses another folder and other ports; \`rm -rf ${root}\` removes what is left of an old trial.`,
    );
  }
  return refusals;
}

/**
 * @param {object} trial
 * @param {number | undefined} trial.portBase
 * @param {string | undefined} trial.root what runs from there is ours
 * @param {string} [proc] default /proc
 * @returns {string[]} one sentence for each port that somebody else holds
 */
export function checkPorts({ portBase, root }, proc = "/proc") {
  const wanted = Object.entries(ports(portBase));
  const listeners = listListeners(proc);
  const busy = wanted.flatMap(([name, port]) => {
    const sockets = listeners.filter((listener) => listener.port === port);
    return sockets.length === 0 ? [] : [{ name, port, sockets }];
  });
  if (busy.length === 0) return [];
  const inodes = busy.flatMap(({ sockets }) => sockets.map(({ inode }) => inode));
  const holders = findHolders(new Set(inodes), proc);
  return busy.flatMap(({ name, port, sockets }) => {
    const holder = sockets.map(({ inode }) => holders.get(inode)).find((found) => found);
    if (holder !== undefined && root !== undefined && runsFrom(holder.pid, root, proc)) return [];
    const who =
      holder === undefined
        ? "a process of another user (`sudo ss -ltnp` names it)"
        : `${holder.name} (pid ${holder.pid})`;
    return [
      `Port ${port} (${name}) is held by ${who}: \`npm run up -- --beside\` takes free ports instead.`,
    ];
  });
}

/**
 * @param {number} uid
 * @returns {string}
 */
function userName(uid) {
  try {
    const line = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .find((entry) => entry.split(":")[2] === String(uid));
    return line?.split(":")[0] ?? "another user";
  } catch {
    return "another user";
  }
}
