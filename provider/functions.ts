import type { Context } from "./resource.ts";
import type { Shape } from "./schema.ts";

type Plain = Record<string, unknown>;

/** A question that is asked at every up and kept in no state. */
export interface Invoke {
  readonly description: string;
  readonly inputs: Shape;
  /** What a preview answers, which looks at nothing: an up can only answer the same, or more, or fail. */
  readonly planned: Plain;
  /** @throws Fault */
  answer(context: Context, inputs: Plain): Promise<Plain>;
}

/** Loaded when first met. */
export const functions = {
  getExposure: async (): Promise<Invoke> => {
    const { arguments_, getExposure } = await import("./exposure/getExposure.ts");
    return {
      description: "Fails when a port that is not meant to be open is reached from outside.",
      inputs: arguments_,
      planned: { ports: [], probe: { method: "not looked" } },
      answer: async (context, inputs) => ({
        ...(await getExposure(context, inputs as unknown as Parameters<typeof getExposure>[1])),
      }),
    };
  },
  getReadiness: async (): Promise<Invoke> => {
    const { arguments_, getReadiness } = await import("./readiness.ts");
    return {
      description: "Polls until every check passes.",
      inputs: arguments_,
      planned: { ready: true },
      answer: async (context, inputs) => {
        await getReadiness(context, inputs as unknown as Parameters<typeof getReadiness>[1]);
        return { ready: true };
      },
    };
  },
} satisfies Record<string, () => Promise<Invoke>>;

export type FunctionName = keyof typeof functions;
