/** Names whose values nobody may read, in texts and in contexts. */
const usualNames =
  "authorization|set-cookie|cookie|password|passwd|pwd|secret|token|client_secret|access_token|refresh_token|id_token|api_?key|csrf_?token|private_key";

interface Search {
  /** Of a name as a whole. */
  readonly name: RegExp;
  /** Something that every text has which a rule changes; most have nothing, and are done with. */
  readonly hint: RegExp;
  readonly rules: readonly (readonly [RegExp, string])[];
}

function compile(names: string): Search {
  // Also as the end of a longer name: DB_PASSWORD. Bounds keep the search linear.
  const named = `(?<![\\w-])[\\w-]{0,40}(?:${names})`;
  return {
    name: new RegExp(`^[\\w-]{0,40}(?:${names})$`, "i"),
    hint: new RegExp(`${names}|bearer|basic|eyj|/as/|://[^\\s@]*@`, "i"),
    rules: [
      // Capability paths of core (its caller's secret is a part of the path).
      [/\/as\/([a-z0-9_-]{1,50})\/[^/\s"'?#]+/g, "/as/$1/[secret]"],
      [/\b(cookie"\s?:\s?")[^"\r\n]+/gi, "$1[secret]"],
      [/\b(cookie\s?[:=]\s?)[^\r\n]+/gi, "$1[secret]"],
      [/\b(bearer|basic)\s+[a-z0-9._~+/-]{8,}=*/gi, "$1 [secret]"],
      // A JSON Web Token wherever it stands. The look-behind keeps the search linear.
      [/(?<![\w-])eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?/g, "[secret]"],
      [/(:\/\/[^\s:/@]{1,100}:)[^\s@/]{1,200}@/g, "$1[secret]@"],
      [new RegExp(`(${named})("?\\s?[:=]\\s?)"(?:[^"\\\\\\n]|\\\\.)*"?`, "gi"), '$1$2"[secret]"'],
      [new RegExp(`(${named})(=)(?!\\[secret\\])[^\\s&"',;]+`, "gi"), "$1$2[secret]"],
    ],
  };
}

let search = compile(usualNames);

/** Names besides the usual ones whose values are secret, in this process from now on; `\w` alone. */
export function setSecretNames(names: readonly string[]): void {
  search = compile([usualNames, ...names].join("|"));
}

/** Whether the value below this name is not to be stored. */
export function isSecretName(name: string): boolean {
  return search.name.test(name);
}

/** Whether a rule could change the text; what it finds is not always a secret. */
export function isSuspect(text: string): boolean {
  return search.hint.test(text);
}

/** Takes what must stay secret out of a text: tokens, passwords, cookies, capability paths. */
export function redact(text: string): string {
  if (!isSuspect(text)) return text;
  return search.rules.reduce(
    (rest, [pattern, replacement]) => rest.replace(pattern, replacement),
    text,
  );
}
