import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

import * as settings from "./clientSettings.js";
import { loopbackPorts, resolverSettings } from "./network.js";

/** Debian's and most others' place of the system's certificates. */
const bundle = "/etc/ssl/certs/ca-certificates.crt";
const authorities = "/usr/local/share/ca-certificates";

/**
 * Gives an unpacked machine this host's way to the network: name resolution, certificates and the
 * package clients' settings. Copies, no mounts: packages write to these places.
 * @param {string} root of the machine
 * @param {string} home of its user, seen from inside
 * @returns {{ environment: Record<string, string>, ports: number[] }} variables its commands need;
 *   ports of this host's loopback its package clients need
 */
export function equip(root, home) {
  const inside = (/** @type {string} */ path) => join(root, path);
  /** @type {string[]} */
  const texts = [];
  const put = (/** @type {string} */ path, /** @type {string} */ text) => {
    if (text === "") return;
    mkdirSync(dirname(inside(path)), { recursive: true });
    texts.push(text);
    // Some of these hold a password for a mirror.
    writeFileSync(inside(path), text, { mode: path.startsWith(home) ? 0o600 : 0o644 });
  };
  const mine = (/** @type {string} */ path) => readIfThere(join(homedir(), path));

  put("/etc/resolv.conf", resolverSettings());
  put("/etc/hostname", "fresh\n");
  put("/etc/hosts", hosts(readIfThere("/etc/hosts")));

  const dump = spawnSync("apt-config", ["dump"], { encoding: "utf8" }).stdout ?? "";
  put("/etc/apt/apt.conf.d/90host", settings.aptSettings(dump));
  for (const name of ["/etc/apt/auth.conf", "/etc/apt/auth.conf.d"]) {
    if (existsSync(name)) cpSync(name, inside(name), { recursive: true });
  }

  const npmrcs = ["/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc"].map(readIfThere);
  const npm = settings.npmSettings([...npmrcs, mine(".npmrc")].join("\n"));
  put(`${home}/.npmrc`, [...new Set(npm.split("\n"))].join("\n"));
  put("/etc/pip.conf", readIfThere(process.env["PIP_CONFIG_FILE"] || "/etc/pip.conf"));
  put(`${home}/.config/pip/pip.conf`, mine(".config/pip/pip.conf") || mine(".pip/pip.conf"));
  put(`${home}/.config/go/env`, settings.goSettings(mine(".config/go/env")));
  // As the user's file: the system's place belongs to the package maven, installed only later.
  const maven = [mine(".m2/settings.xml"), readIfThere("/etc/maven/settings.xml")];
  put(`${home}/.m2/settings.xml`, maven.map(settings.mavenSettings).find(Boolean) ?? "");

  // As authorities of the machine, so that they survive the packages that rebuild the bundle, and
  // so that Java has them as well.
  const variables = settings.clientVariables(process.env);
  const files = [bundle, ...Object.values(variables)].filter(isFile);
  const known = readIfThere(inside(bundle));
  const unknown = settings.unknownCertificates(files.map(readIfThere).join("\n"), known);
  for (const [index, text] of unknown.entries())
    put(`${authorities}/host-${index}.crt`, `${text}\n`);
  for (const path of files) {
    if (!existsSync(inside(path))) put(path, readIfThere(path));
  }
  const sources = readIfThere(inside("/etc/apt/sources.list.d/debian.sources"));
  const ports = loopbackPorts([...texts, ...Object.values(variables), sources]);
  return { environment: variables, ports };
}

/**
 * @param {string} text of the host's file
 * @returns {string} with its names of other machines, without its own
 */
function hosts(text) {
  const others = text
    .split("\n")
    .filter((line) => /^[0-9a-f]/i.test(line) && !/^(127\.|::1|f)/i.test(line));
  return ["127.0.0.1 localhost", "127.0.1.1 fresh", "::1 localhost", ...others, ""].join("\n");
}

/** @param {string} path @returns {boolean} */
function isFile(path) {
  return path.startsWith("/") && existsSync(path) && statSync(path).isFile();
}

/** @param {string} path @returns {string} empty when it is not there */
function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
