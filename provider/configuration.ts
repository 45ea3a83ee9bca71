import { z } from "zod";

import type { Shape } from "./schema.ts";

/** The provider's own configuration. `version` is added by the engine. */
export const configuration = {
  transport: z.literal("local").describe("`local`: this machine, as the user who runs Pulumi."),
  version: z.string().optional(),
} satisfies Shape;
