import type { Loss } from "../../../../packages/emulated-azure/cloud";
import { ASSIGNMENT } from "../../../../packages/emulated-azure/rights/decide";
import { groupOf } from "../operators";
import { Failover, Rotate, Step } from "./operations";
import { statusTellsOfLoss } from "./told";
import { answered, holds, other, regionOf, STACK, type Model, type World } from "./model";

/** A region dies with all that is in it, or lives on and nobody outside reaches it, or swallows what is sent there. */
export class Lose extends Step {
  constructor(
    private readonly which: "serving" | "standby",
    private readonly how: Loss,
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
    await statusTellsOfLoss(model, world);
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

const LONG_MS = 3_600_000;

/**
 * The operators' roles are given anew, as when each is activated for the incident, and are not in force yet: whoever types at once is
 * told which right lacks, and nothing is changed; typed again once they are, it goes through.
 */
export class LateRights extends Step {
  possible({ lost }: Readonly<Model>): boolean {
    return lost === undefined;
  }
  async act(model: Model, world: World): Promise<void> {
    const { laptop } = world;
    const { cloud, rights, hooks } = laptop.served.cloud;
    await laptop.served.real?.databases.settled();
    const holders = new Set(Object.values(laptop.operators).map(({ objectId }) => objectId));
    const held = [...cloud.ofType(ASSIGNMENT)].filter(({ inputs }) =>
      holders.has(inputs["principalId"] as string),
    );
    const given = async (propagationMs: number): Promise<void> => {
      rights.propagationMs = propagationMs;
      for (const stored of held) await hooks.emit({ kind: "created", stored });
      rights.propagationMs = 0;
    };
    await given(LONG_MS);
    const to = regionOf(world, other(model.serving)).location;
    const early = await laptop.command(
      "apps/operations/cli.ts",
      ["failover", STACK, "--to", to, "--yes", "--incident", `INC-early-${++model.incidents}`],
      { principal: groupOf("operator") },
    );
    await given(1);
    if (early.code === 0) model.serving = other(model.serving);
    holds(
      early.code !== 0 && /does not have authorization|AuthorizationFailed/.test(early.said),
      `failover without the right to it ended with ${early.code ?? "a signal"}: ${early.said.trim().split("\n").at(-1) ?? ""}`,
    );
    await new Failover(false).act(model, world);
  }
  override toString(): string {
    return "the operators' rights come late";
  }
}

/** For so long Azure is at something of its own with every server. */
const BUSY_MS = 10_000;

/** Azure answers the next changes with 429, and says when to ask again; its servers are busy with something of its own for a while. */
export class Throttle extends Step {
  possible(): boolean {
    return true;
  }
  act(_model: Model, { laptop: { served } }: World): Promise<void> {
    served.cloud.faults.add({ operation: "update", type: "*", effect: "throttle", times: 2 });
    served.cloud.faults.add({ operation: "create", type: "*", effect: "throttle", times: 2 });
    const { standing } = served.cloud.faults;
    standing.add("busy");
    setTimeout(() => standing.delete("busy"), BUSY_MS).unref();
    return Promise.resolve();
  }
  override toString(): string {
    return "Azure throttles the next changes, and is busy with its servers";
  }
}

/**
 * The disk of the server that serves is full, and Azure makes it read-only: nobody orders, and an operator may still give a credential
 * that leaked a new value, or let the other region serve. Then it gets more storage.
 */
export class FullDisk extends Step {
  constructor(private readonly meanwhile: Rotate | Failover) {
    super();
  }
  possible({ lost }: Readonly<Model>): boolean {
    return lost === undefined;
  }
  async act(model: Model, world: World): Promise<void> {
    const databases = world.laptop.served.real?.databases;
    await databases?.settled();
    const server = databases?.server(regionOf(world, model.serving).server);
    const write = async (line: string): Promise<void> => {
      for (const text of [`ALTER SYSTEM ${line}`, "SELECT pg_reload_conf()"])
        await answered(async () => server?.instance.query(text));
    };
    await write("SET default_transaction_read_only = on");
    try {
      await this.meanwhile.act(model, world);
    } finally {
      await databases?.settled();
      await write("RESET default_transaction_read_only");
    }
  }
  override toString(): string {
    return `the primary's disk is full: ${this.meanwhile.toString()}`;
  }
}
