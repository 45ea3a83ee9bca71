/** Lines of an EnvironmentFile, which holds any text but null characters (systemd.exec(5)). */
export function environmentFile(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .sort(([one], [two]) => (one < two ? -1 : 1))
    .map(([name, value]) => `${name}="${value.replace(/["\\`$]/g, "\\$&")}"\n`)
    .join("");
}
