import { valueAt } from "../../../packages/emulated-azure/model/paths";
import type { Stored } from "../../../packages/emulated-azure/model/types";
import { OLDEST_GRAFANA } from "../../../packages/azure-facts";
import { happen } from "../../../packages/emulated-azure/store/changes";
import { stackPlatformNames } from "../../../stacks/files";
import { JUDGED } from "../engine";
import { ensure, noChange, operations } from "../expect";
import { Scenario, Stage } from "../scenario";
import { World } from "../world";
import { prefix } from "./changes";

const SERVER = "azure-native:dbforpostgresql:Server";

function server(stage: Stage, world: World, place: "primary" | "secondary") {
  const names = stackPlatformNames(stage.config)[place];
  ensure(names !== undefined, `the stack has no ${place} region`);
  return world.resource(SERVER, names.server);
}

const MUTING = "azure-native:alertsmanagement:AlertProcessingRuleByName";

/** A change that has nothing to do with what Azure moved: the maintenance window, and the silence of alerts in it. */
async function asked(stage: Stage, world: World): Promise<void> {
  const { startHour } = stage.config.database.maintenanceWindow;
  const name = prefix(stage.config);
  const mutes = [...world.cloud.all()].some(({ type }) => type === MUTING);
  stage.configure(world, { "database.maintenanceWindow.startHour": startHour + 1 });
  operations(await stage.up(world, JUDGED), [
    `update ${SERVER} ${name}-database-primary`,
    ...(mutes ? [`update ${MUTING} ${name}-alerts-mute-database-maintenance`] : []),
  ]);
}

/**
 * What Azure does by itself: afterwards an update does nothing, or exactly what it is asked. It looks at the cloud first
 * where it would not see otherwise what happened.
 */
export const AZURE: readonly Scenario[] = [
  {
    id: "4.1",
    title: "after a failover to the standby, whose zone is another, an update leaves the server where it is",
    notFor: ({ database }) =>
      database.highAvailability === "ZoneRedundant" ? undefined : "there is no standby in another zone",
    async run(stage) {
      const world = await stage.deployed();
      happen(stage.setting.model, world.cloud, server(stage, world, "primary").id, "ha-failover");
      const moved = valueAt(server(stage, world, "primary").outputs, "availabilityZone");
      await asked(stage, world);
      noChange(await stage.up(world, { ...JUDGED, refresh: true }));
      const zone = valueAt(server(stage, world, "primary").outputs, "availabilityZone");
      ensure(zone === moved, `the server was moved back to zone ${JSON.stringify(zone)}`);
    },
  },
  {
    id: "4.2",
    title: "after autogrow enlarged the disk, a refreshed update leaves it large",
    async run(stage) {
      const world = await stage.deployed();
      const { id } = server(stage, world, "primary");
      happen(stage.setting.model, world.cloud, id, "autogrow");
      const grown = valueAt(server(stage, world, "primary").outputs, "storage.storageSizeGB");
      noChange(await stage.up(world, { ...JUDGED, refresh: true }));
      await asked(stage, world);
      const size = valueAt(server(stage, world, "primary").outputs, "storage.storageSizeGB");
      ensure(size === grown, `the disk has ${JSON.stringify(size)} GiB, not ${JSON.stringify(grown)}`);
    },
  },
  {
    id: "4.3",
    title: "after the replica was promoted, an update changes neither server",
    notFor: ({ database }) => (database.replica ? undefined : "there is no replica"),
    async run(stage) {
      const world = await stage.deployed();
      const { model } = stage.setting;
      happen(model, world.cloud, server(stage, world, "secondary").id, "promoted");
      happen(model, world.cloud, server(stage, world, "primary").id, "demoted");
      // Not refreshed, as the runbook says: that would find the standby gone and send a replica one.
      noChange(await stage.up(world, JUDGED));
      const role = valueAt(server(stage, world, "secondary").outputs, "replicationRole");
      ensure(role === "Primary", `the promoted server is ${JSON.stringify(role)}`);
    },
  },
  {
    id: "4.4",
    title: "after the cluster's certificates were rotated, an update replaces nothing in the cluster",
    async run(stage) {
      const world = await stage.deployed();
      const { cluster } = stackPlatformNames(stage.config).primary;
      const managed = world.resource("azure-native:containerservice:ManagedCluster", cluster);
      happen(stage.setting.model, world.cloud, managed.id, "certificates-rotated");
      noChange(await stage.up(world, JUDGED));
    },
  },
  {
    id: "4.7",
    title: "after Azure raised Grafana from a version it retired, a refreshed update leaves it there",
    async run(stage) {
      const world = await stage.deployed();
      const found = (): Stored => {
        const { grafana } = stackPlatformNames(stage.config);
        return world.resource("azure-native:dashboard:Grafana", grafana);
      };
      happen(stage.setting.model, world.cloud, found().id, "version-retired");
      noChange(await stage.up(world, { ...JUDGED, refresh: true }));
      // Sent with every change of the workspace.
      stage.configure(world, { "tags.costCenter": "dashboards" });
      const run = await stage.up(world, { ...JUDGED, target: ["**-grafana"] });
      operations(run, [`update azure-native:dashboard:Grafana ${prefix(stage.config)}-monitor-grafana`]);
      const version = valueAt(found().outputs, "properties.grafanaMajorVersion");
      ensure(version === String(OLDEST_GRAFANA + 1), `Grafana is at ${JSON.stringify(version)}`);
    },
  },
];
