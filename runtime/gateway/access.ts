/** What a decision needs to know of a service. */
export interface AccessRule {
  /** Members of any of these groups of the realm may use the service. */
  readonly groups: readonly string[];
  /** Path prefixes below the service, whole segments, that need no sign-in; `/` is all of it. */
  readonly public: readonly string[];
}

export type Decision =
  | { readonly allowed: true; readonly reason: "public" | "group" }
  | { readonly allowed: false; readonly reason: "sign-in" | "service" | "group" };

/**
 * Whether a request may go to a service, and why. Deny by default. Pure and without imports: the
 * command line answers with the same function.
 * @param rule of the service; undefined: there is none of that name
 * @param groups of the user; undefined: nobody is signed in
 * @param path below the service, decoded, in its normal form (requestPath.ts)
 */
export function decide(
  rule: AccessRule | undefined,
  groups: readonly string[] | undefined,
  path: string,
): Decision {
  if (rule?.public.some((prefix) => liesBelow(prefix, path)) === true) {
    return { allowed: true, reason: "public" };
  }
  // Before the name is looked at: a stranger does not learn which services there are.
  if (groups === undefined) return { allowed: false, reason: "sign-in" };
  if (rule === undefined) return { allowed: false, reason: "service" };
  return isMember(rule, groups)
    ? { allowed: true, reason: "group" }
    : { allowed: false, reason: "group" };
}

/** Keycloak names a top group `name` or `/name` (contract 1.4). */
export function isMember(rule: AccessRule, groups: readonly string[]): boolean {
  return rule.groups.some((name) => groups.includes(name) || groups.includes(`/${name}`));
}

function liesBelow(prefix: string, path: string): boolean {
  const whole = prefix.replace(/\/+$/, "");
  return path === whole || path.startsWith(`${whole}/`);
}
