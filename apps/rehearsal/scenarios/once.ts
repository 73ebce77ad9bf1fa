import { valueAt } from "../../../packages/emulated-azure/model/paths";
import { change, happen } from "../../../packages/emulated-azure/store/changes";
import { stackPlatformNames } from "../../../stacks/files";
import { JUDGED } from "../engine";
import { ensure, line, noChange, operations, refused, succeeded } from "../expect";
import { Scenario } from "../scenario";
import { prefix } from "./changes";

const SERVER = "azure-native:dbforpostgresql:Server";
const PARAMETER = "azure-native:dbforpostgresql:Configuration";

/** What Azure takes once only. */
export const ONCE: readonly Scenario[] = [
  {
    id: "6.1",
    title: "the second deployment drops createMode from the replica, and later changes reach it",
    notFor: ({ database }) => (database.replica ? undefined : "there is no replica"),
    async run(stage) {
      const { second } = await stage.foundation();
      ensure(second !== undefined, "the first deployment needed nothing of its own");
      stage.runs.push(second);
      operations(second, [`update ${SERVER} ${prefix(stage.config)}-database-replica`]);
      const world = await stage.deployed();
      stage.configure(world, { "tags.owner": "rehearsal@forma3d.com" });
      const run = await stage.up(world);
      succeeded(run);
      ensure(
        run.steps.some(({ op, name }) => op === "update" && name.endsWith("-database-replica")),
        "the changed tags did not reach the replica",
      );
    },
  },
  {
    id: "6.2",
    title: "a replica still declared with createMode is refused by Azure at its next change",
    notFor: ({ database }) => (database.replica ? undefined : "there is no replica"),
    async run(stage) {
      const world = await stage.handedOver((await stage.foundation()).afterFirst);
      stage.configure(world, { "tags.owner": "rehearsal@forma3d.com" });
      refused(await stage.up(world), /createMode.*ReadReplicaAlreadyExistWithGivenName/s);
    },
  },
  {
    id: "6.3",
    title: "a vault's recovery period, fixed at creation, is refused by Azure",
    async run(stage) {
      const world = await stage.deployed();
      stage.configure(world, {
        "vault.softDeleteRetentionDays": stage.config.vault.softDeleteRetentionDays === 30 ? 60 : 30,
      });
      refused(await stage.up(world), /softDeleteRetentionInDays/);
    },
  },
  {
    id: "6.4",
    title:
      "redundancy moved to or from a zone-redundant kind, which Azure never does by an update, is refused",
    async run(stage) {
      const world = await stage.deployed();
      const { redundancy } = stage.config.storage;
      stage.configure(world, {
        "storage.redundancy": redundancy === "Standard_LRS" ? "Standard_ZRS" : "Standard_LRS",
      });
      refused(await stage.up(world), /zone-redundant|redundancy/i);
      ensure(
        world.changes().every(({ type }) => type !== "azure-native:storage:StorageAccount"),
        "the account was changed",
      );
    },
  },
  {
    id: "6.5",
    title: "a static server parameter waits for a restart, which no update makes and none undoes",
    async run(stage) {
      const world = await stage.deployed();
      const parameters = () => [...world.cloud.all()].filter(({ type }) => type === PARAMETER);
      const waiting = () => parameters().filter(({ outputs }) => outputs["isConfigPendingRestart"] === true);
      const servers = stage.config.database.replica ? 2 : 1;
      const names = waiting().map(({ id }) => id.split("/").at(-1));
      ensure(
        names.length === servers && names.every((name) => name === "shared_preload_libraries"),
        `these wait for a restart: ${names.join(", ")}`,
      );
      // docs/deploying.md restarts each server.
      for (const { id } of waiting()) happen(stage.setting.model, world.cloud, id, "server-restarted");
      noChange(await stage.up(world, { ...JUDGED, refresh: true }));
      ensure(waiting().length === 0, "a parameter waits for a restart again");
    },
  },
  {
    id: "6.6",
    title: "the other kind of standby is refused, and comes once the one there is was turned off by hand",
    async run(stage) {
      const world = await stage.deployed();
      const { highAvailability } = stage.config.database;
      const kind = highAvailability === "SameZone" ? "ZoneRedundant" : "SameZone";
      stage.configure(world, { "database.highAvailability": kind });
      refused(await stage.up(world, JUDGED), /cannot be switched from \w+ to \w+: turn it off first/);
      // As docs/changing.md says.
      const { server } = stackPlatformNames(stage.config).primary;
      const mode = (): unknown => valueAt(world.resource(SERVER, server).outputs, "highAvailability.mode");
      change(world.cloud, world.resource(SERVER, server).id, "highAvailability.mode", "Disabled");
      const name = `${prefix(stage.config)}-database-primary`;
      const run = await stage.up(world, JUDGED);
      succeeded(run);
      const servers = run.steps.filter(({ type }) => type === SERVER).map(line);
      ensure(
        servers.join() === `update ${SERVER} ${name}`,
        `the servers changed otherwise: ${servers.join()}`,
      );
      ensure(mode() === kind, `the standby is ${JSON.stringify(mode())}`);
      noChange(await stage.preview(world, JUDGED));
    },
  },
  {
    id: "6.7",
    title:
      "the group of what is global stands elsewhere than a new one would: an update leaves it there, and what is in it",
    async run(stage) {
      const world = await stage.deployed();
      await stage.edit(world, [
        {
          file: "stacks/platform.ts",
          find: "config.serving.witness ?? config.monitoring.region;",
          replace: '"germanywestcentral";',
        },
      ]);
      noChange(await stage.up(world, { ...JUDGED, refresh: true }));
    },
  },
];
