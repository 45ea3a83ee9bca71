/** What a decision needs to know of a service. */
export interface AccessRule {
  /** Members of any of these groups of the realm may use the service. */
  readonly groups: readonly string[];
  /** Path prefixes below the service, whole segments, that need no sign-in; `/` is all of it. */
  readonly public: readonly string[];
  /** Other groups for some paths and methods; of those that fit, the one with the longest path counts. */
  readonly rules?: readonly PathRule[] | undefined;
}

export interface PathRule {
  /** Prefix below the service, whole segments. */
  readonly path: string;
  /** Those it is for, in capitals; GET is HEAD as well. Absent: all. */
  readonly methods?: readonly string[] | undefined;
  /** In place of the service's. Empty: nobody. */
  readonly groups: readonly string[];
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
 * @param method in capitals
 */
export function decide(
  rule: AccessRule | undefined,
  groups: readonly string[] | undefined,
  path: string,
  method = "GET",
): Decision {
  if (rule?.public.some((prefix) => liesBelow(prefix, path)) === true) {
    return { allowed: true, reason: "public" };
  }
  // Before the name is looked at: a stranger does not learn which services there are.
  if (groups === undefined) return { allowed: false, reason: "sign-in" };
  if (rule === undefined) return { allowed: false, reason: "service" };
  return isMember(ruleFor(rule, path, method), groups)
    ? { allowed: true, reason: "group" }
    : { allowed: false, reason: "group" };
}

/** Keycloak names a top group `name` or `/name` (contract 1.4). */
export function isMember(rule: Pick<AccessRule, "groups">, groups: readonly string[]): boolean {
  return rule.groups.some((name) => groups.includes(name) || groups.includes(`/${name}`));
}

function ruleFor(rule: AccessRule, path: string, method: string): Pick<AccessRule, "groups"> {
  if (rule.rules === undefined) return rule;
  const asked = method === "HEAD" ? "GET" : method;
  let found: PathRule | undefined;
  for (const each of rule.rules) {
    if (each.methods !== undefined && !each.methods.includes(asked)) continue;
    if (!liesBelow(each.path, path)) continue;
    if (found === undefined || isNarrower(each, found)) found = each;
  }
  return found ?? rule;
}

/** A longer path; of two for the same path, the one for some methods. */
function isNarrower(one: PathRule, other: PathRule): boolean {
  const [length, otherLength] = [one, other].map(({ path }) => path.replace(/\/+$/, "").length);
  if (length !== otherLength) return (length ?? 0) > (otherLength ?? 0);
  return one.methods !== undefined && other.methods === undefined;
}

function liesBelow(prefix: string, path: string): boolean {
  const whole = prefix.replace(/\/+$/, "");
  return path === whole || path.startsWith(`${whole}/`);
}
