import { type Input, type InvokeOutputOptions, type Output, runtime } from "@pulumi/pulumi";

export interface DeclaredPort {
  name: string;
  port: number;
  /** Whether it is meant for everybody; default false. */
  open?: boolean | undefined;
}

export interface GetExposureResult {
  /** Where each listens; empty in a preview. */
  ports: { name: string; port: number; state: string; addresses: string[]; reached: string[] }[];
  /** How it was looked from outside, or why not. */
  probe: { method: string; because?: string };
}

/**
 * Proves that nothing but what is `open` is reached from outside; fails with name, port and what to
 * do. In a preview it looks at nothing.
 */
export function getExposureOutput(
  args: { ports: Input<Input<DeclaredPort>[]> },
  opts?: InvokeOutputOptions,
): Output<GetExposureResult> {
  return runtime.invokeOutput<GetExposureResult>("host:index:getExposure", { ...args }, opts ?? {});
}
