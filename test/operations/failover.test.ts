import fs from "node:fs";
import path from "node:path";
import { failover } from "../../apps/operations/failover";
import type { FailoverChoice } from "../../apps/operations/failover/assess";
import { readJournal } from "../../apps/operations/frame/journal";
import { operate, type FrameOptions, type Surroundings } from "../../apps/operations/frame/operate";
import type { Ground } from "../../apps/operations/ground/types";
import { Laptop, NORTH, WEST } from "./laptop";

let laptop: Laptop;
let said: string[];
const signal = () => new AbortController().signal;

beforeAll(async () => {
  laptop = await Laptop.open();
  await laptop.writes(5);
}, 180_000);
afterAll(() => laptop.close());
beforeEach(() => {
  said = [];
});

function around(more: Partial<Surroundings> = {}): Surroundings {
  return {
    now: () => new Date(),
    signal: signal(),
    say: (line) => said.push(line),
    folder: laptop.folder,
    ...more,
  };
}

function run(
  choice: FailoverChoice,
  options: FrameOptions = {},
  more: Partial<Surroundings> = {},
  ground: Ground = laptop.ground,
): Promise<any> {
  return operate(failover(laptop.platform, ground, choice), options, around(more));
}

const roles = async () =>
  Object.fromEntries(
    (
      await laptop.sql("SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname LIKE 'api\\_%' ORDER BY 1")
    ).map((row) => [row.rolname, row.rolcanlogin]),
  );
const go = (incident: string): FrameOptions => ({ yes: true, incident });

describe("refused, with nothing changed", () => {
  const cases: [string, FailoverChoice, FrameOptions, RegExp][] = [
    [
      "a region that is none",
      { to: "mars" },
      go("INC-1"),
      /--to mars: no region of shop; allowed: westeurope, northeurope/,
    ],
    ["consent without a name", { to: NORTH.location }, { yes: true }, /--yes needs --incident/],
    ["nobody there to type", { to: NORTH.location }, {}, /nobody is here to type northeurope/],
    ["an incident that is no name", { to: NORTH.location }, go("../x"), /--incident \.\.\/x/],
  ];
  test.each(cases)("%s", async (_name, choice, options, message) => {
    await expect(run(choice, options)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(message),
    });
    expect(laptop.servers.server(NORTH.server).isReplica).toBe(true);
  });

  test("the wrong name typed", async () => {
    await expect(
      run({ to: NORTH.location }, {}, { ask: () => Promise.resolve("westeurope") }),
    ).rejects.toThrow(/"westeurope" is not northeurope; nothing was done/);
  });

  test("another run alive; a killed one's lease is taken", async () => {
    const lease = path.join(laptop.folder, "operations-shop.lease");
    fs.writeFileSync(lease, `${process.pid}\n`);
    await expect(run({ to: NORTH.location }, go("INC-2"))).rejects.toMatchObject({ exitCode: 4 });
    fs.writeFileSync(lease, "4194304999\n");
    await expect(run({ to: "mars" }, go("INC-2"))).rejects.toMatchObject({ exitCode: 2 });
    expect(fs.existsSync(lease)).toBe(false);
  });

  test("a database whose regions have no roles of their own", async () => {
    const { platform, ground } = laptop;
    const [west, north] = platform.regions as [typeof WEST, typeof NORTH];
    const other = { ...platform, regions: [{ ...west, code: "xyz" }, north] };
    await expect(
      operate(failover(other, ground, { to: NORTH.location }), go("INC-3"), around()),
    ).rejects.toThrow(/no login role of westeurope \(…_xyz\)/);
  });

  test("a server that is nobody's replica", async () => {
    const ground = {
      ...laptop.ground,
      servers: {
        ...laptop.ground.servers,
        get: () => Promise.resolve({ role: "None" as const, state: "Ready" }),
      },
    };
    await expect(run({ to: NORTH.location }, go("INC-4"), {}, ground)).rejects.toThrow(/is no replica/);
  });
});

describe("refused while the target's cluster could not serve", () => {
  const cluster = (change: (marks: any[]) => any[], cronJobs = [{ name: "recovery-daily" }]): Ground => ({
    ...laptop.ground,
    cluster: (name) => ({
      ...laptop.ground.cluster(name),
      deployments: async (namespace) => change(await laptop.ground.cluster(name).deployments(namespace)),
      cronJobs: () => Promise.resolve(cronJobs as never),
    }),
  });
  const without =
    (...names: string[]) =>
    (all: any[]) =>
      all.map((one) => ({
        ...one,
        annotations: Object.fromEntries(
          Object.entries(one.annotations).filter(([name]) => !names.includes(name)),
        ),
      }));
  test.each([
    ["no deployment", () => cluster(() => []), /aks-shop-neu has no deployment in shop/],
    [
      "pods not told",
      () => cluster(without("forma3d.com/serving-replicas")),
      /does not say with how many pods/,
    ],
    ["no mark", () => cluster(without("forma3d.com/region-role")), /nothing would start it/],
    ["no backup job", () => cluster((all) => all, []), /no CronJob recovery-daily/],
  ])("%s", async (_name, ground, message) => {
    await expect(run({ to: NORTH.location }, go("INC-5"), {}, ground())).rejects.toThrow(message);
  });

  test("a cluster that does not answer, and a database that does not", async () => {
    const silent = {
      ...laptop.ground,
      cluster: () => ({
        ...laptop.ground.cluster(NORTH.cluster),
        deployments: () => Promise.reject(new Error("no route")),
      }),
    };
    await expect(run({ to: NORTH.location }, go("INC-6"), {}, silent)).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/aks-shop-neu cannot be asked: no route/),
    });
    const database = { ...laptop.ground.database, query: () => Promise.reject(new Error("refused")) };
    const down = { ...laptop.ground, database };
    await expect(run({ to: NORTH.location }, go("INC-6"), {}, down)).rejects.toMatchObject({ exitCode: 3 });
  });
});

test("a dry run tells every step with its bound and what undoes it, and touches nothing", async () => {
  const plan = await run({ to: NORTH.location }, { dryRun: true });
  expect(plan).toMatchObject({ mode: "planned", dryRun: true, lossSeconds: 0, promoted: false });
  expect(plan.steps.map(({ id }: { id: string }) => id)).toEqual([
    "quiesce",
    "catch-up",
    "promote",
    "fence",
    "workloads",
    "edge",
    "partners",
    "backup",
  ]);
  expect(said.join("\n")).toMatch(/promote: .*at most 600 s; undone by: failover --to westeurope/s);
  expect(fs.readdirSync(laptop.folder).filter((file) => file.endsWith(".jsonl"))).toEqual([]);
});

test("a planned switch, typed by a person: the other region serves, nothing confirmed is lost, the old one is fenced", async () => {
  await laptop.writes(5);
  const report = await run({ to: NORTH.location }, {}, { ask: () => Promise.resolve(NORTH.location) });
  expect(report).toMatchObject({ mode: "planned", measured: { rpoSeconds: 0, rpoMet: true, rtoMet: true } });
  expect(report.measured.rtoSeconds).toBeLessThan(60);
  await laptop.writes(5);
  expect(await laptop.missing()).toEqual([]);
  expect(await roles()).toEqual({ api_neu: true, api_weu: false });
  expect(laptop.servers.virtualEndpoint("shop-db").primary.name).toBe(NORTH.server);
  expect(said.join("\n")).toMatch(
    /record shop 'regions.primary.role=standby' 'regions.secondary.role=serving'/,
  );
  const entries = readJournal(report.journal);
  expect(entries.at(0)).toMatchObject({ event: "run", verb: "failover" });
  expect(entries.at(-1)).toMatchObject({ event: "finished" });
  expect(fs.readFileSync(report.report, "utf8")).toMatch(/Recovery time/);
}, 180_000);

test("typed again when all is so already, it finds that and changes nothing", async () => {
  const report = await run({ to: NORTH.location }, go("INC-again"));
  expect(report.steps.slice(0, 4).map(({ how }: { how: string }) => how)).toEqual([
    "found",
    "found",
    "found",
    "found",
  ]);
}, 180_000);

describe("killed at any step and typed again", () => {
  class Killed extends Error {}

  /** A ground that dies with its user at one call that changes something: before it, or after it took effect. */
  function dying(at: string, when: "before" | "after", user: AbortController): Ground {
    let dead = false;
    const die = () => {
      dead = true;
      user.abort(new Killed(at));
    };
    const alive =
      <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) =>
      async (...args: A) => {
        if (dead) throw new Killed(name);
        const hit =
          name === at ||
          (at === "fence" && name === "query" && String(args[1]).startsWith("BEGIN READ WRITE"));
        if (hit && when === "before") die();
        if (dead) throw new Killed(name);
        const result = await call(...args);
        if (hit) die();
        if (dead) throw new Killed(name);
        return result;
      };
    const { database, servers, cluster, edge } = laptop.ground;
    return {
      ...laptop.ground,
      database: { ...database, query: alive("query", database.query) as typeof database.query },
      servers: { ...servers, get: alive("get", servers.get), promote: alive("promote", servers.promote) },
      edge: alive("edge", edge),
      cluster: (name) => {
        const real = cluster(name);
        const calls = Object.entries(real).map(([key, call]) => [key, alive(key, call as never)]);
        return Object.fromEntries(calls) as typeof real;
      },
    };
  }

  const points = ["setDeployment", "setCronJob", "promote", "fence", "edge", "runCronJob"];
  const cases = points.flatMap((at, index): [string, "before" | "after", string][] => [
    [at, index % 2 === 0 ? "before" : "after", index % 2 === 0 ? WEST.location : NORTH.location],
  ]);
  test.each(cases)(
    "%s, %s it took effect (to %s)",
    async (at, when, to) => {
      await laptop.servers.settled();
      const incident = `INC-kill-${at}`;
      const user = new AbortController();
      const dead = run({ to }, go(incident), { signal: user.signal }, dying(at, when, user));
      await expect(dead).rejects.toBeInstanceOf(Killed);
      const report = await run({ to }, go(incident));
      expect(report.measured).toMatchObject({ rpoSeconds: 0 });
      await laptop.writes(3);
      expect(await laptop.missing()).toEqual([]);
      const code = to === WEST.location ? "weu" : "neu";
      expect(await roles()).toEqual({ api_weu: code === "weu", api_neu: code === "neu" });
      expect(readJournal(report.journal).filter(({ event }) => event === "run")).toHaveLength(2);
    },
    180_000,
  );
});

/** Which region each account says serves. */
const partners = () =>
  Object.fromEntries([...laptop.servingRecords].map(([place, { serving }]) => [place, serving]));

describe("the region that serves is lost while its pods write", () => {
  test("planned is refused; loss beyond the objective needs consent; forced serves within a minute and says what is lost", async () => {
    await laptop.servers.settled();
    await laptop.writes(5);
    laptop.servers.server(NORTH.server).wire.reach = "refusing";
    // The first of these may have been on their way to the replica when its stream was cut.
    await laptop.writes(25);
    await laptop.lose(NORTH);
    const lostSaid = partners()["northeurope"];
    await expect(run({ to: WEST.location, mode: "planned" }, go("INC-lost"))).rejects.toThrow(
      /--planned: psql-shop-neu does not answer/,
    );
    const strict = { ...laptop.platform, targets: { rpoSeconds: 0, rtoSeconds: 60 } };
    const why = await operate(
      failover(strict, laptop.ground, { to: WEST.location }),
      go("INC-lost"),
      around(),
    ).catch((error: Error) => error.message);
    expect(why).toMatch(
      /transactions would be lost, more than the objective of 0 s; --accept-loss \d+ goes on/,
    );
    // What it says to type still goes on when that is typed: the loss grows while somebody reads.
    const acceptLoss = Number(/--accept-loss (\d+)/.exec(why as string)?.[1]);
    const later = { ...laptop.ground, now: () => new Date(Date.now() + 540_000) };
    const dry = { ...go("INC-lost"), dryRun: true };
    await operate(failover(strict, later, { to: WEST.location, acceptLoss }), dry, around());
    const since = new Date(Date.now() - 1000);
    const report = await operate(
      failover(strict, laptop.ground, { to: WEST.location, acceptLoss: 60 }),
      { ...go("INC-lost"), since },
      around(),
    );
    expect(report).toMatchObject({ mode: "forced", measured: { rtoFrom: "alert", rtoMet: true } });
    await laptop.writes(5);
    expect(await roles()).toEqual({ api_neu: false, api_weu: true });
    // Most of the accounts say so, that of the lost region excepted: cut off rather than gone, it calls no partner for long.
    expect(partners()).toEqual({
      westeurope: "westeurope",
      northeurope: lostSaid,
      swedencentral: "westeurope",
    });
    const { lastTransaction } = readJournal(path.join(laptop.folder, "INC-lost.jsonl"))[0]?.data as any;
    const lost = await laptop.missing();
    expect(lost.length).toBeGreaterThanOrEqual(5);
    // What the replica lacked, and nothing from before the moment that was printed.
    expect(lost.filter((id) => laptop.confirmedAt.get(id)! < Date.parse(lastTransaction))).toEqual([]);
  }, 180_000);

  test("back again it cannot write, and one command fails back without losing a transaction", async () => {
    await laptop.bringBack(NORTH);
    const lost = await laptop.missing();
    await laptop.writes(5);
    expect(await roles()).toEqual({ api_neu: false, api_weu: true });
    const report = await run({ to: NORTH.location }, go("INC-back"));
    expect(report).toMatchObject({ mode: "planned", measured: { rpoSeconds: 0 } });
    expect(new Set(Object.values(partners()))).toEqual(new Set([NORTH.location]));
    await laptop.writes(5);
    expect(await laptop.missing()).toEqual(lost);
  }, 180_000);
});

test("--wait-for-silence ends once the region that is left can have called no partner any more, and not before", async () => {
  const choice = { to: NORTH.location, waitForSilence: true };
  const user = new AbortController();
  const say = (line: string) => {
    if (/silence: westeurope is silent by /.test(line)) user.abort(new Error("nobody waits that long here"));
  };
  await expect(run(choice, go("INC-silence"), { signal: user.signal, say })).rejects.toThrow(/nobody waits/);
  const [{ since }] = [...laptop.servingRecords.values()].sort((one, other) => other.term - one.term) as [
    any,
  ];
  // Ten minutes of grace, a look that was just before, and one call (15 s here).
  const at = (seconds: number) => ({
    ...laptop.ground,
    now: () => new Date(Date.parse(since) + seconds * 1000),
  });
  const { steps } = await run(choice, go("INC-silence"), {}, at(615));
  expect(steps.find(({ id }: { id: string }) => id === "silence").how).toBe("found");
  const early = new AbortController();
  const stop = (line: string) => void (/is silent by/.test(line) && early.abort(new Error("not yet")));
  await expect(run(choice, go("INC-silence"), { signal: early.signal, say: stop }, at(614))).rejects.toThrow(
    /not yet/,
  );
}, 180_000);

test("a journal that somebody changed is refused, with the line", async () => {
  const file = path.join(laptop.folder, "INC-back.jsonl");
  const text = fs.readFileSync(file, "utf8");
  fs.writeFileSync(file, text.replace('"planned"', '"forced"'));
  await expect(run({ to: NORTH.location }, go("INC-back"))).rejects.toThrow(
    /line 2: does not follow the line before/,
  );
  fs.writeFileSync(file, `${text}{"torn`);
  await run({ to: NORTH.location }, go("INC-back"));
  expect(() => readJournal(file)).not.toThrow();
}, 180_000);
