import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { announce, announcement } from "../../apps/operations/announce";
import { failover } from "../../apps/operations/failover";
import { operate, type Verb } from "../../apps/operations/frame/operate";
import { heldByAnybody, takeSharedLease } from "../../apps/operations/frame/sharedLease";
import { dropRestored, pitr } from "../../apps/operations/pitr";
import { preflight } from "../../apps/operations/readiness";
import { customRole, roleOf, ROLES, VERB_RIGHTS, type VerbName } from "../../apps/operations/rights";
import { rotate } from "../../apps/operations/rotate";
import { status } from "../../apps/operations/status";
import { contain } from "../../apps/operations/switches/contain";
import { maintenance } from "../../apps/operations/switches/maintenance";
import { reopen } from "../../apps/operations/switches/reopen";
import type { Principal } from "../../packages/emulated-azure/rights/directory";
import { grant } from "../../packages/emulated-azure/rights/grant";
import type { Wish } from "../../packages/emulated-azure/rights/decide";
import { covers } from "../../packages/emulated-azure/rights/roles";
import { RECORDER_RIGHTS, SERVING_CONTAINER } from "../../infra/data/places";
import { Laptop, NORTH, WEST } from "./laptop";
import { keepRecordInAccounts } from "./laptopParts";

let laptop: Laptop;
let record: Awaited<ReturnType<typeof keepRecordInAccounts>>;

beforeAll(async () => {
  laptop = await Laptop.open();
  record = await keepRecordInAccounts(laptop);
  await laptop.writes(3);
}, 180_000);
afterAll(async () => {
  await record?.close();
  await laptop?.close();
});

const around = () => ({
  now: () => new Date(),
  signal: new AbortController().signal,
  say: () => undefined,
  folder: laptop.folder,
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
  typed(failover(laptop.platform, laptop.ground, { to: location }), incident);
const page = (on: boolean, incident: string) =>
  typed(maintenance(laptop.platform, laptop.ground, { on, retryAfterSeconds: 60 }), incident);

/** Each verb there and back; the back leaves all as it was for the next. */
const ROUNDS: Record<Exclude<VerbName, "pitr --adopt">, (() => Promise<void>)[]> = {
  status: [
    () =>
      looked(
        status(laptop.platform, laptop.ground, laptop.folder).then((all) => all.map(({ text }) => text)),
      ),
  ],
  preflight: [
    () =>
      looked(
        preflight(laptop.platform, laptop.ground, laptop.folder).then(({ checks }) =>
          checks.map(({ text }) => text),
        ),
      ),
  ],
  failover: [
    () => to(NORTH.location, "INC-there"),
    async () => {
      await laptop.servers.settled();
      await to(WEST.location, "INC-back");
    },
  ],
  maintenance: [() => page(true, "INC-on"), () => page(false, "INC-off")],
  contain: [() => typed(contain(laptop.platform, laptop.ground, around()), "INC-contain")],
  reopen: [() => typed(reopen(laptop.platform, laptop.ground, { keepSecrets: true }), "INC-reopen")],
  announce: [
    () => {
      const said = announcement({ phase: "monitoring", service: "API Health" }, new Date());
      return typed(announce(laptop.platform, laptop.ground, said), "INC-announce");
    },
  ],
  rotate: [
    () => {
      const supply = { untested: false, value: () => Promise.resolve(undefined) };
      const secrets = ["session-secret", "database-api", "database-admin"];
      return typed(
        rotate(laptop.platform, laptop.ground, { secrets, supply, offered: () => false }),
        "INC-rotate",
      );
    },
  ],
  pitr: [
    () => typed(pitr(laptop.platform, laptop.ground, { at: MOMENT.at, extract: [] }), "INC-pitr"),
    () => typed(dropRestored(laptop.platform, laptop.ground), "INC-drop"),
  ],
};
const MOMENT = { at: new Date() };

/** How a refusal names an action: Azure by itself, a cluster by the object and what was to be done with it. */
function names(message: string, action: string): boolean {
  const object = /managedClusters\/(?:[\w.]+\/)?(\w+)\/(read|write|delete)$/.exec(action)?.[1];
  return message.includes(`'${action}'`) || (object !== undefined && message.includes(`resource "${object}`));
}

/**
 * Types a verb again and again, each time with one more of what it asks for: the first that is not granted yet is refused, and
 * must be named.
 * @param granted gets everything it asks for, by whether it is about data
 */
async function asked(round: () => Promise<void>, granted: Map<string, boolean>): Promise<void> {
  const { rights } = laptop.cloud;
  const may = rights.may.bind(rights);
  for (;;) {
    const lacking = new Map<string, boolean>();
    const spy = jest.spyOn(rights, "may").mockImplementation((who, wish: Wish) => {
      if (who.objectId !== laptop.operator.objectId || granted.has(wish.action)) return may(who, wish);
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

test.each(Object.keys(ROUNDS) as (keyof typeof ROUNDS)[])(
  "%s ends for who holds its rights alone, asks for each of them, and names the one that lacks",
  async (verb) => {
    const rights = VERB_RIGHTS[verb];
    const of = (data: boolean) =>
      rights
        .filter((right) => (right.data ?? false) === data && right.at === undefined)
        .map(({ action }) => action);
    const dataActions = rights.filter(({ at }) => at === "record").map(({ action }) => action);
    // Not the role, which has other verbs' rights too.
    laptop.hold({ Actions: of(false), DataActions: of(true) }, { dataActions, scopes: record.scopes });
    if (verb === "pitr") {
      const [{ now }] = await laptop
        .database()
        .query<any>(laptop.platform.writerHost, "SELECT clock_timestamp() AS now");
      MOMENT.at = now;
      await laptop.writes(2);
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

test("whoever fails over says who serves, and can do nothing else with the accounts that keep it", async () => {
  // As the deployment gives it: of the record's containers, of those only, and without deletion.
  laptop.hold(customRole("operator", laptop.platform), {
    dataActions: RECORDER_RIGHTS,
    scopes: record.scopes,
  });
  await laptop.ground.serving!.write(WEST.location, "INC-written", new Date());
  const said = await laptop.ground.serving!.look();
  expect(said.map(({ record: one }) => one?.serving)).toEqual(Array(3).fill(WEST.location));
  for (const account of record.accounts) {
    const mismatch = { code: "AuthorizationPermissionMismatch" };
    const serving = record.container(account, SERVING_CONTAINER);
    await expect(serving.getBlobClient("region.json").delete()).rejects.toMatchObject(mismatch);
    await expect(serving.delete()).rejects.toMatchObject(mismatch);
    const other = record.container(account, "backups").getBlockBlobClient("region.json");
    await expect(other.upload("x", 1)).rejects.toMatchObject(mismatch);
    await expect(other.download()).rejects.toMatchObject(mismatch);
  }
});

describe("one incident has one lease", () => {
  const NAME = "operations-shop";
  const folders: string[] = [];
  /** An operator at a machine of their own. */
  const machine = (): string => {
    folders.push(fs.mkdtempSync(path.join(os.tmpdir(), "machine-")));
    return folders.at(-1)!;
  };
  const take = (places = record.leasePlaces(laptop.operator)) => takeSharedLease(places, NAME, machine());
  const held = (who: Principal) => heldByAnybody(record.leasePlaces(who), NAME);

  beforeAll(() =>
    laptop.hold(customRole("operator", laptop.platform), {
      dataActions: RECORDER_RIGHTS,
      scopes: record.scopes,
    }),
  );
  afterAll(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true, force: true })));

  test("of two at once one takes it, also while the region is lost whose account comes first", async () => {
    const { losses } = laptop.cloud;
    for (const lost of [undefined, WEST.location]) {
      if (lost) await losses.lose(lost);
      const both = await Promise.allSettled([take(), take()]);
      const [won] = both.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
      const refused = both.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
      expect(refused).toMatchObject([
        {
          exitCode: 4,
          message: expect.stringMatching(/^another operator holds serving\/leases\/operations-shop/),
        },
      ]);
      await won!.release();
      if (lost) await losses.restore(lost);
    }
    await (await take()).release();
  });

  test("who hears two of three accounts keeps out who hears another two; who hears one is told, and takes none", async () => {
    const places = record.leasePlaces(laptop.operator);
    // As seen from a machine that is cut off from some of the accounts.
    const hears = (...which: number[]) =>
      places.map((place, i) => (which.includes(i) ? place : record.unheard(place)));
    const one = await take(hears(0, 1));
    await expect(take(hears(1, 2))).rejects.toMatchObject({ exitCode: 4 });
    await expect(take(hears(2))).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(
        /^the lease serving\/leases\/operations-shop cannot be taken in 2 of 3 accounts: westeurope, northeurope: .*operations reach.*--no-lease/,
      ),
    });
    await one.release();
    const other = await take(hears(1, 2));
    await other.release();
  });

  test("what deploys reads whether it is held, with the right the plan gives it and no other, and cannot take it", async () => {
    const deployer = laptop.cloud.directory.add({ displayName: "deployer", secret: "not-a-real-one" });
    await expect(held(deployer)).rejects.toThrow(
      /^0 of 3 accounts answer, 0 of them that it is held: westeurope, northeurope, swedencentral: no right to it \(403\)$/,
    );
    for (const scope of record.scopes)
      grant(laptop.cloud.cloud, { principal: deployer, role: "Storage Blob Data Reader", scope });
    expect(await held(deployer)).toBe(false);
    await expect(take(record.leasePlaces(deployer))).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/swedencentral: no right to it \(AuthorizationPermissionMismatch\)/),
    });
    const lease = await take();
    expect(await held(deployer)).toBe(true);
    const { losses } = laptop.cloud;
    await losses.lose(NORTH.location);
    expect(await held(deployer)).toBe(true);
    await losses.restore(NORTH.location);
    // What a run that was killed left in one account alone keeps no update waiting.
    await lease.release();
    const alone = record.leasePlaces(laptop.operator)[0]!.container.getBlobClient(`leases/${NAME}`);
    await alone.getBlobLeaseClient("5d0c6a52-6f0a-4a55-9a1d-2f6b8f7f3a10").acquireLease(15);
    expect(await held(deployer)).toBe(false);
    await alone.getBlobLeaseClient("5d0c6a52-6f0a-4a55-9a1d-2f6b8f7f3a10").releaseLease();
  });
});

test("roles keep apart what must not be in one hand, and each verb has one", () => {
  const environment = { stack: "shop", subscriptionId: "1" };
  const { Actions, DataActions } = customRole("operator", environment);
  const secrets = DataActions.filter((action) => /KeyVault|\/secrets\//.test(action));
  expect(secrets).toEqual(["Microsoft.KeyVault/vaults/secrets/readMetadata/action"]);
  expect(Actions.filter((action) => /delete$|\*$|roleAssignments\/write/i.test(action))).toEqual([]);
  const daily = customRole("preflight", environment);
  expect([...daily.Actions, ...daily.DataActions].filter((action) => /write|delete/.test(action))).toEqual(
    [],
  );
  for (const verb of Object.keys(VERB_RIGHTS) as VerbName[])
    expect((ROLES[roleOf(verb)].verbs as readonly string[]).includes(verb)).toBe(true);
});
