import fc from "fast-check";
import { Laptop } from "..";
import type { DieAt } from "../kill";
import { AMID, LoseAmid, type Amid } from "./amid";
import { backupsVerify, MakeBackup } from "./backups";
import { Adopt, Drift, DRIFTS, Update } from "./changes";
import {
  BringBack,
  CrashServer,
  ExpireTokens,
  FullDisk,
  KillPods,
  LateRights,
  Lose,
  Throttle,
} from "./faults";
import { LoseContained } from "./contained";
import { updatesFit } from "./invariants";
import { STACK, type Model, type World } from "./model";
import {
  Announce,
  BringRowsBack,
  Contain,
  Failover,
  Maintenance,
  Rotate,
  TwoAtOnce,
  type Step,
} from "./operations";
import { stopwatch } from "../../../../packages/programs/waiting";

export { Broken, type Model, type World } from "./model";
export { backupsVerify } from "./backups";
export { invariants, updatesFit } from "./invariants";

/** A moment of one of these steps, or none. */
const dying = (...steps: readonly string[]) =>
  fc.option(
    fc
      .tuple(fc.constantFrom("begun", "wrote", "unheard", "full"), fc.constantFrom(...steps))
      .map(([moment, step]) => `${moment}:${step}` as DieAt),
    { nil: undefined },
  );

const SECRETS = ["database-api", "session-secret", "database-admin"] as const;

const ADOPTION = [
  ...["restore", "endpoint", "sign-in", "check", "parameters", "unlock", "fence", "logins"],
  ...["point", "edge", "lock", "replica", "backup"],
];

/** Sequences of operations and faults. @param longest most steps of one */
export const sequences = (longest: number) =>
  fc.commands<Model, World, false>(
    [
      fc
        .tuple(
          fc.boolean(),
          dying("quiesce", "catch-up", "promote", "fence", "workloads", "edge", "partners", "backup"),
        )
        .map(([forced, dieAt]) => new Failover(forced, dieAt)),
      fc
        .tuple(fc.constantFrom("serving", "standby"), fc.constantFrom("dead", "cut off", "silent"))
        .map(([which, how]) => new Lose(which, how)),
      fc.constant(new BringBack()),
      fc
        .constantFrom(...(Object.keys(AMID) as Amid[]))
        .chain((verb) =>
          fc
            .tuple(
              fc.constantFrom<string>(...AMID[verb]),
              fc.constantFrom("serving", "standby"),
              fc.constantFrom("dead", "cut off", "silent"),
            )
            .map(([step, which, how]) => new LoseAmid(verb, step, which, how)),
        ),
      fc.constantFrom(...SECRETS).chain((secret) => dying(secret).map((dieAt) => new Rotate(secret, dieAt))),
      fc
        .tuple(dying("page", "entry", "answers"), dying("entry", "answers", "page"))
        .map(([on, off]) => new Maintenance(on, off)),
      fc
        .tuple(
          dying("entry", "logins", "workers", "edge", "evidence", "record"),
          dying("logins", "workers", "edge", "entry", "answers", "record"),
        )
        .map(([shut, open]) => new Contain(shut, open)),
      fc
        .tuple(
          fc.constantFrom("contained", "lost"),
          fc.constantFrom("dead", "cut off", "silent"),
          dying("entry", "logins", "workers", "edge", "evidence", "record"),
          dying("promote", "fence", "workloads", "partners"),
          dying("logins", "workers", "edge", "entry", "answers", "record"),
        )
        .map(([first, how, shut, away, open]) => new LoseContained(first, how, { shut, away, open })),
      dying("restore", "endpoint", "sign-in", "check", "extract").map((dieAt) => new BringRowsBack(dieAt)),
      dying("page", "shown").map((dieAt) => new Announce(dieAt)),
      dying(...ADOPTION).map((dieAt) => new Adopt(dieAt)),
      fc.constantFrom(...DRIFTS).map((what) => new Drift(what)),
      fc
        .tuple(fc.boolean(), dying("promote", "fence", "database-api"))
        .map(
          ([leave, dieAt]) =>
            new FullDisk(leave ? new Failover(false, dieAt) : new Rotate("database-api", dieAt)),
        ),
      ...[
        ...[new KillPods(), new CrashServer(), new ExpireTokens(), new LateRights(), new Throttle()],
        ...[new TwoAtOnce(), new MakeBackup(), new Update()],
      ].map((step: Step) => fc.constant(step)),
    ],
    { maxCommands: longest },
  );

/**
 * A platform to play on. To serve one takes longer than a sequence, so the next sequence begins where the last one ended, with
 * both regions there; whoever saw one break closes it, and the next has a new one.
 */
export class Stage {
  private going: { world: World; model: Model } | undefined;
  /** What was played of the last sequence. */
  steps: string[] = [];
  /** Sequences that the platform has behind it. */
  played = 0;

  /** @param signal closes the platform, whatever is being played on it */
  constructor(
    private readonly say: (line: string) => void,
    private readonly signal: AbortSignal,
  ) {
    signal.addEventListener("abort", () => void this.close(), { once: true });
  }

  /** Plays one sequence. @throws Broken, or what kept it from going on */
  async play(commands: Iterable<fc.AsyncCommand<Model, World>>): Promise<void> {
    this.steps = [];
    const { world, model } = (this.going ??= await this.open());
    if (this.signal.aborted) await this.close();
    this.signal.throwIfAborted();
    await fc.asyncModelRun(() => ({ model, real: world }), commands);
    const back = new BringBack();
    if (back.check(model)) await back.run(model, world);
    if (this.steps.length > 0) {
      await updatesFit(model, world);
      await backupsVerify(model, world);
    }
    this.played += 1;
  }

  async close(): Promise<void> {
    const { going } = this;
    [this.going, this.played] = [undefined, 0];
    await going?.world.laptop.close();
  }

  private async open(): Promise<{ world: World; model: Model }> {
    const seconds = stopwatch();
    const laptop = await Laptop.open(STACK);
    const customer = laptop.customer();
    await customer.places(5);
    this.say(`a platform is served, ${seconds().toFixed(0)} s`);
    const began = (step: string): void => void this.steps.push(step);
    return {
      world: { laptop, customer, given: new Set(), backups: new Set(), gateways: [], say: this.say, began },
      model: { serving: 0, lost: undefined, incidents: 0, adoptions: 0 },
    };
  }
}
