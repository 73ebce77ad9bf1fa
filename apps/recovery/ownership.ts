import type { Client } from "pg";
import { quoteIdentifier } from "./postgres/connect";
import { grantorOf, rolesNamed, splitStatements } from "./postgres/statements";
import { isDatabaseAcl, OWNED_KINDS, type TocEntry } from "./postgres/toc";

export interface OwnershipPlan {
  /** Every owner and every grant comes back as dumped. */
  keep: boolean;
  /** Roles the archive names and the server lacks. */
  missingRoles: string[];
  /** Owners and grantors the restoring role may not act for, and may not make itself a member of. */
  foreignOwners: string[];
  /** Owners and grantors the restoring role becomes a member of while it restores. */
  borrowed: string[];
  /**
   * Owner of schema `public` in the backup where it cannot be hers here, and owns nothing else: the schema comes with
   * the server, which has made it somebody's, and stays that.
   */
  ofPublic?: string | undefined;
}

/** Owns what the owner of its database owns; nobody is made its member. */
export const DATABASE_OWNER = "pg_database_owner";

const RIGHTS = new Set(["ACL", "DEFAULT ACL", "POLICY", "USER MAPPING"]);

/** The role a user mapping is for stands in its name: `USER MAPPING api SERVER other`. */
const mappedRole = ({ name }: TocEntry) => /^USER MAPPING (.+) SERVER /.exec(name)?.[1];

const isPublicSchema = ({ kind, name }: TocEntry) => kind === "SCHEMA" && name === "public";

/** Roles in whose name an entry's statements are run. */
function actorsOf(entry: TocEntry): string[] {
  if (entry.kind === "DEFAULT ACL") return entry.owner ? [entry.owner] : [];
  if (entry.kind !== "ACL" || isDatabaseAcl(entry)) return [];
  return splitStatements(entry.definition).flatMap((sql) => grantorOf(sql) ?? []);
}

/** Who is to own something, has given rights of its own away, or has settled those of what it will make. */
export const ownersAmong = (entries: readonly TocEntry[]): Set<string> =>
  new Set([
    ...entries.filter((entry) => isOwned(entry) && !isPublicSchema(entry)).map(({ owner }) => owner),
    ...entries.flatMap(actorsOf),
  ]);

const isOwned = ({ kind, owner }: TocEntry) =>
  OWNED_KINDS.has(kind) && owner !== "" && owner !== DATABASE_OWNER;

/** Roles that an entry cannot be restored without, its owner left out. */
export function rolesOf(entry: TocEntry): string[] {
  if (!RIGHTS.has(entry.kind) || isDatabaseAcl(entry)) return [];
  const mapped = entry.kind === "USER MAPPING" ? mappedRole(entry) : undefined;
  // Everybody is no role, and no role can have that name.
  if (entry.kind === "USER MAPPING") return mapped && mapped !== "public" ? [mapped] : [];
  return splitStatements(entry.definition).flatMap(rolesNamed);
}

/**
 * Decides whose objects can come back as theirs without superuser: a role must exist, and the restoring role must be
 * able to act for it. Whatever cannot belongs to the restoring role afterwards.
 */
export async function planOwnership(client: Client, entries: readonly TocEntry[]): Promise<OwnershipPlan> {
  const owned = entries.filter(isOwned);
  const owners = ownersAmong(entries);
  const named = new Set(entries.flatMap(rolesOf));
  const ofSchema = owned.find(isPublicSchema)?.owner;
  const onlyOfPublic = (role: string) => role === ofSchema && !owners.has(role) && !named.has(role);
  const wanted = [...new Set([...owned.map(({ owner }) => owner), ...owners, ...named])].sort();
  const { rows } = await client.query<{ role: string; known: boolean; mine: boolean }>(
    `SELECT role, r.oid IS NOT NULL AS known,
       COALESCE(pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')
         AND pg_catalog.pg_has_role(current_user, r.oid, 'USAGE'), false) AS mine
     FROM unnest($1::text[]) AS w(role) LEFT JOIN pg_catalog.pg_roles r ON r.rolname = w.role`,
    [wanted],
  );
  const missingRoles = rows
    .filter(({ role, known }) => !known && !onlyOfPublic(role))
    .map(({ role }) => role);
  const borrowed: string[] = [];
  const foreignOwners: string[] = [];
  let ofPublic: string | undefined;
  for (const { role, known, mine } of rows) {
    const borrowable =
      known && !mine && (owners.has(role) || onlyOfPublic(role)) && (await mayBorrow(client, role));
    if (borrowable) borrowed.push(role);
    else if (onlyOfPublic(role) && !mine) ofPublic = role;
    else if (known && !mine && owners.has(role)) foreignOwners.push(role);
  }
  const keep = missingRoles.length === 0 && foreignOwners.length === 0;
  return { keep, missingRoles, foreignOwners, borrowed, ofPublic };
}

/** Whether the restoring role may make itself a member, as who created a role may; in a transaction of its own. */
export async function mayBorrow(client: Client, role: string): Promise<boolean> {
  await client.query("BEGIN");
  try {
    await client.query(`GRANT ${quoteIdentifier(role)} TO CURRENT_USER`);
    const { rows } = await client.query<{ mine: boolean }>(
      "SELECT pg_catalog.pg_has_role(current_user, $1, 'USAGE') AS mine",
      [role],
    );
    return rows[0]?.mine === true;
  } catch {
    return false;
  } finally {
    await client.query("ROLLBACK");
  }
}
