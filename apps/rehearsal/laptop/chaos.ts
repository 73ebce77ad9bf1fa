import fs from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { loginName } from "../../../infra/data/databaseLogins";
import { stringAt } from "../../../packages/emulated-azure/model/paths";
import { readJournal } from "../../operations/frame/journal";
import type { RegionFacts } from "../../operations/platform";
import type { Customer } from "./customer";
import { Laptop, type Ran } from ".";

const STACK = "prod";
const SECRET = "azure-native:keyvault:Secret";

/** What should be so. */
export interface Model {
  serving: 0 | 1;
  /** Region that does not answer. */
  lost: 0 | 1 | undefined;
  incidents: number;
}

/** What is so. */
export interface World {
  laptop: Laptop;
  customer: Customer;
  /** Orders whose loss was told before a forced failover. */
  given: Set<number>;
  say(line: string): void;
}

/** An invariant that did not hold. */
export class Broken extends Error {}

const holds = (so: boolean, what: string): void => {
  if (!so) throw new Broken(what);
};

const regionOf = ({ laptop }: World, index: 0 | 1): RegionFacts => {
  const region = laptop.platform.regions[index];
  if (!region) throw new Error("the platform has one region");
  return region;
};

const other = (index: 0 | 1): 0 | 1 => (index === 0 ? 1 : 0);

/** What must be so after every step, tested by asking: who may write, what is missing, what the journals say. */
export async function invariants(model: Readonly<Model>, world: World): Promise<void> {
  const { laptop, customer, given } = world;
  const { platform } = laptop;
  await customer.places(3);
  const missing = (await laptop.missing(customer)).filter((id) => !given.has(id));
  holds(
    missing.length === 0,
    `confirmed orders are missing beyond what was told: ${missing.slice(0, 5).join(", ")}`,
  );
  const writers: string[] = [];
  for (const region of platform.regions) {
    const password = [...laptop.served.cloud.cloud.all()].find(
      ({ type, id }) =>
        type === SECRET && id.toLowerCase().endsWith(`/vaults/${region.vault}/secrets/database-api-password`),
    );
    const signedIn = await laptop.database().login(platform.writerHost, {
      user: loginName("api", region),
      password: (password && stringAt(password.inputs, "properties.value")) ?? "",
      database: platform.database,
    });
    if (signedIn === true) writers.push(region.location);
  }
  const serves = regionOf(world, model.serving).location;
  holds(
    writers.join() === serves,
    `${writers.join(" and ") || "nobody"} may write by the writer's name, and ${serves} serves`,
  );
  const folder = path.join(laptop.folder, "journal");
  const journals = fs.existsSync(folder)
    ? fs.readdirSync(folder).filter((file) => file.endsWith(".jsonl"))
    : [];
  for (const file of journals) readJournal(path.join(folder, file));
}

abstract class Step implements fc.AsyncCommand<Model, World> {
  check(model: Readonly<Model>): boolean {
    return this.possible(model);
  }

  async run(model: Model, world: World): Promise<void> {
    world.say(this.toString());
    await this.act(model, world);
    await invariants(model, world);
  }

  abstract possible(model: Readonly<Model>): boolean;
  abstract act(model: Model, world: World): Promise<void>;
  abstract toString(): string;

  protected async type(model: Model, { laptop }: World, args: string[], killAt?: RegExp): Promise<Ran> {
    const incident = `INC-${++model.incidents}`;
    const typed = [...args, "--yes", "--incident", incident];
    const first = await laptop.operations(typed, { ...(killAt && { killAt }) });
    // Killed, or done before it could be: the same command again ends well.
    const ran = killAt ? await laptop.operations(typed) : first;
    holds(
      ran.code === 0,
      `${args.join(" ")} ended with ${ran.code ?? "a signal"}: ${ran.said.trim().split("\n").at(-1) ?? ""}`,
    );
    return ran;
  }
}

/** Which step of a verb it is killed at; undefined: it is left alone. */
type KillAt = string | undefined;

const at = (step: KillAt): RegExp | undefined =>
  step === undefined ? undefined : new RegExp(`\\d+/\\d+ ${step}: (?!is so)`);

class Failover extends Step {
  constructor(
    private readonly killed: KillAt,
    private readonly forced: boolean,
  ) {
    super();
  }
  possible({ lost, serving }: Readonly<Model>): boolean {
    return lost !== other(serving);
  }
  async act(model: Model, world: World): Promise<void> {
    const to = other(model.serving);
    const { laptop, customer, given } = world;
    await laptop.served.real?.databases.settled();
    const forced = this.forced || model.lost === model.serving;
    const args = ["failover", STACK, "--to", regionOf(world, to).location, ...(forced ? ["--forced"] : [])];
    await this.type(model, world, args, at(this.killed));
    model.serving = to;
    if (!forced) return;
    for (const id of await laptop.missing(customer)) given.add(id);
  }
  override toString(): string {
    return `failover${this.forced ? " forced" : ""}${this.killed ? ` killed at ${this.killed}` : ""}`;
  }
}

class Lose extends Step {
  constructor(private readonly which: "serving" | "standby") {
    super();
  }
  possible({ lost }: Readonly<Model>): boolean {
    return lost === undefined;
  }
  async act(model: Model, world: World): Promise<void> {
    model.lost = this.which === "serving" ? model.serving : other(model.serving);
    await world.laptop.lose(regionOf(world, model.lost).location);
    // Nobody serves until somebody decides: that is part of the loss.
    if (model.lost === model.serving) await new Failover(undefined, true).act(model, world);
  }
  override toString(): string {
    return `lose the ${this.which} region`;
  }
}

class BringBack extends Step {
  possible({ lost }: Readonly<Model>): boolean {
    return lost !== undefined;
  }
  async act(model: Model, world: World): Promise<void> {
    if (model.lost !== undefined) await world.laptop.bringBack(regionOf(world, model.lost).location);
    model.lost = undefined;
  }
  override toString(): string {
    return "bring the region back";
  }
}

class Rotate extends Step {
  constructor(private readonly secret: string) {
    super();
  }
  possible({ lost }: Readonly<Model>): boolean {
    return lost === undefined;
  }
  async act(model: Model, world: World): Promise<void> {
    await this.type(model, world, ["rotate", STACK, this.secret]);
  }
  override toString(): string {
    return `rotate ${this.secret}`;
  }
}

class KillPods extends Step {
  possible(): boolean {
    return true;
  }
  async act(_model: Model, { laptop }: World): Promise<void> {
    const [uid] = [...laptop.workloads.serving].find(([, { workload }]) => workload === "api") ?? [];
    if (uid) await laptop.workloads.kill(uid);
  }
  override toString(): string {
    return "kill a pod";
  }
}

class ExpireTokens extends Step {
  possible(): boolean {
    return true;
  }
  act(_model: Model, { laptop: { served } }: World): Promise<void> {
    const { objectId = "" } = served.principals["operator"] ?? {};
    served.cloud.directory.endSessions(objectId);
    return Promise.resolve();
  }
  override toString(): string {
    return "expire the operator's tokens";
  }
}

class TwoAtOnce extends Step {
  possible({ lost }: Readonly<Model>): boolean {
    return lost === undefined;
  }
  async act(model: Model, world: World): Promise<void> {
    const to = other(model.serving);
    await world.laptop.served.real?.databases.settled();
    const typed = ["failover", STACK, "--to", regionOf(world, to).location, "--yes", "--incident"];
    const [one, two] = [`INC-${++model.incidents}`, `INC-${++model.incidents}`];
    const ran = await Promise.all([
      world.laptop.operations([...typed, one]),
      world.laptop.operations([...typed, two, "--journal", path.join(world.laptop.folder, `other-${two}`)]),
    ]);
    const codes = ran.map(({ code }) => code);
    holds(codes.includes(0), `of two operators none came through: ${codes.join(", ")}`);
    holds(
      codes.every((code) => code === 0 || code === 4),
      `two operators at once: ${codes.join(", ")}`,
    );
    // One after the other both may have done it; the second found it so.
    model.serving = to;
  }
  override toString(): string {
    return "two operators fail over at once";
  }
}

const STEPS = ["quiesce", "catch-up", "promote", "fence", "workloads", "edge", "backup"];

/** Sequences of operations and faults. */
export const sequences = (longest: number) =>
  fc.commands<Model, World>(
    [
      fc
        .tuple(fc.option(fc.constantFrom(...STEPS), { nil: undefined }), fc.boolean())
        .map(([killed, forced]) => new Failover(killed, forced)),
      fc.constantFrom<"serving" | "standby">("serving", "standby").map((which) => new Lose(which)),
      fc.constant(new BringBack()),
      fc.constantFrom("database-api-password", "session-secret").map((secret) => new Rotate(secret)),
      fc.constant(new KillPods()),
      fc.constant(new ExpireTokens()),
      fc.constant(new TwoAtOnce()),
    ] as never,
    { maxCommands: longest },
  );

/** Runs one sequence on a platform of its own. @throws Broken */
export async function play(commands: Iterable<unknown>, say: (line: string) => void): Promise<void> {
  const laptop = await Laptop.open(STACK);
  try {
    const customer = laptop.customer();
    await customer.places(5);
    const world: World = { laptop, customer, given: new Set(), say };
    const model: Model = { serving: 0, lost: undefined, incidents: 0 };
    await fc.asyncModelRun(() => ({ model, real: world }), commands as never);
  } finally {
    await laptop.close();
  }
}
