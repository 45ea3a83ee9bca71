import { stripVTControlCharacters } from "node:util";
import type { z } from "zod";

import { Fault } from "./fault.ts";
import type { Failure, Shape } from "./schema.ts";
import type { Transport } from "./transport/transport.ts";

/** What a resource works with. */
export interface Context {
  readonly transport: Transport;
  /** Aborted by cancel and by the resource's own timeout. */
  readonly signal: AbortSignal;
  /** Shown while it lasts. Secrets are masked. */
  readonly progress: (message: string) => void;
  /** Stays on the screen. Secrets are masked. */
  readonly warn: (message: string) => void;
}

type Values<S extends Shape> = { [K in keyof S]: z.output<S[K]> };
/** Optional properties may also be left out. */
type Loose<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: T[K];
};
export type Of<S extends Shape> = Loose<Values<S>>;

/** In a preview any of them may be UNKNOWN, or hold it. */
export type Planned<T> = Readonly<Partial<Record<keyof T, unknown>>>;

type Plain = Record<string, unknown>;

/**
 * One kind of thing on a host. Values are plain; `create`, `read`, `update` and `delete` never see
 * what is not known yet and are never called in a preview.
 */
export interface Resource<I = Plain, O = Plain> {
  readonly description: string;
  readonly inputs: Shape;
  readonly outputs: Shape;
  /** Inputs that are its identity. */
  readonly replaceOn: readonly (keyof I & string)[];
  /** Inputs that say how it is made, not what it is: another value alone is no change. */
  readonly incidental?: readonly (keyof I & string)[];
  /** The old one must be gone before the new one can be. */
  readonly deleteBeforeReplace?: boolean;
  /** Inputs that hold a secret even when nobody marked them. */
  readonly secretInputs?: readonly (keyof I & string)[];
  /** Inputs of which an import cannot know whether they hold a secret: it takes them for one. */
  readonly secretWhenImported?: readonly (keyof I & string)[];
  readonly secretOutputs?: readonly (keyof O & string)[];
  /** Outputs that are secret when an input is. */
  readonly derived?: Readonly<Partial<Record<keyof O & string, keyof I & string>>>;
  /** Faults across properties. @param transport the machine; not known in some previews */
  readonly faults?: (
    inputs: Planned<I>,
    transport: Transport | undefined,
  ) => Failure[] | Promise<Failure[]>;
  /** Outputs that are known without doing anything; the others are unknown in a preview. */
  readonly plan?: (inputs: Planned<I>, old: (I & O) | undefined) => Planned<O>;
  /** Reasons for an update besides its inputs, as names of properties. */
  readonly stale?: (old: I & O, inputs: Planned<I>) => string[];
  /** Makes it, or finishes what an interrupted create began. @throws Fault or PartialFailure */
  create(context: Context, inputs: I): Promise<{ id: string; outputs: O }>;
  /** What is there now; undefined when nothing is. Without a state it is an import. */
  read(context: Context, id: string, old: (I & O) | undefined): Promise<(I & O) | undefined>;
  update(context: Context, old: I & O, inputs: I): Promise<O>;
  delete(context: Context, old: I & O): Promise<void>;
}

/** Infers the types of a resource's values from its schemas. */
export function define<I extends Shape, O extends Shape>(
  resource: Resource<Of<I>, Of<O>> & { readonly inputs: I; readonly outputs: O },
): Resource<Of<I>, Of<O>> {
  return resource;
}

/** For read: @throws Fault when there is no state, of a kind that cannot be imported. */
export function known<T>(old: T | undefined, kind: string): T {
  if (old === undefined) {
    throw new Fault(`A ${kind} cannot be imported; let up make it.`);
  }
  return old;
}

/** @throws Fault when a command did not end with 0, with the last lines it printed. */
export function succeeded(
  { code, stdout, stderr }: { code: number; stdout: string; stderr: string },
  what: string,
): string {
  if (code === 0) return stdout;
  const said = lastLines(stderr, 15) || lastLines(stdout, 15);
  throw new Fault(`${what} failed with exit code ${code}${said === "" ? "." : `:\n${said}`}`);
}

/** The last lines of a text, without colours and without empty lines around them. */
export function lastLines(text: string, count: number): string {
  return stripVTControlCharacters(text).trim().split("\n").slice(-count).join("\n");
}
