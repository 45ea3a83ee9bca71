/** How much is known of a service's pages. */
export type Kind = "own" | "template" | "python" | "external";

/** What a service's pages may do (Content Security Policy Level 3). */
export interface PagePolicy {
  /** Directives that hold, by name. */
  readonly enforced: ReadonlyMap<string, string>;
  /** What is only reported; a whole header value. */
  readonly reported: string | undefined;
}

/** Everything from here, nothing inline. Icons of ours and theirs are data at times. */
const strict: readonly (readonly [name: string, sources: string])[] = [
  ["default-src", "'self'"],
  ["img-src", "'self' data:"],
  ["object-src", "'none'"],
  ["base-uri", "'self'"],
  ["form-action", "'self'"],
  ["frame-ancestors", "'self'"],
];

/** What every service bears: none of it concerns scripts and styles. */
const basic = strict.filter(([name]) =>
  ["object-src", "base-uri", "form-action", "frame-ancestors"].includes(name),
);

/** Where browsers tell what the strict policy would have refused. */
export const reportPath = "/api/csp-report/";

/** Our own services and those of the template are held to the strict policy; others are watched. */
export function pagePolicy(service: string, kind: Kind): PagePolicy {
  const isStrict = kind === "own" || kind === "template";
  return {
    enforced: new Map(isStrict ? strict : basic),
    reported: isStrict
      ? undefined
      : `${write(strict)}; report-uri ${reportPath}${encodeURIComponent(service)}`,
  };
}

/** Keycloak's pages have a policy of their own; forms of them lead back to where people came from. */
export const keycloakPolicy: PagePolicy = {
  enforced: new Map(basic.filter(([name]) => name === "object-src" || name === "frame-ancestors")),
  reported: undefined,
};

/**
 * Header values for a page: its own policies, which stay as they are but for our files, and one with
 * what they do not say. Each policy counts on its own, so a further one only narrows.
 * @param files source of our files, e.g. `https://hive.test/static/`; undefined: none were put in
 */
export function policiesFor(
  { enforced }: PagePolicy,
  own: readonly string[],
  files: string | undefined,
): readonly string[] {
  if (own.length === 0) return [written(enforced)];
  const said = new Set(own.flatMap((policy) => read(policy).map(([name]) => name)));
  const missing = [...enforced].filter(([name]) => !said.has(name));
  // What it says of scripts, it says of all: our default would take back what it allows.
  const added = missing.filter(([name]) => !name.endsWith("-src") || name === "object-src");
  const kept = files === undefined ? own : own.map((policy) => extend(policy, files));
  return added.length === 0 ? kept : [...kept, write(added)];
}

/** What our files in a page need: themselves, and to say that the theme was changed. */
const needed = ["script-src", "script-src-elem", "style-src", "style-src-elem", "img-src"];

function extend(policy: string, files: string): string {
  const directives = read(policy);
  const byName = new Map(directives);
  const fallback = (name: string): string | undefined =>
    byName.get(name.replace(/-elem$/, "")) ?? byName.get("default-src");
  for (const name of needed) {
    const own = byName.get(name);
    // `-elem` follows the plain one unless the page has it.
    const from = own ?? (name.endsWith("-elem") ? undefined : fallback(name));
    if (from !== undefined) byName.set(name, withSource(from, files));
  }
  const connect = byName.get("connect-src") ?? byName.get("default-src");
  if (connect !== undefined) byName.set("connect-src", withSource(connect, "'self'"));
  return write([...byName]);
}

function withSource(sources: string, source: string): string {
  const all = sources.split(/\s+/).filter((each) => each !== "" && each !== "'none'");
  return all.includes("'self'") || all.includes(source)
    ? all.join(" ")
    : [...all, source].join(" ");
}

/** The first of directives of one name counts (CSP 3, 2.2.1). */
function read(policy: string): [name: string, sources: string][] {
  const found = new Map<string, string>();
  for (const part of policy.split(";")) {
    const [, name, sources = ""] = /^\s*([A-Za-z0-9-]+)(?:\s+(.*\S))?\s*$/.exec(part) ?? [];
    if (name !== undefined && !found.has(name.toLowerCase()))
      found.set(name.toLowerCase(), sources);
  }
  return [...found];
}

function write(directives: readonly (readonly [string, string])[]): string {
  return directives.map(([name, sources]) => `${name} ${sources}`.trim()).join("; ");
}

const texts = new WeakMap<ReadonlyMap<string, string>, string>();

function written(enforced: ReadonlyMap<string, string>): string {
  let text = texts.get(enforced);
  if (text === undefined) {
    text = write([...enforced]);
    texts.set(enforced, text);
  }
  return text;
}
