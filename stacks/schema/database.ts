import { z } from "zod";
import {
  BACKUP_DAYS,
  DATABASE_SIZES,
  DISK_SIZES_GB,
  parameterProblem,
  POSTGRES_VERSIONS,
  RESERVED_DATABASES,
  RESERVED_LOGINS,
  SKU_TIERS,
} from "../../packages/azure-facts";
import { guid, instant, matching, nameOf, unique, weeklyWindow } from "./common";
import { isSentence } from "./placeholders";

const administrator = z.strictObject({
  objectId: guid.describe("Object id of the Entra principal."),
  principalName: matching(
    /^[\p{L}\p{N}](?=.{0,62}$)([\p{L}\p{N} ._@()-]*[\p{L}\p{N})])?$/u,
    "1-63 letters, digits, spaces or . _ @ ( ) -, starting with a letter or digit and ending in one of these or a bracket",
  )
    .refine(
      (name) => !RESERVED_LOGINS.test(name),
      "the name of the principal, which is none PostgreSQL or Azure reserve (postgres, public, azure_pg_admin, pg_*)",
    )
    .describe("Its display name; becomes the PostgreSQL role name."),
  principalType: z.enum(["Group", "ServicePrincipal", "User"]).describe("Kind of principal; prefer Group."),
});

/** Parameters that have a key of their own. */
const POOL_KEYS: Readonly<Record<string, string>> = {
  "pgbouncer.default_pool_size": "nothing here: database.pool.defaultPoolSize sets it",
  "pgbouncer.max_client_conn": "nothing here: database.pool.maxClientConnections sets it",
  "pgbouncer.max_prepared_statements": "nothing here: database.pool.maxPreparedStatements sets it",
};

/** Parameters the platform depends on, with the reason. */
const FIXED: Readonly<Record<string, string>> = {
  require_secure_transport:
    "nothing here: the platform sets it to on, or passwords would travel in the clear",
  default_transaction_read_only: "nothing here: the application writes",
  session_replication_role: "nothing here: replica would switch off constraints and triggers",
  "pgbouncer.enabled": "nothing here: the platform sets it, by the tier",
  "pgbouncer.pool_mode": "nothing here: transaction, which connections are counted with",
  autovacuum: "nothing here: without it tables grow until the server stops taking writes",
  track_counts: "nothing here: autovacuum does not run without it",
  track_activities: "nothing here: alerts and operations look at what sessions do",
  "metrics.collector_database_activity": "nothing here: several alerts could never fire without it",
  "metrics.autovacuum_diagnostics": "nothing here: several alerts could never fire without it",
  "metrics.pgbouncer_diagnostics": "nothing here: several alerts could never fire without it",
  log_connections: "nothing here: on, so that who came in is known",
  log_disconnections: "nothing here: on, so that who came in is known",
  "connection_throttle.enable": "nothing here: on, so that passwords cannot be guessed at speed",
  row_security: "nothing here: off would refuse whoever is shown a part of a table",
  password_encryption: "nothing here: scram-sha-256, as passwords are made",
  "azure.accepted_password_auth_method": "nothing here: scram-sha-256, as passwords are made",
  ...Object.fromEntries(
    ["seqscan", "indexscan", "nestloop", "hashjoin", "mergejoin"].map((way) => [
      `enable_${way}`,
      "nothing here: it is for one session, while somebody looks at one query",
    ]),
  ),
  search_path: "nothing here: roles find the application's schema without it",
};

/** What stands in the way of a parameter's name; nothing for one that only every object of the language has. */
function ofThePlatform(name: string): string | undefined {
  const known = { ...POOL_KEYS, ...FIXED };
  return Object.hasOwn(known, name) ? known[name] : undefined;
}

const highAvailability = z.enum(["ZoneRedundant", "SameZone", "Disabled"]);

export const database = z
  .strictObject({
    version: z
      .enum(POSTGRES_VERSIONS)
      .describe(
        "PostgreSQL major version. Raising it upgrades in place with downtime and needs the replica deleted first (docs/changing.md); lowering it is refused.",
      ),
    skuName: nameOf(DATABASE_SIZES, "a compute size of a flexible server, such as Standard_D4ds_v5").describe(
      "Compute size of primary and replica. Changing it restarts them and takes two steps: docs/changing.md.",
    ),
    tier: z
      .enum(SKU_TIERS)
      .describe("Compute tier. Burstable has no high availability, no replica and no PgBouncer."),
    storageGB: z
      .literal(DISK_SIZES_GB)
      .describe("Disk size in GiB at creation; autogrow enlarges it later. It can never shrink."),
    highAvailability: highAvailability.describe(
      "Standby in another zone, the same zone, or none. ZoneRedundant survives the loss of a zone (99.99 % SLA), SameZone is the fallback where Azure blocks it (99.95 %). From one kind to the other there is none for minutes: docs/changing.md.",
    ),
    geoRedundantBackup: z
      .boolean()
      .describe("Copies backups to the paired region. Fixed at creation: Azure refuses to change it later."),
    backupRetentionDays: z
      .int()
      .min(BACKUP_DAYS.min)
      .max(BACKUP_DAYS.max)
      .describe("Days of point-in-time restore, 7-35. Lowering it drops the older restore points at once."),
    replica: z
      .strictObject({
        bootstrap: z
          .boolean()
          .default(false)
          .describe(
            "true only for the deployment that creates the replica: sends createMode Replica, which Azure refuses on a replica that exists.",
          ),
        highAvailability: highAvailability
          .default("Disabled")
          .describe(
            "Standby of the replica while it is the writer (regions.secondary.role serving); without effect before. Turn it on after a failover has settled: it takes Azure minutes, and it may refuse.",
          ),
      })
      .optional()
      .describe(
        "Asynchronous read replica in the secondary region. Absent: none. Removing it deletes the replica.",
      ),
    withoutReplica: matching(/^\S.{18,198}\S$/, "a reason of 20 to 200 characters")
      .refine(isSentence, "a reason in words")
      .optional()
      .describe(
        "Why production has no replica for a while, e.g. a major upgrade; without a reason it must have one. Absent otherwise.",
      ),
    administratorLogin: matching(
      /^[a-z][a-z0-9_]{2,62}$/,
      "3-63 lower-case letters, digits or underscores, starting with a letter",
    )
      .refine((login) => !RESERVED_LOGINS.test(login), {
        error:
          "a login Azure does not reserve (azure_superuser, admin, administrator, root, guest, public, none, pg_*)",
      })
      .default("forma3d_admin")
      .describe("Login of the password administrator. Changing it replaces the server: data loss."),
    entraAdministrators: unique(administrator, ({ objectId }) => objectId)
      .min(1, "at least one Entra administrator, so that people need no shared password")
      .describe("Entra principals with administrator rights."),
    applicationDatabase: matching(
      /^[a-z][a-z0-9_]{0,62}$/,
      "1-63 lower-case letters, digits or underscores, starting with a letter",
    )
      .refine(
        (name) => !(RESERVED_DATABASES as readonly string[]).includes(name),
        `a name other than ${RESERVED_DATABASES.join(", ")}, which every server has of its own`,
      )
      .refine(
        (name) => !name.startsWith("drill_"),
        "a name that does not begin with drill_, as the databases that drills make and drop",
      )
      .refine(
        (name) => !/_(before|restore)(_|$)/.test(name),
        "a name without _before or _restore, by which a restore calls what it leaves beside the application's database",
      )
      .default("forma3d")
      .describe(
        "Name of the application's database. Fixed at creation: changing it would replace the database, which is refused while data is protected. A restored backup takes over this name instead (`recovery restore --replace`).",
      ),
    restoredAt: instant
      .optional()
      .describe(
        "When a backup last took the place of the application's database (UTC). Changing it runs roles and migrations again and restarts whatever connects to the database; nothing else. Absent: never.",
      ),
    generation: z
      .int()
      .min(1)
      .max(99)
      .default(1)
      .describe(
        "Which pair of servers serves: from 2 on their names end in -g<n>. `operations pitr --adopt` makes the next pair and says what to commit; changing it by hand names servers that do not exist, which is refused while data is protected.",
      ),
    geoBackupOf: z
      .enum(["primary", "secondary", "neither"])
      .default("primary")
      .describe(
        "Which server of the pair was made by itself, and has the copies of its backups that geoRedundantBackup asks for; Azure gives none to one that was made as a replica, whoever serves. neither: made while the paired region took no servers. `operations pitr --adopt` says what to commit; changing it by hand asks Azure for what it refuses.",
      ),
    sslMode: z
      .enum(["require", "verify-full"])
      .default("require")
      .describe(
        "TLS mode of the connection strings. require encrypts; verify-full also checks the host name, which needs a certificate that covers the virtual endpoint's two-label name: test it against your server before turning it on.",
      ),
    maintenanceWindow: weeklyWindow.describe(
      "When Azure may patch the server (UTC). Takes effect with the first update after creation: Azure ignores it in the creating call.",
    ),
    pool: z
      .strictObject({
        defaultPoolSize: z
          .int()
          .min(5)
          .max(4950)
          .default(50)
          .describe(
            "Server connections per database and role that PgBouncer keeps; with fewer than 5 one slow statement holds up everybody.",
          ),
        maxClientConnections: z
          .int()
          .min(1)
          .max(50000)
          .default(5000)
          .describe("Client connections PgBouncer accepts."),
        maxPreparedStatements: z
          .int()
          .min(1)
          .max(5000)
          .default(100)
          .describe(
            "Prepared statements PgBouncer tracks per client; Prisma prepares its statements, and with 0 they would be unknown to the next connection.",
          ),
      })
      .prefault({})
      .describe(
        "PgBouncer, the pooler built into the server on port 6432. Not available on the Burstable tier.",
      ),
    parameters: z
      .record(z.string(), z.string())
      .superRefine((parameters, context) => {
        for (const [name, value] of Object.entries(parameters)) {
          const allowed = ofThePlatform(name) ?? parameterProblem(name, value)?.allowed;
          if (allowed) context.addIssue({ code: "custom", path: [name], message: allowed, input: value });
        }
      })
      .default({})
      .describe(
        "Server parameters beyond the platform's own, by name. Static ones need a restart: docs/changing.md.",
      ),
  })
  .describe("PostgreSQL flexible server.");
