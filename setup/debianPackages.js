import { runStep } from "./step.js";

/** While it is there, the package postgresql makes no cluster of its own on port 5432. */
const noCluster = "/etc/postgresql-common/createcluster.d/hivematrix.conf";

/**
 * Installs Debian packages, never with what they recommend (runit's would replace the machine's init).
 * @param {string} checkout
 * @param {import("./terminal.js").Terminal} terminal
 * @param {readonly string[]} names
 * @param {import("./machine.js").Machine["privilege"]} privilege root or sudo
 * @returns {Promise<void>}
 */
export async function installPackages(checkout, terminal, names, privilege) {
  if (names.length === 0) return;
  const [command, ...args] = installCommand(names, privilege);
  await runStep(checkout, terminal, {
    title: `Debian packages ${names.join(" ")}`,
    command,
    args,
    log: "apt.log",
    advice: "Run `apt-get update` and look at the log; then run the same command again.",
  });
}

/**
 * @param {readonly string[]} names
 * @param {import("./machine.js").Machine["privilege"]} privilege
 * @returns {string[]} argument vector
 */
export function installCommand(names, privilege) {
  const script = [
    "export DEBIAN_FRONTEND=noninteractive",
    // Set-up of Java's certificates would leave a folder in /tmp.
    "export JAVA_TOOL_OPTIONS=-XX:-UsePerfData",
    // An earlier run may have been cut off between unpacking and configuring.
    "dpkg --configure -a",
    'apt-get update || echo "Going on with the package lists that are here."',
    ...(names.includes("postgresql")
      ? [
          `mkdir -p "$(dirname ${noCluster})"`,
          `trap 'rm -f ${noCluster}' EXIT`,
          `echo "create_main_cluster = false" > ${noCluster}`,
        ]
      : []),
    'apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"',
  ].join("\n");
  const run = ["sh", "-ec", script, "install", ...names];
  return privilege === "root" ? run : ["sudo", "-n", ...run];
}
