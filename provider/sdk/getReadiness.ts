import {
  type Input,
  type InvokeOptions,
  type InvokeOutputOptions,
  type Output,
  runtime,
} from "@pulumi/pulumi";
import type { Check } from "./check.ts";

export interface GetReadinessArgs {
  /** All must pass. */
  checks: Input<Check>[];
  /** Seconds until it fails; default 90. */
  timeout?: number | undefined;
}

export interface GetReadinessOutputArgs {
  /** All must pass. */
  checks: Input<Input<Check>[]>;
  /** Seconds until it fails; default 90. */
  timeout?: Input<number> | undefined;
}

export interface GetReadinessResult {
  ready: boolean;
}

/** Polls until every check passes; fails with one sentence. In a preview it looks at nothing and answers true. */
export function getReadiness(
  args: GetReadinessArgs,
  opts?: InvokeOptions,
): Promise<GetReadinessResult> {
  return runtime.invoke("host:index:getReadiness", { ...args }, opts ?? {});
}

/** As getReadiness, after its arguments and `dependsOn` are known. */
export function getReadinessOutput(
  args: GetReadinessOutputArgs,
  opts?: InvokeOutputOptions,
): Output<GetReadinessResult> {
  return runtime.invokeOutput<GetReadinessResult>(
    "host:index:getReadiness",
    { ...args },
    opts ?? {},
  );
}
