// `npm run check`: the fast checks without the set-up.
import { dirname } from "node:path";

import { describeCounts } from "./counts.ts";
import { runFastChecks } from "./fastChecks.ts";
import { listSuites } from "./suites.ts";
import { openTerminal } from "./terminal.js";

const checkout = dirname(import.meta.dirname);
const terminal = openTerminal();
const { unit } = listSuites(checkout, { long: false, chosen: [] });
const counts = await runFastChecks(checkout, terminal, unit);
terminal.line(describeCounts(counts));
process.exitCode = counts.failed === 0 ? 0 : 1;
