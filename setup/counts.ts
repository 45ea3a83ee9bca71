import { z } from "zod";

const countsSchema = z.object({ passed: z.number(), failed: z.number(), skipped: z.number() });

/** How many tests ended how. */
export type Counts = Readonly<z.infer<typeof countsSchema>>;

/**
 * Reads what test/support/reporter.js wrote. A run that ended badly without a failed test (a file
 * that does not load, a crash) counts as one failure.
 * @param text undefined when nothing was written
 * @param code the run's exit code
 */
export function parseCounts(text: string | undefined, code: number): Counts {
  const counts =
    text === undefined
      ? { passed: 0, failed: 0, skipped: 0 }
      : countsSchema.parse(JSON.parse(text));
  const crashed = code !== 0 && counts.failed === 0;
  return crashed || text === undefined ? { ...counts, failed: 1 } : counts;
}

export function addCounts(all: readonly Counts[]): Counts {
  return {
    passed: all.reduce((sum, { passed }) => sum + passed, 0),
    failed: all.reduce((sum, { failed }) => sum + failed, 0),
    skipped: all.reduce((sum, { skipped }) => sum + skipped, 0),
  };
}

/** @returns `N passed, N failed`, with `, N skipped` only if there are any */
export function describeCounts({ passed, failed, skipped }: Counts): string {
  const rest = skipped === 0 ? "" : `, ${skipped} skipped`;
  return `${passed} passed, ${failed} failed${rest}`;
}
