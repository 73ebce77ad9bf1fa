import { databaseSize, parameterSince } from "../../packages/azure-facts";
import { PLATFORM_TIMEOUTS } from "../../infra/data/serverParameters";
import type { Problem } from "../problems";
import { GIB_IN_MIB } from "./quantities";
import type { StackConfig } from "./shape";

type Database = StackConfig["database"];

const at = (name: string) => ["database", "parameters", name];

/** Parameters with which the server starts, keeps its disk, ends what waits, and vacuums. */
export function parameterLimits({ database }: StackConfig): Problem[] {
  const unknown = versions(database);
  if (unknown.length > 0) return unknown;
  return [
    ...timeouts(database),
    ...vacuuming(database),
    ...sensible(database),
    ...backends(database),
    ...logOnDisk(database),
    ...memoryTogether(database),
    ...caches(database),
    ...cron(database),
    ...silence(database),
  ];
}

/** A server refuses the name of a parameter that a later version brought. */
function versions({ parameters, version }: Database): Problem[] {
  return Object.entries(parameters).flatMap(([name, found]): Problem[] => {
    const since = parameterSince(name);
    return Number(version) >= since
      ? []
      : [
          {
            path: at(name),
            found,
            allowed: `nothing: PostgreSQL has it since ${since}, and version is ${version}`,
          },
        ];
  });
}

/** Of each pair the first, when it is set, is shorter than the second, or it never ends anything. */
const SHORTER: readonly (readonly [shorter: string, longer: string])[] = [
  ["deadlock_timeout", "lock_timeout"],
  ["lock_timeout", "statement_timeout"],
  ["statement_timeout", "transaction_timeout"],
  ["idle_in_transaction_session_timeout", "transaction_timeout"],
];

function timeouts({ parameters }: Database): Problem[] {
  return SHORTER.flatMap(([shorter, longer]): Problem[] => {
    const found = parameters[shorter];
    const end = Number(parameters[longer] ?? PLATFORM_TIMEOUTS[longer] ?? 0);
    return found === undefined || end === 0 || Number(found) < end
      ? []
      : [{ path: at(shorter), found, allowed: `less than ${longer} (${end}), which ends everything first` }];
  });
}

/** With more, tables are vacuumed so late or so slowly that it is as if autovacuum were off. */
const MOST_VACUUM: Readonly<Record<string, number>> = {
  autovacuum_naptime: 3600,
  autovacuum_vacuum_cost_delay: 20,
  // Where vacuum stops waiting, so that transaction ids do not run out (vacuum_failsafe_age).
  autovacuum_freeze_max_age: 1_600_000_000,
  autovacuum_analyze_scale_factor: 1,
  autovacuum_vacuum_scale_factor: 1,
  autovacuum_vacuum_insert_scale_factor: 1,
  autovacuum_analyze_threshold: 10_000_000,
  autovacuum_vacuum_threshold: 10_000_000,
};

function vacuuming({ parameters }: Database): Problem[] {
  return Object.entries(MOST_VACUUM).flatMap(([name, most]): Problem[] => {
    const found = parameters[name];
    return found === undefined || Number(found) <= most
      ? []
      : [
          {
            path: at(name),
            found,
            allowed: `at most ${most}: with more, tables grow as if autovacuum were off`,
          },
        ];
  });
}

/** Least and most of what is possible beyond what anybody means, and what comes of it. */
const SENSIBLE: Readonly<Record<string, readonly [least: number, most: number, why: string]>> = {
  checkpoint_timeout: [
    30,
    3600,
    "after a crash the log since the last one is replayed before anybody is served",
  ],
  statement_timeout: [0, 86_400_000, "a statement that runs longer than a day is one nobody waits for"],
  random_page_cost: [0.1, 100, "reading has a price, or every plan looks the same"],
  seq_page_cost: [0.1, 100, "reading has a price, or every plan looks the same"],
  wal_sender_timeout: [
    10_000,
    86_400_000,
    "with 0 a replica that has gone is never noticed, and log is kept for it until the disk is full",
  ],
  max_prepared_transactions: [0, 1000, "memory is kept for each from the start"],
};

function sensible({ parameters }: Database): Problem[] {
  return Object.entries(SENSIBLE).flatMap(([name, [least, most, why]]): Problem[] => {
    const found = parameters[name];
    return found === undefined || (Number(found) >= least && Number(found) <= most)
      ? []
      : [{ path: at(name), found, allowed: `from ${least} to ${most}: ${why}` }];
  });
}

/** Processes PostgreSQL starts with at most (MAX_BACKENDS of its source). */
const MOST_BACKENDS = 262_143;

/** What counts against them, and how many there are where nothing is set. */
const BACKENDS: Readonly<Record<string, number>> = {
  max_connections: 0,
  autovacuum_max_workers: 3,
  max_worker_processes: 8,
  max_wal_senders: 10,
};

function backends({ parameters, skuName }: Database): Problem[] {
  const connections = databaseSize(skuName)?.connections ?? 0;
  const counts = Object.entries(BACKENDS).map(([name, unset]): [string, number] => [
    name,
    Number(parameters[name] ?? (name === "max_connections" ? connections : unset)),
  ]);
  // One more is autovacuum's launcher.
  const sum = counts.reduce((total, [, count]) => total + count, 1);
  const [most] = counts.filter(([name]) => parameters[name] !== undefined).sort(([, a], [, b]) => b - a);
  if (sum <= MOST_BACKENDS || !most) return [];
  const [name, count] = most;
  return [
    {
      path: at(name),
      found: parameters[name],
      allowed: `at most ${MOST_BACKENDS - (sum - count)}: with ${Object.keys(BACKENDS)
        .filter((one) => one !== name)
        .join(", ")} the server starts no more than ${MOST_BACKENDS} processes`,
    },
  ];
}

/** Write-ahead log a server keeps while all is well takes no more than half of its disk; it is in MiB. */
function logOnDisk({ parameters, storageGB }: Database): Problem[] {
  const most = (storageGB * GIB_IN_MIB) / 2;
  const found = parameters["max_wal_size"];
  return found === undefined || Number(found) <= most
    ? []
    : [
        {
          path: at("max_wal_size"),
          found,
          allowed: `at most ${most}, half of database.storageGB (${storageGB}), or log alone could fill the disk`,
        },
      ];
}

/** Memory, KiB, that is taken as often as something works at a time. */
function memoryTogether({ parameters, pool, skuName, tier }: Database): Problem[] {
  const size = databaseSize(skuName);
  if (!size) return [];
  const kib = size.memoryGiB * 1024 ** 2;
  const workers = Number(parameters["autovacuum_max_workers"] ?? BACKENDS["autovacuum_max_workers"]);
  const vacuumOf =
    Number(parameters["autovacuum_work_mem"] ?? -1) >= 0 ? "autovacuum_work_mem" : "maintenance_work_mem";
  const taken = [
    ...(tier === "Burstable"
      ? []
      : [["work_mem", pool.defaultPoolSize, "connections of database.pool.defaultPoolSize"] as const]),
    [vacuumOf, workers, "autovacuum_max_workers"] as const,
  ];
  return taken.flatMap(([name, times, of]): Problem[] => {
    const found = parameters[name];
    return found === undefined || Number(found) * times <= kib
      ? []
      : [
          {
            path: at(name),
            found,
            allowed: `at most ${Math.floor(kib / times)}: ${times} ${of} may take it at a time, and ${skuName} has ${size.memoryGiB} GiB of memory`,
          },
        ];
  });
}

/** Blocks of 8 KiB in a GiB. */
const BLOCKS = 1024 ** 2 / 8;
/** Part of the memory below which a server reads from its disk what it has just read (Azure gives it a quarter). */
const LEAST_CACHE = 1 / 16;

function caches({ parameters, skuName }: Database): Problem[] {
  const memoryGiB = databaseSize(skuName)?.memoryGiB ?? 0;
  const least = Math.floor(memoryGiB * BLOCKS * LEAST_CACHE);
  return ["shared_buffers", "effective_cache_size"].flatMap((name): Problem[] => {
    const found = parameters[name];
    return found === undefined || Number(found) >= least
      ? []
      : [
          {
            path: at(name),
            found,
            allowed: `at least ${least}, in blocks of 8 KiB a sixteenth of the ${memoryGiB} GiB of ${skuName}`,
          },
        ];
  });
}

/**
 * Levels above an error, with which errors are in no log, levels for whoever looks for a fault of PostgreSQL itself, and
 * statements nobody counts, of which a runbook asks for the slowest.
 */
function silence({ parameters }: Database): Problem[] {
  const counted = "pg_stat_statements.track";
  const uncounted =
    parameters[counted] === "none"
      ? [{ path: at(counted), found: "none", allowed: "top or all: with none no slow statement is found" }]
      : [];
  const levels = ["log_min_messages", "log_min_error_statement"].flatMap((name): Problem[] => {
    const found = parameters[name];
    if (found === "fatal" || found === "panic")
      return [{ path: at(name), found, allowed: "error or a lower level, or errors are in no log" }];
    return name === "log_min_messages" && found?.startsWith("debug")
      ? [{ path: at(name), found, allowed: "info or a higher level: with debug more is logged than done" }]
      : [];
  });
  return [...uncounted, ...levels];
}

/** Settings with which every statement, and the customers' data in it, is written to logs that many may read. */
const WHOLE_STATEMENTS: Readonly<Record<string, RegExp>> = {
  log_statement: /^(mod|all)$/,
  "pgaudit.log": /^(?!.*\bnone\b).*\b(read|write|all)\b/,
  log_min_duration_statement: /^0$/,
};

export function confidentialRules({ database: { parameters }, tags }: StackConfig): Problem[] {
  if (tags.dataClassification !== "confidential") return [];
  return Object.entries(WHOLE_STATEMENTS).flatMap(([name, all]): Problem[] => {
    const found = parameters[name];
    return found === undefined || !all.test(found.toLowerCase())
      ? []
      : [
          {
            path: at(name),
            found,
            allowed:
              "a value with which not every statement is logged: tags.dataClassification is confidential, and statements have customers' data in them",
          },
        ];
  });
}

/** Nobody reads the settings of a library that is not loaded. */
function cron({ parameters }: Database): Problem[] {
  const loaded = (parameters["shared_preload_libraries"] ?? "").toLowerCase().split(",");
  if (loaded.includes("pg_cron")) return [];
  return Object.entries(parameters).flatMap(([name, found]): Problem[] =>
    name.startsWith("cron.")
      ? [{ path: at(name), found, allowed: "nothing while shared_preload_libraries has no pg_cron" }]
      : [],
  );
}
