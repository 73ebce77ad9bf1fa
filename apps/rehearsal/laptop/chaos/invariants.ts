import fs from "node:fs";
import path from "node:path";
import { BlockBlobClient } from "@azure/storage-blob";
import { Client } from "pg";
import { loginName } from "../../../../infra/data/databaseLogins";
import { Permission } from "../../../recovery/serving/permission";
import {
  GRACE_SECONDS,
  majority,
  SERVING_BLOB,
  SERVING_CONTAINER,
  servingRecord,
  type ServingRecord,
} from "../../../recovery/serving/record";
import { readJournal } from "../../../operations/frame/journal";
import type { RegionFacts } from "../../../operations/platform";
import { ORDERS } from "../application";
import type { Laptop } from "..";
import { valueIn } from "../vaultValue";
import { answered, holds, regionOf, STACK, type Model, type World } from "./model";

/** What must be so after every step, tested by asking: who may write, what is missing, what the records and journals say. */
export async function invariants(model: Readonly<Model>, world: World): Promise<void> {
  const { laptop, customer, given } = world;
  await customer.places(3);
  const missing = (await laptop.missing(customer)).filter((id) => !given.has(id));
  holds(
    missing.length === 0,
    `confirmed orders are missing beyond what was told: ${missing.slice(0, 5).join(", ")}`,
  );
  await oneWrites(model, world);
  await partnersAgree(model, world);
  const folder = path.join(laptop.folder, "journal");
  const journals = fs.existsSync(folder)
    ? fs.readdirSync(folder).filter((file) => file.endsWith(".jsonl"))
    : [];
  for (const file of journals) readJournal(path.join(folder, file));
}

/**
 * What the pipeline says of an update by the stack file as it was merged last: it may run while the file names who serves, and else is
 * refused before it could undo what a verb did. To be asked while both regions stand.
 */
export async function updatesFit(model: Readonly<Model>, world: World): Promise<void> {
  const { laptop } = world;
  const { printed, code } = await laptop.command("apps/rehearsal/laptop/chaos/pipeline.ts", [STACK], {
    principal: "deploy",
  });
  const named = regionOf(world, model.serving).role === "serving";
  holds(
    named ? code === 0 : /^FOUND .*: commit who serves, or fail over$/m.test(printed),
    `the stack file ${named ? "names who serves, and an update is refused" : "names another region, and an update may run"}: ${printed.trim()}`,
  );
}

/** By the name clients use, only the serving region's pods may write: tried, with what its vault gives them. */
async function oneWrites(model: Readonly<Model>, world: World): Promise<void> {
  const writers = await writersOf(world);
  const serves = regionOf(world, model.serving).location;
  holds(
    writers.join() === serves,
    `${writers.join(" and ") || "nobody"} may write by the writer's name, and ${serves} serves`,
  );
}

/** While the platform is contained no region's pods may. */
export async function nobodyWrites(world: World): Promise<void> {
  const writers = await writersOf(world);
  holds(
    writers.length === 0,
    `${writers.join(" and ")} may write by the writer's name, and all are shut out`,
  );
}

/** Regions whose pods may write, tried one after the other. */
async function writersOf({ laptop }: World): Promise<string[]> {
  const writers: string[] = [];
  for (const region of laptop.platform.regions)
    if (await answered(() => writes(laptop, region))) writers.push(region.location);
  return writers;
}

async function writes(laptop: Laptop, region: RegionFacts): Promise<boolean> {
  const { platform, served } = laptop;
  const client = new Client({
    host: "127.0.0.1",
    port: served.real?.databases.portOf(platform.writerHost) ?? 1,
    user: loginName("api", region),
    password: valueIn(served, region.vault, "database-api-password") ?? "",
    database: platform.database,
    ssl: { ca: served.listening.certificate, servername: platform.writerHost },
    connectionTimeoutMillis: 20_000,
    query_timeout: 20_000,
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    // Written, and taken back: nothing may be left of having asked.
    await client.query(`BEGIN; INSERT INTO ${ORDERS} (id) VALUES (-1); ROLLBACK`);
    return true;
  } catch (error) {
    // Anything but a refusal would hide who may write.
    const { code } = error as { code?: string };
    if (code === "28000" || code === "28P01") return false;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Once a failover was recorded, most of the accounts name the region that serves: the other's gateway calls no partner. */
async function partnersAgree(model: Readonly<Model>, world: World): Promise<void> {
  const { laptop } = world;
  const storage = laptop.served.real?.storage;
  const accounts = laptop.platform.servingPlaces.map(({ url }) => new URL(url).hostname.split(".")[0] ?? "");
  const said = await Promise.all(
    accounts.map(async (name) => {
      const address = storage?.get(name)?.addressOf(`/${SERVING_CONTAINER}/${SERVING_BLOB}`);
      if (address === undefined) return undefined;
      const blob = new BlockBlobClient(address);
      const text = await blob.downloadToBuffer().catch((error: { statusCode?: number }) => {
        if (error.statusCode === 404) return undefined;
        throw error;
      });
      return text && servingRecord.parse(JSON.parse(text.toString()));
    }),
  );
  const newest = Math.max(0, ...said.map((record) => record?.term ?? 0));
  if (newest === 0) return;
  const serves = regionOf(world, model.serving).location;
  const agree = said.filter((record) => record?.serving === serves && record.term === newest);
  holds(
    agree.length >= majority(accounts.length),
    `${agree.length} of ${accounts.length} accounts say that ${serves} may call partners`,
  );
  gatewaysFollow(
    model,
    world,
    laptop.platform.servingPlaces.map(({ name }, index) => ({ name, record: said[index] })),
  );
}

/**
 * What each region's gateway concludes from what it hears: all of the accounts, or within a region that is lost its own alone. The
 * region that serves may call partners; the other may not, or, cut off, no longer once the time that was printed has passed.
 */
function gatewaysFollow(
  { serving, lost }: Readonly<Model>,
  world: World,
  places: readonly { name: string; record: ServingRecord | undefined }[],
): void {
  const newest = places.reduce((one, { record }) => Math.max(one, record?.term ?? 0), 0);
  const written =
    Date.parse(places.find(({ record }) => record?.term === newest)?.record?.since ?? "") / 1000;
  const names = places.map(({ name }) => name);
  for (const index of [0, 1] as const) {
    const { location } = regionOf(world, index);
    const gateway = (world.gateways[index] ??= new Permission(location, names));
    const now = Date.now() / 1000;
    for (const { name, record } of places)
      if (lost === index ? name === location : lost === undefined || name !== regionOf(world, lost).location)
        gateway.hear(name, now, record);
    if (index === serving) {
      if (lost !== index) holds(gateway.verdict(now).may, `${location} serves and may call no partner`);
      continue;
    }
    const bound = lost === index ? Math.max(now, written + GRACE_SECONDS) : now;
    const { may } = gateway.verdict(bound);
    holds(
      !may,
      `${location} does not serve and may still call partners, ${(bound - written).toFixed(0)} s after that was written`,
    );
  }
}
