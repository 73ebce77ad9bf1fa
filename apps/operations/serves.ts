import { messageOf, notRun, refused } from "./frame/errors";
import type { Ground } from "./ground/types";
import type { Platform, RegionFacts } from "./platform";
import { workloadRoles } from "./roles";

/** When the server that a name leads to was started, which tells servers apart. @throws Error when it does not answer */
export async function startOf(ground: Ground, host: string): Promise<string | undefined> {
  const [row] = await ground.database.query<{ at: string }>(
    host,
    "SELECT pg_postmaster_start_time()::text AS at",
  );
  return row?.at;
}

/**
 * The region that serves, by SQL: the one to whose server the writer's name leads. Where that is the server of none, as after an adoption
 * nobody has committed, the one whose roles may log in, or could before a containment shut them.
 * @throws OperationError where the database does not answer, or does not tell
 */
export async function servingRegion(platform: Platform, ground: Ground): Promise<RegionFacts> {
  const { regions, writerHost } = platform;
  const [writer, ...own] = await Promise.all([
    startOf(ground, writerHost).catch((error: unknown) => {
      throw notRun(`${writerHost} does not answer: ${messageOf(error)}`, error);
    }),
    // The server of a region that is lost says nothing, and is not the one that serves.
    ...regions.map(({ serverHost }) => startOf(ground, serverHost).catch(() => undefined)),
  ]);
  const led = regions.find((_region, index) => own[index] !== undefined && own[index] === writer);
  if (led) return led;
  const roles = await workloadRoles(platform, ground);
  const open = regions.filter(({ code }) =>
    roles.some(({ role, login, notes }) => role.endsWith(`_${code}`) && (login || notes.contained)),
  );
  const [only] = open;
  if (only === undefined || open.length > 1)
    throw refused(
      `${writerHost} leads to no server of a region, and roles of ${open.length === 0 ? "no region" : "more than one"} may log in: nobody can tell which serves`,
    );
  return only;
}
