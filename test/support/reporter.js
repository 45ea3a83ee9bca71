// Mocha's spec output without its summary, which not every CI recognises: the counts go to a file
// (--reporter-option counts=FILE) and setup/test.ts prints one line over all suites.
import { writeFileSync } from "node:fs";

import Mocha from "mocha";

const { reporters, Runner } = Mocha;
const { EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING } = Runner.constants;

export default class Reporter extends reporters.Spec {
  /**
   * @param {Mocha.Runner} runner
   * @param {Mocha.MochaOptions} options
   */
  constructor(runner, options) {
    super(runner, options);
    const counts = { passed: 0, failed: 0, skipped: 0 };
    runner.on(EVENT_TEST_PASS, () => (counts.passed += 1));
    runner.on(EVENT_TEST_FAIL, () => (counts.failed += 1));
    runner.on(EVENT_TEST_PENDING, () => (counts.skipped += 1));
    runner.once(EVENT_RUN_END, () => {
      const path = options.reporterOption?.counts ?? options.reporterOptions?.counts;
      if (path !== undefined) writeFileSync(path, JSON.stringify(counts));
    });
  }

  /** Failures in full, as Spec has them; the numbers come at the very end. */
  epilogue() {
    if (this.failures.length > 0) reporters.Base.list(this.failures);
  }
}
