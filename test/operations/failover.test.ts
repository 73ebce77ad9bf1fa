import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { failover } from "../../apps/operations/failover";
import type { FailoverChoice } from "../../apps/operations/failover/assess";
import { readJournal } from "../../apps/operations/frame/journal";
import { operate, type FrameOptions, type Surroundings } from "../../apps/operations/frame/operate";
import type { Step } from "../../apps/operations/frame/steps";
import type { Ground } from "../../apps/operations/ground/types";
import type { Platform, RegionFacts } from "../../apps/operations/platform";
import { readinessChecks } from "../../apps/operations/readiness/checks";
import { fences, replication, serving } from "../../apps/operations/status/database";
import { lookUp, type LookUp } from "../../apps/operations/status/findings";
import { soon } from "../../apps/operations/status/soon";
import { contain } from "../../apps/operations/switches/contain";
import type { ServingRecord } from "../../apps/recovery/serving/record";
import { mayLogIn, POINTS, regionsOf, SHORT, testKilled } from "./killedFailover";
import { Laptop } from "./laptop";
import { go } from "./typing";

let laptop: Laptop;
let said: string[];
/** The region that serves as a test begins, and the other one: each test stands by itself, whichever that is. */
let from: RegionFacts;
let to: RegionFacts;
const signal = () => new AbortController().signal;

beforeAll(async () => {
  laptop = await Laptop.open();
  await laptop.writes(5);
}, 180_000);
afterAll(() => laptop.close());
beforeEach(async () => {
  said = [];
  await laptop.servers.settled();
  [from, to] = regionsOf(laptop);
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

/** How the ground is some seconds later, by the database's clock. */
const later = (seconds: number): Ground => {
  const { database } = laptop.ground;
  const clock = async (host: string) => new Date((await database.clock(host)).getTime() + seconds * 1000);
  return { ...laptop.ground, database: { ...database, clock } };
};

/** The ground, whose servers of some hosts answer otherwise. */
const where = (hosts: readonly string[], answer: () => Promise<never>): Ground => {
  const { database } = laptop.ground;
  const query = (host: string, ...rest: [string]) =>
    hosts.includes(host) ? answer() : database.query(host, ...rest);
  return { ...laptop.ground, database: { ...database, query: query as typeof database.query } };
};
const noRoute = () => Promise.reject(new Error("no route"));
const found = async (look: LookUp) => (await lookUp({ one: look }))[0];

describe("what is told of the servers", () => {
  test("who serves is asked of them: a failover nobody has committed contradicts no fence, and what stands by is the other one", async () => {
    for (const declared of [from, to]) {
      const regions = laptop.platform.regions.map((region) => ({
        ...region,
        role: region.location === declared.location ? ("serving" as const) : ("standby" as const),
      }));
      const platform: Platform = { ...laptop.platform, regions };
      const fence = await found(fences(platform, laptop.ground));
      expect(fence).toMatchObject({ state: "ok" });
      expect(fence?.text.split(", ").sort()).toEqual(
        [`${from.location}: open`, `${to.location}: fenced`].sort(),
      );
      const { standby } = readinessChecks(platform, laptop.ground);
      expect(await found(standby!.look)).toMatchObject({
        state: "ok",
        text: expect.stringMatching(`^${to.cluster}: `),
      });
    }
    await laptop.sql(`ALTER ROLE api_${to.code} LOGIN`);
    const opened = await found(fences(laptop.platform, laptop.ground));
    await laptop.sql(`ALTER ROLE api_${to.code} NOLOGIN`);
    expect(opened).toMatchObject({
      state: "attention",
      text: expect.stringMatching(`; roles of ${to.location} may log in, and it does not serve$`),
    });
  });

  test("what would be lost is said by the servers elsewhere: not by one that follows in another zone, and by the other one alone where the primary is gone", async () => {
    const told = (ground: Ground) => found(replication(laptop.platform, ground));
    expect(await told(laptop.ground)).toMatchObject({
      text: expect.stringMatching(`^${to.server} is \\d+ bytes behind; lost now: `),
    });
    // Something streams from the primary all the while.
    expect(await told(where([to.serverHost], noRoute))).toMatchObject({
      state: "attention",
      text: `${to.server} does not answer: no route; no server elsewhere follows the primary: what it holds and the newest backup does not would be lost`,
    });
    expect(await told(where([laptop.platform.writerHost, from.serverHost], noRoute))).toMatchObject({
      state: "attention",
      text: expect.stringMatching(
        `^no route; ${to.server} has all but what was written since its last transaction: lost now: at most \\d`,
      ),
    });
    expect(
      await told(where([laptop.platform.writerHost, from.serverHost, to.serverHost], noRoute)),
    ).toMatchObject({
      state: "unknown",
    });
  });

  test("one that swallows what it is asked is named, and hides nothing the others say", async () => {
    const ground = soon(
      where([to.serverHost], () => new Promise<never>(() => undefined)),
      0.3,
    );
    const silent = `${to.server} does not answer: ${to.serverHost}: no answer within 0.3 s`;
    const told = await lookUp({
      serving: serving(laptop.platform, ground),
      fences: fences(laptop.platform, ground),
    });
    expect(told[0]?.text).toMatch(`${from.location} (${from.server}); `);
    expect(told[0]).toMatchObject({ state: "attention", text: expect.stringMatching(`; ${silent}$`) });
    expect(told[1]).toMatchObject({ state: "ok" });
    expect(
      await found(serving(laptop.platform, soon(where([laptop.platform.writerHost], noRoute)))),
    ).toMatchObject({
      state: "unknown",
      text: expect.stringMatching(
        `^unknown: ${laptop.platform.writerHost}: no route; failover shop --to <region> --dry-run tells`,
      ),
    });
  });
});

describe("refused, with nothing changed", () => {
  afterEach(() => expect(laptop.servers.server(to.server).isReplica).toBe(true));

  const cases: [string, () => FailoverChoice, FrameOptions, RegExp][] = [
    [
      "a region that is none",
      () => ({ to: "mars" }),
      go("INC-1"),
      /--to mars: no region of shop; allowed: westeurope, northeurope/,
    ],
    ["consent without a name", () => ({ to: to.location }), { yes: true }, /--yes needs --incident/],
    ["nobody there to type", () => ({ to: to.location }), {}, /nobody is here to type (north|west)europe/],
    ["an incident that is no name", () => ({ to: to.location }), go("../x"), /--incident \.\.\/x/],
  ];
  test.each(cases)("%s", async (_name, choice, options, message) => {
    await expect(run(choice(), options)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(message),
    });
  });

  test("the wrong name typed", async () => {
    const ask = () => Promise.resolve(from.location);
    await expect(run({ to: to.location }, {}, { ask })).rejects.toThrow(
      `"${from.location}" is not ${to.location}; nothing was done`,
    );
  });

  test("another run alive; a killed one's lease is taken", async () => {
    const lease = path.join(laptop.folder, "operations-shop.lease");
    fs.writeFileSync(lease, `${process.pid}\n`);
    await expect(run({ to: to.location }, go("INC-2"))).rejects.toMatchObject({ exitCode: 4 });
    fs.writeFileSync(lease, "4194304999\n");
    await expect(run({ to: "mars" }, go("INC-2"))).rejects.toMatchObject({ exitCode: 2 });
    expect(fs.existsSync(lease)).toBe(false);
  });

  test("a database whose regions have no roles of their own", async () => {
    const { platform, ground } = laptop;
    const regions = platform.regions.map((one) =>
      one.location === from.location ? { ...one, code: "xyz" } : one,
    );
    await expect(
      operate(failover({ ...platform, regions }, ground, { to: to.location }), go("INC-3"), around()),
    ).rejects.toThrow(`no login role of ${from.location} (…_xyz)`);
  });

  test("a server that is nobody's replica", async () => {
    const ground = {
      ...laptop.ground,
      servers: {
        ...laptop.ground.servers,
        get: () => Promise.resolve({ role: "None" as const, state: "Ready" }),
      },
    };
    await expect(run({ to: to.location }, go("INC-4"), {}, ground)).rejects.toThrow(/is no replica/);
  });
});

test("what changed while somebody read the plan is told, and nothing is done: the region is back, or more would be lost", async () => {
  const reading = (meanwhile: () => Promise<void>) => ({
    ask: async () => {
      await meanwhile();
      return to.location;
    },
  });
  const { database } = laptop.ground;
  let silent = true;
  let past = 0;
  const ground: Ground = {
    ...laptop.ground,
    database: {
      ...database,
      clock: async (host) => new Date((await database.clock(host)).getTime() + past * 1000),
      query: (host, ...rest) =>
        silent && host === laptop.platform.writerHost
          ? Promise.reject(new Error("no route"))
          : database.query(host, ...rest),
    },
  };
  await laptop.writes(1);
  const back = () => Promise.resolve(void (silent = false));
  await expect(run({ to: to.location }, {}, reading(back), ground)).rejects.toMatchObject({
    exitCode: 2,
    message: `meanwhile ${from.server} answers again, and it would be planned; nothing was changed: type the same command again`,
  });
  silent = true;
  const hours = () => Promise.resolve(void (past = 7_200));
  await expect(run({ to: to.location }, {}, reading(hours), ground)).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/^up to 7\d{3} s of transactions would be lost, more than the objective/),
  });
  expect(await laptop.ground.servers.get(to.resourceGroup, to.server)).toMatchObject({
    role: "AsyncReplica",
  });
}, 180_000);

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
    ["no deployment", () => cluster(() => []), /aks-shop-\w+ has no deployment in shop/],
    [
      "pods not told",
      () => cluster(without("forma3d.com/serving-replicas")),
      /does not say with how many pods/,
    ],
    ["no mark", () => cluster(without("forma3d.com/region-role")), /nothing would start it/],
    ["no backup job", () => cluster((all) => all, []), /no CronJob recovery-daily/],
  ])("%s", async (_name, ground, message) => {
    await expect(run({ to: to.location }, go("INC-5"), {}, ground())).rejects.toThrow(message);
  });

  test("a cluster that does not answer, and a database that does not", async () => {
    const silent = {
      ...laptop.ground,
      cluster: () => ({
        ...laptop.ground.cluster(to.cluster),
        deployments: () => Promise.reject(new Error("no route")),
      }),
    };
    await expect(run({ to: to.location }, go("INC-6"), {}, silent)).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/aks-shop-\w+ cannot be asked: no route/),
    });
    const database = { ...laptop.ground.database, query: () => Promise.reject(new Error("refused")) };
    const down = { ...laptop.ground, database };
    await expect(run({ to: to.location }, go("INC-6"), {}, down)).rejects.toMatchObject({ exitCode: 3 });
  });
});

test("what is silent is asked once and all of it at the same time: a dry run waits for one answer that does not come, not for several", async () => {
  const { database } = laptop.ground;
  const silent = [laptop.platform.writerHost, from.serverHost];
  const asked: string[] = [];
  const both = new AbortController();
  const query = async (host: string, ...rest: [string]): Promise<any[]> => {
    if (!silent.includes(host)) return database.query(host, ...rest);
    asked.push(host);
    if (asked.length === silent.length) both.abort();
    // Each is told so once all are on their way, and not before.
    if (!both.signal.aborted) await once(both.signal, "abort");
    throw new Error("timeout expired");
  };
  const ground = { ...laptop.ground, database: { ...database, query: query as typeof database.query } };
  const dry = { ...go("INC-silent"), dryRun: true };
  expect(await run({ to: to.location, acceptLoss: 9_999_999 }, dry, {}, ground)).toMatchObject({
    mode: "forced",
  });
  expect(asked.sort()).toEqual(silent.sort());
});

test("a dry run tells every step with its bound and what undoes it, and touches nothing", async () => {
  const journals = () => fs.readdirSync(laptop.folder).filter((file) => file.endsWith(".jsonl"));
  const before = journals();
  const plan = await run({ to: to.location }, { dryRun: true });
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
  expect(said.join("\n")).toContain(`at most 600 s; undone by: failover --to ${from.location}`);
  expect(said.join("\n")).toMatch(/catch-up: .*\n +at most 120 s; nothing to undo\n/);
  expect(journals()).toEqual(before);
});

test("a planned switch, typed by a person: the other region serves, nothing confirmed is lost, the old one is fenced", async () => {
  const lost = await laptop.missing();
  await laptop.writes(5);
  const report = await run({ to: to.location }, {}, { ask: () => Promise.resolve(to.location) });
  expect(report).toMatchObject({ mode: "planned", measured: { rpoSeconds: 0, rpoMet: true, rtoMet: true } });
  expect(report.measured.rtoSeconds).toBeLessThan(60);
  await laptop.writes(5);
  expect(await laptop.missing()).toEqual(lost);
  expect(await mayLogIn(laptop)).toEqual([`api_${to.code}`]);
  expect(laptop.servers.virtualEndpoint("shop-db").primary.name).toBe(to.server);
  const record = said.join("\n");
  expect(record).toContain(`'regions.${from.place}.role=standby'`);
  expect(record).toContain(`'regions.${to.place}.role=serving'`);
  const entries = readJournal(report.journal);
  expect(entries.at(0)).toMatchObject({ event: "run", verb: "failover" });
  expect(entries.at(-1)).toMatchObject({ event: "finished" });
  expect(fs.readFileSync(report.report, "utf8")).toMatch(/Recovery time/);
  // Typed again it finds that, and changes nothing.
  const again = await run({ to: to.location }, go("INC-again"));
  expect(again.steps.map(({ how }: { how: string }) => how).slice(0, 4)).toEqual(Array(4).fill("found"));
}, 180_000);

test("a server that Azure is busy with is asked again until it is not", async () => {
  const { standing } = laptop.cloud.faults;
  standing.add("busy");
  const say = (line: string) => {
    said.push(line);
    if (/ promote: .* is busy with .*; once more/.test(line)) standing.delete("busy");
  };
  const report = await run({ to: to.location }, go("INC-busy"), { say }).finally(() => standing.clear());
  expect(report).toMatchObject({ to: to.location, measured: { rpoSeconds: 0 } });
  // Told once, however often it was asked.
  expect(said.filter((line) => / is busy with /.test(line))).toHaveLength(1);
}, 180_000);

test("to the region that serves: it says so, and the other one, which answers, is not told lost", async () => {
  const report = await run({ to: from.location }, go("INC-serves"));
  expect(said.slice(0, 2)).toEqual([
    `${from.server} is the primary already: what is left for ${from.location} to serve is done now`,
    `${to.server} answers: its region stands by`,
  ]);
  expect(report.roles).toContainEqual({ key: `forma3d:regions.${to.place}.role`, value: "standby" });
  const { database } = laptop.ground;
  const query = (host: string, ...rest: [string]) =>
    host === to.serverHost ? Promise.reject(new Error("no route")) : database.query(host, ...rest);
  const alone = { ...laptop.ground, database: { ...database, query: query as typeof database.query } };
  expect(await run({ to: from.location }, { dryRun: true }, {}, alone)).toMatchObject({ mode: "forced" });
}, 180_000);

test.each([-3, 3])(
  "the clock of whoever types is %i h wrong: loss and record are of the database's clock",
  async (hours) => {
    await laptop.writes(1);
    const wrong = () => new Date(Date.now() + hours * 3_600_000);
    const ground = { ...later(600), now: wrong };
    const dry = { ...go("INC-clock"), dryRun: true };
    const { lossSeconds } = await run(
      { to: to.location, mode: "forced" },
      dry,
      { now: wrong },
      {
        ...ground,
        database: {
          ...ground.database,
          // While the old primary answers and nothing lacks, nothing is lost.
          query: (host, ...rest) =>
            host === laptop.platform.writerHost
              ? Promise.reject(new Error("no route"))
              : ground.database.query(host, ...rest),
        },
      },
    );
    expect(Math.abs(lossSeconds - 600)).toBeLessThan(120);
    laptop.servingRecords.clear();
    await run({ to: from.location }, go("INC-clock"), { now: wrong }, { ...laptop.ground, now: wrong });
    const [{ since }] = [...laptop.servingRecords.values()].sort((one, other) => other.term - one.term) as [
      ServingRecord,
    ];
    expect(Math.abs(Date.parse(since) - Date.now())).toBeLessThan(600_000);
  },
  180_000,
);

testKilled(
  () => laptop,
  POINTS.filter(([at]) => SHORT.includes(at)),
);

/** Which region each account says serves. */
const partners = () =>
  Object.fromEntries([...laptop.servingRecords].map(([place, { serving }]) => [place, serving]));

test("the region that serves is lost while its pods write: what lacks is told before, and one command fails back without losing a transaction", async () => {
  await laptop.writes(5);
  laptop.servers.server(from.server).wire.reach = "refusing";
  // The first of these may have been on their way to the replica when its stream was cut.
  await laptop.writes(25);
  const before = await laptop.missing();
  await laptop.lose(from);
  const lostSaid = partners()[from.location];
  await expect(run({ to: to.location, mode: "planned" }, go("INC-lost"))).rejects.toThrow(
    `--planned: ${from.server} does not answer`,
  );
  const strict = { ...laptop.platform, targets: { rpoSeconds: 0, rtoSeconds: 60 } };
  const forced = (ground: Ground, acceptLoss?: number) =>
    failover(strict, ground, { to: to.location, acceptLoss });
  const why = await operate(forced(laptop.ground), go("INC-lost"), around()).catch(
    (error: Error) => error.message,
  );
  expect(why).toMatch(
    /transactions would be lost, more than the objective of 0 s; --accept-loss \d+ goes on/,
  );
  // What it says to type still goes on when that is typed: the loss grows while somebody reads.
  const acceptLoss = Number(/--accept-loss (\d+)/.exec(why as string)?.[1]);
  const dry = { ...go("INC-lost"), dryRun: true };
  await operate(forced(later(540), acceptLoss), dry, around());
  const since = new Date(Date.now() - 1000);
  const report = await operate(forced(laptop.ground, 60), { ...go("INC-lost"), since }, around());
  expect(report).toMatchObject({ mode: "forced", measured: { rtoFrom: "alert", rtoMet: true } });
  await laptop.writes(5);
  expect(await mayLogIn(laptop)).toEqual([`api_${to.code}`]);
  // Most of the accounts say so, that of the lost region excepted: cut off rather than gone, it calls no partner for long.
  expect(partners()).toEqual({
    [to.location]: to.location,
    [from.location]: lostSaid,
    swedencentral: to.location,
  });
  const { lastTransaction } = readJournal(path.join(laptop.folder, "INC-lost.jsonl"))[0]?.data as any;
  const lost = (await laptop.missing()).filter((id) => !before.includes(id));
  expect(lost.length).toBeGreaterThanOrEqual(5);
  // What the replica lacked, and nothing from before the moment that was printed.
  expect(lost.filter((id) => laptop.confirmedAt.get(id)! < Date.parse(lastTransaction))).toEqual([]);

  // Back again it cannot write, and one command fails back without losing a transaction.
  await laptop.bringBack(from);
  const missing = await laptop.missing();
  await laptop.writes(5);
  expect(await mayLogIn(laptop)).toEqual([`api_${to.code}`]);
  const back = await run({ to: from.location }, go("INC-back"));
  expect(back).toMatchObject({ mode: "planned", measured: { rpoSeconds: 0 } });
  expect(new Set(Object.values(partners()))).toEqual(new Set([from.location]));
  await laptop.writes(5);
  expect(await laptop.missing()).toEqual(missing);
}, 180_000);

test("--wait-for-silence ends once the region that is left can have called no partner any more, and not before", async () => {
  const choice = { to: to.location, waitForSilence: true };
  const user = new AbortController();
  const say = (line: string) => {
    if (/silence: \w+ is silent by /.test(line)) user.abort(new Error("nobody waits that long here"));
  };
  await expect(run(choice, go("INC-silence"), { signal: user.signal, say })).rejects.toThrow(/nobody waits/);
  const [{ since }] = [...laptop.servingRecords.values()].sort((one, other) => other.term - one.term) as [
    ServingRecord,
  ];
  // Ten minutes of grace, a look that was just before, and one call (15 s here).
  const at = (seconds: number): Ground => ({
    ...laptop.ground,
    database: {
      ...laptop.ground.database,
      clock: () => Promise.resolve(new Date(Date.parse(since) + seconds * 1000)),
    },
  });
  const { steps } = await run(choice, go("INC-silence"), {}, at(615));
  expect(steps.find(({ id }: { id: string }) => id === "silence").how).toBe("found");
  const early = new AbortController();
  const stop = (line: string) => void (/is silent by/.test(line) && early.abort(new Error("not yet")));
  await expect(run(choice, go("INC-silence"), { signal: early.signal, say: stop }, at(614))).rejects.toThrow(
    /not yet/,
  );
}, 180_000);

test("where the database is not heard, contain cuts off what answers and says so; a wrong password is none of that", async () => {
  const { database } = laptop.ground;
  const saying = (code: string): Ground => ({
    ...laptop.ground,
    database: { ...database, query: () => Promise.reject(Object.assign(new Error(code), { code })) },
  });
  const planned = (code: string) =>
    operate(contain(laptop.platform, saying(code), around()), { dryRun: true }, around());
  const plan = (await planned("ECONNREFUSED")) as { steps: Step[] };
  expect(plan.steps.map(({ id }) => id)).toEqual(["entry", "workers", "edge", "evidence"]);
  expect(said.join()).toMatch(/no login is shut: .* does not answer: .*; a failover keeps the containment/);
  expect(await planned("ENOTFOUND")).toMatchObject({ logins: false });
  await expect(planned("28P01")).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringMatching(/cannot be asked: 28P01/),
  });
});
