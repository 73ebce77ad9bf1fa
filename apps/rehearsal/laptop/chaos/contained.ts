import type { Loss } from "../../../../packages/emulated-azure/cloud";
import type { DieAt } from "../kill";
import { BringBack } from "./faults";
import { nobodyWrites } from "./invariants";
import { regionOf, STACK, type Model, type World } from "./model";
import { Failover, killed, Step } from "./operations";

/**
 * Whoever broke in is cut off, and the region that serves is lost, the one before the other: the failover opens nothing, reopening opens
 * what answers, and what comes back is met.
 */
export class LoseContained extends Step {
  constructor(
    private readonly first: "contained" | "lost",
    private readonly how: Loss,
    private readonly dies: { shut?: DieAt | undefined; away?: DieAt | undefined; open?: DieAt | undefined },
  ) {
    super();
  }
  possible({ lost }: Readonly<Model>): boolean {
    return lost === undefined;
  }
  async act(model: Model, world: World): Promise<void> {
    const { laptop } = world;
    const { shut, away, open } = this.dies;
    const contain = (dieAt?: DieAt) => this.type(model, world, ["contain", STACK], { dieAt });
    const reopen = (dieAt?: DieAt) => this.type(model, world, ["reopen", STACK, "--keep-secrets"], { dieAt });
    await laptop.served.real?.databases.settled();
    if (this.first === "contained") {
      await contain(shut);
      await nobodyWrites(world);
    }
    model.lost = model.serving;
    await laptop.lose(regionOf(world, model.lost).location, this.how);
    if (this.first === "lost") await contain(shut);
    await new Failover(true, away).act(model, world);
    await nobodyWrites(world);
    // Lost first, its logins were shut by the failover alone, and the containment is whole only now.
    if (this.first === "lost") await contain();
    await reopen(open);
    await world.customer.places(3);
    await new BringBack().act(model, world);
    await reopen();
  }
  override toString(): string {
    const order = this.first === "contained" ? "while contained" : "and then contained";
    return `the serving region is ${this.how} ${order}: contain${killed(this.dies.shut)}; failover${killed(this.dies.away)}; reopen${killed(this.dies.open)}`;
  }
}
