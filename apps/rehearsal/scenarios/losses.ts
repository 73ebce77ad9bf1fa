import { ensure, refused } from "../expect";
import { Scenario, Stage } from "../scenario";
import { World } from "../world";
import { prefix } from "./changes";

/** The engine's words for a resource it will not give up. */
const PROTECTED = /unable to replace resource|cannot be deleted\s+because it is protected/;

/** Forces the change through without a preview: even then nothing is deleted or replaced. */
async function stopped(stage: Stage, world: World, said: RegExp, about: RegExp): Promise<void> {
  const run = await stage.up(world);
  refused(run, said);
  refused(run, about);
  const deleted = world.changes().filter(({ operation }) => operation === "delete");
  ensure(deleted.length === 0, `deleted: ${deleted.map(({ name }) => name).join(", ")}`);
}

/**
 * Changes that would lose data. Each is stopped. The engine then advises to unprotect the resource, which is the last
 * thing to do; docs/changing.md says what to do instead, for each of these.
 */
export const LOSSES: readonly Scenario[] = [
  {
    id: "3.9",
    title: "the server in another region is stopped",
    async run(stage) {
      const world = await stage.deployed();
      await stage.edit(world, [
        {
          file: "infra/data/database.ts",
          find: "location: primary.region,",
          replace: 'location: "swedencentral",',
        },
      ]);
      await stopped(stage, world, PROTECTED, new RegExp(`${prefix(stage.config)}-database-primary`));
    },
  },
  {
    id: "3.10",
    title: "another server name is stopped",
    async run(stage) {
      const world = await stage.deployed();
      await stage.edit(world, [
        {
          file: "infra/data/database.ts",
          find: "serverName: primary.serverName,",
          replace: "serverName: `${primary.serverName}-2`,",
        },
      ]);
      await stopped(stage, world, PROTECTED, new RegExp(`${prefix(stage.config)}-database-primary`));
    },
  },
  {
    id: "3.11",
    title: "another administrator login is stopped",
    async run(stage) {
      const world = await stage.deployed();
      stage.configure(world, { "database.administratorLogin": "somebody_else" });
      await stopped(stage, world, PROTECTED, new RegExp(`${prefix(stage.config)}-database-primary`));
    },
  },
  {
    id: "3.12",
    title: "geo-redundant backup switched over after creation is stopped",
    async run(stage) {
      const { geoRedundantBackup } = stage.config.database;
      const world = await stage.deployed();
      stage.configure(world, { "database.geoRedundantBackup": !geoRedundantBackup });
      // In prod the policies stop it at once; elsewhere Azure does.
      refused(await stage.up(world), /geo-?redundan/i);
      ensure(world.changes().length === 0, "the cloud was touched");
    },
  },
  {
    id: "3.13",
    title: "a container under another name is stopped",
    async run(stage) {
      const world = await stage.deployed();
      await stage.edit(world, [
        {
          file: "infra/data/places.ts",
          find: 'daily: "backups-daily",',
          replace: 'daily: "daily-backups",',
        },
      ]);
      // Rights on the container would go first, and the lock on the account stops that already.
      const said = new RegExp(`ScopeLocked|${PROTECTED.source}`);
      await stopped(stage, world, said, /backups-daily/);
    },
  },
];
