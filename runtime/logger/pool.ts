import type { PoolConfig } from "pg";

import { databaseAccess } from "../kernel/config.ts";

type Access = Parameters<typeof databaseAccess>[0];

/** Milliseconds of one statement; a search that takes longer must be narrowed. */
const statementTimeout = 15_000;

/** How the logger reaches its database. */
export function poolOptions(access: Access): PoolConfig {
  return {
    ...databaseAccess(access),
    application_name: "logger",
    // A partition of today has no statistics yet, and words lie outside the rows that have them: the
    // planner takes reading everything for cheap. Compiling takes longer than any of our queries.
    options: "-c enable_seqscan=off -c jit=off",
    max: 8,
    connectionTimeoutMillis: 2000,
    statement_timeout: statementTimeout,
    // The client's own limit: a server that is stopped dead does not keep its promise.
    query_timeout: statementTimeout + 5000,
  };
}
