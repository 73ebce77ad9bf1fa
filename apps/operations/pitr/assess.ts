import { messageOf, notRun, refused } from "../frame/errors";
import type { AzureResource, Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { POSTGRES_API, serverId } from "../server";
import { tablesOf, type Table } from "./tables";

/** Tags of a restored server: by which incident it was made, and as of when. */
export const MADE_BY = "forma3d-incident";
export const MOMENT = "forma3d-moment";

export interface PitrAssessment {
  /** Region whose server is the primary. */
  region: RegionFacts;
  /** Name of the server beside it. */
  restored: string;
  restoredHost: string;
  id: string;
  sourceId: string;
  earliest: Date;
  /** Tags of the server it is made from, which the policies ask for. */
  tags: Readonly<Record<string, string>>;
  tables: Table[];
  /** Whether an earlier run of the incident got as far as making it. */
  begun: boolean;
  /** How the new server is backed up; Azure's default unless given. */
  backup?: { backupRetentionDays: number; geoRedundantBackup: "Enabled" | "Disabled" };
}

export interface PitrWishes {
  /** Undefined: everything there is, once nobody writes any more. */
  at?: Date;
  /** Tables whose rows are brought back. */
  extract: readonly string[];
  /** What the restored server is called, beside which one. */
  nameOf(server: string): string;
}

/** Reads what there is and decides, or refuses. Changes nothing. */
export async function assess(
  platform: Platform,
  ground: Ground,
  { at, extract, nameOf }: PitrWishes,
  incident: string,
): Promise<PitrAssessment> {
  const region = await primary(platform, ground);
  const sourceId = serverId(platform, region);
  const restored = nameOf(region.server);
  const id = serverId(platform, region, restored);
  const there = await ground.resources.get(id, POSTGRES_API);
  if (there && there.tags?.[MADE_BY] !== incident)
    throw refused(
      `${restored} is there already, made by ${there.tags?.[MADE_BY] ?? "nobody known"}; pitr --drop takes it away`,
    );
  const made = there?.tags?.[MOMENT];
  if (at && made !== undefined && made !== at.toISOString())
    throw refused(
      `--at ${at.toISOString()}: ${incident} made ${restored} as of ${made}; give that, or --drop first`,
    );
  const source = await ground.resources.get(sourceId, POSTGRES_API);
  const earliest = earliestOf(source, region);
  const now = there ? undefined : await clockOf(ground, region);
  // What is made already needs no window any more: it moves on, and whoever was killed goes on all the same.
  if (now && at) refuseOutside(platform, ground, { at, earliest, now });
  // As after a promotion, before the first backup of the server that took over.
  if (now && earliest > now)
    throw refused(`${region.server} can be restored from ${earliest.toISOString()} on, and not before`);
  const tables = await tablesOf(platform, ground, extract);
  return {
    region,
    restored,
    restoredHost: `${restored}.postgres.database.azure.com`,
    id,
    sourceId,
    earliest,
    tags: source?.tags ?? {},
    tables,
    begun: there !== undefined,
    ...(there?.properties?.["backup"] !== undefined && {
      backup: there.properties["backup"] as NonNullable<PitrAssessment["backup"]>,
    }),
  };
}

function earliestOf(source: AzureResource | undefined, { server }: RegionFacts): Date {
  const { backup } = (source?.properties ?? {}) as { backup?: { earliestRestoreDate?: string } };
  const earliest = new Date(backup?.earliestRestoreDate ?? NaN);
  if (Number.isNaN(earliest.getTime()))
    throw notRun(`Azure does not say from when on ${server} can be restored`);
  return earliest;
}

/** The clock of a region's server, or of this machine where that does not answer: a backup of it may be wanted for that very reason. */
const clockOf = (ground: Ground, { serverHost }: RegionFacts): Promise<Date> =>
  ground.database.clock(serverHost).catch(() => ground.now());

function refuseOutside(
  platform: Platform,
  ground: Ground,
  { at, earliest, now }: { at: Date; earliest: Date; now: Date },
): void {
  const newest = new Date(now.getTime() - (ground.restoreLagSeconds ?? platform.restoreLagSeconds) * 1000);
  if (at < earliest || at > newest)
    throw refused(
      `--at ${at.toISOString()}: outside what can be restored, ${earliest.toISOString()} to ${newest.toISOString()}; older moments are in the backups`,
    );
}

/** @throws OperationError when no server is the primary, or none answers */
export async function primary({ regions }: Platform, ground: Ground): Promise<RegionFacts> {
  const reasons: string[] = [];
  for (const region of regions) {
    const view = await ground.servers.get(region.resourceGroup, region.server).catch((error: unknown) => {
      reasons.push(messageOf(error));
      return undefined;
    });
    if (view?.role === "Primary" || (view?.role === "None" && regions.length === 1)) return region;
  }
  throw notRun(`no server is known to be the primary${reasons.length > 0 ? `: ${reasons.join("; ")}` : ""}`);
}
