import * as pulumi from "@pulumi/pulumi";
import { addresses, DNS } from "../kubernetes/traffic";
import { DatabaseJobArgs } from "../workloads/migration";
import { OneShotJob } from "../workloads/oneShotJob";
import { secretsOf } from "../secrets/secretCatalogue";
import { LoginRegions } from "./databaseLogins";
import { rolesScript } from "./rolesScript";

export interface DatabaseRolesArgs extends DatabaseJobArgs {
  /** Image with `psql` and the recovery runner. */
  image: string;
  /** Regions whose logins are made. The one that serves is where the job runs. */
  regions: LoginRegions;
  /** Arguments with which the runner marks the server as this environment's, and their settings. */
  mark: { arguments: string[]; environment: Record<string, string> };
  /** Whether the connection checks the server's certificate, not only encrypts. */
  checksCertificate: boolean;
}

const FOLDER = "/run/roles";
const SCRIPT = "roles.sql";

/** Minutes the script may take: it waits for nothing but locks. */
const DEADLINE_MINUTES = 10;

/**
 * Makes the database's roles and every region's logins, and marks the server as this environment's. Runs again for each issue of secrets,
 * which is how a new password takes effect: in the vault first, then here, then in the pods that restart.
 */
export function databaseRoles(
  name: string,
  args: DatabaseRolesArgs,
  opts?: pulumi.ComponentResourceOptions,
): OneShotJob {
  const entries = secretsOf("roles").filter(({ login }) => args.regions.standby || login?.of !== "peer");
  return new OneShotJob(
    name,
    {
      ...args,
      workload: "roles",
      role: "database",
      secrets: { source: args.vault, entries },
      files: { folder: FOLDER, contents: { [SCRIPT]: rolesScript(args.regions) } },
      steps: [
        {
          name: "mark",
          image: args.image,
          arguments: args.mark.arguments,
          environment: args.mark.environment,
          secrets: ["database-admin-url"],
        },
        {
          name: "roles",
          image: args.image,
          // Where the connection checks the server's certificate (sslmode=verify-full), by the image's authorities; psql
          // alone would look for a file in a home directory the pod has not. It takes no weaker mode together with them.
          ...(args.checksCertificate && { environment: { PGSSLROOTCERT: "system" } }),
          // Kubernetes puts the value in place of $(…).
          command: ["psql"],
          arguments: ["--no-psqlrc", "--quiet", `--file=${FOLDER}/${SCRIPT}`, "$(DATABASE_URL)"],
          secrets: entries.map(({ name: secret }) => secret),
        },
      ],
      resources: { cpuRequest: "50m", cpuLimit: "500m", memoryRequest: "64Mi", memoryLimit: "256Mi" },
      deadlineMinutes: DEADLINE_MINUTES,
      egress: [DNS, addresses("database", args.databaseCidr, args.databasePort)],
    },
    opts,
  );
}
