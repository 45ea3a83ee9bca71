/** A text as one word of a POSIX shell. It never holds a null character (schema.ts). */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Bytes as a command that prints them, without any of them in an argument vector: printf is the shell's own. */
export function printed(content: string | Buffer): string {
  return `printf %s ${quote(Buffer.from(content).toString("base64"))} | base64 -d`;
}
