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
export function openTerminal(
  stream?: {
    isTTY?: boolean;
    columns?: number;
    write(text: string): unknown;
  },
  environment?: Readonly<Record<string, string | undefined>>,
): Terminal;
/**
 * @param {number} milliseconds
 * @returns {string} as 0:07 or 12:30
 */
export function elapsed(milliseconds: number): string;
/**
 * How this terminal is written to: colours and rewritten lines only where a person looks.
 */
export type Terminal = {
  /**
   * lines may be rewritten
   */
  live: boolean;
  line: (line: string) => void;
  /**
   * replaces the current line; only when live
   */
  rewrite: (text: string) => void;
  bold: (text: string) => string;
  dim: (text: string) => string;
  green: (text: string) => string;
  red: (text: string) => string;
};
