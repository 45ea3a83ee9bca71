/** A database as a service reaches it. */
export interface DatabaseAccess {
  readonly DB_HOST: string;
  readonly DB_PORT: string;
  readonly DB_NAME: string;
  readonly DB_USER: string;
  readonly DB_PASSWORD: string;
  readonly DB_AUTHORITY?: string | undefined;
}

/**
 * Text of `.flaskenv` as python-dotenv reads it, whatever the values hold: in single quotes only `\` and
 * `'` are escaped, but `${name}` is put in there, too; a dollar before a brace is the default of no name.
 */
export function renderFlaskenv(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => {
      const quoted = value
        .replaceAll("\\", "\\\\")
        .replaceAll("'", "\\'")
        .replaceAll("${", "$${:-$$}{");
      return `${name}='${quoted}'\n`;
    })
    .join("");
}

/**
 * Text of `instance/<name>.conf` as configparser reads it without interpolation: a line a value.
 * The address is encoded, so that SQLAlchemy and libpq find user, password and name in it unharmed.
 */
export function renderConf(database: DatabaseAccess): string {
  const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD, DB_AUTHORITY } = database;
  const [user, password, name] = [DB_USER, DB_PASSWORD, DB_NAME].map(encode);
  const tls =
    DB_AUTHORITY === undefined ? "" : `?sslmode=verify-full&sslrootcert=${encode(DB_AUTHORITY)}`;
  return [
    "[database]",
    `connection_string = postgresql://${String(user)}:${String(password)}@${DB_HOST}:${DB_PORT}/${String(name)}${tls}`,
    `db_host = ${DB_HOST}`,
    `db_port = ${DB_PORT}`,
    `db_name = ${DB_NAME}`,
    `db_user = ${DB_USER}`,
    "",
  ].join("\n");
}

/** encodeURIComponent leaves some letters that have a meaning elsewhere (RFC 3986, 2.2). */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
