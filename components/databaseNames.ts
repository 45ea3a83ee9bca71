/** The roles of a database. */
export interface Roles {
  /** Owns everything in it; nobody signs in as it. */
  readonly owner: string;
  /** Sign in, in turn: the password of the one is replaced while the other is in use. */
  readonly logins: readonly [string, string];
}

/** Bytes of a name that PostgreSQL keeps (NAMEDATALEN - 1). */
const most = 63;

const ends = { owner: "_owner", second: "_second" } as const;

/**
 * @throws Error with one sentence when the name, or that of one of its roles, is not usable
 */
export function rolesOf(database: string): Roles {
  const longest = most - ends.second.length;
  if (database === "" || Buffer.byteLength(database) > longest) {
    throw new Error(
      `The database ${JSON.stringify(database)} needs a name of 1 to ${String(longest)} bytes: PostgreSQL cuts names after ${String(most)}, and its roles are named after it.`,
    );
  }
  // The first would be a regular expression in pg_hba.conf; no line of it may hold the others.
  if (database.startsWith("/") || /\p{Cc}/u.test(database)) {
    throw new Error(
      `The database ${JSON.stringify(database)} needs a name without control characters and without a slash at its start.`,
    );
  }
  return {
    owner: `${database}${ends.owner}`,
    logins: [database, `${database}${ends.second}`],
  };
}

/**
 * Whose turn it is after so many rotations, and which password each login has: that of the one
 * whose turn comes is made anew.
 */
export function turnOf(rotation: number): {
  readonly active: 0 | 1;
  readonly versions: readonly [number, number];
} {
  return {
    active: rotation % 2 === 0 ? 0 : 1,
    versions: [Math.floor(rotation / 2) + 1, Math.max(1, Math.ceil(rotation / 2))],
  };
}
