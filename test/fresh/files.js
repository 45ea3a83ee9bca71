import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where the watch keeps its lists, out of sight of the comparison. */
const folder = "/usr/local/lib/fresh";

/**
 * Debian packages stay after `down`, with all that their own scripts make. What those made is
 * found by looking before and after each run of dpkg; what could be the project's is not looked at
 * then, so it cannot hide behind a package installed in the same moment.
 */
const watch = `#!/bin/sh
cd ${folder} || exit
list() {
  find / -xdev \\( -path /root -o -path /home -o -path /tmp -o -path /var/tmp -o -name 'hive*' \\
    -o -path ${folder} \\) -prune -o -print 2>/dev/null | LC_ALL=C sort
}
case $1 in
  before) list > before ;;
  after) list > after && LC_ALL=C comm -13 before after >> packages ;;
esac
`;

const hooks = `DPkg::Pre-Invoke { "${folder}/watch before"; };
DPkg::Post-Invoke { "${folder}/watch after"; };
`;

/** Written by apt, dpkg, useradd and sudo themselves, outside of dpkg's runs. */
const system = [
  /^\/var\/(lib|cache)\/(apt|dpkg|debconf)(\/|$)/,
  /^\/var\/log\//,
  /^\/etc\/(passwd|group|shadow|gshadow|subuid|subgid)-$/,
  /^\/etc\/\.pwd\.lock$/,
  /^\/(run|var\/lib)\/sudo(\/|$)/,
];

/** The package clients' own caches, below the user's home. */
const caches = [".cache", ".npm", ".m2"];

/** What files a machine has, seen over time. */
export class Files {
  /**
   * @param {string} root of the machine, seen from outside
   * @param {import("./machine.js").Machine} machine
   * @param {string} log
   */
  constructor(root, machine, log) {
    this.root = root;
    this.machine = machine;
    this.log = log;
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, "packages"), "");
    writeFileSync(join(root, folder, "watch"), watch, { mode: 0o755 });
    writeFileSync(join(root, "etc/apt/apt.conf.d/99fresh"), hooks);
  }

  /**
   * @param {string} checkout
   * @returns {Promise<string[]>} all outside the checkout, the caches and `folder`
   */
  async list(checkout) {
    const { home } = this.machine.user;
    const left = [folder, checkout, ...caches.map((name) => `${home}/${name}`)];
    const prune = left.flatMap((path) => ["-o", "-path", path]).slice(1);
    const command = ["find", "/", "-xdev", "(", ...prune, ")", "-prune", "-o", "-print"];
    const { text } = await this.machine.run(command, { log: this.log, folder: "/", root: true });
    return text.split("\n").filter((path) => path.startsWith("/"));
  }

  /**
   * @param {readonly string[]} before
   * @param {readonly string[]} after
   * @returns {string[]} what is new and neither a package's nor the system's
   */
  left(before, after) {
    const information = join(this.root, "var/lib/dpkg/info");
    const lists = readdirSync(information).filter((name) => name.endsWith(".list"));
    const packages = [
      join(this.root, folder, "packages"),
      ...lists.map((name) => join(information, name)),
    ].flatMap((path) => readFileSync(path, "utf8").split("\n"));
    const known = new Set([...before, ...packages]);
    return after.filter(
      (path) => !known.has(path) && !system.some((pattern) => pattern.test(path)),
    );
  }
}
