import { failover } from "../../apps/operations/failover";
import { readJournal } from "../../apps/operations/frame/journal";
import { operate } from "../../apps/operations/frame/operate";
import type { Ground } from "../../apps/operations/ground/types";
import { go } from "./typing";
import { type Laptop, NORTH, WEST } from "./laptop";

class Killed extends Error {}

/** A ground that dies with its user at one call that changes something: before it, or after it took effect. */
function dying(ground: Ground, at: string, when: "before" | "after", user: AbortController): Ground {
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
        name === at || (at === "fence" && name === "query" && String(args[1]).startsWith("BEGIN READ WRITE"));
      if (hit && when === "before") die();
      if (dead) throw new Killed(name);
      const result = await call(...args);
      if (hit) die();
      if (dead) throw new Killed(name);
      return result;
    };
  const { database, servers, cluster, edge } = ground;
  return {
    ...ground,
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

/** The region that serves, and the other one. */
export function regionsOf(laptop: Laptop) {
  const serves = laptop.servers.virtualEndpoint("shop-db").primary.name;
  return serves === WEST.server ? ([WEST, NORTH] as const) : ([NORTH, WEST] as const);
}

/** Logins of the API that may log in. */
export const mayLogIn = async (laptop: Laptop) =>
  (await laptop.sql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'api\\_%' AND rolcanlogin")).map(
    ({ rolname }: any) => rolname,
  );

/** Calls of a failover that change something, each with whether one dies before it or after it took effect. */
export const POINTS = [
  ["setDeployment", "before"],
  ["setCronJob", "after"],
  ["promote", "before"],
  ["fence", "after"],
  ["edge", "before"],
  ["runCronJob", "after"],
] as const;
/** The two that leave a database another than it was; the rest is for the long tests. */
export const SHORT: readonly string[] = ["promote", "fence"];

/** Tests that a failover killed at such a call and typed again ends with nothing lost. */
export function testKilled(laptop: () => Laptop, points: readonly (typeof POINTS)[number][]): void {
  test.each(points)(
    "killed at %s, %s it took effect, and typed again",
    async (at, when) => {
      const { platform, ground } = laptop();
      await laptop().servers.settled();
      const [, to] = regionsOf(laptop());
      const run = (signal: AbortSignal, own: Ground): Promise<any> =>
        operate(failover(platform, own, { to: to.location }), go(`INC-kill-${at}`), {
          now: () => new Date(),
          signal,
          say: () => undefined,
          folder: laptop().folder,
        });
      const lost = await laptop().missing();
      const user = new AbortController();
      await expect(run(user.signal, dying(ground, at, when, user))).rejects.toBeInstanceOf(Killed);
      const report = await run(new AbortController().signal, ground);
      expect(report.measured).toMatchObject({ rpoSeconds: 0 });
      await laptop().writes(3);
      expect(await laptop().missing()).toEqual(lost);
      expect(await mayLogIn(laptop())).toEqual([`api_${to.code}`]);
      expect(readJournal(report.journal).filter(({ event }) => event === "run")).toHaveLength(2);
    },
    180_000,
  );
}
