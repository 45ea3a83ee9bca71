/**
 * How this terminal is written to: colours and rewritten lines only where a person looks.
 * @typedef {object} Terminal
 * @property {boolean} live lines may be rewritten
 * @property {(line: string) => void} line
 * @property {(text: string) => void} rewrite replaces the current line; only when live
 * @property {(text: string) => string} bold
 * @property {(text: string) => string} dim
 * @property {(text: string) => string} green
 * @property {(text: string) => string} red
 */

/**
 * @param {{ isTTY?: boolean, columns?: number, write(text: string): unknown }} [stream]
 * @param {Readonly<Record<string, string | undefined>>} [environment]
 * @returns {Terminal}
 */
export function openTerminal(stream = process.stdout, environment = process.env) {
  const live = stream.isTTY === true && environment["TERM"] !== "dumb";
  const colour = live && !environment["NO_COLOR"];
  const paint = (/** @type {number} */ code) => (/** @type {string} */ text) =>
    colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  let open = false;
  return {
    live,
    line(text) {
      stream.write(open ? `\r\u001b[K${text}\n` : `${text}\n`);
      open = false;
    },
    rewrite(text) {
      if (!live) return;
      stream.write(`\r\u001b[K${text.slice(0, (stream.columns ?? 80) - 1)}`);
      open = true;
    },
    bold: paint(1),
    dim: paint(2),
    green: paint(32),
    red: paint(31),
  };
}

/**
 * @param {number} milliseconds
 * @returns {string} as 0:07 or 12:30
 */
export function elapsed(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
