import type { Client } from "pg";
import { rolesOf } from "../ownership";
import type { RoleInventory } from "../types";
import { quoteIdentifier } from "./connect";
import { OWNED_KINDS, type TocEntry } from "./toc";

/** Belong to the server itself. */
const OF_THE_SERVER = /^(pg_|azure)/;

/**
 * Makes the roles that entries of a backup name and the server lacks, without login or password, with the memberships
 * among them that the backup's server had. What logs in is made by whoever has the passwords.
 * @returns names of the roles that were made
 */
export async function createMissingRoles(
  client: Client,
  entries: readonly TocEntry[],
  inventory: readonly RoleInventory[],
): Promise<string[]> {
  const owners = entries.filter(({ kind }) => OWNED_KINDS.has(kind)).map(({ owner }) => owner);
  const named = [...new Set([...owners, ...entries.flatMap(rolesOf)])].filter(
    (role) => role && !OF_THE_SERVER.test(role),
  );
  const { rows } = await client.query<{ role: string }>(
    `SELECT role FROM unnest($1::text[]) AS w(role)
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = role) ORDER BY 1`,
    [named],
  );
  const made = rows.map(({ role }) => role);
  for (const role of made) await client.query(`CREATE ROLE ${quoteIdentifier(role)} NOLOGIN`);
  for (const { name, memberOf } of inventory.filter((role) => made.includes(role.name)))
    for (const group of memberOf.filter((one) => made.includes(one)))
      await client.query(`GRANT ${quoteIdentifier(group)} TO ${quoteIdentifier(name)}`);
  return made;
}
