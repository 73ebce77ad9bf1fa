import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { heldByAnybody, takeSharedLease } from "../../apps/operations/frame/sharedLease";
import { customRole, roleOf, ROLES, VERB_RIGHTS, type VerbName } from "../../apps/operations/rights";
import type { Principal } from "../../packages/emulated-azure/rights/directory";
import { grant } from "../../packages/emulated-azure/rights/grant";
import { RECORDER_RIGHTS, SERVING_CONTAINER } from "../../infra/data/places";
import { NORTH, WEST } from "./laptop";
import { LONG, openHere, testRights } from "./rightsAsked";

const here = openHere();

testRights(here, (verb) => !LONG.includes(verb));

test("whoever fails over says who serves, and can do nothing else with the accounts that keep it", async () => {
  // As the deployment gives it: of the record's containers, of those only, and without deletion.
  here.laptop.hold(customRole("operator", here.laptop.platform), {
    dataActions: RECORDER_RIGHTS,
    scopes: here.record.scopes,
  });
  await here.laptop.ground.serving!.write(WEST.location, "INC-written", new Date());
  const said = await here.laptop.ground.serving!.look();
  expect(said.map(({ record: one }) => one?.serving)).toEqual(Array(3).fill(WEST.location));
  for (const account of here.record.accounts) {
    const mismatch = { code: "AuthorizationPermissionMismatch" };
    const serving = here.record.container(account, SERVING_CONTAINER);
    await expect(serving.getBlobClient("region.json").delete()).rejects.toMatchObject(mismatch);
    await expect(serving.delete()).rejects.toMatchObject(mismatch);
    const other = here.record.container(account, "backups").getBlockBlobClient("region.json");
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
  const take = (places = here.record.leasePlaces(here.laptop.operator)) =>
    takeSharedLease(places, NAME, machine());
  const held = (who: Principal) => heldByAnybody(here.record.leasePlaces(who), NAME);

  beforeAll(() =>
    here.laptop.hold(customRole("operator", here.laptop.platform), {
      dataActions: RECORDER_RIGHTS,
      scopes: here.record.scopes,
    }),
  );
  afterAll(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true, force: true })));

  test("of two at once one takes it, also while the region is lost whose account comes first", async () => {
    const { losses } = here.laptop.cloud;
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
    const places = here.record.leasePlaces(here.laptop.operator);
    // As seen from a machine that is cut off from some of the accounts.
    const hears = (...which: number[]) =>
      places.map((place, i) => (which.includes(i) ? place : here.record.unheard(place)));
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
    const deployer = here.laptop.cloud.directory.add({ displayName: "deployer", secret: "not-a-real-one" });
    await expect(held(deployer)).rejects.toThrow(
      /^0 of 3 accounts answer, 0 of them that it is held: westeurope, northeurope, swedencentral: no right to it \(403\)$/,
    );
    for (const scope of here.record.scopes)
      grant(here.laptop.cloud.cloud, { principal: deployer, role: "Storage Blob Data Reader", scope });
    expect(await held(deployer)).toBe(false);
    await expect(take(here.record.leasePlaces(deployer))).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/swedencentral: no right to it \(AuthorizationPermissionMismatch\)/),
    });
    const lease = await take();
    expect(await held(deployer)).toBe(true);
    const { losses } = here.laptop.cloud;
    await losses.lose(NORTH.location);
    expect(await held(deployer)).toBe(true);
    await losses.restore(NORTH.location);
    // What a run that was killed left in one account alone keeps no update waiting.
    await lease.release();
    const alone = here.record.leasePlaces(here.laptop.operator)[0]!.container.getBlobClient(`leases/${NAME}`);
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
