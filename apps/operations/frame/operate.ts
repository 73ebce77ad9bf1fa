import fs from "node:fs";
import path from "node:path";
import { compact, duration } from "../duration";
import { settle, type Commit, type Forge } from "./commit";
import { messageOf, notRun, refused } from "./errors";
import { ownIncident } from "./incidents";
import { Journal, type JournalCopy, type JournalEntry } from "./journal";
import { leaseName, takeLocalLease, type Lease } from "./lease";
import { prompt } from "./prompt";
import { within } from "./within";
import { runSteps, type Step, type StepResult } from "./steps";
import { stopwatch } from "../../../packages/programs/waiting";

/** What a verb is going to do, worked out from what it found. */
export interface Plan {
  /** What the operator types to go on, e.g. the region's name. */
  subject: string;
  /** What was found and decided, one line each. */
  facts: string[];
  steps: Step[];
  /** The same for `--json` and the journal. */
  document: object;
  /**
   * Asked once a person has agreed, who may have read for a while: whether what was told still stands.
   * @throws OperationError with what does not
   */
  stands?(): Promise<void>;
}

/** Options every verb has. */
export interface FrameOptions {
  dryRun?: boolean;
  yes?: boolean;
  incident?: string;
  /** Time of the alert; the recovery time is measured from it, else from the decision. */
  since?: Date;
  json?: boolean;
}

/** What a verb runs in. */
export interface Surroundings {
  now(): Date;
  signal: AbortSignal;
  /** For people: standard error. */
  say(line: string): void;
  /** Asks a person, who may leave without an answer; undefined where there is none. */
  ask?: (question: string) => Promise<string | undefined>;
  /** Folder of journals, leases and reports. */
  folder: string;
  copy?: JournalCopy;
  /** A lease beyond this machine; undefined where none is configured. */
  lease?: (name: string) => Promise<Lease>;
  /** Where a pull request is opened for what has to be committed; undefined: commands are told. */
  forge?: Forge;
}

export interface Verb {
  /** e.g. `failover`. */
  name: string;
  /** What two runs must not act on at once, e.g. `prod`. */
  exclusive: string;
  /** Verbs that share a name here exclude each other; all that change the platform do, unless they say otherwise. */
  lease?: string;
  plan(incident: string): Promise<Plan>;
  /** What is left as evidence, and told at the end. */
  report(finished: Finished): { markdown: string; document: object; lines: string[]; commit?: Commit };
}

export interface Finished {
  incident: string;
  plan: Plan;
  results: StepResult[];
  /** What each run of the verb found before it began, oldest first; those before it last finished are not told. */
  runs: readonly object[];
  /** When the first of these runs began. */
  decidedAt: Date;
  endedAt: Date;
  since?: Date;
  /** When each step ended, by its id; across these runs. */
  ends: ReadonlyMap<string, Date>;
}

const INCIDENT = /^[A-Za-z0-9][A-Za-z0-9._-]{2,40}$/;

/** Runs one verb in the common frame: plan, consent, lease, journal, steps, report. @returns its document for `--json` */
export async function operate(verb: Verb, options: FrameOptions, around: Surroundings): Promise<object> {
  const { since } = options;
  if (since && since > around.now())
    throw refused(
      `--since ${since.toISOString()}: is to come; it is when the alert came, and this machine's clock says ${around.now().toISOString()}`,
    );
  const incident = incidentOf(verb, options, around);
  if (options.dryRun) {
    const plan = await tell(verb, incident, around);
    return { ...plan.document, dryRun: true, steps: stepsOf(plan) };
  }
  answerable(options);
  const name = leaseName(verb.exclusive, verb.lease);
  const leases = [takeLocalLease(around.folder, name)];
  try {
    if (around.lease) leases.push(await around.lease(name));
    const plan = await tell(verb, incident, around);
    const now = clockBy(leases, around);
    await consent(plan, options, around);
    const lost = leases.flatMap((lease) => lease.lost ?? []);
    const signal = AbortSignal.any([around.signal, ...lost]);
    return await run(verb, plan, incident, options, { ...around, now, signal });
  } finally {
    for (const lease of leases.reverse()) await lease.release();
  }
}

/** How wrong a machine's clock may be before somebody is told; what is measured here is minutes. */
const WRONG_MS = 30_000;

/**
 * The clock by which a run is recorded and measured: this machine's, or Azure's where that is another. It goes on evenly from where it
 * is, whatever is done to the machine's meanwhile.
 */
function clockBy(leases: readonly Lease[], { now, say }: Surroundings): () => Date {
  const ahead = leases.flatMap(({ aheadMs }) => aheadMs ?? []).at(-1) ?? 0;
  const wrong = Math.abs(ahead) >= WRONG_MS;
  if (wrong)
    say(
      `this machine's clock is ${duration(Math.abs(ahead) / 1000)} ${ahead > 0 ? "ahead of" : "behind"} Azure's: the run is recorded and measured by Azure's`,
    );
  const begun = now().getTime() - (wrong ? ahead : 0);
  const seconds = stopwatch();
  return () => new Date(begun + seconds() * 1000);
}

/** @throws OperationError where nobody would be there and nobody answers; before anything is asked for */
function answerable({ yes, incident }: FrameOptions): void {
  if (yes && !incident) throw refused("--yes needs --incident <id>: who answers for it must be on record");
}

/** Milliseconds after which whoever waits for a plan is told what for. */
const ASKING_MS = 3_000;
/** And after which nobody waits: far more than all that is asked for may take, each by its own limit. */
const PLANNING_MS = 600_000;

async function tell(verb: Verb, incident: string, around: Surroundings): Promise<Plan> {
  const asking = setTimeout(
    () => around.say("asking what stands; what does not answer is waited for, and told"),
    ASKING_MS,
  );
  const limit = AbortSignal.any([around.signal, AbortSignal.timeout(PLANNING_MS)]);
  const late = (): unknown =>
    around.signal.aborted
      ? around.signal.reason
      : notRun(`what stands was not told within ${PLANNING_MS / 1000} s; nothing was changed`);
  const plan = await within(limit, verb.plan(incident), late, 0).finally(() => clearTimeout(asking));
  plan.facts.forEach((fact) => around.say(fact));
  plan.steps.forEach(({ id, title, bound, undo }, index) =>
    around.say(
      `  ${index + 1}. ${id}: ${title}\n     at most ${bound} s; ${undo === undefined ? "nothing to undo" : `undone by: ${undo}`}`,
    ),
  );
  return plan;
}

async function run(
  verb: Verb,
  plan: Plan,
  incident: string,
  { since }: FrameOptions,
  around: Surroundings,
): Promise<object> {
  const { now, say, signal, copy } = around;
  const journal = Journal.open(around.folder, incident, verb.name, { now, warn: say, copy });
  await journal.add("run", undefined, { stack: verb.exclusive, ...plan.document, steps: stepsOf(plan) });
  const results = await runSteps(plan.steps, { journal, signal, now, say });
  const attempt = attemptOf(journal.entries, verb.name, results);
  const ends = new Map(
    attempt
      .flatMap(({ event, step, at }) =>
        step && (event === "end" || event === "found") ? [[step, new Date(at)] as const] : [],
      )
      .reverse(),
  );
  const begun = attempt.filter(({ event }) => event === "run");
  const decidedAt = new Date(begun[0]?.at ?? now().toISOString());
  const runs = begun.map(({ data }) => data as object);
  const endedAt = now();
  const report = verb.report({ incident, plan, results, runs, decidedAt, endedAt, since, ends });
  const settled = report.commit && (await settle(report.commit, around.forge));
  const document = {
    ...report.document,
    commit: settled?.commands ?? [],
    ...(settled?.pullRequest && { pullRequest: settled.pullRequest }),
  };
  await journal.add("finished", undefined, document);
  const committed = settled
    ? ["", "To be committed:", "", ...settled.lines.map((line) => `    ${line}`), ""].join("\n")
    : "";
  const files = [
    ["md", `${report.markdown}${committed}`],
    ["json", `${JSON.stringify(document, null, 2)}\n`],
  ] as const;
  // One incident takes several verbs, and one there and back: each leaves its own.
  const name = `${verb.name}-${compact(endedAt)}`;
  const warn = (error: unknown) => say(`warning: the report could not be kept: ${messageOf(error)}`);
  for (const [extension, text] of files) {
    try {
      fs.writeFileSync(path.join(around.folder, `${incident}-${name}.${extension}`), text, { mode: 0o600 });
    } catch (error) {
      // What was done is done, and stands in the journal.
      warn(error);
    }
    await copy?.write(`${incident}/${name}.${extension}`, text).catch(warn);
  }
  [...report.lines, ...(settled?.lines ?? [])].forEach((line) => say(line));
  const kept = path.join(around.folder, `${incident}-${name}.md`);
  say(`report: ${kept}`);
  return { ...document, journal: journal.file, report: kept };
}

/**
 * Entries of what this run ended: of this verb, since it last finished under the incident. One incident takes several verbs, and one
 * there and back: each is measured by itself. A run that found all of it done tells of the one that did it.
 */
function attemptOf(
  entries: readonly JournalEntry[],
  verb: string,
  results: readonly StepResult[],
): JournalEntry[] {
  const own = entries.filter((entry) => entry.verb === verb);
  const finished = own.flatMap(({ event }, index) => (event === "finished" ? [index] : []));
  const nothingDone = results.every(({ how }) => how === "found");
  return own.slice((finished.at(nothingDone ? -2 : -1) ?? -1) + 1);
}

const stepsOf = ({ steps }: Plan) => steps.map(({ id, title, bound, undo }) => ({ id, title, bound, undo }));

async function consent(
  { subject, stands }: Plan,
  { yes }: FrameOptions,
  { ask }: Surroundings,
): Promise<void> {
  if (yes) return;
  if (!ask) throw refused(`nobody is here to type ${subject}; --yes --incident <id> goes on without`);
  const typed = (await ask(`type ${subject} to go on: `))?.trim();
  if (typed === undefined) throw refused(`nobody typed ${subject}; nothing was done`);
  if (typed !== subject) throw refused(`"${typed}" is not ${subject}; nothing was done`);
  await stands?.();
}

/** The incident given; else the one that a run of the same verb left unfinished, which is told; else a new one. */
function incidentOf(verb: Verb, { incident }: FrameOptions, { folder, now, say }: Surroundings): string {
  if (incident !== undefined) {
    if (!INCIDENT.test(incident))
      throw refused(`--incident ${incident}: 3-41 letters, digits, dots, hyphens or underscores`);
    return incident;
  }
  const own = ownIncident({ verb: verb.name, stack: verb.exclusive }, folder, now());
  if (own.left)
    say(
      `goes on with ${own.incident}, begun ${own.left.begunAt.toISOString()} and not finished; --incident <id> begins another`,
    );
  return own.incident;
}

/** Asks on the terminal, where standard input is one. */
export function terminal(signal: AbortSignal): Surroundings["ask"] {
  if (!process.stdin.isTTY) return undefined;
  return (question) => prompt(question, signal);
}
