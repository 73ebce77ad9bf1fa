import { JUDGED } from "../engine";
import { ensure, noChange, refused, succeeded } from "../expect";
import { Scenario } from "../scenario";

/** Owner, of Azure's built-in roles. */
const OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";

/** What the identities of docs/deploying.md may, and what Azure refuses them, whatever the policies would have said. */
export const RIGHTS: readonly Scenario[] = [
  {
    id: "9.1",
    title: "the previewing identity sees what would change, and is refused every change",
    async run(stage) {
      const world = await stage.deployed();
      world.actAs("preview");
      noChange(await stage.preview(world, JUDGED));
      const { startHour } = stage.config.database.maintenanceWindow;
      stage.configure(world, { "database.maintenanceWindow.startHour": startHour + 1 });
      succeeded(await stage.preview(world, JUDGED));
      refused(await stage.up(world, JUDGED), /AuthorizationFailed.*perform action '[^']*\/write'/s);
      ensure(world.changes().length === 0, "the cloud was touched");
    },
  },
  {
    id: "9.2",
    title: "the deploying identity makes nobody an owner, itself included",
    async run(stage) {
      const world = await stage.deployed();
      const { subscriptionId } = stage.config.azure;
      const scope = `/subscriptions/${subscriptionId}`;
      const imports = [
        'import { Provider as AddedProvider } from "@pulumi/azure-native/provider";',
        'import { RoleAssignment as Added } from "@pulumi/azure-native/authorization";',
      ].join("\n");
      const assignment = {
        scope,
        principalId: OWNER,
        principalType: "ServicePrincipal",
        roleDefinitionId: `${scope}/providers/Microsoft.Authorization/roleDefinitions/${OWNER}`,
      };
      const code = `new Added("added", ${JSON.stringify(assignment)},
        { provider: new AddedProvider("added", { subscriptionId: ${JSON.stringify(subscriptionId)} }) });`;
      await stage.edit(world, [{ file: "stacks/index.ts", append: `${imports}\n${code}` }]);
      refused(await stage.up(world, JUDGED), /AuthorizationFailed.*roleAssignments\/write/s);
      ensure(world.changes().length === 0, "the cloud was touched");
    },
  },
];
