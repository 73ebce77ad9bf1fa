import { serverParameters } from "../../infra/data/serverParameters";
import { databaseSize } from "../../packages/azure-facts";
import type { Problem } from "../problems";
import type { StackConfig } from "./shape";

type Database = StackConfig["database"];

const at = (...path: string[]) => ["database", ...path];

/** What the tier of the server does not have. */
export function databaseRules({ database }: StackConfig): Problem[] {
  if (database.tier !== "Burstable") {
    const { defaultPoolSize, maxClientConnections } = database.pool;
    return maxClientConnections < defaultPoolSize
      ? [
          {
            path: at("pool", "maxClientConnections"),
            found: maxClientConnections,
            allowed: `at least defaultPoolSize (${defaultPoolSize}), the connections clients are to share`,
          },
        ]
      : [];
  }
  const problems: Problem[] = [];
  if (database.highAvailability !== "Disabled") {
    problems.push({
      path: at("highAvailability"),
      found: database.highAvailability,
      allowed: "Disabled on the Burstable tier",
    });
  }
  if (database.replica) {
    problems.push({ path: at("replica"), found: "set", allowed: "nothing on the Burstable tier" });
  }
  for (const [name, found] of Object.entries(database.parameters)) {
    if (!name.startsWith("pgbouncer.")) continue;
    problems.push({
      path: at("parameters", name),
      found,
      allowed: "nothing on the Burstable tier, which has no PgBouncer",
    });
  }
  return problems;
}

/** Timeouts in milliseconds and the least of each, under which honest work is cut off; 0 switches one off. */
const LEAST_MS: Readonly<Record<string, number>> = {
  statement_timeout: 1000,
  transaction_timeout: 1000,
  idle_in_transaction_session_timeout: 1000,
  // PgBouncer keeps connections idle for later.
  idle_session_timeout: 60_000,
  lock_timeout: 100,
  tcp_user_timeout: 1000,
  // With less a replica on the other side of Europe is taken for gone.
  wal_sender_timeout: 10_000,
};

/** Of each pair the first is at most the second; what PostgreSQL 17 starts with where nothing is set. */
const ORDERED: readonly (readonly [less: string, unset: number, more: string, unset: number])[] = [
  ["min_wal_size", 80, "max_wal_size", 1024],
  ["max_parallel_workers_per_gather", 2, "max_parallel_workers", 8],
  ["max_parallel_workers", 8, "max_worker_processes", 8],
];

/** Memory each of these takes, as GiB for a unit of its value. */
const MEMORY_GIB: Readonly<Record<string, number>> = {
  shared_buffers: 8 / 1024 ** 2,
  temp_buffers: 8 / 1024 ** 2,
  effective_cache_size: 8 / 1024 ** 2,
  work_mem: 1 / 1024 ** 2,
  maintenance_work_mem: 1 / 1024 ** 2,
  autovacuum_work_mem: 1 / 1024 ** 2,
  logical_decoding_work_mem: 1 / 1024 ** 2,
};

/** Lists that may grow and not lose what the platform works with: restores, audit, statistics. */
const LISTS = [
  "azure.extensions",
  "shared_preload_libraries",
  "pgaudit.log",
  "pgbouncer.ignore_startup_parameters",
] as const;

/** Parameters that each are possible and together, or with the server's size, are not. */
export function parameterRules({ database }: StackConfig): Problem[] {
  const { parameters } = database;
  return [
    ...timeouts(database),
    ...ORDERED.flatMap(([less, lessUnset, more, moreUnset]): Problem[] => {
      if (parameters[less] === undefined && parameters[more] === undefined) return [];
      const [low, high] = [Number(parameters[less] ?? lessUnset), Number(parameters[more] ?? moreUnset)];
      if (low <= high) return [];
      return parameters[less] === undefined
        ? [{ path: at("parameters", more), found: parameters[more], allowed: `at least ${low}, ${less}` }]
        : [{ path: at("parameters", less), found: parameters[less], allowed: `at most ${high}, ${more}` }];
    }),
    ...tlsVersions(database),
    ...memory(database),
    ...lists(database),
    ...pooler(database),
  ];
}

function timeouts({ parameters }: Database): Problem[] {
  return Object.entries(LEAST_MS).flatMap(([name, least]): Problem[] => {
    const found = parameters[name];
    return found === undefined || found === "0" || Number(found) >= least
      ? []
      : [{ path: at("parameters", name), found, allowed: `0 (none), or at least ${least}: milliseconds` }];
  });
}

function tlsVersions({ parameters }: Database): Problem[] {
  const [least, most] = [
    parameters["ssl_min_protocol_version"] ?? "TLSv1.2",
    parameters["ssl_max_protocol_version"],
  ];
  return most && most < least
    ? [
        {
          path: at("parameters", "ssl_max_protocol_version"),
          found: most,
          allowed: `"", or at least ssl_min_protocol_version (${least})`,
        },
      ]
    : [];
}

function memory({ parameters, skuName }: Database): Problem[] {
  const size = databaseSize(skuName);
  if (!size) return [];
  return Object.entries(MEMORY_GIB).flatMap(([name, gib]): Problem[] => {
    const most = Math.floor((size.memoryGiB * (name === "shared_buffers" ? 0.75 : 1)) / gib);
    const found = parameters[name];
    return found === undefined || Number(found) <= most
      ? []
      : [
          {
            path: at("parameters", name),
            found,
            allowed: `at most ${most}: ${skuName} has ${size.memoryGiB} GiB of memory`,
          },
        ];
  });
}

function lists({ parameters, applicationDatabase, pool }: Database): Problem[] {
  const parts = (text: string): string[] =>
    text
      .toLowerCase()
      .split(",")
      .map((part) => part.trim());
  const shortened = LISTS.flatMap((name): Problem[] => {
    const found = parameters[name];
    if (found === undefined) return [];
    const own = serverParameters(pool, {}).find((parameter) => parameter.name === name)?.value ?? "";
    if (parts(found).includes("none") && parts(found).length > 1)
      return [
        { path: at("parameters", name), found, allowed: `a list without none, which says the opposite` },
      ];
    const missing = parts(own).filter(
      (part) => !parts(found).includes(part) && !parts(found).includes("all"),
    );
    return missing.length === 0
      ? []
      : [
          {
            path: at("parameters", name),
            found,
            allowed: `a list with ${missing.join(", ")}, which the platform works with`,
          },
        ];
  });
  const cron = parameters["cron.database_name"];
  return cron === undefined || cron === applicationDatabase || cron === "postgres"
    ? shortened
    : [
        ...shortened,
        {
          path: at("parameters", "cron.database_name"),
          found: cron,
          allowed: `postgres or database.applicationDatabase (${applicationDatabase})`,
        },
      ];
}

function pooler({ parameters, pool }: Database): Problem[] {
  const found = parameters["pgbouncer.min_pool_size"];
  return found === undefined || Number(found) <= pool.defaultPoolSize
    ? []
    : [
        {
          path: at("parameters", "pgbouncer.min_pool_size"),
          found,
          allowed: `at most database.pool.defaultPoolSize (${pool.defaultPoolSize})`,
        },
      ];
}
