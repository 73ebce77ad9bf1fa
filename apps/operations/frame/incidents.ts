import fs from "node:fs";
import path from "node:path";
import { compact } from "../duration";
import { messageOf } from "./errors";
import { readJournal, type JournalEntry } from "./journal";

/** A run that began and did not finish. */
export interface Unfinished {
  incident: string;
  verb: string;
  stack: string;
  begunAt: Date;
}

/** What the journals of a folder tell. */
export interface Incidents {
  unfinished: Unfinished[];
  /** Journals that cannot be read, each with the reason. */
  unreadable: { incident: string; reason: string }[];
}

const SUFFIX = ".jsonl";

const incidentsIn = (folder: string): string[] =>
  fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory()
    ? fs
        .readdirSync(folder)
        .filter((file) => file.endsWith(SUFFIX))
        .map((file) => path.basename(file, SUFFIX))
        .sort()
    : [];

const journalOf = (folder: string, incident: string): string => path.join(folder, `${incident}${SUFFIX}`);

/** Verbs that undo each other share their first word: `maintenance-on` and `maintenance-off`, `pitr` and `pitr-drop`. */
const familyOf = (verb: string): string => verb.split("-")[0] ?? verb;

/** Reads every journal of a folder. Of runs that undo each other or were typed again under another incident, the last one counts. */
export function incidentsOf(folder: string): Incidents {
  const moments: (Unfinished & { event: string })[] = [];
  const unreadable: Incidents["unreadable"] = [];
  for (const incident of incidentsIn(folder))
    try {
      moments.push(...momentsOf(incident, readJournal(journalOf(folder, incident))));
    } catch (error) {
      unreadable.push({ incident, reason: messageOf(error) });
    }
  moments.sort((one, other) => one.begunAt.getTime() - other.begunAt.getTime());
  const last = new Map(moments.map((one) => [`${one.stack} ${familyOf(one.verb)}`, one]));
  const unfinished = [...last.values()]
    .filter(({ event }) => event === "run")
    .map(({ event: _event, ...one }) => one);
  return { unfinished, unreadable };
}

/** When runs of an incident began and finished. */
function momentsOf(incident: string, entries: readonly JournalEntry[]): (Unfinished & { event: string })[] {
  let stack = "";
  return entries.flatMap(({ event, verb, at, data }) => {
    if (event === "run") stack = (data as { stack?: string }).stack ?? "";
    return event === "run" || event === "finished"
      ? [{ incident, verb, stack, event, begunAt: new Date(at) }]
      : [];
  });
}

/** The incident of a verb that was given none: the one that its last run left unfinished, else a new one. */
export function ownIncident(
  { verb, stack }: { verb: string; stack: string },
  folder: string,
  now: Date,
): { incident: string; left?: Unfinished } {
  const stem = `${verb}-${stack}-`;
  const own = incidentsIn(folder).filter((one) => one.startsWith(stem) && /^\d/.test(one.slice(stem.length)));
  const last = own.at(-1);
  // One that was changed is not passed over without a word.
  if (last !== undefined) readJournal(journalOf(folder, last));
  const left = incidentsOf(folder).unfinished.find(
    (one) => one.verb === verb && one.stack === stack && one.incident === last,
  );
  return left ? { incident: left.incident, left } : { incident: `${stem}${compact(now)}` };
}
