import { stackPlatformNames } from "../../../stacks/files";
import { deleteBehind } from "../../../packages/emulated-azure/store/changes";
import { JUDGED } from "../engine";
import { ensure, noChange, operations, refused } from "../expect";
import { Scenario } from "../scenario";
import { prefix } from "./changes";

const SERVER = "azure-native:dbforpostgresql:Server";
const LINK = "azure-native:privatedns:VirtualNetworkLink";

/** What is lost or out of reach without Pulumi's knowledge, and how the program mends it. */
export const NETWORK: readonly Scenario[] = [
  {
    id: "4.5",
    title: "a private zone's link that somebody deleted comes back with an update that refreshes it",
    async run(stage) {
      const world = await stage.deployed();
      const link = `${prefix(stage.config)}-primary-network-database-zone-link`;
      const { resourceGroup, virtualNetwork } = stackPlatformNames(stage.config).primary;
      const stored = [...world.cloud.all()].find(
        ({ type, id }) =>
          type === LINK &&
          id.toLowerCase().includes(`/resourcegroups/${resourceGroup}/`.toLowerCase()) &&
          /\/privatelink\.postgres\.database\.azure\.com\//.test(id) &&
          id.toLowerCase().endsWith(`/${virtualNetwork}`.toLowerCase()),
      );
      ensure(stored !== undefined, "the database's private zone has no link");
      deleteBehind(world.cloud, stored.id);
      const run = await stage.up(world, { ...JUDGED, refresh: true, target: ["**-zone-link"] });
      operations(run, [`create ${LINK} ${link}`]);
      ensure(world.cloud.get(stored.key) !== undefined, "the link did not come back");
    },
  },
  {
    id: "4.6",
    title:
      "with the database server cut off, an update has nothing to do, and one that needs the server fails, loses nothing and ends when it is run again",
    async run(stage) {
      const world = await stage.deployed();
      const { server } = stackPlatformNames(stage.config).primary;
      const { key, id } = world.resource(SERVER, server);
      world.faults.outage(`server ${server}`, (attempt) => `${attempt.key}/`.startsWith(`${key}/`));
      noChange(await stage.up(world, JUDGED));
      const { startHour } = stage.config.database.maintenanceWindow;
      stage.configure(world, { "database.maintenanceWindow.startHour": startHour + 1 });
      refused(await stage.up(world, JUDGED), new RegExp(`server ${server} does not answer`));
      world.faults.clear();
      const run = await stage.up(world, JUDGED);
      ensure(
        run.steps.some(
          ({ op, name }) => op === "update" && name === `${prefix(stage.config)}-database-primary`,
        ),
        "the server was not changed afterwards",
      );
      ensure(world.resource(SERVER, server).id === id, "the server is another one");
      ensure(
        world.changes().every(({ operation }) => operation === "update"),
        "something was created or deleted",
      );
    },
  },
];
