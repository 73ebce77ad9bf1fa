import type { Client } from "pg";
import { messageOf, NotRunError } from "../../../packages/command/errors";
import type { Finding } from "../ladder";
import { withClient } from "./connect";
import { childEnvironment, complaint, startProgram } from "../process";
import { programEnvironment, type ServerConnection } from "./connection";
import type { Program } from "../../../packages/programs/postgres";

const CORRUPTION_FOUND = 2;

/** Of the functions of amcheck, those the role may not run. */
const REFUSED = `SELECT p.oid::regprocedure::text AS name
  FROM pg_catalog.pg_extension e
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid
      AND d.classid = 'pg_catalog.pg_proc'::regclass
    JOIN pg_catalog.pg_proc p ON p.oid = d.objid
  WHERE e.extname = 'amcheck' AND NOT pg_catalog.has_function_privilege(p.oid, 'EXECUTE')`;

async function createExtension(client: Client): Promise<void> {
  // A trigger of the backup's on DDL is not to judge ours; nobody but a superuser can hold it off.
  await client.query(
    `SELECT set_config('session_replication_role', 'replica', false)
     WHERE (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)`,
  );
  await client.query("CREATE SCHEMA IF NOT EXISTS public");
  await client.query("CREATE EXTENSION amcheck SCHEMA public");
}

/** @throws NotRunError when only a superuser may check here: what is refused would read as damage */
async function requireRights(server: ServerConnection): Promise<void> {
  const refused = await withClient(server, async (client) => {
    const { rowCount } = await client.query("SELECT FROM pg_catalog.pg_extension WHERE extname = 'amcheck'");
    if (rowCount === 0) await createExtension(client);
    return (await client.query(REFUSED)).rowCount ?? 0;
  }).catch((error: unknown) => {
    throw new NotRunError(`amcheck cannot be used: ${messageOf(error)}`);
  });
  if (refused > 0)
    throw new NotRunError(
      `"${server.user}" may not run the functions of amcheck, which are a superuser's here; verify without ` +
        "SCRATCH_DATABASE_URL, on a server of the runner's own, or --through L4",
    );
}

/**
 * Checks heaps and indexes of a restored database, every heap row against its indexes.
 * @throws NotRunError when it cannot be run here
 */
export async function amcheck(
  program: Program,
  server: ServerConnection,
  jobs: number,
  signal: AbortSignal,
): Promise<Finding> {
  await requireRights(server);
  const running = startProgram(
    program.path,
    ["--heapallindexed", "--no-password", "-j", String(jobs), "-d", server.database],
    { signal, stdio: ["ignore", "pipe", "pipe"], env: childEnvironment(programEnvironment(server)) },
  );
  let report = "";
  running.child.stdout
    ?.setEncoding("utf8")
    .on("data", (text: string) => (report = (report + text).slice(0, 4096)));
  const { code, error } = await running.ended;
  signal.throwIfAborted();
  const expected = "no damage found";
  if (code === 0) return { match: true, expected, actual: expected };
  if (code === CORRUPTION_FOUND)
    return { match: false, expected, actual: report.trim().split("\n").slice(0, 4).join("; ") };
  throw new NotRunError(`pg_amcheck: ${error?.message ?? complaint(running.stderr())}`);
}
