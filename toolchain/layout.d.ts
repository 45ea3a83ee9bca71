/** Exact versions of everything the toolchain brings. */
export const versions: { pulumi: string; keycloak: string; postgresql: string; go: string };

/** Absolute path of toolchain/. */
export const sources: string;

/** File name of the official CLI for this kind of machine. */
export const archive: string;

/** One thing that has to be in the PULUMI_HOME. */
export interface Artefact {
  name: "pulumi" | "keycloak" | "postgresql";
  title: string;
  version: string;
  /** Replaced as a whole, atomically. */
  directory: string;
  /** The executable in it. */
  file: string;
  /** What a build downloads, and takes on 2 cores. */
  mb: number;
  minutes: number;
  /** What a build of it really is, where that differs from the version. */
  upstream?: string;
}

export type Source = "official" | "built from source";

/** `$HIVEMATRIX_CACHE`, else `hivematrix` in the user's cache. */
export function resolveCache(): string;

/** The toolchain's PULUMI_HOME, in the cache, by version. */
export function resolveHome(): string;

export function listArtefacts(): Artefact[];
export function findModule(name: Artefact["name"]): string;
export function describeBuild(name: Artefact["name"]): string;
export function readSource(artefact: Artefact): Source | undefined;
export function findGo(): { path: string; ours: boolean } | undefined;
export function resolveDownloads(): string;
export function findChecksum(): Promise<string | undefined>;
