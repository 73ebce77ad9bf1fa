import { BlockBlobClient, ContainerClient } from "@azure/storage-blob";
import fs from "node:fs";
import path from "node:path";
import { Permission } from "../../apps/recovery/serving/permission";
import { SERVING_BLOB, SERVING_CONTAINER } from "../../apps/recovery/serving/record";
import type { Laptop } from "../../apps/rehearsal/laptop";
import { ORDERS } from "../../apps/rehearsal/laptop/application";
import {
  backupsVerify,
  invariants,
  updatesFit,
  type Model,
  type World,
} from "../../apps/rehearsal/laptop/chaos";
import { LoseAmid } from "../../apps/rehearsal/laptop/chaos/amid";
import { MakeBackup } from "../../apps/rehearsal/laptop/chaos/backups";
import { LateRights } from "../../apps/rehearsal/laptop/chaos/faults";
import { nobodyWrites } from "../../apps/rehearsal/laptop/chaos/invariants";
import type { Customer } from "../../apps/rehearsal/laptop/customer";
import { openWorld } from "./chaosWorld";

/*
 * The invariants of the chaos campaign (`npm run chaos`), on production as it is planned, served on real servers, after a failover:
 * what each of them is for is taken away once.
 */
jest.setTimeout(1_800_000);

const HOME = "westeurope";
const AWAY = "northeurope";

let laptop: Laptop;
let customer: Customer;
let world: World;
const model: Model = { serving: 1, lost: undefined, incidents: 0, adoptions: 0 };

beforeAll(async () => {
  world = await openWorld();
  ({ laptop, customer } = world);
  await laptop.served.real?.databases.settled();
  const typed = ["failover", "prod", "--to", AWAY, "--yes", "--incident", "INC-invariants"];
  const ran = await laptop.operations(typed);
  expect([ran.code, ran.code === 0 ? "" : ran.said]).toEqual([0, ""]);
  await invariants(model, world);
});
afterAll(() => laptop?.close());

describe("every invariant says what it is for", () => {
  const said = (what: RegExp, asked = invariants) => expect(asked({ ...model }, world)).rejects.toThrow(what);
  const [home, away] = ["weu", "neu"];

  test("without the fence the region that was left may write", async () => {
    await laptop.sql(`ALTER ROLE api_${home} LOGIN`);
    await said(/westeurope and northeurope may write by the writer's name, and northeurope serves/);
    await expect(nobodyWrites(world)).rejects.toThrow(/westeurope and northeurope may write .* all are shut/);
    await laptop.sql(`ALTER ROLE api_${home} NOLOGIN`);
  });

  test("nobody may write, who should", async () => {
    // Its pods go on by the sessions they have.
    await laptop.sql(`ALTER ROLE api_${away} NOLOGIN`);
    await said(/nobody may write by the writer's name, and northeurope serves/);
    await laptop.sql(`ALTER ROLE api_${away} LOGIN`);
  });

  test("a confirmed order that is gone", async () => {
    const [row] = await laptop.sql<{ id: string }>(
      `DELETE FROM ${ORDERS} WHERE id = (SELECT max(id) FROM ${ORDERS}) RETURNING id::text AS id`,
    );
    await customer.places(1);
    await said(new RegExp(`confirmed orders are missing beyond what was told: ${row!.id}$`));
    world.given.add(Number(row!.id));
  });

  test("gateways that were not told, and one that goes on", async () => {
    const { storage } = laptop.served.real!;
    const blobs = laptop.platform.servingPlaces.map(({ url }) => {
      const account = storage.get(new URL(url).hostname.split(".")[0] ?? "");
      return new BlockBlobClient(account!.addressOf(`/${SERVING_CONTAINER}/${SERVING_BLOB}`));
    });
    const kept = await Promise.all(blobs.map((blob) => blob.downloadToBuffer()));
    const write = (texts: readonly (string | Buffer)[]) =>
      Promise.all(texts.map((text, index) => blobs[index]!.upload(text, text.length)));
    const old = JSON.parse(kept[0]!.toString());
    await write([0, 1].map(() => JSON.stringify({ ...old, serving: HOME })));
    await said(/1 of 3 accounts say that northeurope may call partners/);
    await write(kept);
    // A gateway that asks nobody, and believes what it knew.
    world.gateways[0] = Object.assign(new Permission(HOME, []), { verdict: () => ({ may: true }) });
    await said(/westeurope does not serve and may still call partners/);
    world.gateways.length = 0;
  });

  test("a journal that somebody changed", async () => {
    const file = path.join(laptop.folder, "journal", "INC-invariants.jsonl");
    const text = fs.readFileSync(file, "utf8");
    fs.writeFileSync(file, text.replace('"begin"', '"found"'));
    await said(/does not follow the line before; the journal was changed/);
    fs.writeFileSync(file, text);
  });

  test("an update that would undo who serves", async () => {
    await updatesFit(model, world);
    await said(
      /names who serves, and an update is refused|names another region, and an update may run/,
      (_, all) => updatesFit({ ...model, serving: 0 }, all),
    );
  });

  test("a backup that is gone, and one whose copy in an account was changed", async () => {
    const asked = () => backupsVerify(model, world);
    await new MakeBackup().act(model, world);
    await asked();
    world.backups.add("forma3d-hourly-never");
    await expect(asked()).rejects.toThrow(/backups that were made are not listed: forma3d-hourly-never/);
    world.backups.delete("forma3d-hourly-never");
    await new MakeBackup().act(model, world);
    const [account] = laptop.platform.backupAccounts;
    const name = new URL(account!.url).hostname.split(".")[0]!;
    const container = new ContainerClient(
      laptop.served.real!.storage.get(name)!.addressOf("/backups-hourly"),
    );
    const newest = [...world.backups].at(-1)!;
    for await (const { name: blob } of container.listBlobsFlat())
      if (blob.includes(newest) && /archive/.test(blob))
        await container.getBlockBlobClient(blob).upload("changed", 7);
    await expect(asked()).rejects.toThrow(/a backup does not verify|verifies in 1 of 2 accounts/);
    // Whoever asks later asks for what is there still.
    for await (const { name: blob } of container.listBlobsFlat())
      if (blob.includes(newest)) await container.deleteBlob(blob);
    world.backups.clear();
  });

  test("an operator's rights that come late, and one whose right was never taken", async () => {
    await new LateRights().act(model, world);
    // A cloud in which every right is in force at once: whoever types is not refused.
    const { rights } = laptop.served.cloud;
    const may = jest.spyOn(rights, "may").mockReturnValue(true);
    await expect(new LateRights().act(model, world)).rejects.toThrow(
      /failover without the right to it ended with 0/,
    );
    may.mockRestore();
  });

  test.each([
    ["failover", "promote", "serving"],
    ["failover", "workloads", "standby"],
    ["rotate session-secret", "session-secret", "standby"],
  ] as const)(
    "a region that swallows all from %s's step %s on, the one that is %s",
    async (verb, step, which) => {
      await new LoseAmid(verb, step, which, "silent").act(model, world);
      await invariants(model, world);
      const { code, said, seconds } = await laptop.operations(["status", "prod"]);
      expect([code, said.includes("unknown"), seconds < 120]).toEqual([expect.any(Number), false, true]);
    },
  );

  test("a verb that hangs is not taken for one that ends", async () => {
    const hangs = jest.spyOn(laptop, "command").mockReturnValue(new Promise(() => undefined));
    try {
      const act = new LoseAmid("failover", "promote", "standby", "silent", 0.1).act({ ...model }, world);
      await expect(act).rejects.toThrow(/failover did not end within 0\.1 s/);
    } finally {
      hangs.mockRestore();
    }
  });

  test("and all is well again", () => invariants(model, world));
});
