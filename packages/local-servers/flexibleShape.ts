/** Superuser of a flexible server; only Microsoft logs in as it. */
export const PROVIDER_ROLE = "azuresu";

/** Members of it administer a server. */
const ADMIN_GROUP = "azure_pg_admin";

/** Parameters only Azure's servers know: prefixes of names that mean nothing to PostgreSQL itself. */
const OF_AZURE = /^(azure|pgbouncer|metrics|logfiles|connection_throttle|pg_qs|pgms_wait_sampling)\./;
/** Libraries the releases of PostgreSQL bring along. */
const PRELOADED = ["pg_stat_statements", "auto_explain"];

/** A server parameter as Azure takes it. */
export interface Parameter {
  name: string;
  value: string;
}

/** What of Azure's parameters a server here understands, as in postgresql.conf. */
export function settingsOf(parameters: readonly Parameter[] = []): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const { name, value } of parameters) {
    // Who may connect without TLS stands in pg_hba.conf.
    if (OF_AZURE.test(name) || name === "require_secure_transport") continue;
    settings[name] =
      name === "shared_preload_libraries"
        ? value
            .split(",")
            .filter((library) => PRELOADED.includes(library))
            .join(",")
        : value;
  }
  return settings;
}

/** Extensions the parameters allow; none unless they say so. */
export function allowedExtensions(parameters: readonly Parameter[] = []): string[] {
  const value = parameters.find(({ name }) => name === "azure.extensions")?.value ?? "";
  return value.split(",").filter(Boolean);
}

/** Everybody but the provider needs TLS: lines of pg_hba.conf. */
export const ACCESS: readonly string[] = [
  `host all ${PROVIDER_ROLE} 127.0.0.1/32 scram-sha-256`,
  `host replication ${PROVIDER_ROLE} 127.0.0.1/32 scram-sha-256`,
  "hostssl all all 127.0.0.1/32 scram-sha-256",
];

const name = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Makes the roles and owners a flexible server comes with; what of it is confirmed stands in docs/unkind-ground.md. */
export const serverShape = (administrator: string, password: string): string[] => [
  `create role ${ADMIN_GROUP} nologin`,
  `create role replication nologin replication`,
  `grant pg_monitor, pg_signal_backend, pg_read_all_settings, pg_read_all_stats, pg_stat_scan_tables
     to ${ADMIN_GROUP} with admin option`,
  `create role ${name(administrator)} login createdb createrole bypassrls replication password ${literal(password)}`,
  `grant ${ADMIN_GROUP} to ${name(administrator)} with admin option`,
  ...["azure_maintenance", "azure_sys"].flatMap((database) => [
    `create database ${database}`,
    `revoke connect on database ${database} from public`,
  ]),
  ...["postgres", "template0", "template1"].map(
    (database) => `alter database ${database} owner to ${ADMIN_GROUP}`,
  ),
];

/** Databases whose `public` {@link PUBLIC_SCHEMA} changes. */
export const SHAPED_DATABASES: readonly string[] = ["postgres", "template1"];
export const PUBLIC_SCHEMA = `alter schema public owner to ${ADMIN_GROUP}`;

/** Makes a database as Azure's resource manager does. */
export const databaseOf = (database: string, administrator: string): string =>
  `create database ${name(database)} owner ${name(administrator)}`;

/** The administrator's new password. */
export const passwordOf = (administrator: string, password: string): string =>
  `alter role ${name(administrator)} password ${literal(password)}`;
