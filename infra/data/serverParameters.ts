/** A server parameter and its value, as PostgreSQL writes it. */
export interface ServerParameter {
  name: string;
  value: string;
}

export interface PoolSettings {
  defaultPoolSize: number;
  maxClientConnections: number;
  maxPreparedStatements: number;
}

/** Parameters of every server. Those marked static take effect at the next restart. */
const PLATFORM_PARAMETERS: readonly ServerParameter[] = [
  { name: "require_secure_transport", value: "on" },
  { name: "ssl_min_protocol_version", value: "TLSv1.2" },
  // Slows password guessing per client address.
  { name: "connection_throttle.enable", value: "on" },
  { name: "log_connections", value: "on" },
  { name: "log_disconnections", value: "on" },
  { name: "log_checkpoints", value: "on" },
  { name: "log_lock_waits", value: "on" },
  // Milliseconds; slower statements are logged with their text.
  { name: "log_min_duration_statement", value: "1000" },
  { name: "logfiles.download_enable", value: "on" },
  { name: "logfiles.retention_days", value: "7" },
  // Milliseconds. Backups and migrations lift these for their own sessions.
  { name: "statement_timeout", value: "60000" },
  { name: "lock_timeout", value: "30000" },
  { name: "idle_in_transaction_session_timeout", value: "300000" },
  { name: "track_io_timing", value: "on" },
  { name: "pg_qs.query_capture_mode", value: "top" },
  { name: "pgms_wait_sampling.query_capture_mode", value: "all" },
  // Off by default, and without them several alerts could never fire.
  { name: "metrics.collector_database_activity", value: "on" },
  { name: "metrics.autovacuum_diagnostics", value: "on" },
  // Extensions must be allowed before a restore can create them.
  { name: "azure.extensions", value: "amcheck,citext,pg_stat_statements,pg_trgm,pgaudit,pgcrypto,uuid-ossp" },
  // Static: stored now, loaded by the restart of docs/deploying.md.
  { name: "shared_preload_libraries", value: "pg_stat_statements,pgaudit" },
  // Heeded once the library is loaded.
  { name: "pgaudit.log", value: "ddl,role" },
];

/** Timeouts the platform sets, milliseconds. */
export const PLATFORM_TIMEOUTS: Readonly<Record<string, number>> = Object.fromEntries(
  PLATFORM_PARAMETERS.filter(({ name }) => name.endsWith("_timeout")).map(({ name, value }) => [
    name,
    Number(value),
  ]),
);

function poolParameters(pool: PoolSettings): ServerParameter[] {
  return [
    // First: the others do not exist until the pooler is on.
    { name: "pgbouncer.enabled", value: "true" },
    { name: "pgbouncer.pool_mode", value: "transaction" },
    { name: "pgbouncer.default_pool_size", value: String(pool.defaultPoolSize) },
    { name: "pgbouncer.max_client_conn", value: String(pool.maxClientConnections) },
    { name: "pgbouncer.max_prepared_statements", value: String(pool.maxPreparedStatements) },
    // Sent by clients for their own sessions; the pooler would refuse a connection that sets what it does not know.
    { name: "pgbouncer.ignore_startup_parameters", value: "extra_float_digits,statement_timeout" },
    { name: "metrics.pgbouncer_diagnostics", value: "on" },
  ];
}

/**
 * All parameters of a server in the order they must be set, one after another.
 * @param pool PgBouncer's settings; absent on the Burstable tier, which has no pooler.
 * @param own parameters of the environment; they win over the platform's and come last.
 */
export function serverParameters(
  pool: PoolSettings | undefined,
  own: Readonly<Record<string, string>>,
): ServerParameter[] {
  const ordered = [...PLATFORM_PARAMETERS, ...(pool ? poolParameters(pool) : [])];
  const rest = Object.entries(own)
    .filter(([name]) => !ordered.some((parameter) => parameter.name === name))
    .map(([name, value]) => ({ name, value }));
  return [...ordered.map(({ name, value }) => ({ name, value: own[name] ?? value })), ...rest];
}
