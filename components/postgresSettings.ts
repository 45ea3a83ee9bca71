/** What the server is sized by. */
export interface Size {
  /** Megabytes of the machine. */
  readonly memory: number;
  readonly cores: number;
  /** Megabytes PostgreSQL may take; undefined: an eighth of the machine's. */
  readonly budget?: number | undefined;
  /** Databases, each with two roles that sign in. */
  readonly databases: number;
}

/** Connections of one role. */
export const connections = 30;

/** Of them some for whoever looks after the server. */
const spare = 20;

/** Databases there is room for from the start: a new one is no reason for a restart. */
const room = 8;

/**
 * postgresql.conf of a server on loopback. Sizes: half of the budget for what all share, an eighth for
 * one maintenance, the rest for queries (PostgreSQL manual, 20.4 and 20.7).
 */
export function settingsOf(path: string, port: number, size: Size): string {
  return [
    "# Written by HiveMatrix; changes are found and undone.",
    `hba_file = '${path}/pg_hba.conf'`,
    "listen_addresses = '127.0.0.1'",
    "unix_socket_directories = ''",
    `port = ${String(port)}`,
    "password_encryption = scram-sha-256",
    "logging_collector = off",
    "timezone = 'UTC'",
    "log_timezone = 'UTC'",
    "datestyle = 'iso, mdy'",
    "default_text_search_config = 'pg_catalog.english'",
    "dynamic_shared_memory_type = posix",
    "# Who forgets a transaction keeps locks and dead rows.",
    "idle_in_transaction_session_timeout = '10min'",
    "shared_preload_libraries = 'pg_stat_statements'",
    "# Backups: a base backup by the superuser; a command in the place of true collects the WAL.",
    "wal_level = replica",
    "max_wal_senders = 5",
    "max_replication_slots = 5",
    "max_slot_wal_keep_size = '2GB'",
    "wal_compression = on",
    "archive_mode = on",
    "archive_command = '/bin/true'",
    "# Sized to the machine.",
    ...Object.entries(sizesOf(size)).map(([name, value]) => `${name} = ${value}`),
    "",
  ].join("\n");
}

/** The settings that depend on the machine, as PostgreSQL shows them. */
export function sizesOf({ memory, cores, budget, databases }: Size): Record<string, string> {
  const share = budget ?? memory / 8;
  const most = connections * room * Math.max(1, Math.ceil(databases / room)) + spare;
  const megabytes = (value: number, least: number, limit: number) =>
    `${String(Math.floor(Math.min(Math.max(value, least), limit)))}MB`;
  return {
    max_connections: String(most),
    shared_buffers: megabytes(share / 2, 32, 16_384),
    effective_cache_size: megabytes(memory / 2, 128, 1_048_576),
    maintenance_work_mem: megabytes(share / 8, 16, 2048),
    // A query takes it several times, and not all connections are at work.
    work_mem: megabytes(share / 4 / (most / 4), 4, 256),
    max_worker_processes: String(Math.max(8, cores)),
    max_parallel_workers: String(cores),
    max_parallel_workers_per_gather: String(Math.min(4, Math.floor(cores / 2))),
  };
}

/** A database and the roles that may sign in to it. */
export interface Access {
  readonly database: string;
  readonly logins: readonly string[];
}

/** pg_hba.conf: each database is open to its own roles and to nobody else, over loopback. */
export function accessOf(superuser: string, entries: readonly Access[]): string {
  const way = "127.0.0.1/32 scram-sha-256";
  return [
    "# TYPE  DATABASE  USER  ADDRESS  METHOD",
    `host all ${superuser} ${way}`,
    `host replication ${superuser} ${way}`,
    ...entries.map(
      ({ database, logins }) => `host ${quote(database)} ${logins.map(quote).join(",")} ${way}`,
    ),
    "",
  ].join("\n");
}

/** A quoted word has no special meaning; a quote in it is doubled (PostgreSQL manual, 21.1). */
function quote(word: string): string {
  return `"${word.replaceAll('"', '""')}"`;
}
