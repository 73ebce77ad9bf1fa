import { EXTENSIONS, PRELOADED } from "./extensions";

/** What a server parameter may be set to. */
export type ParameterFact =
  | { readonly kind: "number"; readonly whole: boolean; readonly min: number; readonly max: number }
  | { readonly kind: "choice"; readonly values: readonly string[] }
  /** Comma-separated choices. */
  | { readonly kind: "set"; readonly values: readonly string[] }
  /** The same, without spaces and in any case, of more names than an error lists. */
  | { readonly kind: "names"; readonly values: readonly string[]; readonly of: string }
  | { readonly kind: "text"; readonly pattern: RegExp; readonly allowed: string };

const INT_MAX = 2_147_483_647;
const whole = (min: number, max = INT_MAX): ParameterFact => ({ kind: "number", whole: true, min, max });
const real = (min: number, max = Number.MAX_VALUE): ParameterFact => ({
  kind: "number",
  whole: false,
  min,
  max,
});
const choice = (...values: string[]): ParameterFact => ({ kind: "choice", values });
const set = (...values: string[]): ParameterFact => ({ kind: "set", values });
const text = (pattern: RegExp, allowed: string): ParameterFact => ({ kind: "text", pattern, allowed });
const SWITCH = choice("on", "off");
const LEVELS = [
  "debug5",
  "debug4",
  "debug3",
  "debug2",
  "debug1",
  "info",
  "notice",
  "warning",
  "error",
  "log",
  "fatal",
  "panic",
];

const named = (names: string, fact: ParameterFact): [string, ParameterFact][] =>
  names.split(" ").map((name) => [name, fact]);

/**
 * Parameters of a flexible server that a customer may set, and to what; read-only ones are left out. Numbers are in the
 * parameter's own unit and carry none. As of January 2026, for PostgreSQL 17
 * (https://learn.microsoft.com/azure/postgresql/server-parameters/concepts-server-parameters).
 */
export const PARAMETERS: ReadonlyMap<string, ParameterFact> = new Map<string, ParameterFact>([
  // Connections
  ["max_connections", whole(25, 5000)],
  ...named("tcp_keepalives_count tcp_keepalives_idle tcp_keepalives_interval tcp_user_timeout", whole(0)),
  ["require_secure_transport", SWITCH],
  ["ssl_min_protocol_version", choice("TLSv1.2", "TLSv1.3")],
  ["ssl_max_protocol_version", choice("", "TLSv1.2", "TLSv1.3")],
  ["password_encryption", choice("md5", "scram-sha-256")],
  ["azure.accepted_password_auth_method", set("md5", "scram-sha-256")],
  ["connection_throttle.enable", SWITCH],
  // Memory
  ["autovacuum_work_mem", whole(-1, 2_097_151)],
  ["hash_mem_multiplier", real(1, 1000)],
  ["huge_pages", choice("on", "off", "try")],
  ["logical_decoding_work_mem", whole(64)],
  ["maintenance_work_mem", whole(1024, 2_097_151)],
  ["max_prepared_transactions", whole(0, 262_143)],
  ["shared_buffers", whole(16, 1_073_741_823)],
  ["temp_buffers", whole(100, 1_073_741_823)],
  ["vacuum_buffer_usage_limit", whole(0, 16_777_216)],
  ["work_mem", whole(4096, 2_097_151)],
  // Parallel work and disk
  ["backend_flush_after", whole(0, 256)],
  ["effective_io_concurrency", whole(0, 1000)],
  ["max_parallel_maintenance_workers", whole(0, 64)],
  ...named("max_parallel_workers max_parallel_workers_per_gather", whole(0, 1024)),
  ["max_worker_processes", whole(0, 262_143)],
  // Autovacuum
  ["autovacuum", SWITCH],
  ...named(
    "autovacuum_analyze_scale_factor autovacuum_vacuum_scale_factor autovacuum_vacuum_insert_scale_factor",
    real(0, 100),
  ),
  ...named("autovacuum_analyze_threshold autovacuum_vacuum_threshold", whole(0)),
  ["autovacuum_freeze_max_age", whole(100_000, 2_000_000_000)],
  ["autovacuum_multixact_freeze_max_age", whole(10_000, 2_000_000_000)],
  ["autovacuum_max_workers", whole(1, 262_143)],
  ["autovacuum_naptime", whole(1, 2_147_483)],
  ["autovacuum_vacuum_cost_delay", whole(-1, 100)],
  ["autovacuum_vacuum_cost_limit", whole(-1, 10_000)],
  ["autovacuum_vacuum_insert_threshold", whole(-1)],
  ["vacuum_failsafe_age", whole(0, 2_100_000_000)],
  ["vacuum_freeze_min_age", whole(0, 1_000_000_000)],
  ["vacuum_freeze_table_age", whole(0, 2_000_000_000)],
  // Statements
  ...named(
    "statement_timeout lock_timeout idle_in_transaction_session_timeout idle_session_timeout transaction_timeout",
    whole(0),
  ),
  ["deadlock_timeout", whole(1)],
  ["gin_pending_list_limit", whole(64, 2_097_151)],
  ["bytea_output", choice("escape", "hex")],
  ["client_min_messages", choice(...LEVELS.filter((level) => !["info", "fatal", "panic"].includes(level)))],
  [
    "default_transaction_isolation",
    choice("serializable", "repeatable read", "read committed", "read uncommitted"),
  ],
  ...named(
    "check_function_bodies default_transaction_deferrable default_transaction_read_only event_triggers row_security",
    SWITCH,
  ),
  ["session_replication_role", choice("origin", "replica", "local")],
  ["search_path", text(/^[A-Za-z0-9."$,_ -]+$/, "names of schemas, separated by commas")],
  // Planner
  ...named(
    "cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost parallel_setup_cost parallel_tuple_cost random_page_cost seq_page_cost",
    real(0),
  ),
  ["effective_cache_size", whole(1)],
  ...named("jit_above_cost jit_inline_above_cost jit_optimize_above_cost", whole(-1)),
  ...named("min_parallel_index_scan_size min_parallel_table_scan_size", whole(0, 715_827_882)),
  ["default_statistics_target", whole(1, 10_000)],
  ["jit", SWITCH],
  ...named(
    "enable_bitmapscan enable_gathermerge enable_group_by_reordering enable_hashagg enable_hashjoin enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material enable_mergejoin enable_nestloop enable_parallel_append enable_partitionwise_aggregate enable_partitionwise_join enable_presorted_aggregate enable_seqscan enable_sort enable_tidscan",
    SWITCH,
  ),
  // Write-ahead log and replication
  ["checkpoint_completion_target", real(0, 1)],
  ["checkpoint_timeout", whole(30, 86_400)],
  ["checkpoint_warning", whole(0)],
  ["commit_delay", whole(0, 100_000)],
  ["commit_siblings", whole(0, 1000)],
  ["max_replication_slots", whole(2, 262_143)],
  ["max_wal_senders", whole(5, 100)],
  ["max_wal_size", whole(32, 65_536)],
  ["min_wal_size", whole(32, 2_097_151)],
  ["track_commit_timestamp", SWITCH],
  ["wal_buffers", whole(-1, 262_143)],
  ["wal_compression", choice("pglz", "lz4", "on", "off")],
  ["wal_level", choice("replica", "logical")],
  ["wal_sender_timeout", whole(0)],
  ["wal_writer_delay", whole(1, 10_000)],
  ["wal_writer_flush_after", whole(0)],
  // Logs
  ["application_name", text(/^[A-Za-z0-9._-]*$/, "letters, digits, dots, underscores and hyphens")],
  ...named(
    "debug_pretty_print debug_print_parse debug_print_plan debug_print_rewritten log_checkpoints log_connections log_disconnections log_duration log_hostname log_lock_waits log_recovery_conflict_waits",
    SWITCH,
  ),
  ["log_error_verbosity", choice("terse", "default", "verbose")],
  ["log_line_prefix", text(/^[^']*$/, "text without '")],
  ...named(
    "log_autovacuum_min_duration log_min_duration_sample log_min_duration_statement log_temp_files",
    whole(-1),
  ),
  ...named("log_parameter_max_length log_parameter_max_length_on_error", whole(-1, 1_073_741_823)),
  ...named("log_min_error_statement log_min_messages", choice(...LEVELS)),
  ["log_statement", choice("none", "ddl", "mod", "all")],
  ["log_statement_sample_rate", real(0, 1)],
  ["logfiles.download_enable", SWITCH],
  ["logfiles.retention_days", whole(1, 7)],
  // Statistics
  ...named("track_activities track_counts track_io_timing track_wal_io_timing", SWITCH),
  ["track_activity_query_size", whole(100, 102_400)],
  ["track_functions", choice("none", "pl", "all")],
  ["compute_query_id", choice("on", "off", "auto", "regress")],
  ...named(
    "metrics.autovacuum_diagnostics metrics.collector_database_activity metrics.pgbouncer_diagnostics",
    SWITCH,
  ),
  // Extensions
  ["azure.extensions", { kind: "names", values: EXTENSIONS, of: "extensions" }],
  ["shared_preload_libraries", { kind: "names", values: PRELOADED, of: "libraries" }],
  ["cron.database_name", text(/^[A-Za-z0-9_]+$/, "letters, digits and underscores")],
  ["cron.max_running_jobs", whole(0, 5000)],
  ...named("cron.log_run cron.log_statement", SWITCH),
  ["pgaudit.log", set("none", "read", "write", "function", "role", "ddl", "misc", "all")],
  ...named(
    "pgaudit.log_catalog pgaudit.log_client pgaudit.log_parameter pgaudit.log_relation pgaudit.log_rows pgaudit.log_statement pgaudit.log_statement_once",
    SWITCH,
  ),
  ["pg_qs.interval_length_minutes", whole(1, 30)],
  ["pg_qs.max_captured_queries", whole(100, 500)],
  ...named("pg_qs.max_plan_size pg_qs.max_query_text_length", whole(100, 10_000)),
  ["pg_qs.parameters_capture_mode", choice("capture_parameterless_only", "capture_first_sample")],
  ["pg_qs.query_capture_mode", choice("top", "all", "none")],
  ["pg_qs.retention_period_in_days", whole(1, 30)],
  ...named("pg_qs.store_query_plans pg_qs.track_utility", SWITCH),
  ["pgms_wait_sampling.history_period", whole(1, 600_000)],
  ["pgms_wait_sampling.query_capture_mode", choice("all", "none")],
  ["pg_stat_statements.max", whole(100)],
  ["pg_stat_statements.track", choice("top", "all", "none")],
  ...named(
    "pg_stat_statements.save pg_stat_statements.track_planning pg_stat_statements.track_utility",
    SWITCH,
  ),
  // PgBouncer, on tiers above Burstable
  ["pgbouncer.enabled", choice("true", "false")],
  ["pgbouncer.default_pool_size", whole(1, 4950)],
  ["pgbouncer.min_pool_size", whole(0, 4950)],
  ["pgbouncer.max_client_conn", whole(1, 50_000)],
  ["pgbouncer.max_prepared_statements", whole(0, 5000)],
  ["pgbouncer.pool_mode", choice("session", "transaction", "statement")],
  ...named("pgbouncer.query_wait_timeout pgbouncer.server_idle_timeout", whole(0, 86_400)),
  [
    "pgbouncer.ignore_startup_parameters",
    text(/^[A-Za-z0-9_.,]*$/, "names of parameters, separated by commas without spaces"),
  ],
  [
    "pgbouncer.stats_users",
    text(/^[A-Za-z0-9,@_.-]*$/, "names of users, separated by commas without spaces"),
  ],
]);

/** Major version that brought a parameter, of those younger than the oldest version offered. */
const SINCE: Readonly<Record<string, number>> = {
  enable_presorted_aggregate: 16,
  vacuum_buffer_usage_limit: 16,
  enable_group_by_reordering: 17,
  event_triggers: 17,
  transaction_timeout: 17,
};

/** First major version that knows a parameter; 0 when every version offered does. */
export const parameterSince = (name: string): number => SINCE[name] ?? 0;

/** As PostgreSQL writes one: no leading zeros, and no fraction of nothing. */
const NUMBER = /^-?(0|[1-9]\d*)(\.\d*[1-9])?$/;

function allowed(fact: ParameterFact): string {
  switch (fact.kind) {
    case "number": {
      const kind = fact.whole ? "a whole number" : "a number";
      const range =
        fact.max === Number.MAX_VALUE ? `of at least ${fact.min}` : `from ${fact.min} to ${fact.max}`;
      return `${kind} ${range}, in quotes and without a unit`;
    }
    case "choice":
      return `one of ${fact.values.map((value) => `"${value}"`).join(", ")}`;
    case "set":
      return `one or more of ${fact.values.join(", ")}, separated by commas`;
    case "names":
      return `names of ${fact.of} Azure offers, separated by commas without spaces`;
    case "text":
      return fact.allowed;
  }
}

/** Of a list, what is none of the names. */
function strangers(known: readonly string[], list: string): string[] {
  return list.split(",").filter((name) => !known.includes(name.toLowerCase()));
}

function fits(fact: ParameterFact, value: string): boolean {
  switch (fact.kind) {
    case "number": {
      const number = Number(value);
      return (
        NUMBER.test(value) &&
        (!fact.whole || Number.isInteger(number)) &&
        number >= fact.min &&
        number <= fact.max
      );
    }
    case "choice":
      return fact.values.includes(value);
    case "set":
      return value.split(",").every((part) => fact.values.includes(part.trim()));
    case "names":
      return strangers(fact.values, value).length === 0;
    case "text":
      return fact.pattern.test(value);
  }
}

/** Letters one has to change, add or take away to get from one word to another. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const replaced = (row[j - 1] ?? 0) + Number(one[i - 1] !== other[j - 1]);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

/** Letters of a name that may be wrong, so that it is still told which was meant: one in three, and three at most. */
const mistyped = (name: string): number => Math.min(3, Math.floor(name.length / 3));

/** Name that was most likely meant; undefined when none is near. */
function nearest(name: string, names: readonly string[]): string | undefined {
  const [best] = names.map((known) => ({ known, far: distance(name, known) })).sort((a, b) => a.far - b.far);
  return best && best.far <= mistyped(name) ? best.known : undefined;
}

/**
 * What may be set instead of a parameter or its value; undefined when both are fine.
 * @returns which of the two is wrong, and what is allowed, in words.
 */
export function parameterProblem(
  name: string,
  value: string,
): { wrong: "name" | "value"; allowed: string } | undefined {
  const fact = PARAMETERS.get(name);
  if (!fact) {
    const meant = nearest(name, [...PARAMETERS.keys()]);
    return {
      wrong: "name",
      allowed: `a server parameter Azure lets one set${meant ? `; did you mean ${meant}?` : ""}`,
    };
  }
  if (fits(fact, value)) return undefined;
  const [stranger] = fact.kind === "names" ? strangers(fact.values, value) : [];
  const meant = fact.kind === "names" && stranger ? nearest(stranger, fact.values) : undefined;
  const said = stranger ? `; ${stranger} is none${meant ? `, did you mean ${meant}?` : ""}` : "";
  return { wrong: "value", allowed: `${allowed(fact)}${said}` };
}
