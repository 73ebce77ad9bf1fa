import { duration } from "../duration";
import { messageOf } from "../frame/errors";
import type { Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { notesOf } from "../roleNotes";
import { attention, judged, ok, type LookUp } from "./findings";

/** Seconds by which a replica may trail its primary before it is worth a look; the recovery point is an hour. */
const LAG_SECONDS = 300;

/** Which region's server the writer's name leads to, by SQL; Azure's view and the stack file's beside it. */
export function serving({ regions, writerHost }: Platform, ground: Ground): LookUp {
  return async () => {
    const started = async (host: string) => {
      const [row] = await ground.database.query<{ started: string; recovering: boolean }>(
        host,
        "SELECT pg_postmaster_start_time()::text AS started, pg_is_in_recovery() AS recovering",
      );
      if (!row) throw new Error(`${host}: no answer`);
      return row;
    };
    const writer = await started(writerHost);
    const asked = await Promise.all(
      regions.map(async (region) => ({
        region,
        same: await started(region.serverHost).then(
          (own) => own.started === writer.started,
          () => false,
        ),
      })),
    );
    const found = asked.find(({ same }) => same)?.region;
    if (!found) return attention(`${writerHost} answers, from a server of no region of this environment`);
    const views = await Promise.all(
      regions.map(async (region) => ({ region, ...(await azureView(region, ground)) })),
    );
    const declared = regions.find(({ role }) => role === "serving");
    return judged(
      [
        ...(writer.recovering ? ["it takes no writes"] : []),
        ...(declared === found
          ? []
          : [`the stack file says ${declared?.location ?? "nobody"} serves: commit who does`]),
        ...views.flatMap(({ region, role, standby }) => [
          ...(region === found && role !== "Primary" && role !== "None"
            ? [`Azure calls ${region.server} ${role}`]
            : []),
          ...(standby && standby !== "Healthy" ? [`the standby of ${region.server} is ${standby}`] : []),
        ]),
      ],
      `${found.location} (${found.server}); ${views.map(({ region, role, standby }) => `${region.server}: ${role}${standby ? `, standby ${standby}` : ""}`).join(", ")}`,
    );
  };
}

const azureView = (
  { resourceGroup, server }: RegionFacts,
  ground: Ground,
): Promise<{ role: string; standby?: string }> =>
  ground.servers.get(resourceGroup, server).then(
    ({ role, state, standby }) => ({ role: state === "Ready" ? role : `${role}, ${state}`, standby }),
    (error: unknown) => ({ role: `unknown (${messageOf(error)})` }),
  );

/** How far each follower is behind, and what would be lost were the primary gone this moment. */
export function replication({ writerHost, targets, regions }: Platform, ground: Ground): LookUp {
  return async () => {
    if (regions.length < 2) return ok("one region; nothing follows its server");
    const rows = await ground.database.query<{ name: string; bytes: number; seconds: number; state: string }>(
      writerHost,
      `SELECT application_name AS name, state,
              coalesce(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), replay_lsn), 0)::float8 AS bytes,
              coalesce(extract(epoch FROM replay_lag), 0)::float8 AS seconds
         FROM pg_stat_replication`,
    );
    if (rows.length === 0)
      return attention(
        "no server follows the primary: what it holds and the newest backup does not would be lost",
      );
    const furthest = rows.reduce((one, other) => (other.bytes > one.bytes ? other : one));
    const text = rows
      .map(
        ({ name, bytes, seconds, state }) =>
          `${name} ${state}, ${bytes} bytes and ${seconds.toFixed(1)} s behind`,
      )
      .join("; ");
    const loss =
      furthest.bytes === 0
        ? "lost now: nothing"
        : `lost now: at most ${furthest.bytes} bytes of log, ${furthest.seconds.toFixed(1)} s`;
    return judged(
      [
        ...rows.filter(({ state }) => state !== "streaming").map(({ name, state }) => `${name} is ${state}`),
        ...(furthest.seconds > Math.min(LAG_SECONDS, targets.rpoSeconds)
          ? [`more than ${duration(Math.min(LAG_SECONDS, targets.rpoSeconds))} behind`]
          : []),
      ],
      `${text}; ${loss}`,
    );
  };
}

/** Who may log in: the serving region's roles, and no other's. */
export function fences({ writerHost, regions }: Platform, ground: Ground): LookUp {
  return async () => {
    const rows = await ground.database.query<{ role: string; login: boolean; note: string | null }>(
      writerHost,
      `SELECT rolname AS role, rolcanlogin AS login, shobj_description(oid, 'pg_authid') AS note
         FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1`,
    );
    const declared = regions.find(({ role }) => role === "serving");
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
      if (region === declared)
        return open.length < own.length ? [`roles of ${region.location} may not log in, and it serves`] : [];
      return open.length > 0 ? [`roles of ${region.location} may log in, and it does not serve`] : [];
    });
    return judged(
      [...problems, ...(contained.length > 0 ? [`contained: ${contained.join(", ")}`] : [])],
      told.join(", "),
    );
  };
}
