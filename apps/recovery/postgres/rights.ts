import type { Client } from "pg";
import { messageOf } from "../../../packages/command/errors";
import { DATABASE_OWNER, type OwnershipPlan } from "../ownership";
import { quoteIdentifier, withClient } from "./connect";
import type { ServerConnection } from "./connection";
import { grantorOf, isObjectOf, isOfRights, rolesNamed, splitStatements } from "./statements";
import { isDatabaseAcl, OWNED_KINDS, quote, type TocEntry } from "./toc";

/** A statement and what it is about, for a message. */
interface Step {
  sql: string;
  about: string;
}

export interface RightsOutcome {
  owners: number;
  grants: number;
  /** What could not be brought back, one text each. */
  problems: string[];
}

const STEPS_PER_QUERY = 200;
/** An owned sequence follows its table, and a schema goes last: whoever owns it decides who may own what is in it. */
const LATER = ["SEQUENCE", "SCHEMA"];

/**
 * Gives every object its owner and everybody their rights, once everything is there. pg_restore would do it object by
 * object, before the owners' own rights in their schemas are back, and stop at the first: without superuser no role
 * can be handed a table in a schema where it may not create one.
 */
export async function restoreRights(
  server: ServerConnection,
  entries: readonly TocEntry[],
  plan: OwnershipPlan,
): Promise<RightsOutcome> {
  return withClient(server, (client) => giveRights(client, entries, plan));
}

/** The same in a session, and perhaps a transaction, of the caller's. */
export async function giveRights(
  client: Client,
  entries: readonly TocEntry[],
  plan: OwnershipPlan,
): Promise<RightsOutcome> {
  const problems: string[] = [];
  const run = async (steps: Step[]) => {
    for (let from = 0; from < steps.length; from += STEPS_PER_QUERY) {
      await runTogether(client, steps.slice(from, from + STEPS_PER_QUERY), problems);
    }
  };
  const gone = new Set([
    ...plan.missingRoles,
    ...plan.foreignOwners,
    ...(plan.ofPublic ? [plan.ofPublic] : []),
  ]);
  const owners = ownerSteps(entries, gone);
  const grants = grantSteps(entries, new Set(plan.missingRoles), new Set(plan.foreignOwners), gone);
  requireNothingElse(entries, owners, problems);
  if (problems.length > 0) return { owners: owners.length, grants: grants.length, problems };
  await run(plan.borrowed.map((role) => membership("GRANT", role)));
  try {
    const rooms = await missingRooms(client, entries, gone);
    await run(rooms.map((room) => roomStep("GRANT", room)));
    await run(owners.filter(({ kind }) => !LATER.includes(kind)));
    await run(owners.filter(({ kind }) => kind === "SEQUENCE"));
    await run(rooms.map((room) => roomStep("REVOKE", room)));
    await run(owners.filter(({ kind }) => kind === "SCHEMA"));
    await run(grants);
  } finally {
    await run(plan.borrowed.map((role) => membership("REVOKE", role)));
  }
  return { owners: owners.length, grants: grants.length, problems };
}

/** Both kinds of statements are run as who restores: what else an archive may say there must not be. */
function requireNothingElse(
  entries: readonly TocEntry[],
  owners: readonly OwnerStep[],
  problems: string[],
): void {
  for (const { kind, object } of owners)
    if (!kind.startsWith("BLOB") && !isObjectOf(kind, object))
      problems.push(`${kind} with the name ${object} is nothing that pg_dump writes`);
  for (const entry of entries) {
    if (!["ACL", "DEFAULT ACL"].includes(entry.kind) || isDatabaseAcl(entry)) continue;
    const other = splitStatements(entry.definition).find((sql) => !isOfRights(sql));
    if (other !== undefined)
      problems.push(`rights on ${entry.name} are nothing that pg_dump writes: ${other}`);
  }
}

/** In one round trip where all succeed; one by one where not, to name what does not. */
async function runTogether(client: Client, steps: Step[], problems: string[]): Promise<void> {
  if (steps.length === 0) return;
  try {
    await client.query(steps.map(({ sql }) => sql).join(";\n"));
    return;
  } catch (error) {
    if (steps.length === 1) {
      problems.push(`${steps[0]?.about ?? ""}: ${messageOf(error)}`);
      return;
    }
  }
  for (const step of steps) await runTogether(client, [step], problems);
}

const membership = (verb: "GRANT" | "REVOKE", role: string): Step => ({
  sql: `${verb} ${quoteIdentifier(role)} ${verb === "GRANT" ? "TO" : "FROM"} CURRENT_USER`,
  about: `membership of ${role}`,
});

/** A right to create that a role lacks, in a schema or in the database. */
interface Room {
  place: string;
  role: string;
}

const roomStep = (verb: "GRANT" | "REVOKE", { place, role }: Room): Step => ({
  sql: `${verb} CREATE ON ${place} ${verb === "GRANT" ? "TO" : "FROM"} ${quoteIdentifier(role)}`,
  about: `room for ${role} in ${place.toLowerCase()}`,
});

/** Kinds that lie in no schema; whoever owns one may create in the database. */
const OF_THE_DATABASE = new Set(["PUBLICATION"]);

/** Schemas in which an owner may not yet own anything, and the database where it may not either. */
async function missingRooms(
  client: Client,
  entries: readonly TocEntry[],
  gone: ReadonlySet<string>,
): Promise<Room[]> {
  const wanted = new Map<string, { schema: string | null; role: string }>();
  for (const { kind, schema, owner } of entries) {
    if (!owner || !OWNED_KINDS.has(kind) || gone.has(owner)) continue;
    if (schema) wanted.set(`${schema}\0${owner}`, { schema, role: owner });
    else if (OF_THE_DATABASE.has(kind)) wanted.set(`\0${owner}`, { schema: null, role: owner });
  }
  const rooms = [...wanted.values()];
  const { rows } = await client.query<{ schema: string | null; role: string; database: string }>(
    `SELECT w.schema, w.role, pg_catalog.current_database() AS database
     FROM unnest($1::text[], $2::text[]) AS w(schema, role)
       JOIN pg_catalog.pg_roles r ON r.rolname = w.role LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
     WHERE CASE WHEN w.schema IS NULL
       THEN NOT pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CREATE')
       ELSE NOT pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE') END`,
    [rooms.map(({ schema }) => schema), rooms.map(({ role }) => role)],
  );
  return rows.map(({ schema, role, database }) => ({
    role,
    place: schema === null ? `DATABASE ${quoteIdentifier(database)}` : `SCHEMA ${quoteIdentifier(schema)}`,
  }));
}

interface OwnerStep extends Step {
  kind: string;
  object: string;
}

function ownerSteps(entries: readonly TocEntry[], gone: ReadonlySet<string>): OwnerStep[] {
  return entries
    .filter(({ kind, owner }) => owner && OWNED_KINDS.has(kind) && !gone.has(owner))
    .flatMap((entry) =>
      ownedObjects(entry).map((object) => ({
        kind: entry.kind,
        object,
        sql: `ALTER ${object} OWNER TO ${quoteIdentifier(entry.owner)}`,
        about: `owner of ${object}`,
      })),
    );
}

/** The objects an entry stands for, as `ALTER … OWNER TO` names them. */
function ownedObjects({ kind, schema, name, dropStatement, definition }: TocEntry): string[] {
  if (kind === "BLOB") return [`LARGE OBJECT ${name}`];
  if (kind === "BLOB METADATA") {
    const numbers = definition.split(/\s+/).filter((text) => /^\d+$/.test(text));
    return numbers.map((number) => `LARGE OBJECT ${number}`);
  }
  if (kind === "SCHEMA") return [`SCHEMA ${quote(name)}`];
  // The only place where a function's arguments and an operator's index method stand as a statement needs them.
  const [removal = ""] = splitStatements(dropStatement);
  const object = /^DROP (.+)$/s.exec(removal)?.[1];
  if (object) return [object];
  return [`${kind} ${schema ? `${quote(schema)}.` : ""}${quote(name)}`];
}

/**
 * Grants, rights of objects to come last: they would add to those of what is made after them. What a role gives away of
 * what it will make, only who may act for it can say.
 */
function grantSteps(
  entries: readonly TocEntry[],
  missing: ReadonlySet<string>,
  foreign: ReadonlySet<string>,
  gone: ReadonlySet<string>,
): Step[] {
  return ["ACL", "DEFAULT ACL"].flatMap((wanted) =>
    entries
      .filter((entry) => entry.kind === wanted && !isDatabaseAcl(entry))
      .filter(({ kind, owner }) => kind !== "DEFAULT ACL" || !foreign.has(owner))
      .flatMap((entry) =>
        asGranted(withoutGrantors(splitStatements(entry.definition), gone), entry, gone)
          .filter((sql) => !rolesNamed(sql).some((role) => missing.has(role)))
          .map((sql) => ({ sql, about: `rights on ${entry.name}` })),
      ),
  );
}

/**
 * A right that somebody else than the owner has granted is granted in that role's name, without superuser. Where a role
 * may grant on, the owner's own grants are made in the owner's name, too: of all the roles the session may act for, the
 * server would take the first that has the right to.
 */
function asGranted(
  statements: readonly string[],
  { kind, owner, definition }: TocEntry,
  gone: ReadonlySet<string>,
): string[] {
  const own = kind === "ACL" && owner && owner !== DATABASE_OWNER && !gone.has(owner);
  const named = own && / WITH GRANT OPTION/.test(definition);
  const [begin, end] = named ? [[`SET ROLE ${quoteIdentifier(owner)}`], ["RESET ROLE"]] : [[], []];
  const [back = "RESET ROLE"] = begin;
  const run = statements.map((sql) => {
    if (sql.startsWith("RESET SESSION AUTHORIZATION")) return back;
    const grantor = grantorOf(sql);
    return grantor === undefined ? sql : `SET ROLE ${quoteIdentifier(grantor)}`;
  });
  return [...begin, ...run, ...end];
}

/** Without what was granted by roles that are out of reach. */
function withoutGrantors(statements: readonly string[], gone: ReadonlySet<string>): string[] {
  let silent = false;
  return statements.filter((sql) => {
    const grantor = grantorOf(sql);
    if (grantor !== undefined) silent = gone.has(grantor);
    const kept = !silent;
    if (sql.startsWith("RESET SESSION AUTHORIZATION")) silent = false;
    return kept;
  });
}
