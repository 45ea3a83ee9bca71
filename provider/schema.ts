import { z } from "zod";

import { formatPath, type Path, UNKNOWN, valueAt } from "./wire.ts";

/** One schema a property. */
export type Shape = Readonly<Record<string, z.ZodType>>;

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

export interface Checked {
  readonly inputs: Record<string, unknown>;
  readonly failures: readonly Failure[];
}

/** Inputs with defaults, and every fault at once. What is not known yet passes. */
export function check(shape: Shape, values: Readonly<Record<string, unknown>>): Checked {
  const inputs: Record<string, unknown> = {};
  const failures: Failure[] = Object.keys(values)
    .filter((key) => !(key in shape))
    .map((key) => ({
      property: key,
      reason: `is not a property here; allowed are ${Object.keys(shape).join(", ")}`,
    }));
  for (const [key, schema] of Object.entries(shape)) {
    const value = values[key];
    const result = value === UNKNOWN ? undefined : schema.safeParse(value, { reportInput: false });
    const issues = (result?.error?.issues ?? []).filter(
      (issue) => valueAt(value, issue.path as Path) !== UNKNOWN,
    );
    failures.push(...issues.map((issue) => failureOf(key, issue, value)));
    const accepted = result?.success === true ? result.data : value;
    if (accepted !== undefined) inputs[key] = accepted;
  }
  return { inputs, failures };
}

function failureOf(key: string, issue: z.core.$ZodIssue, value: unknown): Failure {
  const path = issue.path as Path;
  const missing = issue.code === "invalid_type" && valueAt(value, path) === undefined;
  const reason = missing ? `is required: ${expected(issue)}` : reasonOf(issue);
  return { property: formatPath([key, ...path]), reason };
}

function reasonOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${expected(issue)}`;
    case "unrecognized_keys":
      return `has no ${issue.keys.join(", ")} here; see the property's description`;
    case "too_small":
      return issue.origin === "array" ? issue.message : `must be at least ${issue.minimum}`;
    case "too_big":
      return `must be at most ${issue.maximum}`;
    case "invalid_value":
      return `must be ${issue.values.map((item) => JSON.stringify(item)).join(" or ")}`;
    case "invalid_key":
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}

function expected(issue: { readonly expected: string }): string {
  const names: Record<string, string> = {
    string: "a string",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
    array: "a list",
    record: "a map",
    object: "an object",
  };
  return names[issue.expected] ?? issue.expected;
}

/** An absolute path without `.` and `..`, not the root itself. */
export const absolutePath = () =>
  z
    .string()
    .regex(
      /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0\n]+)+$/,
      "must be an absolute path such as /srv/x, without . and .. and a slash at its end",
    );

/** Permission bits as four octal digits; three are completed. */
export const octalMode = (standard: string) =>
  z
    .string()
    .regex(/^[0-7]{3,4}$/, 'must be octal digits in quotes, such as "0644"')
    .transform((mode) => mode.padStart(4, "0"))
    .default(standard);

/** Name of a user or group, as useradd takes it. */
export const accountName = () =>
  z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, "must be a user name: small letters, digits, - and _");

/** An argument vector. */
export const argumentVector = () =>
  z.array(noNull()).min(1, "must hold at least the program's name");

/** Environment variables. */
export const environment = () =>
  z.record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be a variable's name: letters, digits, _"),
    noNull(),
  );

/** Whole seconds. */
export const seconds = (standard: number) => z.int().min(1).max(86_400).default(standard);

const noNull = () =>
  z.string().refine((text) => !text.includes("\0"), "must not hold a null character");
