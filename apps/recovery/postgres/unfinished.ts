import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { FailedError, LeaseHeldError, messageOf } from "../../../packages/command/errors";
import { connect, disconnect, quoteIdentifier } from "./connect";
import type { ServerConnection } from "./connection";
import { dropDatabase } from "./databases";
import { dismissRole } from "./passingRole";

/** Comment of a database that is being filled; whoever runs next drops it when nobody is at it any more. */
const MARKER = /^recovery: unfinished, for (.*)$/s;
/** The same of a role that a run makes for itself. */
const ROLE_MARKER = /^recovery: unfinished, loads for (.*)$/s;
/** A runner whose machine is gone is noticed by the server within two minutes. */
const KEEPALIVE = { tcp_keepalives_idle: "60", tcp_keepalives_interval: "10", tcp_keepalives_count: "6" };

/** A name on a server that one run at a time works for. */
export interface NameLease {
  /** Marks a database as not finished, until somebody gives it another comment. */
  mark(client: Client, database: string): Promise<void>;
  /** Marks a role as one that goes with the run. */
  markRole(client: Client, role: string): Promise<void>;
  /** @throws FailedError when the session that held the lease is gone */
  confirm(): Promise<void>;
  release(): Promise<void>;
}

const KEY = "pg_catalog.hashtextextended('recovery ' || $1, 0)";

async function lock(client: Client, name: string): Promise<boolean> {
  const sql = `SELECT pg_catalog.pg_try_advisory_lock(${KEY}) AS got`;
  return (await client.query<{ got: boolean }>(sql, [name])).rows[0]?.got === true;
}

const unlock = (client: Client, name: string) =>
  client.query(`SELECT pg_catalog.pg_advisory_unlock(${KEY})`, [name]);

/**
 * Takes the lease of a name and drops what runs that were killed have left on the server. The lease ends with its
 * session, however the runner ends.
 * @throws LeaseHeldError when another run works for that name
 */
export async function leaseName(
  maintenance: ServerConnection,
  name: string,
  note: (message: string) => void,
): Promise<NameLease> {
  const client = await connect(maintenance, KEEPALIVE);
  try {
    if (!(await lock(client, name))) {
      throw new LeaseHeldError(
        `another run restores to "${name}" on ${maintenance.host}:${maintenance.port}; nothing was done`,
      );
    }
    await sweep(client, maintenance, name, note);
  } catch (error) {
    await disconnect(client);
    throw error;
  }
  return {
    async mark(by, database) {
      const marker = by.escapeLiteral(`recovery: unfinished, for ${name}`);
      await by.query(`COMMENT ON DATABASE ${quoteIdentifier(database)} IS ${marker}`);
    },
    async markRole(by, role) {
      const marker = by.escapeLiteral(`recovery: unfinished, loads for ${name}`);
      await by.query(`COMMENT ON ROLE ${quoteIdentifier(role)} IS ${marker}`);
    },
    async confirm() {
      try {
        await client.query("SELECT");
      } catch (error) {
        throw new FailedError(`the lease of "${name}" was lost: ${messageOf(error)}`);
      }
    },
    release: () => disconnect(client),
  };
}

/** What a server says while it comes up again, after a crash of one of its processes or a restart. */
const COMES_UP =
  /recovery mode|not yet accepting connections|is starting up|is shutting down|nobody listens there/;
/** A second each. */
const TRIES = 60;

/**
 * Drops a database that a run gave up. A server that comes up again is waited for, up to a minute; a database that stays
 * is named, and dropped by whoever restores next on that server.
 */
export async function dropUnfinished(
  maintenance: ServerConnection,
  database: string,
  note: (message: string) => void,
): Promise<void> {
  for (let left = TRIES; ; left -= 1) {
    try {
      return await dropDatabase(maintenance, database);
    } catch (error) {
      const said = messageOf(error);
      if (left > 1 && COMES_UP.test(said)) {
        await sleep(1000);
        continue;
      }
      return note(
        `warning: database "${database}" stays, until the next restore on this server drops it: ${said}`,
      );
    }
  }
}

/** Drops what nobody works at any more: databases, then roles, which may own one of them. */
async function sweep(
  client: Client,
  maintenance: ServerConnection,
  own: string,
  note: (message: string) => void,
): Promise<void> {
  const { rows: databases } = await client.query<Left>(
    `SELECT d.datname AS name, pg_catalog.shobj_description(d.oid, 'pg_database') AS comment
     FROM pg_catalog.pg_database d WHERE pg_catalog.shobj_description(d.oid, 'pg_database') ~ '^recovery: unfinished'`,
  );
  const { rows: roles } = await client.query<Left>(
    `SELECT r.rolname AS name, pg_catalog.shobj_description(r.oid, 'pg_authid') AS comment
     FROM pg_catalog.pg_roles r WHERE pg_catalog.shobj_description(r.oid, 'pg_authid') ~ '^recovery: unfinished'`,
  );
  const sweepEach = async (
    what: string,
    found: Left[],
    marker: RegExp,
    drop: (name: string) => Promise<unknown>,
  ) => {
    for (const { name, comment } of found) {
      const lease = marker.exec(comment)?.[1];
      if (lease === undefined) continue;
      if (lease !== own && !(await lock(client, lease))) continue;
      try {
        await drop(name);
        note(`${what} "${name}", left by a run that was killed, was dropped`);
      } catch (error) {
        note(`warning: ${what} "${name}", left by a run that was killed, stays: ${messageOf(error)}`);
      } finally {
        if (lease !== own) await unlock(client, lease);
      }
    }
  };
  await sweepEach("database", databases, MARKER, (name) => dropDatabase(maintenance, name));
  await sweepEach("role", roles, ROLE_MARKER, async (name) => {
    if (await dismissRole(client, maintenance, name)) throw new Error("it owns something");
  });
}

/** What a run has left, and the comment that says for which name it worked. */
interface Left {
  name: string;
  comment: string;
}
