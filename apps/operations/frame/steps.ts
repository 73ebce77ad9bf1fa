import { setTimeout as sleep } from "node:timers/promises";
import { failed, lacksRight, messageOf, OperationError, passes } from "./errors";
import type { Journal } from "./journal";
import { stopwatch } from "../../../packages/programs/waiting";
import { within } from "./within";

/** One step of a verb. What it leaves is asked for, never assumed: before it, whether it is needed, and after it. */
export interface Step {
  /** Short and stable, e.g. `promote`: journals and reports carry it. */
  id: string;
  /** What it changes, one line. */
  title: string;
  /** Longest it may take, in seconds. */
  bound: number;
  /** What takes it back, one line; left out where there is nothing to take back. */
  undo?: string;
  /** Seconds beyond its bound in which a run that is late takes back by itself what it did; none unless given. */
  takesBack?: number;
  /** Seconds for which a run is repeated of which something was only not heard; default 300. */
  patience?: number;
  /** Whether what the step is for is so; a text says what is not so yet. */
  done(): Promise<true | string>;
  run(signal: AbortSignal): Promise<void>;
}

export interface StepResult {
  id: string;
  title: string;
  /** `found`: it was so already. */
  how: "done" | "found";
  seconds: number;
  bound: number;
}

export interface StepContext {
  journal: Journal;
  signal: AbortSignal;
  now(): Date;
  say(line: string): void;
}

const ASK_EVERY_MS = 250;
/** Longest it may take to learn whether a step is needed; then it is run, and finds out. */
const ASKED_MS = 60_000;
/** Before a step is run once more; the clients have waited by themselves before they gave up. */
const ONCE_MORE_MS = 1_000;
/** A hiccup is over by then, and whoever types need not wait for a lost region. */
const PATIENCE_SECONDS = 300;

/** Runs the steps in order. @throws OperationError of the first that fails, or whose postcondition does not come to hold */
export async function runSteps(steps: readonly Step[], context: StepContext): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const [index, step] of steps.entries()) {
    context.signal.throwIfAborted();
    const label = `${index + 1}/${steps.length} ${step.id}`;
    results.push(await runStep(step, label, context));
  }
  return results;
}

async function runStep(step: Step, label: string, context: StepContext): Promise<StepResult> {
  const { journal, signal, say } = context;
  const { id, title, bound } = step;
  const started = context.now().getTime();
  const seconds = () => (context.now().getTime() - started) / 1000;
  const asked = AbortSignal.any([signal, AbortSignal.timeout(ASKED_MS)]);
  const before = await within(asked, step.done(), silent).catch((error: unknown) => {
    if (lacksRight(error)) throw failed(`${id}: ${messageOf(error)}`, error);
    return "not asked";
  });
  signal.throwIfAborted();
  if (before === true) {
    await journal.add("found", id);
    say(`${label}: is so already`);
    return { id, title, how: "found", seconds: seconds(), bound };
  }
  await journal.add("begin", id);
  say(`${label}: ${title} (at most ${bound} s)`);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(bound * 1000)]);
  try {
    await runs(step, limit, (why) => say(`${label}: ${why}; once more (${seconds().toFixed(0)} s)`));
    await holds(step, limit, say, label, seconds);
  } catch (error) {
    if (signal.aborted) {
      // By whom or what, and not how the client put it that was interrupted.
      await journal.add("interrupted", id, { reason: messageOf(signal.reason) });
      throw signal.reason;
    }
    await journal.add("failed", id, { reason: messageOf(error) });
    throw failed(
      `${id}: ${messageOf(error)}; nothing is undone: type the same command again once the cause is mended`,
      error,
    );
  }
  await journal.add("end", id, { seconds: seconds() });
  say(`${label}: done in ${seconds().toFixed(1)} s of ${bound} s`);
  return { id, title, how: "done", seconds: seconds(), bound };
}

const silent = (): Error => failed("nothing answers, and its time is over");

/** Runs it; what was only not heard is asked for again while the step has time and patience: each run begins with what it finds. */
async function runs(step: Step, limit: AbortSignal, say: (why: string) => void): Promise<void> {
  const { patience = PATIENCE_SECONDS } = step;
  let unheard: (() => number) | undefined;
  for (let told = ""; ;) {
    try {
      return await within(limit, step.run(limit), silent, step.takesBack);
    } catch (error) {
      const why = messageOf(error);
      // Aborted, a client says only that; what kept it waiting is what was not heard before.
      if (told !== "" && (error as Error).name === "AbortError")
        throw failed(`after ${step.bound} s: ${told}`, error);
      if (limit.aborted || !passes(error)) throw error;
      unheard ??= stopwatch();
      if (unheard() > patience) throw failed(`asked for ${unheard().toFixed(0)} s: ${why}`, error);
      if (why !== told) say(why);
      told = why;
    }
    await sleep(ONCE_MORE_MS, undefined, { signal: limit }).catch(() => undefined);
  }
}

/** Asks until the postcondition holds. */
async function holds(
  step: Step,
  limit: AbortSignal,
  say: (line: string) => void,
  label: string,
  seconds: () => number,
): Promise<void> {
  let told = "";
  for (;;) {
    // A server on its way up refuses connections; what the step itself calls a failure ends it.
    const state = await within(limit, step.done(), silent).catch((error: unknown) => {
      if ((error instanceof OperationError && !passes(error)) || lacksRight(error)) throw error;
      return messageOf(error);
    });
    if (state === true) return;
    if (limit.aborted) throw failed(`after ${step.bound} s: ${state}`);
    if (state !== told) say(`${label}: ${state} (${seconds().toFixed(0)} s)`);
    told = state;
    await sleep(ASK_EVERY_MS);
  }
}
