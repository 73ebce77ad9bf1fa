import { randomUUID } from "node:crypto";
import { failover } from "../../apps/operations/failover";
import { operate, type Surroundings, type Verb } from "../../apps/operations/frame/operate";
import type { Step } from "../../apps/operations/frame/steps";
import type { RegionFacts } from "../../apps/operations/platform";
import { customRole, roleOf, type VerbName } from "../../apps/operations/rights";
import { rotate } from "../../apps/operations/rotate";
import { contain } from "../../apps/operations/switches/contain";
import { maintenance } from "../../apps/operations/switches/maintenance";
import { reopen } from "../../apps/operations/switches/reopen";
import { killed } from "./killed";
import { mayLogIn, regionsOf } from "./killedFailover";
import { Laptop } from "./laptop";
import { WITNESS } from "./laptop/regions";
import { go } from "./typing";

/*
 * A containment, and the region that serves has to change meanwhile: in the process of the test, on real servers. As commands of their
 * own, each killed at each of its steps, in `killed.long.test.ts`; drawn at random, in the chaos campaign.
 */
let laptop: Laptop;
let said: string[];
/** The region that serves as a test begins, and the other one. */
let from: RegionFacts;
let to: RegionFacts;

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

const around = (): Surroundings => ({
  now: () => new Date(),
  signal: new AbortController().signal,
  say: (line) => said.push(line),
  folder: laptop.folder,
});
describe("contained, and who serves has to change", () => {
  const verbs = {
    contain: () => contain(laptop.platform, laptop.ground, around()),
    reopen: (keepSecrets = true) => reopen(laptop.platform, laptop.ground, { keepSecrets }),
    rotate: (without?: string) =>
      rotate(laptop.platform, laptop.ground, {
        secrets: "all",
        // Nobody can try a partner's key meanwhile.
        supply: { untested: true, value: (secret) => Promise.resolve(`${secret}, ${randomUUID()}`) },
        offered: () => true,
        ...(without !== undefined && { without }),
      }),
    away: () => failover(laptop.platform, laptop.ground, { to: to.location }),
    back: () => failover(laptop.platform, laptop.ground, { to: from.location }),
  };
  const typed = (verb: Verb, incident: string): Promise<any> => {
    laptop.hold(customRole(roleOf(verb.name.split("-")[0] as VerbName), laptop.platform));
    return operate(verb, go(incident), around());
  };
  const held = async ({ vault }: RegionFacts) =>
    (await laptop.maker.read(vault, "database-api-password"))?.value ?? "";
  const signsIn = ({ code }: RegionFacts, password: string) =>
    laptop.ground.database.login(laptop.platform.writerHost, {
      user: `api_${code}`,
      password,
      database: "postgres",
    });
  const pods = async ({ cluster }: RegionFacts) =>
    Object.fromEntries(
      (await laptop.ground.cluster(cluster).deployments("shop")).map(({ name, replicas }) => [
        name,
        replicas,
      ]),
    );
  const jobsOn = async ({ cluster }: RegionFacts) =>
    (await laptop.ground.cluster(cluster).cronJobs("shop")).flatMap((one) => (one.suspended ? [] : one.name));
  const name = () => laptop.ground.edge(laptop.platform.sites[0]!).then(({ status }) => status);
  const SERVING = { api: 2, dashboard: 1, gateway: 1 };
  const NOBODY = { api: 0, dashboard: 0, gateway: 0 };

  test("the region is lost: the failover opens nothing, reopen opens what answers, and what comes back is met", async () => {
    await typed(verbs.contain(), "INC-breach");
    await laptop.lose(from);
    await expect(typed(verbs.reopen(), "INC-early")).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/writer\S+ does not answer/),
    });
    const report = await typed(verbs.away(), "INC-lost");
    expect(report.steps.map(({ id }: { id: string }) => id)).toEqual([
      ...["promote", "fence", "workloads", "partners"],
    ]);
    expect(report).toMatchObject({ mode: "forced", contained: "INC-breach" });
    expect(said.join("\n")).toContain(`reopen shop opens ${to.location} afterwards`);
    expect(said).toContain(
      `next: rotate shop --all (--without ${from.location} while that does not answer), then reopen shop`,
    );
    const shut = async () => {
      expect(await mayLogIn(laptop)).toEqual([]);
      expect(await pods(to)).toEqual(NOBODY);
      expect(await jobsOn(to)).toEqual([]);
      expect([laptop.endpointState(), await name()]).toEqual(["Disabled", 404]);
    };
    await shut();
    // Typed again, to either region, and by another verb, it stays shut.
    const again = await typed(verbs.away(), "INC-lost");
    expect(again.steps.map(({ how }: { how: string }) => how)).toEqual(Array(4).fill("found"));
    const on = maintenance(laptop.platform, laptop.ground, { on: true, retryAfterSeconds: 60 });
    await expect(typed(on, "INC-on")).rejects.toThrow(/^shop is contained, and nothing serves: reopen shop/);
    await typed(verbs.contain(), "INC-breach");
    await shut();

    await expect(typed(verbs.reopen(false), "INC-open")).rejects.toThrow(/secrets from before/);
    const leaked = await held(to);
    await expect(typed(verbs.rotate(), "INC-rotate")).rejects.toMatchObject({ exitCode: 3 });
    await expect(typed(verbs.rotate(to.location), "INC-rotate")).rejects.toThrow(
      /it serves; where it is lost/,
    );
    const rotated = await typed(verbs.rotate(from.location), "INC-rotate");
    expect(rotated.notes.join()).toMatch(
      `without ${from.location}: ${from.vault} and ${from.cluster} keep what`,
    );
    const opened = await typed(verbs.reopen(false), "INC-open");
    expect(opened).toMatchObject({ serves: to.location, silent: [expect.stringContaining(from.cluster)] });
    expect(opened.notes.join()).toMatch(/stays shut, and its roles fenced: .* Once it is back: rotate shop/);
    await laptop.writes(3);
    expect(await mayLogIn(laptop)).toEqual([`api_${to.code}`]);
    expect(await pods(to)).toEqual(SERVING);
    expect(await name()).toBe(200);
    expect(await signsIn(to, leaked)).toMatch(/password authentication failed/);
    expect(await signsIn(to, await held(to))).toBe(true);

    await laptop.bringBack(from);
    const missing = await laptop.missing();
    await laptop.writes(3);
    expect(await mayLogIn(laptop)).toEqual([`api_${to.code}`]);
    // Nobody is led into what is shut; met, it stands by, and serves again by one command without losing a transaction.
    await expect(typed(verbs.back(), "INC-back")).rejects.toMatchObject({
      exitCode: 2,
      message: `${from.cluster} is still shut by INC-breach, and ${to.location} is not: reopen shop first`,
    });
    await expect(typed(verbs.reopen(false), "INC-met")).rejects.toThrow(/secrets from before/);
    await typed(verbs.rotate(), "INC-both");
    await typed(verbs.reopen(false), "INC-met");
    expect(await pods(from)).toEqual({ ...SERVING, gateway: 0 });
    expect(await jobsOn(from)).toEqual([]);
    expect(await mayLogIn(laptop)).toEqual([`api_${to.code}`]);
    const dry = await operate(verbs.back(), { dryRun: true }, around());
    expect(dry).toMatchObject({ mode: "planned", lossSeconds: 0 });
    expect(await laptop.missing()).toEqual(missing);
  }, 180_000);

  test("the region of what is global is lost: a failover meanwhile opens nothing as ever, all but the edge is shut and opened, and the edge once it is back", async () => {
    const { losses } = laptop.cloud;
    await losses.lose(WITNESS);
    const cut = await typed(verbs.contain(), "INC-edgeless");
    expect(cut.outcome).toBe("shop is cut off: names, database logins, partners");
    expect(cut.notes.join()).toMatch(/contain shop --incident INC-edgeless once more when it answers/);
    expect([await mayLogIn(laptop), laptop.endpointState(), await name()]).toEqual([[], "Enabled", 503]);
    await typed(verbs.away(), "INC-move-edgeless");
    expect(await mayLogIn(laptop)).toEqual([]);
    await losses.restore(WITNESS);
    // Met, it shuts that too.
    await typed(verbs.contain(), "INC-edgeless");
    expect(laptop.endpointState()).toBe("Disabled");

    await losses.lose(WITNESS);
    const half = await typed(verbs.reopen(), "INC-half-open");
    expect(half.outcome).toBe(`${to.location} is open, but for the edge`);
    expect(half.steps.map(({ id }: { id: string }) => id)).toEqual(["logins", "workers", "entry", "backup"]);
    await laptop.writes(3);
    expect([await mayLogIn(laptop), laptop.endpointState(), await name()]).toEqual([
      [`api_${to.code}`],
      "Disabled",
      404,
    ]);
    await losses.restore(WITNESS);
    await expect(typed(verbs.contain(), "INC-other")).rejects.toThrow(/contained already, by INC-edgeless/);
    const whole = await typed(verbs.reopen(), "INC-half-open");
    expect(whole.steps.flatMap(({ id, how }: any) => (how === "found" ? [] : id))).toEqual([
      "edge",
      "record",
    ]);
    expect([laptop.endpointState(), await name()]).toEqual(["Enabled", 200]);
    await typed(verbs.back(), "INC-back-edgeless");
  }, 180_000);

  test("a containment that was cut short is kept too; killed after each step of it and typed again, nothing is opened but by reopen", async () => {
    const [missing, before] = [await laptop.missing(), await pods(to)];
    await expect(typed(killed(verbs.contain(), 1, "before"), "INC-half")).rejects.toThrow(/killed at logins/);
    const { steps } = (await operate(verbs.away(), { dryRun: true }, around())) as { steps: Step[] };
    const ids = steps.map(({ id }) => id);
    expect(ids).toEqual(["logins", "catch-up", "promote", "fence", "workloads", "partners"]);
    for (const id of ids.filter((one) => one !== "catch-up")) {
      const cut = typed(killed(verbs.away(), id, "after"), "INC-move");
      await expect(cut).rejects.toThrow(`${id}: killed at ${id}`);
      if (id === "promote")
        await expect(typed(verbs.reopen(), "INC-too-early")).rejects.toThrow(
          `would be let in again): type failover shop --to ${to.location} again first`,
        );
      expect(await mayLogIn(laptop)).toEqual([]);
      expect(await pods(to)).toEqual(before);
    }
    await typed(verbs.away(), "INC-move");
    await expect(typed(verbs.reopen(), "INC-open")).rejects.toThrow(/was not finished .*: type contain shop/);
    await typed(verbs.contain(), "INC-half");
    await typed(verbs.reopen(), "INC-open");
    await laptop.writes(3);
    expect(await mayLogIn(laptop)).toEqual([`api_${to.code}`]);
    expect([await pods(to), await pods(from)]).toEqual([SERVING, { ...SERVING, gateway: 0 }]);
    expect(await laptop.missing()).toEqual(missing);
  }, 180_000);
});
