import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Loss } from "../../../../packages/emulated-azure/cloud";
import { groupOf, roleFor } from "../operators";
import { BringBack } from "./faults";
import { Broken, holds, other, regionOf, STACK, type Model, type World } from "./model";
import { Failover, Step } from "./operations";

/** Seconds after which a verb counts as one that hangs: more than its steps' bounds come to, on a busy machine. */
const HANGS_SECONDS = 1200;

/** What is typed, and the steps of it at which a region may be lost. */
export const AMID = {
  failover: ["quiesce", "catch-up", "promote", "fence", "workloads", "edge", "partners", "backup"],
  "rotate database-api": ["database-api"],
  "rotate session-secret": ["session-secret"],
} as const;
export type Amid = keyof typeof AMID;

/**
 * A region is lost in the middle of a verb: that ends, whatever it comes to. The region that is left serves by a forced failover;
 * once both stand, a rotation that was cut short is typed again and ends well.
 */
export class LoseAmid extends Step {
  constructor(
    private readonly verb: Amid,
    private readonly step: string,
    private readonly which: "serving" | "standby",
    private readonly how: Loss,
    private readonly hangsSeconds = HANGS_SECONDS,
  ) {
    super();
  }
  possible({ lost }: Readonly<Model>): boolean {
    return lost === undefined;
  }
  async act(model: Model, world: World): Promise<void> {
    const { laptop } = world;
    await laptop.served.real?.databases.settled();
    const lost = this.which === "serving" ? model.serving : other(model.serving);
    const to = regionOf(world, other(model.serving)).location;
    const [verb = "", ...secrets] = this.verb.split(" ");
    const typed = [verb, STACK, ...(verb === "failover" ? ["--to", to] : secrets)];
    const args = [...typed, "--yes", "--incident", `INC-${++model.incidents}`];
    const code = await this.losing(world, args, regionOf(world, lost).location);
    world.say(`  ${this.verb}, whose region was lost meanwhile, ended with ${code ?? "a signal"}`);
    holds(code !== undefined && code !== 4, `${this.verb} ended with ${code ?? "a signal"}`);
    // Who serves nobody knows for sure; from now on it is the region that is left.
    [model.lost, model.serving] = [lost, lost];
    await new Failover(true).act(model, world);
    await new BringBack().act(model, world);
    if (verb === "failover") return;
    await laptop.served.real?.databases.settled();
    const again = await laptop.operations(args);
    holds(
      again.code === 0,
      `${this.verb}, typed again, ended with ${again.code ?? "a signal"}: ${again.said}`,
    );
  }
  override toString(): string {
    return `the ${this.which} region is ${this.how} at ${this.step} of ${this.verb}`;
  }

  /** Types a verb once, and loses the region as its step begins, or else behind it. @returns its exit code @throws Broken when it hangs */
  private async losing(
    { laptop }: World,
    args: readonly string[],
    region: string,
  ): Promise<number | undefined> {
    const begins = new RegExp(`\\d+/\\d+ ${this.step}: `);
    let [said, losing] = ["", undefined as Promise<void> | undefined];
    const running = laptop.command(
      "apps/operations/cli.ts",
      [...args, "--json", "--journal", path.join(laptop.folder, "journal")],
      {
        principal: groupOf(roleFor(args)),
        say: (text) => {
          said += text;
          if (begins.test(said)) losing ??= laptop.lose(region, this.how);
        },
      },
    );
    const over = new AbortController();
    const hangs = sleep(this.hangsSeconds * 1000, undefined, { signal: over.signal }).then(() => {
      throw new Broken(`${this.verb} did not end within ${this.hangsSeconds} s: ${said}`);
    });
    const { code } = await Promise.race([running, hangs]);
    over.abort();
    await (losing ?? laptop.lose(region, this.how));
    return code;
  }
}
