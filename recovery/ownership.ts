import type { Client } from "pg";
import type { TocEntry } from "./postgres/toc";
import type { Inventory } from "./types";

export interface OwnershipPlan {
  /** Owners and grants can be restored as they were. */
  keep: boolean;
  /** Roles the archive names and the server lacks. */
  missingRoles: string[];
  /** Owners the restoring role may not act for. */
  foreignOwners: string[];
}

/** Whether a statement grants to, or revokes from, this role. */
function names(statement: string, role: string): boolean {
  const quoted = role.replaceAll('"', '""');
  return [
    ` TO ${role}`,
    ` TO "${quoted}"`,
    ` FROM ${role}`,
    ` FROM "${quoted}"`,
    ` ROLE ${role} `,
    ` ROLE "${quoted}" `,
  ].some((text) => `${statement} `.replaceAll(";", " ").includes(`${text.trimEnd()} `));
}

/**
 * Decides whether owners and grants can come back without superuser: every role the archive names must exist, and
 * the restoring role must be a member of every owner. Otherwise everything will belong to the restoring role.
 */
export async function planOwnership(
  client: Client,
  entries: readonly TocEntry[],
  inventory: Inventory,
): Promise<OwnershipPlan> {
  const owners = [...new Set(entries.map(({ owner }) => owner).filter(Boolean))];
  const grants = entries
    .map(({ definition }) => definition)
    .filter((text) => /\b(GRANT|REVOKE)\b/.test(text));
  const granted = inventory.roles
    .map(({ name }) => name)
    .filter((role) => grants.some((text) => names(text, role)));
  const wanted = [...new Set([...owners, ...granted])].sort();
  const { rows } = await client.query<{ role: string; known: boolean; mine: boolean }>(
    `SELECT role, r.oid IS NOT NULL AS known,
       COALESCE(pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER'), false) AS mine
     FROM unnest($1::text[]) AS w(role) LEFT JOIN pg_catalog.pg_roles r ON r.rolname = w.role`,
    [wanted],
  );
  const missingRoles = rows.filter(({ known }) => !known).map(({ role }) => role);
  const foreignOwners = rows
    .filter(({ role, known, mine }) => known && !mine && owners.includes(role))
    .map(({ role }) => role);
  return { keep: missingRoles.length === 0 && foreignOwners.length === 0, missingRoles, foreignOwners };
}
