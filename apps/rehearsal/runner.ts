import fs from "node:fs";
import path from "node:path";
import { StackConfig } from "../../stacks/schema";
import { Broken } from "./expect";
import { MomentOptions, momentsOf } from "./moments";
import { Moments, Scenario, Stage } from "./scenario";
import { stopwatch } from "../../packages/programs/waiting";

export interface Outcome {
  readonly stack: string;
  readonly id: string;
  readonly title: string;
  readonly result: "passed" | "failed" | "not applicable";
  /** What the engine did, command by command. */
  readonly operations: string;
  readonly seconds: number;
  /** Why it failed or does not apply. */
  readonly message?: string;
  /** File with everything that was printed; failures only. */
  readonly transcript?: string;
}

/** One more than two processors: each scenario waits now and then, and the others use the time. */
export const PARALLEL = 3;

/** The scratch folder is deleted afterwards, unless what is in it is kept. */
export interface RunnerOptions extends MomentOptions {
  readonly stacks: Readonly<Record<string, StackConfig>>;
  readonly scenarios: readonly Scenario[];
  /** Folder for the transcripts of failures. */
  readonly transcripts: string;
  /** Scenarios at a time; default {@link PARALLEL}. */
  readonly parallel?: number;
  readonly onOutcome?: (outcome: Outcome) => void;
}

/** Runs every scenario for every stack. The order of the outcomes is that of stacks and scenarios. */
export async function rehearse(options: RunnerOptions): Promise<Outcome[]> {
  const jobs = Object.entries(options.stacks).flatMap(([stack, config]) => {
    const moments = momentsOf(options, stack, config);
    return options.scenarios.map((scenario) => ({ stack, config, scenario, moments }));
  });
  // The stacks in turn, and last what is short, so that the last minutes are not one scenario's alone.
  const outcomes = new Array<Outcome>(jobs.length);
  const waiting = jobs
    .map((job, index) => ({ ...job, index }))
    .sort((a, b) => order(a.scenario) - order(b.scenario));
  const worker = async (): Promise<void> => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      const outcome = await perform(options, job.stack, job.config, job.scenario, job.moments);
      outcomes[job.index] = outcome;
      options.onOutcome?.(outcome);
    }
  };
  await Promise.all(Array.from({ length: options.parallel ?? PARALLEL }, worker));
  if (!options.keep) fs.rmSync(options.folder, { recursive: true, force: true });
  return outcomes;
}

/** Lays the foundations, meanwhile performs what needs none, and then the longest. */
const FIRST = ["1.1", "8.1", "2.2", "2.1", "5.2", "5.3"];

function order({ id }: Scenario): number {
  const place = FIRST.indexOf(id);
  return place < 0 ? FIRST.length + Number(id.split(".")[0]) : place;
}

async function perform(
  options: RunnerOptions,
  stack: string,
  config: StackConfig,
  scenario: Scenario,
  moments: Moments,
): Promise<Outcome> {
  const { id, title } = scenario;
  const reason = scenario.notFor?.(config);
  if (reason)
    return { stack, id, title, result: "not applicable", operations: "", seconds: 0, message: reason };
  const folder = path.join(options.folder, `${stack}-${id}`);
  const stage = new Stage(options.setting, stack, config, folder, moments, scenario.without);
  const elapsed = stopwatch();
  let message: string | undefined;
  try {
    await scenario.run(stage);
  } catch (error) {
    message =
      error instanceof Broken
        ? error.message
        : error instanceof Error
          ? (error.stack ?? error.message)
          : String(error);
  } finally {
    stage.close();
  }
  const seconds = elapsed();
  const { operations } = stage;
  if (options.keep) stage.save();
  else fs.rmSync(folder, { recursive: true, force: true });
  if (message === undefined) return { stack, id, title, result: "passed", operations, seconds };
  const transcript = path.join(options.transcripts, `${stack}-${id}.txt`);
  fs.mkdirSync(options.transcripts, { recursive: true, mode: 0o700 });
  fs.writeFileSync(transcript, `${id} ${title} (${stack})\n\n${message}\n\n${stage.transcript()}`, {
    mode: 0o600,
  });
  return { stack, id, title, result: "failed", operations, seconds, message, transcript };
}
