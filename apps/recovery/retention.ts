import { secondsBetween, TOLERATED_SKEW_SECONDS } from "./clock";
import { instantOf } from "./store/names";
import { isVerified } from "./store/catalogue";
import type { Settings } from "./settings";
import type { CatalogueEntry } from "./types";

const DAY_MS = 86_400_000;

export interface RetentionDecision {
  entry: CatalogueEntry;
  delete: boolean;
  reason: string;
}

const takenAt = (entry: CatalogueEntry) => instantOf(entry.id)?.getTime() ?? Number.POSITIVE_INFINITY;

/** An id carries the time of the database server, whose clock may have been behind. */
const keptFrom = (entry: CatalogueEntry) =>
  Math.max(takenAt(entry), entry.manifest ? Date.parse(entry.manifest.finishedAt) : 0);

/** From a clock that was ahead: nobody knows when it was made, so it is newer than nothing, and stays until its time. */
const isAhead = (entry: CatalogueEntry, now: Date) =>
  secondsBetween(now, new Date(takenAt(entry))) > TOLERATED_SKEW_SECONDS;

/**
 * Which backups of one database may go. A backup goes only when it is older than its tier keeps it, is not among
 * the last N of its tier, and a newer backup of the same database is verified. So the newest verified backup never
 * goes, and nothing goes while nothing is verified.
 * @param hollow ids of backups whose archive is not there any more: what was verified of them is gone
 */
export function decideRetention(
  backups: readonly CatalogueEntry[],
  retention: Settings["retention"],
  now: Date,
  hollow: ReadonlySet<string> = new Set(),
): RetentionDecision[] {
  const newestFirst = [...backups].sort((one, other) => takenAt(other) - takenAt(one));
  const dated = newestFirst.filter((entry) => !isAhead(entry, now));
  const newestVerified = dated.find((entry) => isVerified(entry) && !hollow.has(entry.id));
  return newestFirst.map((entry) => {
    const days = retention.days[entry.tier];
    const expired = keptFrom(entry) < now.getTime() - days * DAY_MS;
    const rank = dated.filter(({ tier }) => tier === entry.tier).indexOf(entry);
    const keep = (reason: string) => ({ entry, delete: false, reason });
    if (isAhead(entry, now)) return keep("dated in the future: a clock was wrong");
    if (!expired) return keep(`younger than ${days} days`);
    if (!newestVerified) return keep("no backup of this database is verified");
    if (entry === newestVerified) return keep("the newest verified backup");
    if (takenAt(newestVerified) < takenAt(entry)) return keep("no newer backup is verified");
    if (rank < retention.keepLast) return keep(`among the last ${retention.keepLast} of its tier`);
    return { entry, delete: true, reason: `older than ${days} days; ${newestVerified.id} is verified` };
  });
}
