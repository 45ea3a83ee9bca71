import { servers } from "../cli/servers.ts";
import type { Resource } from "./checkpoint.ts";

/** A run of `pulumi up` that leaves out what cannot be looked at yet. */
export interface Phase {
  readonly name: string;
  /** URN patterns (`*` within a part, `**` across parts) left out of it. */
  readonly exclude: readonly string[];
}

/** Who answers at the moment. */
export interface Answers {
  readonly postgres: boolean;
  readonly keycloak: boolean;
}

/** What is made by talking to Keycloak; its providers themselves talk to nobody. */
const throughKeycloak = servers.keycloak.patterns;

/** What is made by talking to PostgreSQL. */
const throughPostgres = servers.postgresql.patterns;

/** Keycloak's process needs its database: it comes when PostgreSQL answers. */
const needsPostgres = ["urn:pulumi:*::*::**hivematrix:index:KeycloakServer**"];

/**
 * A refresh asks every server that something was made through. After a reboot none answers, so
 * the host is repaired first, which starts PostgreSQL, then Keycloak's host resources, then all.
 * Without anything made through a server there is nobody to ask: one phase.
 */
export function choosePhases(
  resources: readonly Pick<Resource, "type">[],
  answers: Answers,
): Phase[] {
  const all: Phase = { name: "everything", exclude: [] };
  const through = (provider: string) =>
    resources.some(({ type }) => type.startsWith(`${provider}:`));
  const phases: Phase[] = [];
  if (!answers.postgres && through("postgresql")) {
    phases.push({
      name: "the host and PostgreSQL",
      exclude: [...throughPostgres, ...needsPostgres, ...throughKeycloak],
    });
  }
  // Keycloak does not answer without its database either.
  if ((!answers.keycloak || phases.length > 0) && through("keycloak")) {
    phases.push({ name: "Keycloak", exclude: throughKeycloak });
  }
  return [...phases, all];
}

/** @returns arguments for pulumi */
export function excludeArguments({ exclude }: Phase): string[] {
  if (exclude.length === 0) return [];
  return [...exclude.flatMap((pattern) => ["--exclude", pattern]), "--exclude-dependents"];
}
