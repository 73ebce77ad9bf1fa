import fs from "node:fs";
import fc from "fast-check";
import { messageOf } from "../../../../packages/command/errors";
import { sequences, Stage } from ".";
import { stopwatch } from "../../../../packages/programs/waiting";

/** What a journal keeps of one sequence; everything random in it comes from seed and number. */
export interface SequenceRecord {
  seed: number;
  /** From 1. */
  sequence: number;
  /** Most steps it could have had. */
  longest: number;
  held: boolean;
  /** What was played, in order; of one that broke, the last is what broke it. */
  steps: string[];
  seconds: number;
  /** How many sequences its platform had behind it. */
  before: number;
  /** Only of one that broke: what did not hold. */
  problem?: string;
  /** Only of one that was made smaller: the fewest steps that break a platform of their own; none where none do. */
  shortest?: string;
}

export interface CampaignOptions {
  seed: number;
  /** Numbers of the sequences. */
  first: number;
  last: number;
  /** Most steps of a sequence. */
  longest: number;
  /** Whether one that broke is made smaller, on platforms of its own. */
  shrink: boolean;
  /** File of records, one a line: what it has of this seed is not played again. */
  journal?: string;
  /** Ends it: what is being played is not judged. */
  signal: AbortSignal;
  say(line: string): void;
}

/** Sequences of a seed that a journal has. */
export function recorded(journal: string | undefined, seed: number, longest: number): SequenceRecord[] {
  if (journal === undefined || !fs.existsSync(journal)) return [];
  return fs
    .readFileSync(journal, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as SequenceRecord)
    .filter((one) => one.seed === seed && one.longest === longest && one.steps.length > 0);
}

/** Numbers far apart for seeds and sequences close together, within what fast-check takes. */
const seedOf = (seed: number, sequence: number): number => (seed * 1_000_003 + sequence * 7_919) | 0;

/**
 * Plays the sequences of a seed one after the other, whatever each comes to.
 * @returns a record of each, those of the journal included
 * @throws the signal's reason
 */
export async function campaign(options: CampaignOptions): Promise<SequenceRecord[]> {
  const { seed, first, last, longest, shrink, journal, signal, say } = options;
  const known = new Map(recorded(journal, seed, longest).map((one) => [one.sequence, one]));
  const records: SequenceRecord[] = [];
  const stage = new Stage((line) => say(`  ${line}`), signal);
  try {
    for (let sequence = first; sequence <= last; sequence++) {
      signal.throwIfAborted();
      const before = known.get(sequence);
      if (before) {
        records.push(before);
        continue;
      }
      say(`sequence ${sequence} of seed ${seed}`);
      const record = { seed, sequence, longest, ...(await play(stage, seedOf(seed, sequence), options)) };
      records.push(record);
      if (journal !== undefined) fs.appendFileSync(journal, `${JSON.stringify(record)}\n`);
      say(`  ${record.held ? "held" : `BROKEN: ${record.problem ?? ""}`}, ${record.seconds.toFixed(0)} s`);
      if (!record.held && shrink)
        say(`  shortest: ${record.shortest ?? "none breaks a platform of its own"}`);
    }
  } finally {
    await stage.close();
  }
  return records;
}

async function play(
  stage: Stage,
  seed: number,
  { longest, shrink, signal }: CampaignOptions,
): Promise<Omit<SequenceRecord, "seed" | "sequence" | "longest">> {
  const seconds = stopwatch();
  const before = stage.played;
  const told = (problem?: string) => ({
    ...{ held: problem === undefined, steps: stage.steps, before, seconds: seconds() },
    ...(problem !== undefined && { problem }),
  });
  let drawn = seed;
  try {
    // One of which no step is possible is none.
    for (; ; drawn += 1) {
      const [commands] = fc.sample(sequences(longest), { seed: drawn, numRuns: 1 });
      await stage.play(commands ?? []);
      if (stage.steps.length > 0) return told();
    }
  } catch (error) {
    signal.throwIfAborted();
    const record = told(messageOf(error));
    await stage.close();
    return shrink ? { ...record, ...(await shortestOf(stage, drawn, longest)) } : record;
  }
}

/** Breaks it again with fewer steps, each time on a platform that nothing happened to before. */
async function shortestOf(stage: Stage, seed: number, longest: number): Promise<{ shortest?: string }> {
  const property = fc.asyncProperty(sequences(longest), async (commands) => {
    try {
      await stage.play(commands);
    } finally {
      await stage.close();
    }
  });
  const { counterexample } = await fc.check(property, { seed, numRuns: 1 });
  return counterexample ? { shortest: fc.stringify(counterexample[0]) } : {};
}
