export type Source = Record<string, string>;
export function parseSources(files: readonly { path: string; text: string }[]): Source[];
export function sourcesFor(
  sources: readonly Source[],
  codename: string,
  suite: string,
): { sources: Source[]; mirror: string | undefined };
export function formatSources(sources: readonly Source[]): string;
