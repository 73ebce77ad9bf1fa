import { DATABASE_ROLES } from "../secrets/secretCatalogue";
import { databaseLogins, DatabaseLogin, LoginRegions, loginName } from "./databaseLogins";

/** Roles whose work reads or changes whole tables: the server's own limits are for requests. */
const UNHURRIED: Partial<Record<DatabaseLogin["role"], readonly string[]>> = {
  migration: ["statement_timeout"],
  backup: ["statement_timeout", "idle_in_transaction_session_timeout"],
};

const list = (names: readonly string[]) => names.map((name) => `'${name}'`).join(", ");

/**
 * The script that makes the roles of the application's database, gives each its rights, and makes the logins of each region
 * that act as them; run by the administrator in that database, any number of times. Passwords come from the
 * environment; pgaudit, once a restart has loaded it, masks them in the server's log.
 *
 * Rights, each the least its holder works with:
 * - `migration` owns the schema's objects; its rights on new objects pass to the others by default privileges.
 * - `api` reads and writes rows, and changes no structure.
 * - `backup` reads everything, by single grants: `pg_read_all_data` may be handed out only by who holds it with the
 *   admin option (PostgreSQL 16), which Azure does not promise its administrator.
 * - `monitoring` reads statistics.
 *
 * A login's sessions act as its role from the start, so that whoever made an object, a dump and a policy name the role,
 * and none of them a region.
 *
 * Which region's logins may log in is decided when they are made, and afterwards by a failover alone. A region that is
 * fenced ends here with an error and changes nothing: an update that would make it serve, and a job of a region that
 * comes back.
 */
export function rolesScript(regions: LoginRegions): string {
  const logins = databaseLogins(regions);
  const readers = "backup";
  return `\\set ON_ERROR_STOP on
${logins.map(({ name, variable }) => `\\getenv ${name}_password ${variable}`).join("\n")}
begin;
set local client_min_messages = warning;
select pg_advisory_xact_lock(hashtext('forma3d roles'));
${fence(regions)}
${DATABASE_ROLES.map(
  (
    role,
  ) => `select 'create role ${role} nologin' where not exists (select from pg_roles where rolname = '${role}') \\gexec
-- Until logins were made by region, the role itself was one.
alter role ${role} nologin password null;`,
).join("\n")}

-- Creating a role gives the right to administer it, not yet the right to act in its name.
grant migration to current_user;

${logins.map((login) => makeLogin(login, login.region === regions.serving)).join("\n")}

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
commit;
`;
}

function fence({ serving }: LoginRegions): string {
  const own = DATABASE_ROLES.map((role) => loginName(role, serving));
  return `do $$
begin
  if exists (select from pg_roles where rolname in (${list(own)}) and not rolcanlogin) then
    raise exception 'region ${serving.location} is fenced: its logins (…_${serving.code}) may not log in to this database'
      using hint = 'Another region serves. A failover to ${serving.location} lifts the fence; after a restore to another server, docs/operations.md says how.';
  end if;
end $$;`;
}

function makeLogin({ role, name }: DatabaseLogin, serves: boolean): string {
  return [
    `select 'create role ${name} ${serves ? "login" : "nologin"}' where not exists (select from pg_roles where rolname = '${name}') \\gexec`,
    `alter role ${name} ${serves ? "" : "nologin "}password :'${name}_password';`,
    `grant ${role} to ${name};`,
    `alter role ${name} set role = '${role}';`,
    ...(UNHURRIED[role] ?? []).map((limit) => `alter role ${name} set ${limit} = 0;`),
  ].join("\n");
}
