import { ENDPOINT_URNS, nextDatabaseServer } from "../../../infra/naming";
import { acceptable } from "../failover/assess";
import { firstBackup } from "../failover/firstBackup";
import { publicNamesAnswer } from "../failover/publicNames";
import { branchOf } from "../frame/commit";
import { messageOf, notRun, refused } from "../frame/errors";
import type { Finished, Plan, Verb } from "../frame/operate";
import { plainReport } from "../frame/report";
import type { Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { workloadRoles } from "../roles";
import { containedBy } from "../switches/contained";
import { placesOf } from "../switches/places";
import { assess, primary, type PitrAssessment } from "./assess";
import { replicaAnew } from "./replica";
import { check, endpoint, restore, same, signIn, type Counts } from "./restored";
import { passwordOf, Succession } from "./succession";

export interface AdoptChoice {
  /** Undefined: everything there is. Requests fail from before the restore until it is checked, and nothing is lost. */
  at?: Date;
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
      const now = await ground.database.clock(region.serverHost);
      const lossSeconds = at ? (now.getTime() - at.getTime()) / 1000 : 0;
      // Whoever began was asked, and what was begun must not be left half done.
      if (at && !begun) refuseLoss(platform, lossSeconds, at, acceptLoss);
      const steps = new Succession(platform, ground, assessed, incident);
      const made = [
        restore(platform, ground, assessed, at, incident),
        endpoint(platform, ground, assessed),
        signIn(platform, ground, assessed),
      ];
      return {
        subject: platform.stack,
        facts: [...factsOf(platform, assessed, at, lossSeconds), ...notes],
        steps: [
          ...(at
            ? [
                ...made,
                check(platform, ground, assessed, (all) => (counts = all)),
                steps.parameters(),
                steps.unlock(),
                steps.fence(),
              ]
            : [
                steps.unlock(),
                steps.fence(),
                ...made,
                // First: what a row reads like depends on some of them.
                steps.parameters(),
                same(platform, ground, assessed, (all) => (counts = all)),
              ]),
          steps.logins(),
          steps.point(),
          ...(contained ? [] : [publicNamesAnswer(platform, ground, { to: region })]),
          steps.lock(),
          ...(standby ? [replicaAnew(platform, ground, assessed, standby, incident)] : []),
          ...(contained ? [] : [firstBackup(platform, ground, region, incident)]),
        ],
        document: {
          stack: platform.stack,
          at: at?.toISOString() ?? null,
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

function factsOf(
  { stack, targets }: Platform,
  { region, restored, backup }: PitrAssessment,
  at: Date | undefined,
  lossSeconds: number,
): string[] {
  const copies = backup?.geoRedundantBackup === "Enabled" ? "a copy" : "no copy";
  return [
    `${restored} becomes the server that serves, with ${at ? `what ${region.server} held at ${at.toISOString()}` : `everything ${region.server} holds`}; its backups have ${copies} in the other region`,
    at
      ? `lost to the application: everything it was told is safe since then, ${lossSeconds.toFixed(0)} s (objective ${targets.rpoSeconds} s); ${region.server} is kept with it, fenced`
      : `nothing is lost, and requests fail until it is restored, as long as that takes Azure (at most two hours and some): let customers know first. pitr ${stack} --drop before the step point goes back; ${region.server} is kept, fenced`,
  ];
}

async function assessAdoption(
  platform: Platform,
  ground: Ground,
  at: Date | undefined,
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
    // What was made has its backups as they were decided then.
    assessed: { ...assessed, backup: assessed.backup ?? backupOf(platform, !unreachable) },
    ...(other && !unreachable && { standby: { region: other, server: nameOf(other.server) } }),
    ...(contained && { contained }),
    notes: [
      ...(contained ? [`contained by ${contained}: the names stay shut until reopen`] : []),
      ...(unreachable
        ? [
            `no replica is made${platform.databaseBackup.geoRedundant ? ", and Azure gives no copies of backups in a region that is not there" : ""}: ${unreachable}`,
          ]
        : []),
    ],
  };
}

/**
 * As the stack file wants it, not as the server is backed up whose place it takes: that one may have been a replica, and Azure decides
 * about copies elsewhere when a server is made. It refuses them while the other region is lost.
 */
function backupOf({ databaseBackup }: Platform, paired: boolean): NonNullable<PitrAssessment["backup"]> {
  const { retentionDays, geoRedundant } = databaseBackup;
  return {
    backupRetentionDays: retentionDays,
    geoRedundantBackup: geoRedundant && paired ? "Enabled" : "Disabled",
  };
}

function refuseLoss({ targets: { rpoSeconds } }: Platform, seconds: number, at: Date, acceptLoss = 0): void {
  if (seconds <= Math.max(rpoSeconds, acceptLoss)) return;
  throw refused(
    `everything since ${at.toISOString()} would be lost, ${Math.ceil(seconds)} s, more than the objective of ${rpoSeconds} s; --accept-loss ${acceptable(seconds)} goes on, --extract brings single tables back instead`,
  );
}

/** What makes Pulumi's state name the servers that took the place of others; it leaves everything else of it. */
function renamingState(stack: string, renamed: readonly (readonly [old: string, fresh: string])[]): string {
  const project = `organization/forma3d/${stack}`;
  const names = renamed.map(([old, fresh]) => `s/${old}([^-a-z0-9])/${fresh}\\1/g`).join("; ");
  return `pulumi stack export --stack ${project} | sed -E '${names}' > state.json && pulumi stack import --stack ${project} --file state.json`;
}

/**
 * The update that then finds what the new servers lack. The endpoint is left out: below a server that does not write Azure refuses
 * to show it. A pair made anew follows a region that was lost, whose cluster still has objects others have set otherwise since:
 * they are taken over (docs/changing.md).
 */
const updatingState = (stack: string, anew: boolean): string =>
  `${anew ? "PULUMI_K8S_ENABLE_PATCH_FORCE=true " : ""}pulumi up --stack organization/forma3d/${stack} --refresh --exclude "${ENDPOINT_URNS}" --policy-pack policies`;

function reportOf(
  platform: Platform,
  finished: Finished,
  adoption: Adoption | undefined,
  counts: readonly Counts[],
  now: Date,
) {
  const { ends, decidedAt, since, plan } = finished;
  const { from, to, at, generation } = plan.document as Record<"from" | "to", string> & {
    at: string | null;
    generation: number;
  };
  const fencedAt = ends.get("fence") ?? finished.endedAt;
  const servingAt = ends.get("edge") ?? ends.get("point") ?? finished.endedAt;
  const between = (one: Date, other: Date) => (other.getTime() - one.getTime()) / 1000;
  const measured = {
    rtoSeconds: between(since ?? decidedAt, servingAt),
    rtoFrom: since ? "alert" : "decision",
    outageSeconds: between(fencedAt, servingAt),
    lossSeconds: at === null ? 0 : between(new Date(at), fencedAt),
  };
  const { assessed, standby } = adoption ?? {};
  const renamed: [string, string][] = [
    [from, to],
    ...(standby ? [[standby.region.server, standby.server] as [string, string]] : []),
  ];
  return plainReport(platform, finished, {
    title: "Point in time, adopted",
    outcome: `${assessed?.restoredHost ?? to} serves ${at === null ? "everything" : `what there was at ${at}`}; writes stopped for ${measured.outageSeconds.toFixed(1)} s`,
    notes: [
      ...counts.map(
        ({ table, then, now: today }) =>
          `${table}: ${then} rows then, ${today ?? "no such table"} before the switch`,
      ),
      `lost to the application: ${measured.lossSeconds.toFixed(0)} s; ${from} is kept, fenced and locked, for whoever brings single rows back`,
      "it has no standby in another zone until the next update gives it one",
      `the state names the servers of before; rename them there before that update: ${renamingState(platform.stack, renamed)}, then ${updatingState(platform.stack, at === null)}`,
    ],
    commit: {
      stack: platform.stack,
      changes: [
        { path: "database.generation", how: "set", value: generation },
        ...(platform.databaseBackup.geoRedundant
          ? [
              {
                path: "database.geoBackupOf",
                how: "set" as const,
                value: assessed?.backup?.geoRedundantBackup === "Enabled" ? assessed.region.place : "neither",
              },
            ]
          : []),
        { path: "database.restoredAt", how: "set", value: now.toISOString() },
      ],
      branch: branchOf("adopt", finished),
      subject: `chore(${platform.stack}): ${to} serves (${finished.incident})`,
    },
    more: { counts, measured, generation },
  });
}
