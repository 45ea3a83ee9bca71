import * as pulumi from "@pulumi/pulumi";

/** What an output comes to, and whether it is a secret. */
export async function valueOf<T>(
  output: pulumi.Output<T>,
): Promise<{ value: T; isSecret: boolean }> {
  const value = await new Promise<T>((resolve) => {
    output.apply(resolve);
  });
  return { value, isSecret: await pulumi.isSecret(output) };
}
