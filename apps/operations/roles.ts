import { verifierOf } from "../recovery/postgres/verifier";
import { refused } from "./frame/errors";
import type { Ground } from "./ground/types";
import type { Platform } from "./platform";
import { commentOf, notesOf, type RoleNotes } from "./roleNotes";

/** A login role of one region's workloads. */
export interface LoginRole {
  role: string;
  login: boolean;
  notes: RoleNotes;
}

/** Login roles of the platform's workloads, by what their names end in. @throws OperationError when there is none */
export async function workloadRoles({ regions, writerHost }: Platform, ground: Ground): Promise<LoginRole[]> {
  const rows = await ground.database.query<{ role: string; login: boolean; note: string | null }>(
    writerHost,
    `SELECT rolname AS role, rolcanlogin AS login, shobj_description(oid, 'pg_authid') AS note
       FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1`,
  );
  const own = rows.filter(({ role }) => regions.some(({ code }) => role.endsWith(`_${code}`)));
  if (own.length === 0)
    throw refused(
      `the database has no login role of a region (${regions.map(({ code }) => `…_${code}`).join(", ")}): nothing could be shut or changed there`,
    );
  return own.map(({ role, login, note }) => ({ role, login, notes: notesOf(note) }));
}

export interface RoleChange {
  login?: boolean;
  password?: string;
  notes: RoleNotes;
}

/**
 * Changes a role and what is remembered of it, in one transaction; also on a server that takes no other writes by default, as Azure
 * makes one whose disk is full: whoever breaks in, or is to be cut off, does not wait for that.
 */
export async function changeRole(
  { writerHost }: Platform,
  ground: Ground,
  role: string,
  { login, password, notes }: RoleChange,
): Promise<void> {
  const [row] = await ground.database.query<{ text: string }>(
    writerHost,
    // A null password would be taken away, not kept.
    `SELECT 'BEGIN READ WRITE; '
         || CASE WHEN $2::text IS NULL THEN '' ELSE format('ALTER ROLE %I %s; ', $1::text, $2::text) END
         || CASE WHEN $3::text IS NULL THEN '' ELSE format('ALTER ROLE %I PASSWORD %L; ', $1::text, $3::text) END
         || format('COMMENT ON ROLE %I IS %s; COMMIT', $1::text, coalesce(quote_literal($4::text), 'NULL')) AS text`,
    [
      role,
      login === undefined ? null : login ? "LOGIN" : "NOLOGIN",
      password === undefined ? null : verifierOf(password),
      commentOf(notes),
    ],
  );
  await ground.database.query(writerHost, row?.text ?? "");
}

/** Ends sessions of roles; with a moment only those that began before it. */
export async function endSessions(
  { writerHost }: Platform,
  ground: Ground,
  roles: readonly string[],
  before?: Date,
): Promise<void> {
  await ground.database.query(
    writerHost,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE usename = ANY($1) AND pid <> pg_backend_pid() AND backend_start < coalesce($2::timestamptz, 'infinity')`,
    [roles, before?.toISOString() ?? null],
  );
}

/** Whether none of some roles may log in, and no session of one is left; a text says what is not so yet. */
export async function shutOut(
  platform: Platform,
  ground: Ground,
  roles: readonly LoginRole[],
): Promise<true | string> {
  const open = roles.filter(({ login }) => login).map(({ role }) => role);
  if (open.length > 0) return `${open.join(", ")} may still log in`;
  const sessions = await sessionsOf(
    platform,
    ground,
    roles.map(({ role }) => role),
  );
  return sessions === 0 || `${sessions} sessions are still there`;
}

async function sessionsOf(
  { writerHost }: Platform,
  ground: Ground,
  roles: readonly string[],
): Promise<number> {
  const rows = await ground.database.query(
    writerHost,
    "SELECT 1 FROM pg_stat_activity WHERE usename = ANY($1)",
    [roles],
  );
  return rows.length;
}
