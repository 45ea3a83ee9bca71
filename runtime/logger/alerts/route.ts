import type { FastifyInstance } from "fastify";
import type { Pool } from "pg";

import type { Auth } from "../auth.ts";
import { type Alert, alertColumns } from "./alert.ts";

/** GET /api/alerts: those that are raised, and the last hundred that were. */
export function addAlerts(
  app: FastifyInstance,
  { auth, pool }: { readonly auth: Auth; readonly pool: Pool },
): void {
  app.get("/api/alerts", { onRequest: auth.admin }, async () => {
    const { rows } = await pool.query<Alert>(
      `SELECT ${alertColumns} FROM alerts ORDER BY cleared_at IS NULL DESC, alerts.id DESC LIMIT 100`,
    );
    return {
      active: rows.filter(({ state }) => state === "raised"),
      past: rows.filter(({ state }) => state === "cleared"),
    };
  });
}
