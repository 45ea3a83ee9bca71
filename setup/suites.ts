import { globSync } from "node:fs";

/** Folders of test/ whose tests take minutes or need a whole machine. */
const slow = /^test\/(browser|core|e2e|flask|gateway|host|logger|long|toolchain)\//;

/** Test files, relative to the checkout, in the order they are run. */
export interface Suites {
  readonly unit: readonly string[];
  readonly slow: readonly string[];
}

/**
 * @param long whether those of test/long count, too
 * @param chosen files named by the user; none means all
 */
export function listSuites(
  checkout: string,
  { long, chosen }: { readonly long: boolean; readonly chosen: readonly string[] },
): Suites {
  const all =
    chosen.length > 0
      ? chosen.map((file) => file.replace(/^\.\//, ""))
      : globSync("test/**/*.test.ts", { cwd: checkout })
          .filter((file) => !file.startsWith("test/toolchain/fixtures/"))
          .filter((file) => long || !file.startsWith("test/long/"))
          .sort();
  return {
    unit: all.filter((file) => !slow.test(file)),
    slow: all.filter((file) => slow.test(file)),
  };
}
