import * as pulumi from "@pulumi/pulumi";

import { identifier, literal } from "./sqlText.ts";
import type { Roles } from "./databaseNames.ts";

/** Names of the components, for `pulumi import`. */
export interface ClaimNames {
  readonly name: string;
  readonly server: string;
}

interface Refusal {
  readonly query: string;
  readonly message: string;
}

/**
 * What is on the server already and was not made by us: asked before the first of it is made. What
 * looks exactly like ours is left to Pulumi, whose state knows.
 */
export function refusalsOf(
  database: string,
  { owner, logins }: Roles,
  { name, server }: ClaimNames,
): Refusal[] {
  const named = `datname = ${literal(database)}`;
  const whole = `SELECT FROM pg_database WHERE ${named} AND pg_get_userbyid(datdba) = ${literal(owner)}`;
  // Plain: an output of the component would make its first child wait for its last.
  const inStack = `urn:pulumi:${pulumi.getStack()}::${pulumi.getProject()}::`;
  const parent = `${inStack}hivematrix:index:Database::${name}`;
  const provider = `${inStack}hivematrix:index:PostgresServer$pulumi:providers:postgresql::${server}-provider`;
  const ways = `--parent 'database=${parent}' --provider 'server=${provider}' --generate-code=false`;
  const again = "then run the same command again";
  const roles = [
    [owner, "owner"],
    [logins[0], "role"],
    [logins[1], "role-second"],
  ] as const;
  return [
    {
      query:
        `SELECT pg_encoding_to_char(encoding) || ' with ' || datcollate FROM pg_database ` +
        `WHERE ${named} AND (pg_encoding_to_char(encoding), datcollate) <> ('UTF8', 'C.UTF-8')`,
      message: `The database ${database} is there already, in %s and not in UTF8 with C.UTF-8, which cannot be changed in place; nothing was done: dump it (pg_dump), rename it (ALTER DATABASE … RENAME), ${again} and load the dump into the new one.`,
    },
    {
      query: `SELECT pg_get_userbyid(datdba) FROM pg_database WHERE ${named} AND pg_get_userbyid(datdba) <> ${literal(owner)}`,
      message: `The database ${database} is there already and belongs to %s; nothing was done: to adopt it with what it holds, \`pulumi import postgresql:index/database:Database ${name}-database ${shell(database)} ${ways}\`, ${again}; to leave it to %s, rename it.`,
    },
    ...roles.map(([role, noun]) => ({
      query: `SELECT rolname FROM pg_roles WHERE rolname = ${literal(role)} AND NOT EXISTS (${whole})`,
      message: `The role %s is there already, made by somebody else; nothing was done: to adopt it, \`pulumi import postgresql:index/role:Role ${name}-${noun} ${shell(role)} --protect=false ${ways}\`, ${again}; to leave it as it is, rename it (ALTER ROLE ${identifier(role)} RENAME TO …).`,
    })),
  ];
}

/** For a POSIX shell. */
function shell(word: string): string {
  return /^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
