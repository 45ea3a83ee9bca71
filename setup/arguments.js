/** Verbs of `node setup/main.js`, with the words `--help` has for them. */
export const verbs = {
  up: "prepare this machine and provision the stack (dev: the trial, on this machine)",
  preview: "show what `up` would change",
  down: "remove what `up` made",
  dev: "run gateway, core and logger from these sources on the trial that is up, until Ctrl-C",
  test: "prepare this machine and run the tests",
};

/** @typedef {"up" | "preview" | "down" | "dev" | "test"} Verb */

/**
 * @typedef {object} Arguments
 * @property {Verb} verb
 * @property {string} stack
 * @property {boolean} help
 * @property {boolean} beside take free ports, to run next to what is there
 * @property {boolean} long `test` only: also the tests that take long
 * @property {boolean | undefined} yes what the user said about confirmation, if anything
 * @property {string[]} passed everything else, for pulumi or mocha; names of services for dev
 */

/** A mistake of the caller: shown as its sentence, without a stack. */
export class UsageError extends Error {
  /** @type {number} */
  exitCode = 2;
}

const stackName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;

/**
 * Reads the command line; what is not ours is passed on in order.
 * @param {readonly string[]} argv without node and script
 * @param {Readonly<Record<string, string | undefined>>} [environment] PULUMI_STACK is the default stack
 * @returns {Arguments}
 * @throws UsageError
 */
export function parseArguments(argv, environment = {}) {
  const [verb, ...rest] = argv;
  const help = verb === "--help" || verb === "-h" || verb === "help";
  if (!help && (verb === undefined || !Object.hasOwn(verbs, verb))) {
    const found = verb === undefined ? "no verb" : `“${verb}”`;
    throw new UsageError(`Expected one of ${Object.keys(verbs).join(", ")}, found ${found}.`);
  }
  /** @type {Arguments} */
  const parsed = {
    verb: /** @type {Verb} */ (help ? "up" : verb),
    stack: environment["PULUMI_STACK"] || "dev",
    help,
    beside: false,
    long: false,
    yes: undefined,
    passed: [],
  };
  refuseSwallowed(environment);
  for (let index = 0; index < rest.length; index += 1) {
    const argument = rest[index];
    if (argument === "--") continue; // npm's separator, typed once too often
    if (argument === "--help" || argument === "-h") parsed.help = true;
    else if (argument === "--beside") parsed.beside = true;
    else if (argument === "--long" && verb === "test") parsed.long = true;
    else if (argument === "--stack" || argument === "-s") {
      index += 1;
      parsed.stack = rest[index] ?? "";
    } else if (argument.startsWith("--stack=")) parsed.stack = argument.slice("--stack=".length);
    else {
      if (/^(-y|--yes(=true)?)$/.test(argument)) parsed.yes = true;
      if (argument === "--yes=false") parsed.yes = false;
      parsed.passed.push(argument);
    }
  }
  if (!stackName.test(parsed.stack)) {
    throw new UsageError(`--stack needs a name of letters, digits, dot, _ or -.`);
  }
  return parsed;
}

/**
 * `npm run up --beside` keeps the option for npm itself; silently doing something else is worse.
 * @param {Readonly<Record<string, string | undefined>>} environment
 */
function refuseSwallowed(environment) {
  for (const option of ["beside", "long", "stack"]) {
    if (environment[`npm_config_${option}`] !== undefined) {
      throw new UsageError(
        `npm kept --${option} for itself: put a -- before it, as in \`npm run up -- --${option}\`.`,
      );
    }
  }
}

/** @returns {string} what `--help` prints */
export function helpText() {
  const width = Math.max(...Object.keys(verbs).map((verb) => verb.length));
  return [
    "Usage: npm run up|preview|down [-- OPTIONS]    npm test [-- OPTIONS]",
    "       npm run dev [-- SERVICE…]",
    "",
    ...Object.entries(verbs).map(([verb, words]) => `  ${verb.padEnd(width)}  ${words}`),
    "",
    "  --beside          up: take free ports, to run next to what uses the documented ones",
    "  -s, --stack NAME  the stack; default dev, the trial on this machine",
    "  --long            test: also the tests that take long",
    "  -h, --help        this text",
    "",
    "Everything else is passed on to pulumi (to mocha by test), for example:",
    "  npm run up -- --beside",
    "  npm run preview -- --diff",
    "  npm test -- --grep port",
    "",
    "dev stops the services meanwhile and starts them again at its end; if it was killed:",
    "  npx hive start",
    "",
  ].join("\n");
}
