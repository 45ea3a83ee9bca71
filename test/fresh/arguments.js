export const helpText = `Usage: npm run test:fresh [-- OPTIONS]

Proves the README's two commands on a clean Debian machine, made by debootstrap, with processes
and network of its own; needs root and about 6 GB of disk.

  --only up|test|both  which of the two commands; default both, each on a machine of its own
  --suite NAME         Debian's code name; default bookworm, also trixie
  --user               as an ordinary user with passwordless sudo; default root
  --uncommitted        clone what is not committed yet, too; default the commit checked out
  --shell COMMAND      instead: run COMMAND in a fresh clone there and show what it prints
  --rebuild            make the cached clean system anew
  --keep               leave the machine's files, and say where they are
  -h, --help           this text
`;

/** A mistake of the caller, or something only the caller can give: shown as its sentence. */
export class UsageError extends Error {
  /** @type {number} */
  exitCode = 2;
}

/**
 * @typedef {object} Arguments
 * @property {"up" | "test" | "both"} only
 * @property {string} suite
 * @property {boolean} user
 * @property {boolean} uncommitted
 * @property {string | undefined} shell
 * @property {boolean} rebuild
 * @property {boolean} keep
 * @property {boolean} help
 */

/**
 * @param {readonly string[]} argv without node and script
 * @returns {Arguments}
 * @throws UsageError
 */
export function parseArguments(argv) {
  /** @type {Arguments} */
  const parsed = {
    only: "both",
    suite: "bookworm",
    user: false,
    uncommitted: false,
    shell: undefined,
    rebuild: false,
    keep: false,
    help: false,
  };
  const rest = argv.flatMap((argument) => {
    const [, name, value] = /^(--[a-z]+)=(.*)$/s.exec(argument) ?? [];
    return name === undefined ? [argument] : [name, value];
  });
  while (rest.length > 0) {
    const option = rest.shift();
    if (option === "--user") parsed.user = true;
    else if (option === "--uncommitted") parsed.uncommitted = true;
    else if (option === "--rebuild") parsed.rebuild = true;
    else if (option === "--keep") parsed.keep = true;
    else if (option === "--help" || option === "-h") parsed.help = true;
    else if (option === "--only") parsed.only = oneOf(option, rest.shift(), ["up", "test", "both"]);
    else if (option === "--suite")
      parsed.suite = oneOf(option, rest.shift(), ["bookworm", "trixie"]);
    else if (option === "--shell") parsed.shell = rest.shift();
    else throw new UsageError(`Unknown option ${option}; see --help.`);
    if (option === "--shell" && !parsed.shell) throw new UsageError("--shell needs a command.");
  }
  return parsed;
}

/**
 * @template {string} T
 * @param {string} option
 * @param {string | undefined} value
 * @param {readonly T[]} values
 * @returns {T}
 */
function oneOf(option, value, values) {
  const found = values.find((candidate) => candidate === value);
  if (found === undefined) throw new UsageError(`${option} needs one of ${values.join(", ")}.`);
  return found;
}
