/** Marks and colours, the latter only where a person looks. */
export interface Output {
  line(text: string): void;
  /** Replaces the current line; nothing where lines cannot be rewritten. */
  rewrite(text: string): void;
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  blue(text: string): string;
  dim(text: string): string;
}

export function openOutput(
  stream: NodeJS.WriteStream = process.stdout,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Output {
  const live = stream.isTTY && environment["TERM"] !== "dumb";
  const paint = (code: number) => (text: string) =>
    live && !environment["NO_COLOR"] ? `\u001b[${code}m${text}\u001b[0m` : text;
  const clear = live ? "\r\u001b[K" : "";
  return {
    line(text) {
      stream.write(`${clear}${text}\n`);
    },
    rewrite(text) {
      if (live) stream.write(`${clear}${text}`);
    },
    green: paint(32),
    red: paint(31),
    yellow: paint(33),
    blue: paint(34),
    dim: paint(2),
  };
}

/** Rows in columns as wide as their widest cell. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** Seconds as a person says them: 45 s, 12 min, 3 h 5 min, 2 d 4 h. */
export function describeSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
