import type { Client } from "pg";
import { FailedError } from "../../../packages/command/errors";

/**
 * The marker is a role that cannot log in, with the environment as its comment. A role belongs to the server, not
 * to a database: a restored database needs no new marker, and a dump brought to another environment carries none.
 */
export const MARKER_ROLE = "forma3d_environment";

const read = `
  select shobj_description(oid, 'pg_authid') as environment
    from pg_catalog.pg_roles where rolname = '${MARKER_ROLE}'`;

/** The environment a server is marked as, or null. Any role may read it. */
export async function readMarker(client: Client): Promise<string | null> {
  const { rows } = await client.query<{ environment: string | null }>(read);
  return rows[0]?.environment ?? null;
}

/**
 * Marks a server once. Needs CREATEROLE.
 * @returns false when it carried this marker already
 * @throws FailedError when it is marked as another environment; nothing is changed then
 */
export async function setMarker(client: Client, environment: string): Promise<boolean> {
  await client.query("begin");
  try {
    // Two administrators at once: the second waits, then sees the first one's marker.
    await client.query("select pg_advisory_xact_lock(hashtext($1))", [MARKER_ROLE]);
    const existing = await readMarker(client);
    if (existing !== null && existing !== environment) {
      throw new FailedError(
        `the server is marked ${existing} already; a marker is never changed. If it is really wrong, an ` +
          `administrator drops the role ${MARKER_ROLE} first`,
      );
    }
    if (existing === null) {
      const { rowCount } = await client.query("select from pg_catalog.pg_roles where rolname = $1", [
        MARKER_ROLE,
      ]);
      if (rowCount === 0) await client.query(`create role ${MARKER_ROLE} nologin`);
      await client.query(`comment on role ${MARKER_ROLE} is ${client.escapeLiteral(environment)}`);
    }
    await client.query("commit");
    return existing === null;
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}
