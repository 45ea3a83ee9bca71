import { findNearest, listServices, type Trial } from "./trial.ts";
import { HiveError } from "./hiveError.ts";
import { openOutput, type Output } from "./output.ts";
import { readRecord, writeRecord } from "./record.js";
import { readServiceEnvironment } from "./serviceEnvironment.ts";

/** A database and the service that signs in to it at the moment. */
interface Used {
  readonly database: string;
  readonly service: string;
  readonly login: string;
}

/**
 * Gives a database's other login its turn, with a new password: a number in the record, which the next
 * `up` makes true (docs/decisions/0023). A rotation that is not done yet is not begun again.
 * @throws HiveError naming the databases there are
 */
export function rotateDatabase(
  trial: Trial,
  name: string,
  { json = false }: { readonly json?: boolean },
  output: Output = openOutput(),
): void {
  const { database, service, login } = choose(usedDatabases(trial), name);
  const rotations = readRecord(trial.checkout, trial.stack)?.rotations ?? {};
  const before = rotations[database] ?? 0;
  const begun = login !== loginOf(database, before);
  const rotation = begun ? before : before + 1;
  writeRecord(trial.checkout, trial.stack, { rotations: { ...rotations, [database]: rotation } });
  const next = loginOf(database, rotation);
  if (json) {
    output.line(JSON.stringify({ database, service, rotation, login: next, begun }, null, 2));
    return;
  }
  output.line(
    begun
      ? `The rotation of ${database} was begun before and is not done yet.`
      : `${service} will sign in to ${database} as ${next}, with a new password; ${login} is closed then.`,
  );
  if (service === "keycloak") {
    output.line("  Keycloak reads it when it starts: sign-in waits for its restart, some seconds.");
  }
  output.line("  Next: `npm run up` makes it so (`npm run preview` shows what).");
}

/** components/databaseNames.ts */
function loginOf(database: string, rotation: number): string {
  return rotation % 2 === 0 ? database : `${database}_second`;
}

function usedDatabases(trial: Trial): Used[] {
  return listServices(trial)
    .filter((service) => service !== "postgres")
    .flatMap((service) => {
      const env = readServiceEnvironment(trial, service);
      const url = /^jdbc:postgresql:\/\/[^/]+\/([^?]*)/.exec(env["KC_DB_URL"] ?? "")?.[1];
      const database = env["DB_NAME"] ?? (url === undefined ? undefined : decodeURIComponent(url));
      const login = env["DB_USER"] ?? env["KC_DB_USERNAME"];
      return database === undefined || login === undefined ? [] : [{ database, service, login }];
    });
}

/** By the name of the database, or of its service. */
function choose(used: readonly Used[], name: string): Used {
  const found =
    used.find(({ database }) => database === name) ?? used.find(({ service }) => service === name);
  if (found !== undefined) return found;
  const names = used.map(({ database }) => database);
  const nearest = findNearest(name, names);
  const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  throw new HiveError(`There is no database ${name}.${hint} There are: ${names.join(", ")}.`, 2);
}
