import { randomBytes } from "node:crypto";

import { type Command, InvalidArgumentError } from "commander";

import { alignColumns, openOutput } from "./output.ts";
import { RealmAdmin, type RealmUser } from "./realmAdmin.ts";
import { findTrial } from "./trial.ts";

interface Options {
  readonly stack: string;
  readonly json?: boolean;
}

interface AddOptions extends Options {
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly group?: readonly string[];
}

/** People of the realm. Those the program declares stay as it says; the others are the operator's. */
export function addUser(program: Command): void {
  const user = program
    .command("user")
    .description("people who may sign in: list, add, disable, enable, reset-password, groups");
  const word = (name: string, description: string): Command =>
    user
      .command(name)
      .description(description)
      .option("-s, --stack <name>", "the stack", "dev")
      .option("--json", "print JSON");

  word("list", "everybody, with groups").action(list);
  word("add", "a new one, with a one-time password that is shown once")
    .argument("<name>", "what is typed at sign-in", username)
    .requiredOption("--email <address>", "where mail goes to", address)
    .option("--first-name <name>", "as it is shown", "")
    .option("--last-name <name>", "as it is shown", "")
    .option("-g, --group <name...>", "instead of the default group")
    .action(add);
  word("disable", "no sign-in any more; sessions end within a minute")
    .argument("<name>")
    .action((name: string, options: Options) => enable(name, false, options));
  word("enable", "sign-in again")
    .argument("<name>")
    .action((name: string, options: Options) => enable(name, true, options));
  word("reset-password", "a one-time password, shown once")
    .argument("<name>")
    .action(resetPassword);
  word("groups", "the groups of somebody, or which they are from now on")
    .argument("<name>")
    .argument("[group...]", "all of them; none: they are shown")
    .action(groups);
}

async function list({ stack, json }: Options): Promise<void> {
  const admin = new RealmAdmin(findTrial(stack));
  const users = await Promise.all(
    (await admin.users()).map(async (user) => ({ ...user, groups: await namesOf(admin, user) })),
  );
  const output = openOutput();
  if (json === true) {
    const shown = users.map(({ username, email, enabled, groups }) => {
      return { username, email, enabled, groups };
    });
    output.line(JSON.stringify(shown, null, 2));
    return;
  }
  const rows = users.map(({ username, email, groups, requiredActions }) => [
    username,
    email,
    groups.join(", "),
    requiredActions.includes("UPDATE_PASSWORD") ? "one-time password" : "",
  ]);
  for (const [index, row] of alignColumns(rows).entries()) {
    const mark = users[index]?.enabled === true ? output.green("✓") : output.red("✗");
    output.line(`${mark} ${row}`);
  }
}

async function add(username: string, options: AddOptions): Promise<void> {
  const { stack, json, email, firstName, lastName, group } = options;
  const admin = new RealmAdmin(findTrial(stack));
  const user = await admin.add({ username, email, firstName, lastName });
  if (group !== undefined) await admin.setGroups(user, group);
  const password = createPassword();
  await admin.setOneTimePassword(user, password);
  tell({ username, password, groups: await namesOf(admin, user) }, json, [
    `✓ ${username} is there, in ${(await namesOf(admin, user)).join(", ")}`,
    `  One-time password: ${password}`,
  ]);
}

async function enable(name: string, enabled: boolean, { stack, json }: Options): Promise<void> {
  const admin = new RealmAdmin(findTrial(stack));
  const user = await admin.user(name);
  await admin.enable(user, enabled);
  const word = enabled ? "may sign in again" : "may not sign in any more; sessions end in a minute";
  tell({ username: name, enabled }, json, [`✓ ${name} ${word}`]);
}

async function resetPassword(name: string, { stack, json }: Options): Promise<void> {
  const admin = new RealmAdmin(findTrial(stack));
  const password = createPassword();
  await admin.setOneTimePassword(await admin.user(name), password);
  tell({ username: name, password }, json, [`✓ ${name} has a one-time password: ${password}`]);
}

async function groups(
  name: string,
  wanted: readonly string[],
  { stack, json }: Options,
): Promise<void> {
  const admin = new RealmAdmin(findTrial(stack));
  const user = await admin.user(name);
  if (wanted.length > 0) await admin.setGroups(user, wanted);
  const names = await namesOf(admin, user);
  tell({ username: name, groups: names }, json, [`${name}: ${names.join(", ") || "no group"}`]);
}

async function namesOf(admin: RealmAdmin, user: RealmUser): Promise<string[]> {
  return (await admin.groupsOf(user)).map(({ name }) => name).sort();
}

function tell(object: unknown, json: boolean | undefined, lines: readonly string[]): void {
  const output = openOutput();
  if (json === true) output.line(JSON.stringify(object, null, 2));
  else for (const line of lines) output.line(line);
}

/** 20 characters of A to Z, a to z, 0 to 9, - and _. */
function createPassword(): string {
  return randomBytes(15).toString("base64url");
}

function username(text: string): string {
  if (/^[a-z0-9][a-z0-9._@-]{0,63}$/.test(text)) return text;
  throw new InvalidArgumentError("A name is 1 to 64 of a-z, 0-9, dot, _, @ and -.");
}

function address(text: string): string {
  if (/^[^\s@]+@[^\s@]+$/.test(text)) return text;
  throw new InvalidArgumentError("This is no address.");
}
