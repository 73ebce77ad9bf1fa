import { loginName } from "../../../../infra/data/databaseLogins";
import { ORDERS } from "../application";
import { commit, holds, other, regionOf, STACK, type Model, type World } from "./model";
import { finding } from "./told";
import { Step } from "./operations";
import type { DieAt } from "../kill";

/** What was done is merged where it was not yet, and an update runs by the file that says so. */
export class Update extends Step {
  possible({ lost }: Readonly<Model>): boolean {
    return lost === undefined;
  }
  async act(model: Model, world: World): Promise<void> {
    const { laptop } = world;
    const update = () =>
      laptop.command("apps/rehearsal/laptop/chaos/pipeline.ts", [STACK, `r${++model.incidents}`], {
        principal: "deploy",
      });
    if (world.uncommitted) {
      const early = await update();
      const named = regionOf(world, model.serving).role === "serving";
      holds(
        named || (early.code === 1 && /^FOUND .*: commit who serves, or fail over$/m.test(early.printed)),
        `an update that would undo who serves ended with ${early.code ?? "a signal"}: ${early.printed.trim()}`,
      );
    }
    await commit(world);
    const ran = await update();
    holds(
      ran.code === 0,
      `an update ended with ${ran.code ?? "a signal"}: ${ran.printed.trim()} ${ran.said.trim()}`,
    );
  }
  override toString(): string {
    return "what was done is merged, and an update runs";
  }
}

export const DRIFTS = ["login", "parameter"] as const;

/** Somebody changes something by hand: what endangers is told by `status` until it is put right, what does not stays. */
export class Drift extends Step {
  constructor(private readonly what: (typeof DRIFTS)[number]) {
    super();
  }
  possible({ lost }: Readonly<Model>): boolean {
    return lost === undefined;
  }
  async act(model: Model, world: World): Promise<void> {
    const { laptop } = world;
    await laptop.served.real?.databases.settled();
    if (this.what === "parameter") {
      // Of the database, and so wherever it goes; nobody declared it.
      await laptop.sql(
        `ALTER DATABASE ${laptop.platform.database} SET work_mem = '${4096 + ++model.incidents}kB'`,
      );
      return;
    }
    await commit(world);
    const left = regionOf(world, other(model.serving));
    const login = loginName("api", left);
    await laptop.sql(`ALTER ROLE ${login} LOGIN`);
    const { text: told } = await finding(world, "fences");
    holds(
      told.includes(`roles of ${left.location} may log in, and it does not serve`),
      `${login} may log in by somebody's hand, and status says: ${told}`,
    );
    await laptop.sql(`ALTER ROLE ${login} NOLOGIN`);
  }
  override toString(): string {
    return `a ${this.what} is changed by hand`;
  }
}

/** Adoptions of one platform: each leaves two servers running, as it is meant to. */
const MOST_ADOPTIONS = 2;

/** What there was at a moment serves on a new pair of servers; what was ordered since is given up, and told. */
export class Adopt extends Step {
  constructor(private readonly dieAt?: DieAt) {
    super();
  }
  possible({ lost, adoptions }: Readonly<Model>): boolean {
    return lost === undefined && adoptions < MOST_ADOPTIONS;
  }
  async act(model: Model, world: World): Promise<void> {
    const { laptop, customer, given } = world;
    model.adoptions += 1;
    await laptop.served.real?.databases.settled();
    await commit(world);
    const [row] = await laptop.sql<{ now: Date }>("SELECT clock_timestamp() AS now");
    const at = row?.now ?? new Date(NaN);
    await customer.places(3);
    const args = ["pitr", STACK, "--at", at.toISOString(), "--adopt"];
    const { document } = await this.type(model, world, args, { dieAt: this.dieAt });
    for (const id of await laptop.missing(customer))
      if ((customer.confirmed.get(id) ?? 0) >= at.getTime()) given.add(id);
    const left = regionOf(world, model.serving);
    const open = await laptop
      .database()
      .query<{ role: string }>(
        left.serverHost,
        "SELECT rolname AS role FROM pg_roles WHERE rolcanlogin AND rolname ~ '_(weu|neu)$'",
      );
    holds(
      open.length === 0,
      `${open.map(({ role }) => role).join(", ")} may log in to ${left.server}, which was left`,
    );
    world.uncommitted = document;
    await commit(world);
    const [pair] = await laptop.sql<{ count: number }>(`SELECT count(*)::int AS count FROM ${ORDERS}`);
    holds((pair?.count ?? 0) > 0, "the adopted server has no orders");
  }
  override toString(): string {
    return `a restored server is adopted${this.dieAt ? `, killed at ${this.dieAt}` : ""}`;
  }
}
