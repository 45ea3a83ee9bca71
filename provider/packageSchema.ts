import { z } from "zod";

import { configuration } from "./configuration.ts";
import { functions } from "./functions.ts";
import { resources } from "./resources/index.ts";
import type { Shape } from "./schema.ts";

type Json = Record<string, unknown>;

/** The package as Pulumi's tools describe it, from the schemas that check the inputs. */
export async function packageSchema(version: string): Promise<Json> {
  const types: Json = {};
  const entries = Object.entries(resources).map(async ([name, load]) => {
    const { description, inputs, outputs, replaceOn, secretOutputs = [] } = await load();
    const given = properties(name, inputs, "input", types);
    for (const key of replaceOn) (given[key] as Json)["willReplaceOnChanges"] = true;
    const all = {
      // What an input is turned into has the same type, which zod cannot see.
      ...properties(name, inputs, "input", types),
      ...properties(name, outputs, "output", types),
    };
    for (const key of secretOutputs) (all[key] as Json)["secret"] = true;
    const required = requiredOf({ ...inputs, ...outputs }, "output");
    const definition = {
      description,
      inputProperties: given,
      requiredInputs: requiredOf(inputs, "input"),
      properties: all,
      required,
    };
    return [`host:index:${name}`, definition] as const;
  });
  const asked = Object.entries(functions).map(async ([name, load]) => {
    const { description, inputs } = await load();
    const definition = {
      description,
      inputs: {
        type: "object",
        properties: properties(capitalised(name), inputs, "input", types),
        required: requiredOf(inputs, "input"),
      },
      outputs: { type: "object", additionalProperties: { $ref: "pulumi.json#/Any" } },
    };
    return [`host:index:${name}`, definition] as const;
  });
  return {
    name: "host",
    version,
    description: "What is on a machine: files, packages, users, processes.",
    provider: { inputProperties: properties("Provider", configuration, "input", types) },
    resources: Object.fromEntries(await Promise.all(entries)),
    functions: Object.fromEntries(await Promise.all(asked)),
    types,
    language: {},
  };
}

type Direction = "input" | "output";

function jsonSchema(shape: Shape, direction: Direction): { properties: Json; required: string[] } {
  const schema = z.toJSONSchema(z.object(shape), { io: direction, unrepresentable: "any" });
  return { properties: schema.properties ?? {}, required: schema.required ?? [] };
}

function properties(owner: string, shape: Shape, direction: Direction, types: Json): Json {
  const found = Object.entries(jsonSchema(shape, direction).properties);
  return Object.fromEntries(
    found.map(([key, value]) => [key, typeOf(`${owner}${capitalised(key)}`, value as Json, types)]),
  );
}

function requiredOf(shape: Shape, direction: Direction): string[] {
  return jsonSchema(shape, direction).required;
}

/** Pulumi wants every object with named properties to be a type of its own. */
function typeOf(name: string, schema: Json, types: Json): Json {
  const described =
    schema["description"] === undefined ? {} : { description: schema["description"] };
  if (schema["const"] !== undefined) return { ...described, type: typeof schema["const"] };
  switch (schema["type"]) {
    case "array":
      return { ...described, type: "array", items: typeOf(name, schema["items"] as Json, types) };
    case "object": {
      if (schema["properties"] === undefined) {
        const values = typeOf(name, schema["additionalProperties"] as Json, types);
        return { ...described, type: "object", additionalProperties: values };
      }
      const inner = Object.entries(schema["properties"] as Json).map(([key, value]) => [
        key,
        typeOf(`${name}${capitalised(key)}`, value as Json, types),
      ]);
      types[`host:index:${name}`] = {
        type: "object",
        properties: Object.fromEntries(inner) as Json,
        required: schema["required"] ?? [],
      };
      return { ...described, $ref: `#/types/host:index:${name}` };
    }
    default:
      return { ...described, type: schema["type"] };
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
