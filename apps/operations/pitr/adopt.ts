import { nextDatabaseServer } from "../../../infra/naming";
import { firstBackup } from "../failover/firstBackup";
import { publicNamesAnswer } from "../failover/publicNames";
import { messageOf, notRun, refused } from "../frame/errors";
import type { Finished, Plan, Verb } from "../frame/operate";
import { plainReport } from "../frame/report";
import type { Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { workloadRoles } from "../roles";
import { POSTGRES_API } from "../server";
import { containedBy } from "../switches/contain";
import { placesOf } from "../switches/places";
import { assess, primary, type PitrAssessment } from "./assess";
import { replicaAnew } from "./replica";
import { check, endpoint, restore, signIn, type Counts } from "./restored";
import { passwordOf, Succession } from "./succession";

export interface AdoptChoice {
  at: Date;
  /** Seconds of loss the operator accepts beyond the recovery point objective. */
  acceptLoss?: number;
}

interface Adoption {
  assessed: PitrAssessment;
  /** The region that stands by, and the server that is to follow the adopted one there. */
  standby?: { region: RegionFacts; server: string };
  contained?: string;
  notes: string[];
}

/** `pitr --at --adopt`: a server with what there was at a moment becomes the one that serves; the old one is kept and fenced. */
export function adopt(platform: Platform, ground: Ground, { at, acceptLoss }: AdoptChoice): Verb {
  let counts: Counts[] = [];
  let adoption: Adoption | undefined;
  return {
    name: "pitr-adopt",
    exclusive: platform.stack,
    async plan(incident): Promise<Plan> {
      adoption = await assessAdoption(platform, ground, at, incident);
      const { assessed, standby, contained, notes } = adoption;
      const { region, restored, begun } = assessed;
      const lossSeconds = (ground.now().getTime() - at.getTime()) / 1000;
      // Whoever began was asked, and what was begun must not be left half done.
      if (!begun) refuseLoss(platform, lossSeconds, at, acceptLoss);
      const steps = new Succession(platform, ground, assessed, incident);
      return {
        subject: platform.stack,
        facts: [
          `${restored} becomes the server that serves, with what ${region.server} held at ${at.toISOString()}`,
          `lost to the application: everything it was told is safe since then, ${lossSeconds.toFixed(0)} s (objective ${platform.targets.rpoSeconds} s); ${region.server} is kept with it, fenced`,
          ...notes,
        ],
        steps: [
          restore(platform, ground, assessed, at, incident),
          endpoint(platform, ground, assessed),
          signIn(platform, ground, assessed),
          check(platform, ground, assessed, (all) => (counts = all)),
          steps.parameters(),
          steps.unlock(),
          steps.fence(),
          steps.logins(),
          steps.point(),
          ...(contained ? [] : [publicNamesAnswer(platform, ground, { to: region })]),
          steps.lock(),
          ...(standby ? [replicaAnew(platform, ground, assessed, standby, incident)] : []),
          ...(contained ? [] : [firstBackup(platform, ground, region, incident)]),
        ],
        document: {
          stack: platform.stack,
          at: at.toISOString(),
          from: region.server,
          to: restored,
          generation: generationOf(platform) + 1,
          lossSeconds,
        },
      };
    },
    report: (finished) => reportOf(platform, finished, adoption, counts, ground.now()),
  };
}

const generationOf = ({ databaseGeneration = 1 }: Platform): number => databaseGeneration;

async function assessAdoption(
  platform: Platform,
  ground: Ground,
  at: Date,
  incident: string,
): Promise<Adoption> {
  const nameOf = (server: string): string => nextDatabaseServer(server, platform.databaseGeneration);
  const serves = await primary(platform, ground);
  if (serves.role !== "serving")
    throw refused(
      `${serves.server} in ${serves.location} is the primary, and the stack file says that region is ${serves.role}: commit who serves first`,
    );
  const roles = await workloadRoles({ ...platform, writerHost: serves.serverHost }, ground).catch(
    (error: unknown) => {
      throw notRun(
        `${serves.server} cannot be asked (${messageOf(error)}): it could not be kept from writing; without it a backup is the way`,
        error,
      );
    },
  );
  for (const { role } of roles)
    await passwordOf(platform, ground, serves, role).catch((error: unknown) => {
      throw notRun(`the password of ${role} cannot be read: ${messageOf(error)}`, error);
    });
  const assessed = await assess(platform, ground, { at, extract: [], nameOf }, incident);
  const { places, silent } = await placesOf(platform, ground);
  const contained = await containedBy(platform, places);
  const other = platform.regions.find((region) => region !== serves);
  const unreachable = other && silent.find((reason) => reason.startsWith(other.cluster));
  return {
    assessed: { ...assessed, backup: await backupOf(ground, assessed) },
    ...(other && !unreachable && { standby: { region: other, server: nameOf(other.server) } }),
    ...(contained && { contained }),
    notes: [
      ...(contained ? [`contained by ${contained}: the names stay shut until reopen`] : []),
      ...(unreachable ? [`no replica is made: ${unreachable}`] : []),
    ],
  };
}

/** As the server is backed up whose place it takes: Azure decides about copies elsewhere when a server is made. */
async function backupOf(ground: Ground, { sourceId }: PitrAssessment): Promise<object | undefined> {
  const source = await ground.resources.get(sourceId, POSTGRES_API);
  const { backupRetentionDays, geoRedundantBackup } = (source?.properties?.["backup"] ?? {}) as Record<
    string,
    unknown
  >;
  return { backupRetentionDays, geoRedundantBackup };
}

function refuseLoss({ targets: { rpoSeconds } }: Platform, seconds: number, at: Date, acceptLoss = 0): void {
  if (seconds <= Math.max(rpoSeconds, acceptLoss)) return;
  const whole = Math.ceil(seconds);
  throw refused(
    `everything since ${at.toISOString()} would be lost, ${whole} s, more than the objective of ${rpoSeconds} s; --accept-loss ${whole} goes on, --extract brings single tables back instead`,
  );
}

function reportOf(
  platform: Platform,
  finished: Finished,
  adoption: Adoption | undefined,
  counts: readonly Counts[],
  now: Date,
) {
  const { ends, decidedAt, since, plan } = finished;
  const { from, to, at, generation } = plan.document as Record<"from" | "to" | "at", string> & {
    generation: number;
  };
  const fencedAt = ends.get("fence") ?? finished.endedAt;
  const servingAt = ends.get("edge") ?? ends.get("point") ?? finished.endedAt;
  const between = (one: Date, other: Date) => (other.getTime() - one.getTime()) / 1000;
  const measured = {
    rtoSeconds: between(since ?? decidedAt, servingAt),
    rtoFrom: since ? "alert" : "decision",
    outageSeconds: between(fencedAt, servingAt),
    lossSeconds: between(new Date(at), fencedAt),
  };
  const { assessed, standby } = adoption ?? {};
  const renamed = [[from, to], ...(standby ? [[standby.region.server, standby.server]] : [])] as const;
  const state = renamed.map(([old, fresh]) => `s/${old ?? ""}([^-a-z0-9])/${fresh ?? ""}\\1/g`).join("; ");
  const project = `organization/forma3d/${platform.stack}`;
  return plainReport(platform, finished, {
    title: "Point in time, adopted",
    outcome: `${assessed?.restoredHost ?? to} serves what there was at ${at}; writes stopped for ${measured.outageSeconds.toFixed(1)} s`,
    notes: [
      ...counts.map(
        ({ table, then, now: today }) =>
          `${table}: ${then} rows then, ${today ?? "no such table"} before the switch`,
      ),
      `lost to the application: ${measured.lossSeconds.toFixed(0)} s; ${from} has it, fenced and locked, for whoever brings single rows back`,
      "it has no standby in another zone until the next update gives it one",
      `the state names the servers of before; rename them there before that update: pulumi stack export --stack ${project} | sed -E '${state}' > state.json && pulumi stack import --stack ${project} --file state.json, then pulumi up --refresh`,
    ],
    commit: {
      stack: platform.stack,
      changes: [
        { path: "database.generation", how: "set", value: generation },
        { path: "database.restoredAt", how: "set", value: now.toISOString() },
      ],
      branch: `adopt-${finished.incident}`,
      subject: `chore(${platform.stack}): ${to} serves (${finished.incident})`,
    },
    more: { counts, measured, generation },
  });
}
