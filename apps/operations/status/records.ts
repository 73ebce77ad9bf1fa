import fs from "node:fs";
import { READINESS_HOURS } from "../../recovery/evidence/preceding";
import type { Readiness } from "../../recovery/evidence/readiness";
import { duration } from "../duration";
import { messageOf } from "../frame/errors";
import { incidentsOf } from "../frame/incidents";
import type { Ground } from "../ground/types";
import type { Platform } from "../platform";
import { readinessFile } from "../readiness/document";
import { attention, judged, ok, type LookUp } from "./findings";

/** Days after which a drill is due again: quarterly, and two weeks. */
const DRILL_DAYS = 105;

/** Age of the newest and the newest verified backup in every target, by the runner's own limits. */
export function backups(_platform: Platform, ground: Ground): LookUp {
  return async () => {
    const all = await ground.records.backups();
    if (all.length === 0) return attention("no target holds a backup");
    return judged(
      all.flatMap(({ target, problems }) => problems.map((problem) => `${target}: ${problem}`)),
      all
        .flatMap(({ database, target, newestSeconds, verifiedSeconds }) =>
          // Of one that holds none its problems tell.
          newestSeconds === undefined
            ? []
            : [
                `${database} in ${target}: ${duration(newestSeconds)} old, ${verifiedSeconds === undefined ? "none verified" : `verified ${duration(verifiedSeconds)}`}`,
              ],
        )
        .join("; "),
    );
  };
}

export function lastDrill(_platform: Platform, ground: Ground): LookUp {
  return async () => {
    const drill = await ground.records.lastDrill();
    if (!drill) return attention("none on record");
    const age = (ground.now().getTime() - drill.endedAt.getTime()) / 1000;
    return judged(
      [
        ...(drill.verdict === "PASS" ? [] : [`its verdict was ${drill.verdict}`]),
        ...(age > DRILL_DAYS * 86_400 ? ["one is due"] : []),
      ],
      `${drill.verdict}, ${duration(age)} ago`,
    );
  };
}

export function openIncidents(_platform: Platform, ground: Ground): LookUp {
  return async () => {
    const open = await ground.records.openIncidents();
    if (open.length === 0) return ok("none");
    return attention(
      open
        .map(({ id, severity, title, startedAt }) => {
          const age = (ground.now().getTime() - startedAt.getTime()) / 1000;
          return `${id} ${severity} "${title}", ${duration(age)} old`;
        })
        .join("; "),
    );
  };
}

/** Verbs that began on this machine and did not finish. */
export function unfinished({ stack }: Platform, folder: string): LookUp {
  return () => {
    const { unfinished: all, unreadable } = incidentsOf(folder);
    const open = all
      .filter((one) => one.stack === stack)
      .map(
        ({ verb, incident, begunAt }) =>
          `${verb}, begun ${begunAt.toISOString()}: type the same command again, with --incident ${incident}`,
      );
    const found = [...open, ...unreadable.map(({ reason }) => reason)];
    return Promise.resolve(found.length === 0 ? ok("none") : attention(found.join("; ")));
  };
}

/** What the last readiness check found, on this machine or on record. */
export function readiness({ stack }: Platform, ground: Ground, folder: string): LookUp {
  return async () => {
    const file = readinessFile(folder, stack);
    const here = fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, "utf8")) as Readiness) : undefined;
    let silent = "";
    const kept = await ground.records.lastReadiness().catch((error: unknown) => {
      silent = ` (${messageOf(error)})`;
      return undefined;
    });
    const [last] = [here, kept]
      .filter((one) => one !== undefined)
      .sort((one, other) => Date.parse(other.at) - Date.parse(one.at));
    if (!last)
      throw new Error(
        `no readiness check has run here, and none is on record${silent}: npm run -s operations -- preflight ${stack}`,
      );
    const { at, checks } = last;
    const age = (ground.now().getTime() - Date.parse(at)) / 1000;
    const open = checks.filter(({ status }) => status !== "PASS");
    return judged(
      [
        ...open.map(({ id, status }) => `${id} ${status}`),
        ...(age > READINESS_HOURS * 3600 ? ["it runs daily"] : []),
      ],
      `${checks.length - open.length} of ${checks.length} checks pass, ${duration(age)} ago`,
    );
  };
}
