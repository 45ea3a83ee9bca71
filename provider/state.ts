import type { Resource } from "./resource.ts";
import { encode, type Properties, UNKNOWN } from "./wire.ts";

/** Outputs as far as they are known without doing anything. */
export function planned(
  resource: Resource,
  inputs: Properties,
  old: Record<string, unknown> | undefined,
): Record<string, unknown> {
  const known = resource.plan?.(inputs.values, old) ?? {};
  return Object.fromEntries(
    Object.keys(resource.outputs).map((key) => [key, key in known ? known[key] : UNKNOWN]),
  );
}

/** Inputs and outputs together, with all that is secret in them. */
export function stateOf(
  resource: Resource,
  inputs: Properties,
  outputs: Readonly<Record<string, unknown>>,
): Properties {
  const derived = Object.entries(resource.derived ?? {})
    .filter(([, input]) => inputs.secrets.some((path) => path[0] === input))
    .map(([output]) => [output]);
  const always = [...(resource.secretOutputs ?? []), ...(resource.secretInputs ?? [])];
  const secrets = [...inputs.secrets, ...derived, ...always.map((key) => [key])];
  return { values: { ...inputs.values, ...outputs }, secrets };
}

/** The same as a message. */
export function encoded(
  resource: Resource,
  inputs: Properties,
  outputs: Readonly<Record<string, unknown>>,
) {
  const { values, secrets } = stateOf(resource, inputs, outputs);
  return encode(values, secrets);
}

/** The values that a shape names. */
export function only(
  values: Readonly<Record<string, unknown>>,
  shape: object,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => key in shape));
}
