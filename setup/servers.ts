import { answersHttp, answersTcp } from "../cli/probe.ts";
import type { Answers } from "./phases.ts";

/** PostgreSQL and Keycloak as they are reached from this machine. */
export interface Servers {
  readonly ports: { readonly postgres: number; readonly keycloak: number };
  readonly answers: () => Promise<Answers>;
  readonly close: () => void;
}

/** On this machine. */
export function localServers(ports: Servers["ports"]): Servers {
  return {
    ports,
    answers: async () => {
      // A realm that is in no cache makes Keycloak ask its database, which may be lost.
      const realm = `http://127.0.0.1:${ports.keycloak}/realms/none`;
      const [postgres, keycloak] = await Promise.all([
        answersTcp(ports.postgres),
        answersHttp(realm, 404),
      ]);
      return { postgres, keycloak };
    },
    close: () => undefined,
  };
}
