import * as pulumi from "@pulumi/pulumi";
import { addresses, DNS } from "../kubernetes/traffic";
import { DatabaseJobArgs } from "../workloads/migration";
import { OneShotJob } from "../workloads/oneShotJob";
import { DATABASE_ROLES, secretsOf } from "../secrets/secretCatalog";

export interface DatabaseRolesArgs extends DatabaseJobArgs {
  /** Image with `psql` and the recovery runner. */
  image: string;
  /** Arguments with which the runner marks the server as this environment's, and their settings. */
  mark: { arguments: string[]; environment: Record<string, string> };
  /** Whether the connection checks the server's certificate, not only encrypts. */
  checksCertificate: boolean;
}

const FOLDER = "/run/roles";
const SCRIPT = "roles.sql";

/**
 * The script that makes the roles of the application's database and gives each its password and rights; run by
 * the administrator in that database, any number of times. Passwords come from the environment; pgaudit, once a restart
 * has loaded it, masks them in the server's log.
 *
 * Rights, each the least its holder works with:
 * - `migration` owns the schema's objects; its rights on new objects pass to the others by default privileges.
 * - `api` reads and writes rows, and changes no structure.
 * - `backup` reads everything, by single grants: `pg_read_all_data` may be handed out only by who holds it with the
 *   admin option (PostgreSQL 16), which Azure does not promise its administrator.
 * - `monitoring` reads statistics.
 */
export function rolesScript(): string {
  const readers = "backup";
  return `\\set ON_ERROR_STOP on
${DATABASE_ROLES.map((role) => `\\getenv ${role}_password ${role.toUpperCase()}_PASSWORD`).join("\n")}
begin;
set local client_min_messages = warning;
select pg_advisory_xact_lock(hashtext('forma3d roles'));
${DATABASE_ROLES.map(
  (
    role,
  ) => `select 'create role ${role} login' where not exists (select from pg_roles where rolname = '${role}') \\gexec
alter role ${role} login password :'${role}_password';`,
).join("\n")}

-- Creating a role gives the right to administer it, not yet the right to act in its name.
grant migration to current_user;

select format('revoke all on database %I from public', current_database()) \\gexec
select format('grant connect on database %I to ${DATABASE_ROLES.join(", ")}', current_database()) \\gexec
-- People who administer through Entra are members of this role.
select format('grant connect on database %I to azure_pg_admin', current_database())
  where exists (select from pg_roles where rolname = 'azure_pg_admin') \\gexec
select format('grant create, temporary on database %I to migration', current_database()) \\gexec
revoke create on schema public from public;
grant usage, create on schema public to migration;
grant usage on schema public to api, ${readers};

grant select, insert, update, delete on all tables in schema public to api;
grant usage, select on all sequences in schema public to api;
grant select on all tables in schema public to ${readers};
grant select on all sequences in schema public to ${readers};
alter default privileges for role migration grant usage on schemas to api, ${readers};
alter default privileges for role migration grant select, insert, update, delete on tables to api;
alter default privileges for role migration grant usage, select on sequences to api;
alter default privileges for role migration grant execute on functions to api;
alter default privileges for role migration grant select on tables to ${readers};
alter default privileges for role migration grant select on sequences to ${readers};

grant pg_monitor to monitoring;

-- The server's own limits are for requests; these two read or change whole tables.
alter role migration set statement_timeout = 0;
alter role backup set statement_timeout = 0;
alter role backup set idle_in_transaction_session_timeout = 0;
commit;
`;
}

/** Minutes the script may take: it waits for nothing but locks. */
const DEADLINE_MINUTES = 10;

/**
 * Makes the database's roles and marks the server as this environment's. Runs again for each issue of secrets,
 * which is how a new password takes effect: in the vault first, then here, then in the pods that restart.
 */
export function databaseRoles(
  name: string,
  args: DatabaseRolesArgs,
  opts?: pulumi.ComponentResourceOptions,
): OneShotJob {
  const entries = secretsOf("roles");
  return new OneShotJob(
    name,
    {
      ...args,
      workload: "roles",
      role: "database",
      secrets: { source: args.vault, entries },
      files: { folder: FOLDER, contents: { [SCRIPT]: rolesScript() } },
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
