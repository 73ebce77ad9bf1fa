import { createHash } from "node:crypto";
import type { Client } from "pg";
import { setTimeout as sleep } from "node:timers/promises";
import { FailedError, messageOf, UsageError } from "../../../packages/command/errors";
import { connect, disconnect, quoteIdentifier, withClient } from "./connect";
import { describeServer, withDatabase, type ServerConnection } from "./connection";
import { isEmptyDatabase, ownedBy } from "./databases";

/** Databases that belong to PostgreSQL or to Azure. */
const RESERVED = ["postgres", "template0", "template1", "azure_maintenance", "azure_sys"];
const MAX_NAME_BYTES = 63;
const RENAME_ATTEMPTS = 20;
/** Attempts while a session is there that only its owner can end. */
const PATIENCE = 2;

/** The database that a restore is asked for. */
export interface Destination {
  kind: "new" | "empty" | "replace";
  /** Its name; it holds nothing of the restore before all of it is there and checked. */
  name: string;
  /** Any database that is there, to create and rename from. */
  maintenance: ServerConnection;
}

/** Where a restore writes to first, and whose place it takes. */
export interface Target extends Destination {
  /** The database to load into, beside the other. */
  working: ServerConnection;
}

/**
 * Finds out whether a database may be restored into.
 * @param confirmed the name the caller typed to have an existing database replaced
 * @throws UsageError when it holds data and nobody confirmed, the name cannot be used, or rights are missing
 */
export async function openTarget(
  server: ServerConnection,
  name: string,
  confirmed: string | undefined,
): Promise<Destination> {
  if (RESERVED.includes(name))
    throw new UsageError(`--to ${name}: this database belongs to the server itself`);
  const length = Buffer.byteLength(name);
  if (length === 0 || length > MAX_NAME_BYTES) {
    throw new UsageError(`--to: a database name has 1 to ${MAX_NAME_BYTES} bytes, this one has ${length}`);
  }
  if (confirmed !== undefined && confirmed !== name) {
    throw new UsageError(
      `--replace: "${confirmed}" was typed, the database is "${name}"; nothing was changed`,
    );
  }
  const [maintenance, { exists, problem }] = await inReach(server, (client) => rightsOn(client, name));
  const target = withDatabase(server, name);
  const empty = exists && (await withClient(target, isEmptyDatabase));
  if (exists && !empty && confirmed === undefined) {
    throw new UsageError(
      `database ${describeServer(target)} is not empty and was left as it is; restore to a new name, ` +
        `or add --replace --confirm ${name}`,
    );
  }
  if (problem) throw new UsageError(`--to ${name}: ${problem}`);
  return { kind: exists ? (empty ? "empty" : "replace") : "new", name, maintenance };
}

/** Names the database to load into. Call it with the lease of the name: another run would choose the same. */
export async function workBeside(destination: Destination, now: Date): Promise<Target> {
  const { name, maintenance } = destination;
  const beside = await withClient(maintenance, (client) => besideName(client, name, "restore", now));
  return { ...destination, working: withDatabase(maintenance, beside) };
}

/** Whether the database is there, and what the restoring role may not do to put another in its place. */
async function rightsOn(client: Client, name: string): Promise<{ exists: boolean; problem?: string }> {
  const { rows } = await client.query<{
    creates: boolean;
    owner: string | null;
    mine: boolean | null;
    me: string;
    prepared: string | null;
  }>(
    `SELECT r.rolcreatedb OR r.rolsuper AS creates, r.rolname AS me, pg_catalog.pg_get_userbyid(d.datdba) AS owner,
       pg_catalog.pg_has_role(d.datdba, 'USAGE') AS mine,
       (SELECT string_agg(quote_literal(gid), ', ') FROM pg_catalog.pg_prepared_xacts WHERE database = $1) AS prepared
     FROM pg_catalog.pg_roles r LEFT JOIN pg_catalog.pg_database d ON d.datname = $1 WHERE r.rolname = current_user`,
    [name],
  );
  const { creates = false, owner = null, mine = null, me = "", prepared = null } = rows[0] ?? {};
  if (!creates)
    return { exists: owner !== null, problem: `role "${me}" may not create databases (CREATEDB)` };
  if (owner !== null && !mine)
    return { exists: true, problem: `the database belongs to "${owner}", for whom role "${me}" may not act` };
  if (prepared !== null) {
    const problem = `it has prepared transaction ${prepared}: end it with COMMIT PREPARED or ROLLBACK PREPARED first`;
    return { exists: true, problem };
  }
  return { exists: owner !== null };
}

/** A database of the server that can be asked: the one the URL names may be the one that was lost. */
export const reachable = async (server: ServerConnection): Promise<ServerConnection> =>
  (await inReach(server, () => Promise.resolve()))[0];

/** Asks in such a database, and says which it was. */
async function inReach<T>(
  server: ServerConnection,
  ask: (client: Client) => Promise<T>,
): Promise<[ServerConnection, T]> {
  const candidates = [...new Set(["postgres", server.database, "template1"])];
  let failure: unknown;
  for (const database of candidates) {
    const place = withDatabase(server, database);
    let client: Client;
    try {
      client = await connect(place);
    } catch (error) {
      failure ??= error;
      // Only these say that another database may work; a refused login would only be refused again.
      if (/does not exist|permission denied|not currently accepting/.test(messageOf(error))) continue;
      break;
    }
    try {
      return [place, await ask(client)];
    } finally {
      await disconnect(client);
    }
  }
  throw failure;
}

/**
 * `app_restore_20260205T030000Z`, a name that no database of the server has: what a clock that was set back, or a run of
 * the same second, has left is numbered on from. One that is too long is cut, and told from others by a digest.
 */
export async function besideName(client: Client, name: string, what: string, now: Date): Promise<string> {
  const time = now.toISOString().replace(/[-:]|\.\d+/g, "");
  for (let number = 1; ; number += 1) {
    const beside = fitted(name, `_${what}_${time}${number === 1 ? "" : `_${number}`}`);
    const { rows } = await client.query("SELECT FROM pg_catalog.pg_database WHERE datname = $1", [beside]);
    if (rows.length === 0) return beside;
  }
}

function fitted(name: string, suffix: string): string {
  const fits = (text: string) => Buffer.byteLength(text) <= MAX_NAME_BYTES;
  if (fits(name + suffix)) return name + suffix;
  const rest = `_${createHash("sha256").update(name).digest("hex").slice(0, 8)}${suffix}`;
  const head = [...name];
  while (!fits(head.join("") + rest)) head.pop();
  return head.join("") + rest;
}

/** What became of a database that was given its name. */
export interface Placed {
  /** The name the previous content has now, if there was any. */
  previous?: string;
  /** Why it belongs to the restoring role and not to its owner. */
  warning?: string;
}

/**
 * Gives the restored database its name, in one transaction with taking it from the existing one, which is kept under
 * another: whatever ends the run, one of the two has the name. Its comment takes the place of the mark that it is not
 * finished, and its owner comes last, because who gives it away may change it no more.
 */
export async function putInPlace(
  target: Target,
  { comment, owner }: { comment: string | null; owner?: string },
  now: Date,
): Promise<Placed> {
  const { name, maintenance, working } = target;
  let previous: string | undefined;
  let warning: string | undefined;
  await withClient(maintenance, async (client) => {
    // A pooler keeps the session of the role that was tried, and the server would wait five seconds for its end.
    await remaining(client, working.database);
    previous = await nameOfPrevious(client, target, now);
    const steps = [...renames(target, previous), describing(client, name, comment)];
    let giving = owner === undefined ? [] : [givingTo(name, owner)];
    for (let attempt = 1; ; attempt += 1) {
      try {
        // One query of several statements is one transaction.
        await client.query([...steps, ...giving].join("; "));
        return;
      } catch (error) {
        if (giving.length > 0 && !/is being accessed/.test(messageOf(error))) {
          giving = [];
          // Perhaps it is only the owner that cannot be had; then the next attempt succeeds.
          warning = `owner ${owner ?? ""} of the database is not restored: ${messageOf(error)}`;
          continue;
        }
        const used = /database "(.*)" is being accessed by other users/s.exec(messageOf(error))?.[1];
        // The server itself has waited five seconds for them by now.
        const held = used === undefined ? [] : await remaining(client, used);
        if (attempt < RENAME_ATTEMPTS && used !== undefined && (held.length === 0 || attempt < PATIENCE)) {
          await sleep(100);
          continue;
        }
        const reason =
          used === undefined
            ? messageOf(error)
            : held.length > 0
              ? `${held.join(", ")} uses it, which the restoring role may not end`
              : "others keep connecting to it; stop the application first";
        throw new FailedError(`database ${used ?? name} could not be renamed: ${reason}`);
      }
    }
  });
  return { previous, warning };
}

const nameOfPrevious = async (client: Client, { kind, name }: Target, now: Date) =>
  kind === "new" ? undefined : await besideName(client, name, "before", now);

function renames({ name, working }: Target, previous: string | undefined): string[] {
  const rename = (from: string, to: string) =>
    `ALTER DATABASE ${quoteIdentifier(from)} RENAME TO ${quoteIdentifier(to)}`;
  return [...(previous === undefined ? [] : [rename(name, previous)]), rename(working.database, name)];
}

const givingTo = (name: string, owner: string) =>
  `ALTER DATABASE ${quoteIdentifier(name)} OWNER TO ${quoteIdentifier(owner)}`;

/** What a person runs who does by hand what could not be done: the statements of `putInPlace`, one after the other. */
export async function switchByHand(target: Target, owner: string | undefined, now: Date): Promise<string> {
  const previous = await withClient(target.maintenance, (client) => nameOfPrevious(client, target, now));
  const statements = [
    ...renames(target, previous),
    ...(owner === undefined ? [] : [givingTo(target.name, owner)]),
  ];
  return statements.map((statement) => `${statement};`).join(" ");
}

/** Says what a database is, in place of the mark that it is not finished. */
export async function describeDatabase(target: Target, comment: string | null): Promise<void> {
  await withClient(target.maintenance, (client) =>
    client.query(describing(client, target.working.database, comment)),
  );
}

const describing = (client: Client, name: string, comment: string | null) =>
  `COMMENT ON DATABASE ${quoteIdentifier(name)} IS ${comment === null ? "NULL" : client.escapeLiteral(comment)}`;

/**
 * Creates the working database as a copy of the empty one whose place it is to take: with its locale, and with what its
 * owner has prepared in it.
 * @param owner of the copy; default: who makes it
 */
export async function copyEmpty(client: Client, { name, working }: Target, owner?: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query(
        `CREATE DATABASE ${quoteIdentifier(working.database)} ${ownedBy(owner)} TEMPLATE ${quoteIdentifier(name)}`,
      );
      return;
    } catch (error) {
      const inUse = /is being accessed by other users/.test(messageOf(error));
      const held = inUse ? await remaining(client, name) : [];
      if (inUse && attempt < RENAME_ATTEMPTS && (held.length === 0 || attempt < PATIENCE)) continue;
      const who = held.length > 0 ? `${held.join(", ")} uses it` : messageOf(error);
      throw new FailedError(`the empty database ${name} could not be copied: ${who}`);
    }
  }
}

/** Ends the sessions of a database that may be ended, and says what else uses it. The server's own end by themselves. */
async function remaining(client: Client, database: string): Promise<string[]> {
  const { rows } = await client.query<{ pid: number; who: string }>(
    `SELECT pid, format('a session of %s (%s)', usename, NULLIF(application_name, '')) AS who
     FROM pg_catalog.pg_stat_activity
     WHERE datname = $1 AND usename IS NOT NULL AND pid <> pg_catalog.pg_backend_pid()`,
    [database],
  );
  const prepared = await client.query<{ who: string }>(
    "SELECT format('prepared transaction %L', gid) AS who FROM pg_catalog.pg_prepared_xacts WHERE database = $1",
    [database],
  );
  const left = prepared.rows.map(({ who }) => who);
  for (const { pid, who } of rows) {
    try {
      await client.query("SELECT pg_catalog.pg_terminate_backend($1)", [pid]);
    } catch {
      // Only a superuser may end a superuser's session.
      left.push(who);
    }
  }
  return [...new Set(left)];
}
