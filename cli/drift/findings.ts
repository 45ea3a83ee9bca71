import type { Preview, ResourceState, Step } from "./preview.ts";

/** Something that is not as the last `up` left it. */
export interface Finding {
  readonly urn: string;
  /** `host:index:File`, … */
  readonly type: string;
  /** The resource's own name in the program. */
  readonly name: string;
  /** Its id on the host or in its server, e.g. a path. */
  readonly id: string;
  /** Path of the property, as Pulumi writes it; null: all of it is gone. */
  readonly property: string | null;
  readonly expected: unknown;
  /** null: nothing is there. */
  readonly found: unknown;
  /** What the state knows of it. */
  readonly recorded: ResourceState;
  /** ISO 8601: the last change of ours in the same system; what happened before was repaired. */
  readonly since: string;
}

/** As Pulumi's JSON has it in place of a secret. */
export const secretMark = "[secret]";

/**
 * What `up` would repair because it was changed since the last one. What it would change because the
 * program or its configuration is another one is no drift.
 */
export function findingsOf({ steps }: Preview): Finding[] {
  const recorded = new Map(
    steps.flatMap(({ op, urn, oldState }) =>
      op === "refresh" && oldState !== undefined ? [[urn, oldState] as const] : [],
    ),
  );
  const since = lastChanges([...recorded.values()]);
  const seen = new Set<string>();
  return steps.flatMap((step) => {
    const before = recorded.get(step.urn);
    if (before === undefined || seen.has(step.urn)) return [];
    const all = findingsOfStep(step, before, since.get(systemOf(before)) ?? "");
    if (all.length > 0) seen.add(step.urn);
    return all;
  });
}

/** `host`, `keycloak`, … */
function systemOf({ type }: ResourceState): string {
  return type.split(":")[0] ?? "";
}

function lastChanges(states: readonly ResourceState[]): Map<string, string> {
  const last = new Map<string, string>();
  for (const state of states) {
    const { modified = "" } = state;
    if (modified > (last.get(systemOf(state)) ?? "")) last.set(systemOf(state), modified);
  }
  return last;
}

function findingsOfStep(step: Step, recorded: ResourceState, since: string): Finding[] {
  const { op, urn, oldState, newState } = step;
  const [name, type] = [urn.split("::").slice(3).join("::"), recorded.type];
  const about = { urn, type, name, id: recorded.id ?? "", recorded, since };
  if (op === "create" && oldState === undefined) {
    return [{ ...about, property: null, expected: summary(recorded), found: null }];
  }
  if (oldState === undefined || !["update", "replace", "create-replacement"].includes(op)) {
    return [];
  }
  const paths = Object.keys(step.detailedDiff ?? {});
  return (paths.length > 0 ? paths : (step.diffReasons ?? [])).flatMap((property) => {
    const path = parsePath(property);
    const found = valueIn(oldState, path);
    const before = valueIn(recorded, path);
    // The same as recorded: the program wants something else by now.
    if (same(found, before) && found !== secretMark) return [];
    const expected = valueAt(newState?.inputs, path) ?? before;
    return [{ ...about, property, expected: expected ?? null, found: found ?? null }];
  });
}

/** What of a lost resource is worth telling: its short plain inputs. */
function summary({ inputs = {} }: ResourceState): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(inputs).filter(
      ([key, value]) =>
        !key.startsWith("__") &&
        (typeof value === "string" ? value.length <= 80 : typeof value !== "object"),
    ),
  );
}

/** What a provider found is among the outputs, in most cases among the inputs, too. */
function valueIn({ inputs, outputs }: ResourceState, path: readonly (string | number)[]): unknown {
  return valueAt(outputs, path) ?? valueAt(inputs, path);
}

function valueAt(values: unknown, path: readonly (string | number)[]): unknown {
  let value = values;
  for (const step of path) {
    // A secret hides all that is below it.
    if (value === secretMark) return secretMark;
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** Steps of a path such as `ready[0].tcp.port` or `env["a.b"]`. */
export function parsePath(text: string): (string | number)[] {
  const steps: (string | number)[] = [];
  for (const [, name, index, quoted] of text.matchAll(
    /([^.[\]]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g,
  )) {
    if (name !== undefined) steps.push(name);
    else if (index !== undefined) steps.push(Number(index));
    else if (quoted !== undefined) steps.push(JSON.parse(quoted) as string);
  }
  return steps;
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
