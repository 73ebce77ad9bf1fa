import type { Ground } from "../../apps/operations/ground/types";
import { UNITS } from "../../apps/operations/rotate/units";
import { killed } from "./killed";
import { Laptop, NORTH, WEST } from "./laptop";
import { go, Typing } from "./typing";

// What `verbs.test.ts` types once is typed here while it dies, and within a containment.
let laptop: Laptop;
let typing: Typing;

beforeAll(async () => {
  laptop = await Laptop.open();
  await laptop.writes(3);
}, 180_000);
afterAll(() => laptop.close());
beforeEach(() => {
  typing = new Typing(laptop);
});

describe("contain and reopen", () => {
  test("killed at every step, and typed again", async () => {
    await typing.killedEverywhere(typing.contain, "INC-killed-contain");
    expect((await typing.finding("fences")).text).toMatch(/contained/);
    await typing.killedEverywhere(typing.reopen, "INC-killed-reopen");
    expect((await typing.finding("switches")).state).toBe("ok");
    await laptop.writes(3);
  }, 180_000);

  test("reopening while a step of the containment is undone is refused, with the step", async () => {
    await expect(typing.run(killed(typing.contain(), 2, "before"), go("INC-half"))).rejects.toThrow(/killed/);
    await expect(typing.run(typing.reopen(), go("INC-back"))).rejects.toThrow(
      /the containment was not finished \(logins: .* may not log in; entry: .*\): type contain shop again first/,
    );
    await typing.run(typing.contain(), go("INC-half"));
    await typing.run(typing.reopen(), go("INC-back"));
    await expect(typing.run(typing.reopen(), go("INC-nothing"))).resolves.toMatchObject({ stack: "shop" });
    await laptop.writes(3);
  }, 180_000);

  test("all rotates while contained, partners' keys too: no value of before is in a vault, and reopening needs no exception", async () => {
    const before = await typing.inVault("database-api-password");
    const units = UNITS.flatMap(({ entries }) => entries.map(({ name }) => name));
    const values = async () =>
      (
        await Promise.all(
          [WEST, NORTH].flatMap((region) => units.map((name) => typing.inVault(name, region))),
        )
      ).filter((value) => value !== undefined);
    const old = new Set(await values());
    await typing.run(typing.contain(), go("INC-shut"));
    // While it is contained nobody can try a partner's key.
    const handedIn = {
      supply: { untested: true, value: (name: string) => Promise.resolve(`${name}, anew`) },
      offered: () => true,
    };
    await typing.run(typing.rotating("all", handedIn), go("INC-inside"));
    expect((await values()).filter((value) => old.has(value))).toEqual([]);
    const now = (await typing.inVault("database-api-password")) ?? "";
    expect(now).not.toBe(before);
    await typing.run(typing.reopen(false), go("INC-open"));
    await laptop.writes(3);
    expect(await typing.signsIn("api_weu", now)).toBe(true);
    expect(await typing.signsIn("api_weu", before ?? "")).toMatch(/password authentication failed/);
  }, 180_000);
});

test("rotate, killed at each of its calls that change something, and typed again", async () => {
  const before = await typing.inVault("database-api-password");
  let calls = 0;
  for (let at = 1; ; at++) {
    calls = 0;
    const user = new AbortController();
    const die = () => {
      if (++calls === at) user.abort(new Error("killed"));
      user.signal.throwIfAborted();
    };
    const { database, vaults, cluster } = laptop.ground;
    const dying: Ground = {
      ...laptop.ground,
      database: {
        ...database,
        async query<T extends object>(host: string, sql: string, values?: unknown[]) {
          const rows = await database.query<T>(host, sql, values);
          if (sql.startsWith("BEGIN")) die();
          return rows;
        },
      },
      vaults: {
        ...vaults,
        async write(vault, secret, version) {
          await vaults.write(vault, secret, version);
          die();
        },
      },
      cluster: (name) => ({
        ...cluster(name),
        async restart(namespace, deployment, marks) {
          await cluster(name).restart(namespace, deployment, marks);
          die();
        },
      }),
    };
    const dead = typing.run(typing.rotating(["database-api"], {}, dying), go("INC-die"), {
      signal: user.signal,
    });
    if (
      await dead.then(
        () => true,
        (error: Error) => (expect(error.message).toMatch(/killed/), false),
      )
    )
      break;
  }
  // Two vaults with three values each, two roles, one deployment.
  expect(calls).toBeLessThanOrEqual(9);
  const now = (await typing.inVault("database-api-password")) ?? "";
  expect(now).not.toBe(before);
  expect(await typing.signsIn("api_weu", now)).toBe(true);
  expect(await typing.signsIn("api_weu", before ?? "")).toMatch(/password authentication failed/);
  await laptop.writes(3);
}, 180_000);
