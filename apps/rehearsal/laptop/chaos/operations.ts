import path from "node:path";
import type fc from "fast-check";
import { ORDERS } from "../application";
import type { Ran } from "..";
import type { DieAt } from "../kill";
import { invariants } from "./invariants";
import { holds, other, regionOf, STACK, type Model, type World } from "./model";
import { stopwatch } from "../../../../packages/programs/waiting";

/** One thing that happens, with every invariant asked after it. */
export abstract class Step implements fc.AsyncCommand<Model, World> {
  check(model: Readonly<Model>): boolean {
    return this.possible(model);
  }

  async run(model: Model, world: World): Promise<void> {
    const seconds = stopwatch();
    const elapsed = () => `${seconds().toFixed(1).padStart(6)} s`;
    world.began(this.toString());
    await this.act(model, world);
    world.say(`${elapsed()} ${this.toString()}`);
    await invariants(model, world);
  }

  abstract possible(model: Readonly<Model>): boolean;
  abstract act(model: Model, world: World): Promise<void>;
  abstract toString(): string;

  /** Types a verb; one that is killed is typed again, and ends well. */
  protected async type(
    model: Model,
    { laptop }: World,
    args: readonly string[],
    { dieAt, more = [] }: { dieAt?: DieAt | undefined; more?: readonly string[] } = {},
  ): Promise<Ran> {
    const typed = [...args, "--yes", "--incident", `INC-${++model.incidents}`, ...more];
    const first = await laptop.operations(typed, { ...(dieAt && { dieAt }) });
    // A step that is not in its plan, or not reached, kills nothing; what is not on record must not have happened.
    const cut = first.code === undefined || FULL.test(first.said);
    const ran = cut ? await laptop.operations(typed) : first;
    holds(
      ran.code === 0,
      `${args.join(" ")} ended with ${ran.code ?? "a signal"}: ${ran.said.trim().split("\n").at(-1) ?? ""}`,
    );
    return ran;
  }
}

/** What a verb ends with whose journal found the disk full. */
const FULL = /^error: the journal \S+ cannot be written: ENOSPC/m;

export const killed = (dieAt: DieAt | undefined): string => (dieAt ? `, killed at ${dieAt}` : "");
const bothStand = ({ lost }: Readonly<Model>): boolean => lost === undefined;

export class Failover extends Step {
  constructor(
    private readonly forced: boolean,
    private readonly dieAt?: DieAt,
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
    const { document } = await this.type(model, world, args, { dieAt: this.dieAt });
    model.serving = to;
    world.uncommitted = document;
    if (!forced) return;
    // What was confirmed before the loss that was printed must be there; only the rest was given up.
    const { decidedAt = "", measured } = document as {
      decidedAt?: string;
      measured?: { rpoSeconds: number };
    };
    const told = Date.parse(decidedAt) - ((measured?.rpoSeconds ?? 0) + 1) * 1000;
    for (const id of await laptop.missing(customer))
      if ((customer.confirmed.get(id) ?? 0) >= told) given.add(id);
  }
  override toString(): string {
    return `failover${this.forced ? " forced" : ""}${killed(this.dieAt)}`;
  }
}

export class Rotate extends Step {
  constructor(
    private readonly secret: string,
    private readonly dieAt?: DieAt,
  ) {
    super();
  }
  possible = bothStand;
  async act(model: Model, world: World): Promise<void> {
    await this.type(model, world, ["rotate", STACK, this.secret], { dieAt: this.dieAt });
  }
  override toString(): string {
    return `rotate ${this.secret}${killed(this.dieAt)}`;
  }
}

/** A switch goes on, and off again: both ways may be killed. */
export class Maintenance extends Step {
  constructor(
    private readonly on?: DieAt,
    private readonly off?: DieAt,
  ) {
    super();
  }
  possible(): boolean {
    return true;
  }
  async act(model: Model, world: World): Promise<void> {
    await this.type(model, world, ["maintenance", STACK, "on"], { dieAt: this.on });
    await this.type(model, world, ["maintenance", STACK, "off"], { dieAt: this.off });
  }
  override toString(): string {
    return `maintenance on${killed(this.on)}; off${killed(this.off)}`;
  }
}

export class Contain extends Step {
  constructor(
    private readonly shut?: DieAt,
    private readonly open?: DieAt,
  ) {
    super();
  }
  possible = bothStand;
  async act(model: Model, world: World): Promise<void> {
    await this.type(model, world, ["contain", STACK], { dieAt: this.shut });
    // While it is contained no other verb lets anybody in.
    const on = await world.laptop.operations(["maintenance", STACK, "on", "--yes", "--incident", "INC-shut"]);
    holds(on.code === 2, `maintenance while contained ended with ${on.code ?? "a signal"}`);
    await this.type(model, world, ["reopen", STACK, "--keep-secrets"], { dieAt: this.open });
  }
  override toString(): string {
    return `contain${killed(this.shut)}; reopen${killed(this.open)}`;
  }
}

/** Rows are deleted by mistake, and come back from the moment before. */
export class BringRowsBack extends Step {
  constructor(private readonly dieAt?: DieAt) {
    super();
  }
  possible = bothStand;
  async act(model: Model, world: World): Promise<void> {
    const { laptop, customer } = world;
    await laptop.served.real?.databases.settled();
    const [row] = await laptop.sql<{ now: Date }>("SELECT clock_timestamp() AS now");
    await customer.places(3);
    await laptop.sql(`DELETE FROM ${ORDERS} WHERE id IN (SELECT id FROM ${ORDERS} ORDER BY id LIMIT 3)`);
    const at = row?.now.toISOString() ?? "";
    const args = ["pitr", STACK, "--at", at, "--extract", `public.${ORDERS}`];
    await this.type(model, world, args, { dieAt: this.dieAt });
    await this.type(model, world, ["pitr", STACK, "--drop"]);
  }
  override toString(): string {
    return `rows are deleted and brought back${killed(this.dieAt)}`;
  }
}

export class Announce extends Step {
  constructor(private readonly dieAt?: DieAt) {
    super();
  }
  possible(): boolean {
    return true;
  }
  async act(model: Model, world: World): Promise<void> {
    const args = ["announce", STACK, "--phase", "monitoring", "--service", "API Health"];
    await this.type(model, world, args, { dieAt: this.dieAt });
  }
  override toString(): string {
    return `announce${killed(this.dieAt)}`;
  }
}

export class TwoAtOnce extends Step {
  possible = bothStand;
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
    world.uncommitted = ran.find(({ code }) => code === 0)?.document;
  }
  override toString(): string {
    return "two operators fail over at once";
  }
}
