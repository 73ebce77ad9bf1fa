import * as pulumi from "@pulumi/pulumi";
import { addresses, DNS } from "../kubernetes/traffic";
import { VaultSource } from "../kubernetes/vaultSecrets";
import { OneShotJob } from "./oneShotJob";
import { DatabaseGate } from "../recovery/recoveryTargets";
import { secretsOf } from "../secrets/secretCatalogue";

export interface DatabaseJobArgs {
  product: string;
  namespace: pulumi.Input<string>;
  identityClientId: pulumi.Input<string>;
  vault: VaultSource;
  /** Addresses the database's private endpoints have. */
  databaseCidr: string;
  /** Port of PostgreSQL itself: migrations need a session, which a pooler does not give. */
  databasePort: number;
  /** What must exist before the job runs. */
  after: pulumi.Resource[];
}

export interface MigrationArgs extends DatabaseJobArgs {
  /** Image of the application, which carries its migrations. */
  image: string;
  /** Start-up gate that proves the database is this environment's before anything is changed in it. */
  gate: DatabaseGate;
}

/** Secret with the connection migrations use. */
export const MIGRATION_SECRET = "database-migration-url";

/** Minutes a migration may take; a longer one is planned and run by hand. */
const MIGRATION_DEADLINE_MINUTES = 30;

/**
 * Applies the image's pending schema migrations, once per image and restored content, before pods roll. Migrations must
 * work with the version before them too: its pods still run meanwhile.
 */
export function migration(
  name: string,
  args: MigrationArgs,
  opts?: pulumi.ComponentResourceOptions,
): OneShotJob {
  return new OneShotJob(
    name,
    {
      ...args,
      workload: "migration",
      role: "database",
      secrets: { source: args.vault, entries: secretsOf("migration") },
      steps: [
        args.gate,
        // Not npx, which would look for a cache to write to.
        {
          name: "migrate",
          image: args.image,
          command: ["node_modules/.bin/prisma"],
          arguments: ["migrate", "deploy"],
          secrets: [MIGRATION_SECRET],
        },
      ],
      resources: { cpuRequest: "100m", cpuLimit: "1", memoryRequest: "256Mi", memoryLimit: "512Mi" },
      deadlineMinutes: MIGRATION_DEADLINE_MINUTES,
      egress: [DNS, addresses("database", args.databaseCidr, args.databasePort)],
    },
    opts,
  );
}
