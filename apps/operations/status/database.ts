import { duration } from "../duration";
import { messageOf } from "../frame/errors";
import type { Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { notesOf } from "../roleNotes";
import { servingRegion } from "../serves";
import { attention, judged, ok, type LookUp } from "./findings";

/** Seconds by which a replica may trail its primary before it is worth a look; the recovery point is an hour. */
const LAG_SECONDS = 300;

interface Standing {
  started: string;
  recovering: boolean;
}

/** Which region's server the writer's name leads to, by SQL; Azure's view and the stack file's beside it. */
export function serving({ stack, regions, writerHost }: Platform, ground: Ground): LookUp {
  const standing = async (host: string): Promise<Standing> => {
    const [row] = await ground.database.query<Standing>(
      host,
      "SELECT pg_postmaster_start_time()::text AS started, pg_is_in_recovery() AS recovering",
    );
    if (!row) throw new Error(`${host}: no answer`);
    return row;
  };
  return async () => {
    const writer = await standing(writerHost).catch((error: unknown) => {
      const next =
        regions.length > 1 ? `; failover ${stack} --to <region> --dry-run tells what it would lose` : "";
      throw new Error(`${messageOf(error)}${next}`, { cause: error });
    });
    const asked = await Promise.all(
      regions.map(async (region) => {
        const [own, azure] = await Promise.all([
          standing(region.serverHost).catch(messageOf),
          azureView(region, ground),
        ]);
        return { region, own, azure };
      }),
    );
    const silent = asked.flatMap(({ region, own }) =>
      typeof own === "string" ? [`${region.server} does not answer: ${own}`] : [],
    );
    const found = asked.find(({ own }) => typeof own !== "string" && own.started === writer.started);
    if (!found)
      return attention(
        [`${writerHost} answers, from a server of no region that answers itself`, ...silent].join("; "),
      );
    const { location, server } = found.region;
    const declared = regions.find(({ role }) => role === "serving");
    const { role } = found.azure;
    return judged(
      [
        ...(writer.recovering ? ["it takes no writes"] : []),
        ...(declared === found.region
          ? []
          : [`the stack file says ${declared?.location ?? "nobody"} serves: commit who does`]),
        ...(role === undefined || role === "Primary" || role === "None"
          ? []
          : [`Azure calls ${server} ${role}`]),
        ...asked.flatMap(({ region, azure: { standby } }) =>
          standby && standby !== "Healthy" ? [`the standby of ${region.server} is ${standby}`] : [],
        ),
        ...silent,
      ],
      `${location} (${server}); ${asked.map(({ region, azure }) => `${region.server}: ${azure.text}`).join(", ")}`,
    );
  };
}

/** What Azure calls a server; without a role where it does not say. */
const azureView = (
  { resourceGroup, server }: RegionFacts,
  ground: Ground,
): Promise<{ text: string; role?: string; standby?: string }> =>
  ground.servers.get(resourceGroup, server).then(
    ({ role: named, state, standby }) => {
      const role = state === "Ready" ? named : `${named}, ${state}`;
      return { text: standby ? `${role}, standby ${standby}` : role, role, ...(standby && { standby }) };
    },
    (error: unknown) => ({ text: `unknown (${messageOf(error)})` }),
  );

/** What a replica says of itself; `age`: seconds since the last transaction it has was committed. */
interface Replica extends Standing {
  replayed: string | null;
  age: number | null;
}

/**
 * What would be lost were the region that serves gone this moment, by the word of the servers elsewhere: what follows in another zone
 * of the same region is gone with it.
 */
export function replication({ writerHost, targets, regions }: Platform, ground: Ground): LookUp {
  return async () => {
    if (regions.length < 2) return ok("one region; nothing follows its server");
    const asked = await Promise.all(
      regions.map(async ({ server, serverHost }) => ({
        server,
        is: await replicaAt(ground, serverHost).catch(messageOf),
      })),
    );
    const heard = asked.flatMap(({ server, is }) => (typeof is === "string" ? [] : [{ server, ...is }]));
    const replicas = heard.filter(({ recovering }) => recovering);
    const [first] = replicas;
    let primary: { started: string; behind: number; states: string[] } | undefined;
    try {
      primary = await primaryAt(ground, writerHost, first?.replayed ?? "0/0");
    } catch (error) {
      if (!first) throw error;
      const since = first.age === null ? "an unknown time" : duration(first.age);
      return attention(
        `${messageOf(error)}; ${first.server} has all but what was written since its last transaction: lost now: at most ${since}`,
      );
    }
    const others = asked.filter(({ is }) => typeof is === "string" || is.started !== primary.started);
    const problems = others.flatMap(({ server, is }) => {
      if (typeof is === "string") return [`${server} does not answer: ${is}`];
      return is.recovering ? [] : [`${server} follows nobody`];
    });
    if (!first)
      return attention(
        [
          ...problems,
          "no server elsewhere follows the primary: what it holds and the newest backup does not would be lost",
        ].join("; "),
      );
    const { behind, states } = primary;
    const age = first.age ?? Infinity;
    const most = Math.min(LAG_SECONDS, targets.rpoSeconds);
    return judged(
      [
        ...states.filter((state) => state !== "streaming").map((state) => `a follower is in state ${state}`),
        ...(behind > 0 && age > most ? [`more than ${duration(most)} behind`] : []),
        ...problems,
      ],
      `${first.server} is ${behind} bytes behind; lost now: ${behind === 0 ? "nothing" : `at most ${behind} bytes of log, ${age.toFixed(1)} s`}`,
    );
  };
}

async function replicaAt(ground: Ground, host: string): Promise<Replica> {
  const [row] = await ground.database.query<Replica>(
    host,
    `SELECT pg_postmaster_start_time()::text AS started, pg_is_in_recovery() AS recovering,
            pg_last_wal_replay_lsn()::text AS replayed,
            extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 AS age`,
  );
  if (!row) throw new Error(`${host}: no answer`);
  return row;
}

/** What the server the writer's name leads to has written beyond a place in the log, and the states of what follows it. */
async function primaryAt(ground: Ground, host: string, replayed: string) {
  const [row] = await ground.database.query<{ started: string; behind: number | null; states: string[] }>(
    host,
    `SELECT pg_postmaster_start_time()::text AS started,
            CASE WHEN NOT pg_is_in_recovery()
                 THEN greatest(0, pg_wal_lsn_diff(pg_current_wal_flush_lsn(), $1::pg_lsn))::float8 END AS behind,
            ARRAY(SELECT state FROM pg_stat_replication WHERE state IS NOT NULL) AS states`,
    [replayed],
  );
  if (row?.behind === undefined || row.behind === null) throw new Error(`${host} takes no writes`);
  return { ...row, behind: row.behind };
}

/** Who may log in: the serving region's roles, and no other's. */
export function fences(platform: Platform, ground: Ground): LookUp {
  const { writerHost, regions } = platform;
  return async () => {
    const rows = await ground.database.query<{ role: string; login: boolean; note: string | null }>(
      writerHost,
      `SELECT rolname AS role, rolcanlogin AS login, shobj_description(oid, 'pg_authid') AS note
         FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1`,
    );
    // Before what a failover did is committed the stack file says another.
    const serves = await servingRegion(platform, ground);
    const of = ({ code }: RegionFacts) => rows.filter(({ role }) => role.endsWith(`_${code}`));
    const told = regions.map((region) => {
      const own = of(region);
      const open = own.filter(({ login }) => login);
      if (own.length === 0) return `${region.location}: no role of its own`;
      if (open.length === own.length) return `${region.location}: open`;
      return open.length === 0 ? `${region.location}: fenced` : `${region.location}: half fenced`;
    });
    const contained = rows.filter(({ note }) => notesOf(note).contained).map(({ role }) => role);
    const problems = regions.flatMap((region) => {
      const own = of(region);
      if (own.length === 0) return [`${region.location} cannot be fenced`];
      const open = own.filter(({ login }) => login);
      if (region === serves)
        return open.length < own.length ? [`roles of ${region.location} may not log in, and it serves`] : [];
      return open.length > 0 ? [`roles of ${region.location} may log in, and it does not serve`] : [];
    });
    return judged(
      [...problems, ...(contained.length > 0 ? [`contained: ${contained.join(", ")}`] : [])],
      told.join(", "),
    );
  };
}
