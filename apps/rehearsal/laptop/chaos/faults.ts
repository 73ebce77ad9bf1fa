import { Failover, Step } from "./operations";
import { other, regionOf, type Model, type World } from "./model";

/** A region dies with all that is in it, or lives on and nobody outside reaches it. */
export class Lose extends Step {
  constructor(
    private readonly which: "serving" | "standby",
    private readonly how: "dead" | "cut off",
  ) {
    super();
  }
  possible({ lost }: Readonly<Model>): boolean {
    return lost === undefined;
  }
  async act(model: Model, world: World): Promise<void> {
    model.lost = this.which === "serving" ? model.serving : other(model.serving);
    await world.laptop.lose(regionOf(world, model.lost).location, this.how);
    // Nobody serves until somebody decides: that is part of the loss.
    if (model.lost === model.serving) await new Failover(true).act(model, world);
  }
  override toString(): string {
    return `the ${this.which} region is ${this.how}`;
  }
}

export class BringBack extends Step {
  possible({ lost }: Readonly<Model>): boolean {
    return lost !== undefined;
  }
  async act(model: Model, world: World): Promise<void> {
    if (model.lost !== undefined) await world.laptop.bringBack(regionOf(world, model.lost).location);
    model.lost = undefined;
  }
  override toString(): string {
    return "the region is back";
  }
}

export class KillPods extends Step {
  possible(): boolean {
    return true;
  }
  async act(_model: Model, { laptop }: World): Promise<void> {
    const [uid] = [...laptop.workloads.serving].find(([, { workload }]) => workload === "api") ?? [];
    if (uid) await laptop.workloads.kill(uid);
  }
  override toString(): string {
    return "a pod is killed";
  }
}

/** The database server's machine dies; its standby in another zone takes over by itself. */
export class CrashServer extends Step {
  possible({ lost, serving }: Readonly<Model>): boolean {
    return lost !== serving;
  }
  async act(model: Model, world: World): Promise<void> {
    const databases = world.laptop.served.real?.databases;
    await databases?.settled();
    const server = databases?.server(regionOf(world, model.serving).server);
    // One that was promoted, or came back, has no standby before the next update: its loss is a failover.
    if (!server?.highlyAvailable) return world.say("  it has no standby in another zone: left alone");
    await server.crash();
    await databases?.settled();
  }
  override toString(): string {
    return "the primary's machine dies";
  }
}

export class ExpireTokens extends Step {
  possible(): boolean {
    return true;
  }
  act(_model: Model, { laptop: { served, operators } }: World): Promise<void> {
    for (const { objectId } of Object.values(operators)) served.cloud.directory.endSessions(objectId);
    return Promise.resolve();
  }
  override toString(): string {
    return "the operators' tokens end";
  }
}

/** Azure answers the next changes with 429, and says when to ask again. */
export class Throttle extends Step {
  possible(): boolean {
    return true;
  }
  act(_model: Model, { laptop: { served } }: World): Promise<void> {
    served.cloud.faults.add({ operation: "update", type: "*", effect: "throttle", times: 2 });
    served.cloud.faults.add({ operation: "create", type: "*", effect: "throttle", times: 2 });
    return Promise.resolve();
  }
  override toString(): string {
    return "Azure throttles the next changes";
  }
}
