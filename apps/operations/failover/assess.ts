import { lacksRight, messageOf, notRun, OperationError, refused } from "../frame/errors";
import type { Ground, ServerView } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { notesOf } from "../roleNotes";
import { BACKUP, CONTAINED_REPLICAS, REPLICAS_MARK, ROLE_MARK, STANDBY } from "../regionMarks";
import { shutBy } from "../switches/contained";
import { startOf } from "../serves";
import { WRITTEN_TIMELINE } from "../timeline";

/** What stands before anything is changed; asked, not remembered. */
export interface Assessment {
  from: RegionFacts;
  to: RegionFacts;
  mode: "planned" | "forced";
  /** The target's server writes already: an earlier run got that far. */
  promoted: boolean;
  /** Why the old primary counts as gone; undefined when it answers. */
  silent?: string;
  /** Timeline the target is on. */
  timeline: number;
  /** Commit time of the last transaction the target has; undefined when it never had one. */
  lastTransaction?: string;
  /** Longest span whose transactions are lost, in seconds; 0 for a planned one. */
  lossSeconds: number;
  /** Bytes of log the target has not replayed; known only while the old primary answers. */
  lagBytes?: number;
  /** Login roles of each region. */
  roles: { from: string[]; to: string[] };
  /** Incident by which the platform is contained, be that whole or cut short: nothing is opened then. */
  contained?: string;
}

export interface FailoverChoice {
  to: string;
  /** Undefined: planned where the old primary answers, else forced. */
  mode?: "planned" | "forced";
  /** Seconds of loss the operator accepts beyond the recovery point objective. */
  acceptLoss?: number;
  /** Whether the verb ends only once the region that is left can have called no partner any more. */
  waitForSilence?: boolean;
}

interface Standing {
  started: string;
  recovering: boolean;
  readOnly: boolean;
  timeline: number;
  last: string | null;
  received: string | null;
}

const STANDING = `
SELECT pg_postmaster_start_time()::text AS started,
       pg_is_in_recovery() AS recovering, current_setting('default_transaction_read_only') = 'on' AS "readOnly",
       CASE WHEN pg_is_in_recovery()
            -- The control file learns of a new timeline with the next restart point only.
            THEN greatest((SELECT timeline_id FROM pg_control_checkpoint()),
                          (SELECT received_tli FROM pg_stat_wal_receiver))
            ELSE ${WRITTEN_TIMELINE} END AS timeline,
       pg_last_xact_replay_timestamp()::text AS last,
       pg_last_wal_replay_lsn()::text AS received`;

/** Reads what there is and decides, or refuses. Changes nothing. */
export async function assess(
  platform: Platform,
  ground: Ground,
  choice: FailoverChoice,
): Promise<Assessment> {
  const { from, to } = regionsOf(platform, choice.to);
  if (choice.waitForSilence && !ground.serving)
    throw refused(`--wait-for-silence: ${platform.stack} keeps no record of who may call partners`);
  const view = await ground.servers.get(to.resourceGroup, to.server).catch((error: unknown) => {
    throw notRun(`${to.location}: its server cannot be asked: ${messageOf(error)}`, error);
  });
  if (view.role === "None")
    throw refused(
      `--to ${to.location}: ${to.server} is no replica of ${from.server} (role None); it cannot take over`,
    );
  const standing = await ask(ground, to);
  // At once: what is silent is waited for, and at 03:00 not one after the other.
  const [old, left] = await Promise.all([
    primaryAnswers(platform, ground, from, standing.received ?? "0/0"),
    // Whatever it is now; one that is gone says nothing.
    startOf(ground, from.serverHost).catch(() => undefined),
  ]);
  refuseOtherPair(platform, { from, to }, old.started, [left, standing.started]);
  const promoted = view.role === "Primary" && !standing.recovering;
  if (standing.readOnly && !promoted)
    throw refused(
      `${to.server} is read-only, as Azure makes a server whose disk is full: give it more storage first (docs/runbooks/disk-space.md)`,
    );
  const { roles, noted } = await rolesOf(platform, ground, to);
  await clusterReady(platform, ground, to);
  const base = { from, to, promoted, roles, timeline: standing.timeline };
  // What was lost was lost when it was promoted; nothing more is now.
  if (promoted) {
    const mode = choice.mode ?? (left === undefined ? "forced" : "planned");
    const contained = noted ?? (await shutAt(platform, ground, to));
    return { ...base, mode, lossSeconds: 0, ...(contained !== undefined && { contained }) };
  }
  const mode = choice.mode ?? (old.silent === undefined ? "planned" : "forced");
  if (mode === "planned" && old.silent !== undefined)
    throw refused(`--planned: ${from.server} does not answer (${old.silent}); a planned switch needs it`);
  // Now, and not before it was waited for who does not answer.
  const now = await ground.database.clock(to.serverHost);
  const since = standing.last === null ? Infinity : (now.getTime() - Date.parse(standing.last)) / 1000;
  const nothingBehind = old.silent === undefined && old.lagBytes === 0;
  const lossSeconds = mode === "planned" || nothingBehind ? 0 : Math.max(0, since);
  const contained = noted ?? (await containmentOf(platform, ground, base, old.silent === undefined));
  const assessment: Assessment = {
    ...base,
    mode,
    silent: old.silent,
    lagBytes: old.lagBytes,
    lastTransaction: standing.last ?? undefined,
    lossSeconds,
    ...(contained !== undefined && { contained }),
  };
  refuseLoss(assessment, platform, choice);
  return assessment;
}

/** After an adoption nobody has committed, the stack file names a pair that serves nobody. A server that is gone says nothing, and what serves may be that one. */
function refuseOtherPair(
  { writerHost }: Platform,
  { from, to }: { from: RegionFacts; to: RegionFacts },
  serves: string | undefined,
  own: readonly (string | undefined)[],
): void {
  if (serves !== undefined && !own.includes(undefined) && !own.includes(serves))
    throw refused(
      `${writerHost} leads to neither ${from.server} nor ${to.server}: commit the pair that serves (database.generation) first`,
    );
}

/** @throws OperationError for a region the environment has not */
export function regionsOf(
  { regions, stack }: Platform,
  wanted: string,
): { from: RegionFacts; to: RegionFacts } {
  const to = regions.find(({ location }) => location === wanted);
  const allowed = regions.map(({ location }) => location).join(", ");
  if (!to) throw refused(`--to ${wanted}: no region of ${stack}; allowed: ${allowed}`);
  const from = regions.find((region) => region !== to);
  if (!from) throw refused(`--to ${wanted}: ${stack} has one region only; its loss is a rebuild`);
  return { from, to };
}

async function ask(ground: Ground, { location, serverHost }: RegionFacts): Promise<Standing> {
  try {
    const [standing] = await ground.database.query<Standing>(serverHost, STANDING);
    if (!standing) throw new Error("no answer");
    return standing;
  } catch (error) {
    throw notRun(
      `${location}: its database does not answer (${messageOf(error)}); nothing can take over there`,
      error,
    );
  }
}

/** Incident by which a region's cluster is shut. */
const shutAt = (platform: Platform, ground: Ground, region: RegionFacts): Promise<string | undefined> =>
  shutBy(platform, { region, cluster: ground.cluster(region.cluster) });

/**
 * Incident by which the platform is contained although no login says so: a containment that was cut short before it came to them, or
 * which the replica has not heard of. The region that serves tells; where it is lost, so does the target.
 * @throws OperationError where the target alone is shut: it did not answer when the platform was reopened
 */
async function containmentOf(
  platform: Platform,
  ground: Ground,
  { from, to }: Pick<Assessment, "from" | "to">,
  serves: boolean,
): Promise<string | undefined> {
  const there = await shutAt(platform, ground, to);
  if (!serves) return there;
  let here: string | undefined;
  try {
    here = await shutAt(platform, ground, from);
  } catch (error) {
    if (lacksRight(error)) throw error;
    return there;
  }
  if (here === undefined && there !== undefined)
    throw refused(
      `${to.cluster} is still shut by ${there}, and ${from.location} is not: reopen ${platform.stack} first`,
    );
  return here;
}

async function primaryAnswers(
  { writerHost }: Platform,
  ground: Ground,
  from: RegionFacts,
  replayed: string,
): Promise<{ started?: string; silent?: string; lagBytes?: number }> {
  try {
    const [row] = await ground.database.query<{
      started: string;
      recovering: boolean;
      behind: number | null;
    }>(
      writerHost,
      `SELECT pg_postmaster_start_time()::text AS started, pg_is_in_recovery() AS recovering,
              CASE WHEN NOT pg_is_in_recovery()
                   THEN pg_wal_lsn_diff(pg_current_wal_flush_lsn(), $1::pg_lsn)::float8 END AS behind`,
      [replayed],
    );
    if (!row) return { silent: `${from.server} takes no writes` };
    const { started, recovering, behind } = row;
    if (recovering) return { started, silent: `${from.server} takes no writes` };
    return { started, lagBytes: Math.max(0, behind ?? 0) };
  } catch (error) {
    return { silent: messageOf(error) };
  }
}

/** Login roles end in their region's code: what is not there cannot be fenced. @returns also by which incident they say they were shut */
async function rolesOf(
  { regions }: Platform,
  ground: Ground,
  to: RegionFacts,
): Promise<{ roles: Assessment["roles"]; noted?: string }> {
  const rows = await ground.database.query<{ role: string; note: string | null }>(
    to.serverHost,
    `SELECT rolname AS role, shobj_description(oid, 'pg_authid') AS note
       FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1`,
  );
  const noted = rows.flatMap(({ note }) => notesOf(note).contained ?? []).at(0);
  const of = ({ code }: RegionFacts) =>
    rows.map(({ role }) => role).filter((role) => role.endsWith(`_${code}`));
  const found = { from: regions.filter((region) => region !== to).flatMap(of), to: of(to) };
  for (const [region, roles] of [
    [regions.find((region) => region !== to), found.from],
    [to, found.to],
  ] as const)
    if (region && roles.length === 0)
      throw refused(
        `the database has no login role of ${region.location} (…_${region.code}): a region that comes back could not be kept from writing`,
      );
  return { roles: found, ...(noted !== undefined && { noted }) };
}

/** What would stop a failover half-way is found out before it begins. */
async function clusterReady(
  { namespace }: Platform,
  ground: Ground,
  { cluster }: RegionFacts,
): Promise<void> {
  const [deployments, cronJobs] = await Promise.all([
    ground.cluster(cluster).deployments(namespace),
    ground.cluster(cluster).cronJobs(namespace),
  ]).catch((error: unknown) => {
    throw error instanceof OperationError
      ? error
      : notRun(`${cluster} cannot be asked: ${messageOf(error)}`, error);
  });
  if (deployments.length === 0)
    throw refused(`${cluster} has no deployment in ${namespace}: nothing could serve there`);
  for (const { name, replicas, annotations } of deployments) {
    const standsBy = annotations[ROLE_MARK] === STANDBY;
    if (standsBy && !(Number(annotations[REPLICAS_MARK]) > 0))
      throw refused(
        `${cluster}: ${name} stands by and its annotation ${REPLICAS_MARK} does not say with how many pods it serves`,
      );
    if (!standsBy && replicas === 0 && !(Number(annotations[CONTAINED_REPLICAS]) > 0))
      throw refused(
        `${cluster}: ${name} has no pods and no annotation ${ROLE_MARK}: ${STANDBY}; nothing would start it`,
      );
  }
  if (!cronJobs.some(({ name }) => name === BACKUP))
    throw refused(
      `${cluster} has no CronJob ${BACKUP} in ${namespace}: the new primary would have no backups`,
    );
}

/** Seconds to type it in: what would be lost is counted up to now, and grows with every moment somebody reads. */
const TYPING_SECONDS = 600;

/** What to accept, in seconds, so that a loss which goes on growing is still within it when that is typed. */
export const acceptable = (lossSeconds: number): number =>
  Math.ceil((lossSeconds + TYPING_SECONDS) / 60) * 60;

function refuseLoss(
  { mode, lossSeconds }: Assessment,
  { targets }: Platform,
  { acceptLoss }: FailoverChoice,
): void {
  if (mode === "planned") return;
  const accepted = Math.max(targets.rpoSeconds, acceptLoss ?? 0);
  if (lossSeconds <= accepted) return;
  const known = Number.isFinite(lossSeconds);
  throw refused(
    `up to ${known ? Math.ceil(lossSeconds) : "an unknown number of"} s of transactions would be lost, more than the objective of ${targets.rpoSeconds} s; ` +
      `--accept-loss ${known ? acceptable(lossSeconds) : "<seconds>"} goes on`,
  );
}

/** What the target is in Azure's eyes. */
export const isPrimary = ({ role }: ServerView): boolean => role === "Primary";
