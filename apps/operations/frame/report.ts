import type { Commit } from "./commit";
import type { Finished } from "./operate";

export interface ReportWords {
  /** e.g. `Maintenance on`. */
  title: string;
  /** What is so now, one line. */
  outcome: string;
  /** Further lines a person has to read: what is left to do. */
  notes?: readonly string[];
  /** What makes the stack file agree with what runs now. */
  commit?: Commit;
  /** For `--json`. */
  more?: object;
}

const seconds = (from: Date, to: Date): number => (to.getTime() - from.getTime()) / 1000;

/** Evidence of a verb: what was done, how long each step took of its bound, and what is left to do. */
export function plainReport({ stack }: { stack: string }, finished: Finished, words: ReportWords) {
  const { incident, results, decidedAt, endedAt, since } = finished;
  const { title, outcome, notes = [], commit, more = {} } = words;
  const took = seconds(since ?? decidedAt, endedAt);
  const lines = [`${outcome}; ${took.toFixed(1)} s from the ${since ? "alert" : "decision"}`, ...notes];
  const document = {
    verb: title,
    incident,
    stack,
    decidedAt: decidedAt.toISOString(),
    ...(since && { since: since.toISOString() }),
    endedAt: endedAt.toISOString(),
    seconds: took,
    outcome,
    notes,
    steps: results,
    ...more,
  };
  const markdown = [
    `# ${title} (${stack})`,
    "",
    `Incident ${incident}. Decided ${decidedAt.toISOString()}, done ${endedAt.toISOString()}.`,
    "",
    `- ${outcome}`,
    ...notes.map((note) => `- ${note}`),
    "",
    "| Step | | Seconds | Bound |",
    "| --- | --- | --- | --- |",
    ...results.map(
      ({ id, how, seconds: spent, bound }) => `| ${id} | ${how} | ${spent.toFixed(1)} | ${bound} |`,
    ),
    "",
  ].join("\n");
  return { markdown, document, lines, ...(commit && { commit }) };
}
