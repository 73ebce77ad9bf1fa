import { z } from "zod";
import { guid, weeklyWindow, matching } from "./common";

/** Sizes Premium SSD disks of a flexible server come in, in GiB. */
export const STORAGE_SIZES_GB = [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384] as const;

export const SKU_TIERS = ["Burstable", "GeneralPurpose", "MemoryOptimized"] as const;

const administrator = z.strictObject({
  objectId: guid.describe("Object id of the Entra principal."),
  principalName: z.string().min(1).describe("Its display name; becomes the PostgreSQL role name."),
  principalType: z.enum(["Group", "ServicePrincipal", "User"]).describe("Kind of principal; prefer Group."),
});

const highAvailability = z.enum(["ZoneRedundant", "SameZone", "Disabled"]);

export const database = z
  .strictObject({
    version: z
      .enum(["14", "15", "16", "17", "18"])
      .describe(
        "PostgreSQL major version. Raising it upgrades in place with downtime and needs the replica deleted first; lowering it is refused.",
      ),
    skuName: matching(
      /^Standard_[A-Z]+\d+[a-z]*(_v\d)?$/,
      "an Azure compute size such as Standard_D4ds_v5",
    ).describe(
      "Compute size of primary and replica. Changing it restarts them and takes two steps: docs/changing.md.",
    ),
    tier: z
      .enum(SKU_TIERS)
      .describe("Compute tier. Burstable has no high availability, no replica and no PgBouncer."),
    storageGB: z
      .literal([...STORAGE_SIZES_GB])
      .describe("Disk size in GiB at creation; autogrow enlarges it later. It can never shrink."),
    highAvailability: highAvailability.describe(
      "Standby in another zone, the same zone, or none. ZoneRedundant survives the loss of a zone (99.99 % SLA), SameZone is the fallback where Azure blocks it (99.95 %).",
    ),
    geoRedundantBackup: z
      .boolean()
      .describe("Copies backups to the paired region. Fixed at creation: Azure refuses to change it later."),
    backupRetentionDays: z
      .int()
      .min(7)
      .max(35)
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
            "Standby of the replica while it is the writer (regions.writer secondary); without effect before. Turn it on after a failover has settled: it takes Azure minutes, and it may refuse.",
          ),
      })
      .optional()
      .describe(
        "Asynchronous read replica in the secondary region. Absent: none. Removing it deletes the replica.",
      ),
    administratorLogin: matching(
      /^[a-z][a-z0-9_]{2,62}$/,
      "3-63 lower-case letters, digits or underscores, starting with a letter",
    )
      .refine(
        (login) =>
          !/^(azure_superuser|azuresu|admin|administrator|root|guest|public|postgres|pg_.*)$/.test(login),
        {
          error:
            "a login Azure does not reserve (azure_superuser, admin, administrator, root, guest, public, pg_*)",
        },
      )
      .default("forma3d_admin")
      .describe("Login of the password administrator. Changing it replaces the server: data loss."),
    entraAdministrators: z
      .array(administrator)
      .min(1, "at least one Entra administrator, so that people need no shared password")
      .describe("Entra principals with administrator rights."),
    applicationDatabase: matching(
      /^[a-z][a-z0-9_]{0,62}$/,
      "1-63 lower-case letters, digits or underscores, starting with a letter",
    )
      .default("forma3d")
      .describe(
        "Name of the application's database. Fixed at creation: changing it would replace the database, which is refused while data is protected. A restored backup takes over this name instead (`recovery restore --replace`).",
      ),
    restoredAt: z.iso
      .datetime("an instant in UTC, e.g. 2026-02-05T03:40:00Z")
      .optional()
      .describe(
        "When a backup last took the place of the application's database (UTC). Changing it runs roles and migrations again and restarts whatever connects to the database; nothing else. Absent: never.",
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
          .min(1)
          .max(4950)
          .default(50)
          .describe("Server connections per database and role that PgBouncer keeps."),
        maxClientConnections: z
          .int()
          .min(1)
          .max(50000)
          .default(5000)
          .describe("Client connections PgBouncer accepts."),
        maxPreparedStatements: z
          .int()
          .min(0)
          .max(5000)
          .default(100)
          .describe(
            "Prepared statements PgBouncer tracks per client; above 0 because Prisma prepares statements.",
          ),
      })
      .prefault({})
      .describe(
        "PgBouncer, the pooler built into the server on port 6432. Not available on the Burstable tier.",
      ),
    parameters: z
      .record(matching(/^[a-z_]+(\.[a-z_]+)?$/, "a server parameter name"), z.string())
      .default({})
      .describe(
        "Server parameters beyond the platform's own, by name. Static ones need a restart: docs/changing.md.",
      ),
  })
  .describe("PostgreSQL flexible server.");
