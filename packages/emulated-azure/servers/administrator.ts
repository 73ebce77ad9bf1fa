import type { Instance } from "./instance";

/** Who administers a server, as its creation names them. */
export interface Administrator {
  login: string;
  password: string;
}

const GROUP = "azure_pg_admin";

/** An administrator as Azure's: may create roles and databases, belongs to `azure_pg_admin`, and is no superuser. */
export async function administer(instance: Instance, { login, password }: Administrator): Promise<void> {
  const [row] = await instance.query<{ role: string; password: string }>(
    "SELECT quote_ident($1) AS role, quote_literal($2) AS password",
    [login, password],
  );
  const role = row?.role ?? "";
  for (const statement of [
    `CREATE ROLE ${GROUP} NOLOGIN CREATEROLE CREATEDB`,
    `GRANT pg_monitor, pg_signal_backend, pg_read_all_settings TO ${GROUP} WITH ADMIN OPTION`,
    `CREATE ROLE ${role} LOGIN CREATEROLE CREATEDB REPLICATION PASSWORD ${row?.password ?? ""} IN ROLE ${GROUP}`,
    `ALTER DATABASE postgres OWNER TO ${GROUP}`,
    `GRANT EXECUTE ON FUNCTION pg_switch_wal() TO ${GROUP}`,
  ])
    await instance.query(statement);
}

/** The administrator's new password. */
export async function changePassword(instance: Instance, { login, password }: Administrator): Promise<void> {
  const [row] = await instance.query<{ statement: string }>(
    "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text) AS statement",
    [login, password],
  );
  await instance.query(row?.statement ?? "");
}
