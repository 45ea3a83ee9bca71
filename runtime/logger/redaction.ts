/** Names whose values nobody may read, in texts and in contexts. */
const names =
  "authorization|set-cookie|cookie|password|passwd|pwd|secret|token|client_secret|access_token|refresh_token|id_token|api_?key|csrf_?token|private_key";

/** Also as the end of a longer name: DB_PASSWORD. Bounds keep the search linear. */
const named = `(?<![\\w-])[\\w-]{0,40}(?:${names})`;

const secretName = new RegExp(`^[\\w-]{0,40}(?:${names})$`, "i");

const rules: readonly (readonly [RegExp, string])[] = [
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
];

/** Whether the value below this name is not to be stored. */
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}

/** One of these stands in every text that a rule changes; most have none, and are done with. */
const hint = new RegExp(`${names}|bearer|basic|eyj|/as/|://[^\\s@]*@`, "i");

/** Whether a rule could change the text; what it finds is not always a secret. */
export function isSuspect(text: string): boolean {
  return hint.test(text);
}

/** Takes what must stay secret out of a text: tokens, passwords, cookies, capability paths. */
export function redact(text: string): string {
  if (!isSuspect(text)) return text;
  return rules.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
}
