import { join } from "node:path";

import { elapsed, openTerminal } from "../../setup/terminal.js";

/** How many of a failed command's last lines are shown. */
const shownLines = 25;

/** A step that the ones after it need has failed. */
export class Stopped extends Error {}

/** A table that grows by one line a step, and the count at its end. */
export class Report {
  /** @param {string} logs folder for what the steps print */
  constructor(logs) {
    this.logs = logs;
    this.terminal = openTerminal();
    this.passed = 0;
    this.failed = 0;
    this.total = { wall: 0, cpu: 0 };
    this.number = 0;
  }

  /** @param {string} text */
  heading(text) {
    this.terminal.line("");
    this.terminal.line(this.terminal.bold(`${text.padEnd(58)} wall      CPU`));
  }

  /**
   * Runs a step whose failure ends what follows.
   * @param {string} name
   * @param {(log: string) => Promise<import("./machine.js").Outcome>} run
   * @returns {Promise<string>} what it printed
   * @throws Stopped
   */
  async step(name, run) {
    this.number += 1;
    const file = `${String(this.number).padStart(2, "0")}-${name.replace(/[^a-z0-9.]+/gi, "-")}.log`;
    const log = join(this.logs, file);
    const began = Date.now();
    const show = () => {
      this.terminal.rewrite(`  …     ${name}  ${elapsed(Date.now() - began)}  (tail -f ${log})`);
    };
    show();
    const clock = setInterval(show, 1000);
    const { code, text, wall, cpu } = await run(log).finally(() => {
      clearInterval(clock);
    });
    this.total = { wall: this.total.wall + wall, cpu: this.total.cpu + cpu };
    this.row(name, code === 0, `${seconds(wall)} ${seconds(cpu)}`);
    if (code === 0) return text;
    const last = text.trimEnd().split("\n").slice(-shownLines);
    for (const line of [...last, `exit code ${code}; all of it: ${log}`]) this.detail(line);
    throw new Stopped(name);
  }

  /**
   * A claim about what a step left; a wrong one does not end what follows.
   * @param {string} claim
   * @param {readonly string[]} faults empty when it holds
   */
  check(claim, faults) {
    this.row(`  ${claim}`, faults.length === 0, "");
    for (const fault of faults.slice(0, shownLines)) this.detail(fault);
    const more = faults.length - shownLines;
    if (more > 0) this.detail(`… and ${more} more`);
  }

  /** @param {string} text */
  detail(text) {
    this.terminal.line(`          ${text}`);
  }

  /** Ends the table. */
  end() {
    const { wall, cpu } = this.total;
    this.terminal.line("");
    this.terminal.line(`  ${"together".padEnd(52)} ${seconds(wall)} ${seconds(cpu)}`);
    this.terminal.line("");
    this.terminal.line(`${this.passed} passed, ${this.failed} failed`);
  }

  /**
   * @param {string} name
   * @param {boolean} good
   * @param {string} times
   */
  row(name, good, times) {
    if (good) this.passed += 1;
    else this.failed += 1;
    const { green, red, line } = this.terminal;
    line(`  ${good ? green("ok  ") : red("FAIL")}  ${name.padEnd(46)} ${times}`.trimEnd());
  }
}

/** @param {number} value @returns {string} */
function seconds(value) {
  return `${value.toFixed(1)} s`.padStart(9);
}
