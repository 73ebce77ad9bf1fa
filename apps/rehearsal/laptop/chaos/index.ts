import fc from "fast-check";
import { Laptop } from "..";
import type { DieAt } from "../kill";
import { BringBack, CrashServer, ExpireTokens, KillPods, Lose, Throttle } from "./faults";
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

export { Broken, type Model, type World } from "./model";
export { invariants } from "./invariants";

/** A moment of one of these steps, or none. */
const dying = (...steps: readonly string[]) =>
  fc.option(
    fc
      .tuple(fc.constantFrom("begun", "wrote", "unheard"), fc.constantFrom(...steps))
      .map(([moment, step]) => `${moment}:${step}` as DieAt),
    { nil: undefined },
  );

const SECRETS = ["database-api", "session-secret", "database-admin"] as const;

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
        .tuple(fc.constantFrom("serving", "standby"), fc.constantFrom("dead", "cut off"))
        .map(([which, how]) => new Lose(which as "serving", how as "dead")),
      fc.constant(new BringBack()),
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
      dying("restore", "endpoint", "sign-in", "check", "extract").map((dieAt) => new BringRowsBack(dieAt)),
      dying("page", "shown").map((dieAt) => new Announce(dieAt)),
      ...[new KillPods(), new CrashServer(), new ExpireTokens(), new Throttle(), new TwoAtOnce()].map(
        (step: Step) => fc.constant(step),
      ),
    ],
    { maxCommands: longest },
  );

/**
 * Platforms to play on. To serve one takes longer than a sequence, so the next goes on where the last one ended, until one breaks:
 * from then on, while the failure is made smaller, each has a platform of its own.
 */
export class Stage {
  private going: { world: World; model: Model } | undefined;
  private broken = false;

  constructor(private readonly say: (line: string) => void) {}

  /** Plays one sequence. @throws Broken, or what kept it from going on */
  async play(commands: Iterable<fc.AsyncCommand<Model, World>>): Promise<void> {
    const { world, model } = (this.going ??= await this.open());
    try {
      await fc.asyncModelRun(() => ({ model, real: world }), commands);
    } catch (error) {
      this.broken = true;
      this.say(`BROKEN: ${error instanceof Error ? error.message : String(error)}`);
      throw error;
    } finally {
      if (this.broken) await this.close();
    }
  }

  async close(): Promise<void> {
    const { going } = this;
    this.going = undefined;
    await going?.world.laptop.close();
  }

  private async open(): Promise<{ world: World; model: Model }> {
    this.say("a platform is served");
    const laptop = await Laptop.open(STACK);
    const customer = laptop.customer();
    await customer.places(5);
    return {
      world: { laptop, customer, given: new Set(), say: this.say },
      model: { serving: 0, lost: undefined, incidents: 0 },
    };
  }
}
