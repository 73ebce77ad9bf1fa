import { messageOf, notRun, refused } from "../frame/errors";
import type { AzureResource, Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { POSTGRES_API, serverId } from "../server";

/** Tags of a restored server: by which incident it was made, and as of when. */
export const MADE_BY = "forma3d-incident";
export const MOMENT = "forma3d-moment";

/** A table whose rows are to be brought back. */
export interface Table {
  /** Qualified and quoted, e.g. `public.orders`. */
  name: string;
  /** The same without its schema. */
  bare: string;
  /** Columns of its primary key, quoted. */
  key: string[];
  /** Columns that can be written, quoted. */
  columns: string[];
}

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
  const tables: Table[] = [];
  for (const given of extract) {
    const table = await tableOf(platform, ground, given);
    // What was is put beside the live tables in one schema: under one name, the rows of one would be taken for the other's.
    if (tables.some(({ bare }) => bare === table.bare))
      throw refused(
        `--extract ${given}: another of these tables is called ${table.bare} too; bring it back by an incident of its own, after --drop`,
      );
    tables.push(table);
  }
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

async function tableOf({ writerHost }: Platform, ground: Ground, given: string): Promise<Table> {
  const [found] = await ground.database.query<Table>(
    writerHost,
    `SELECT c.oid::regclass::text AS name, quote_ident(c.relname) AS bare,
            ARRAY(SELECT quote_ident(a.attname) FROM pg_index i
                    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
                   WHERE i.indrelid = c.oid AND i.indisprimary
                   ORDER BY array_position(i.indkey::int2[], a.attnum)) AS key,
            ARRAY(SELECT quote_ident(a.attname) FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                   ORDER BY a.attnum) AS columns
       FROM pg_class c WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p')`,
    [given],
  );
  if (!found) throw refused(`--extract ${given}: there is no such table in ${writerHost}`);
  if (found.key.length === 0)
    throw refused(`--extract ${given}: it has no primary key, so nobody can tell which rows are missing`);
  return found;
}
