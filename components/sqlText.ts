/** A name in SQL, whatever it holds. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text in SQL, whatever it holds (standard_conforming_strings is on: a backslash is itself). */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
