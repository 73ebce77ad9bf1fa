import type { Client } from "pg";
import { UsageError } from "../../../packages/command/errors";
import { mayBorrow, ownersAmong, type OwnershipPlan } from "../ownership";
import { makeLoader, type Loader } from "../postgres/loader";
import type { ServerConnection } from "../postgres/connection";
import type { NameLease } from "../postgres/unfinished";
import { foreignKeys, ownersOf } from "./live";
import { sqlName, type Parts } from "./parts";

/** In whose name a restore in place works. */
export interface Acting {
  /** Who runs what the tables and the backup have of code; undefined: the restoring role. */
  loader?: Loader;
  /** Roles the restoring role becomes a member of while it works itself. */
  borrowed: string[];
  /** Why there is no loader, where that lets code run as the restoring role. */
  warning?: string;
}

interface Owners {
  /** Without acting for them nothing can be done. */
  needed: string[];
  /** Of the tables that foreign keys name; of those one may do without: what is refused for want of it says so. */
  others: string[];
  schemas: string[];
}

async function ownersIn(client: Client, { existing, fresh }: Parts): Promise<Owners> {
  const foreign = await foreignKeys(client, existing);
  const schemas = [...fresh, ...existing].map(({ schema }) => schema).filter(Boolean);
  const altered = [...existing.map(sqlName), ...foreign.map(({ own }) => own)];
  return {
    needed: await ownersOf(client, altered, []),
    others: await ownersOf(
      client,
      foreign.map(({ other }) => other),
      [],
    ),
    schemas: await ownersOf(client, [], schemas),
  };
}

/**
 * Decides who works, and makes the loader where its owners are roles that have no power over the server.
 * @param client session of the restoring role in the database
 * @throws UsageError naming an owner who is out of reach
 */
export async function decideActing(
  client: Client,
  at: { database: string; maintenance: ServerConnection; lease: NameLease },
  parts: Parts,
  plan: OwnershipPlan,
): Promise<Acting> {
  const owners = await ownersIn(client, parts);
  const gone = [...plan.missingRoles, ...plan.foreignOwners, plan.ofPublic];
  const fresh = [...ownersAmong(parts.fresh)].filter((role) => !gone.includes(role));
  const needed = [...new Set([...owners.needed, ...owners.others, ...fresh])];
  const powerful = await powerfulAmong(client, [...needed, ...owners.schemas]);
  const [first] = needed.filter((role) => powerful.includes(role));
  const loader = first === undefined ? await makeLoader(at.maintenance, at.lease) : undefined;
  if (!loader) {
    const warning =
      first === undefined
        ? undefined
        : `what the tables have of code ran as the restoring role, since something of them belongs to ${first}`;
    return { borrowed: await borrow(client, owners, plan), warning };
  }
  try {
    const roles = [...needed, ...owners.schemas.filter((role) => !powerful.includes(role))];
    for (const role of new Set(roles)) await requireReach(client, role);
    await loader.admit(at.database, [...new Set(roles)], await foreignSchemas(client, parts, roles));
    return { loader, borrowed: [] };
  } catch (error) {
    await loader.drop(() => undefined);
    throw error;
  }
}

async function requireReach(client: Client, role: string): Promise<void> {
  if (!(await mayBorrow(client, role))) throw outOfReach(role);
}

const outOfReach = (role: string) =>
  new UsageError(
    `tables that would change belong to ${role}, for whom the restoring role may not act; nothing was changed`,
  );

/** Roles that are the restoring role, or are or may become one that has power over the server. */
async function powerfulAmong(client: Client, roles: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ role: string }>(
    `SELECT DISTINCT role FROM unnest($1::text[]) AS w(role), pg_catalog.pg_roles p
     WHERE pg_catalog.pg_has_role(role, p.oid, 'MEMBER')
       AND (p.rolname = current_user OR p.rolsuper OR p.rolcreaterole OR p.rolname ~ '^(pg_|azure)')`,
    [roles],
  );
  return rows.map(({ role }) => role);
}

/** Schemas that things are made in and whose owners the loader does not act for. */
async function foreignSchemas(client: Client, { fresh }: Parts, roles: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ schema: string }>(
    `SELECT nspname AS schema FROM pg_catalog.pg_namespace
     WHERE nspname = ANY($1) AND pg_catalog.pg_get_userbyid(nspowner) <> ALL($2)`,
    [fresh.map(({ schema }) => schema), roles],
  );
  return rows.map(({ schema }) => schema);
}

/** Roles the restoring one becomes a member of while it works. @throws UsageError naming one that is out of reach */
async function borrow(
  client: Client,
  { needed, others, schemas }: Owners,
  plan: OwnershipPlan,
): Promise<string[]> {
  const { rows } = await client.query<{ role: string }>(
    "SELECT role FROM unnest($1::text[]) AS w(role) WHERE NOT pg_catalog.pg_has_role(role, 'USAGE')",
    [[...new Set([...plan.borrowed, ...needed, ...others, ...schemas])]],
  );
  const borrowed: string[] = [];
  for (const { role } of rows) {
    if (await mayBorrow(client, role)) borrowed.push(role);
    else if (needed.includes(role)) throw outOfReach(role);
  }
  return borrowed;
}
