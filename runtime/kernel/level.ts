/** Severities of a line in the log, lowest first (contract 3.2). */
export const levels = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const;

export type Level = (typeof levels)[number];

/** What other libraries call them; pino also counts. */
const levelNames: Readonly<Record<string, Level>> = {
  ...Object.fromEntries(levels.map((level) => [level, level])),
  TRACE: "DEBUG",
  NOTICE: "INFO",
  WARN: "WARNING",
  FATAL: "CRITICAL",
  PANIC: "CRITICAL",
  "10": "DEBUG",
  "20": "DEBUG",
  "30": "INFO",
  "40": "WARNING",
  "50": "ERROR",
  "60": "CRITICAL",
};

/** @returns undefined for a word that is no level */
export function levelOf(value: unknown): Level | undefined {
  const word = typeof value === "string" || typeof value === "number" ? String(value) : "";
  return Object.hasOwn(levelNames, word.toUpperCase()) ? levelNames[word.toUpperCase()] : undefined;
}
