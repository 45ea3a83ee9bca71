/** An alert as API, webhook and console have it. */
export interface Alert {
  readonly id: number;
  readonly rule: string;
  readonly subject: string;
  readonly message: string;
  readonly state: "raised" | "cleared";
  /** ISO 8601 in UTC. */
  readonly raised_at: string;
  readonly cleared_at: string | null;
}

/** For queries on the table alerts. */
export const alertColumns = `id::float8 AS id, rule, subject, message,
  CASE WHEN cleared_at IS NULL THEN 'raised' ELSE 'cleared' END AS state,
  to_char(raised_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS raised_at,
  to_char(cleared_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS cleared_at`;
