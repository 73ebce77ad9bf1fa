import { setTimeout as sleep } from "node:timers/promises";
import { announce, announcement } from "../../apps/operations/announce";
import { failover } from "../../apps/operations/failover";
import { operate, type Verb } from "../../apps/operations/frame/operate";
import { dropRestored, pitr } from "../../apps/operations/pitr";
import { preflight } from "../../apps/operations/readiness";
import { VERB_RIGHTS, type VerbName } from "../../apps/operations/rights";
import { rotate } from "../../apps/operations/rotate";
import { status } from "../../apps/operations/status";
import { contain } from "../../apps/operations/switches/contain";
import { maintenance } from "../../apps/operations/switches/maintenance";
import { reopen } from "../../apps/operations/switches/reopen";
import type { Wish } from "../../packages/emulated-azure/rights/decide";
import { covers } from "../../packages/emulated-azure/rights/roles";
import { Laptop, NORTH, WEST } from "./laptop";
import { keepRecordInAccounts } from "./laptop/recordAccounts";

/** Whoever types, and the accounts that keep which region serves, as the requests to them are decided by rights. */
export interface Here {
  readonly laptop: Laptop;
  readonly record: Awaited<ReturnType<typeof keepRecordInAccounts>>;
}

/** Opens a laptop for the tests of a file. */
export function openHere(): Here {
  let laptop: Laptop | undefined;
  let record: Here["record"] | undefined;
  beforeAll(async () => {
    laptop = await Laptop.open();
    record = await keepRecordInAccounts(laptop);
    await laptop.writes(3);
  }, 180_000);
  afterAll(async () => {
    await record?.close();
    await laptop?.close();
  });
  return {
    get laptop() {
      return laptop!;
    },
    get record() {
      return record!;
    },
  };
}

/** `pitr --adopt` needs a platform served whole: `killed.long.test.ts`. */
type TypedVerb = Exclude<VerbName, "pitr --adopt">;

/** How a refusal names an action: Azure by itself, a cluster by the object and what was to be done with it. */
function names(message: string, action: string): boolean {
  const object = /managedClusters\/(?:[\w.]+\/)?(\w+)\/(read|write|delete)$/.exec(action)?.[1];
  return message.includes(`'${action}'`) || (object !== undefined && message.includes(`resource "${object}`));
}

/** Verbs with so many rights, each of which is one more time typed, that they are for the long tests. */
export const LONG: readonly VerbName[] = ["failover", "rotate"];

/** Tests that a verb ends for who holds its rights alone, asks for each of them, and names the one that lacks. */
export function testRights(here: Here, wanted: (verb: VerbName) => boolean): void {
  const around = () => ({
    now: () => new Date(),
    signal: new AbortController().signal,
    say: () => undefined,
    folder: here.laptop.folder,
  });
  const typed = async (verb: Verb, incident: string) =>
    void (await operate(verb, { yes: true, incident }, around()));
  const REFUSED = /is not authorized|does not have authorization|does not have access/;
  /** A look-up ends well; what it was refused stands in its lines. */
  const looked = async (texts: Promise<readonly string[]>) => {
    const refused = (await texts).filter((text) => REFUSED.test(text));
    if (refused.length > 0) throw new Error(refused.join("\n"));
  };
  const to = (location: string, incident: string) =>
    typed(failover(here.laptop.platform, here.laptop.ground, { to: location }), incident);
  const page = (on: boolean, incident: string) =>
    typed(maintenance(here.laptop.platform, here.laptop.ground, { on, retryAfterSeconds: 60 }), incident);

  /** Each verb there and back; the back leaves all as it was for the next. */
  const ROUNDS: Record<TypedVerb, (() => Promise<void>)[]> = {
    status: [
      () =>
        looked(
          status(here.laptop.platform, here.laptop.ground, here.laptop.folder).then((all) =>
            all.map(({ text }) => text),
          ),
        ),
    ],
    preflight: [
      () =>
        looked(
          preflight(here.laptop.platform, here.laptop.ground, here.laptop.folder).then(({ checks }) =>
            checks.map(({ text }) => text),
          ),
        ),
    ],
    failover: [
      () => to(NORTH.location, "INC-there"),
      async () => {
        await here.laptop.servers.settled();
        await to(WEST.location, "INC-back");
      },
    ],
    maintenance: [() => page(true, "INC-on"), () => page(false, "INC-off")],
    contain: [() => typed(contain(here.laptop.platform, here.laptop.ground, around()), "INC-contain")],
    reopen: [
      () => typed(reopen(here.laptop.platform, here.laptop.ground, { keepSecrets: true }), "INC-reopen"),
    ],
    announce: [
      () => {
        const said = announcement({ phase: "monitoring", service: "API Health" }, new Date());
        return typed(announce(here.laptop.platform, here.laptop.ground, said), "INC-announce");
      },
    ],
    rotate: [
      () => {
        const supply = { untested: false, value: () => Promise.resolve(undefined) };
        const secrets = ["session-secret", "database-api", "database-admin"];
        return typed(
          rotate(here.laptop.platform, here.laptop.ground, { secrets, supply, offered: () => false }),
          "INC-rotate",
        );
      },
    ],
    pitr: [
      () => typed(pitr(here.laptop.platform, here.laptop.ground, { at: MOMENT.at, extract: [] }), "INC-pitr"),
      () => typed(dropRestored(here.laptop.platform, here.laptop.ground), "INC-drop"),
    ],
  };
  const MOMENT = { at: new Date() };

  /**
   * Types a verb again and again, each time with one more of what it asks for: the first that is not granted yet is refused, and
   * must be named.
   * @param granted gets everything it asks for, by whether it is about data
   */
  async function asked(round: () => Promise<void>, granted: Map<string, boolean>): Promise<void> {
    const { rights } = here.laptop.cloud;
    const may = rights.may.bind(rights);
    for (;;) {
      const lacking = new Map<string, boolean>();
      const spy = jest.spyOn(rights, "may").mockImplementation((who, wish: Wish) => {
        if (who.objectId !== here.laptop.operator.objectId || granted.has(wish.action)) return may(who, wish);
        lacking.set(wish.action, wish.data ?? false);
        return false;
      });
      try {
        await round();
        expect([...lacking.keys()]).toEqual([]);
        return;
      } catch (error) {
        const { message } = error as Error;
        // What a run before this one began is not done yet.
        if (/is busy with/.test(message)) {
          await sleep(100);
          continue;
        }
        const found = [...lacking].filter(([action]) => names(message, action));
        expect([message, [...lacking.keys()], found.length > 0]).toEqual([message, expect.anything(), true]);
        for (const [action, data] of found) granted.set(action, data);
      } finally {
        spy.mockRestore();
      }
    }
  }

  test.each((Object.keys(ROUNDS) as TypedVerb[]).filter(wanted))(
    "%s ends for who holds its rights alone, asks for each of them, and names the one that lacks",
    async (verb) => {
      const rights = VERB_RIGHTS[verb];
      const of = (data: boolean) =>
        rights
          .filter((right) => (right.data ?? false) === data && right.at === undefined)
          .map(({ action }) => action);
      const dataActions = rights.filter(({ at }) => at === "record").map(({ action }) => action);
      // Not the role, which has other verbs' rights too.
      here.laptop.hold(
        { Actions: of(false), DataActions: of(true) },
        { dataActions, scopes: here.record.scopes },
      );
      if (verb === "pitr") {
        const [{ now }] = await here.laptop
          .database()
          .query<any>(here.laptop.platform.writerHost, "SELECT clock_timestamp() AS now");
        MOMENT.at = now;
        await here.laptop.writes(2);
      }
      const all = new Map<string, boolean>();
      // Without it nobody can tell which of two passwords is in force: it is not tried out on the administrator's.
      if (verb === "rotate") all.set("Microsoft.DBforPostgreSQL/locations/azureAsyncOperation/read", false);
      for (const round of ROUNDS[verb]) await asked(round, all);
      const permission = (action: string) => ({
        actions: [action],
        dataActions: [action],
        notActions: [],
        notDataActions: [],
      });
      expect(
        rights.filter(({ action, data = false }) =>
          [...all].every(([one, about]) => about !== data || !covers(permission(action), one, data)),
        ),
      ).toEqual([]);
    },
    180_000,
  );
}
