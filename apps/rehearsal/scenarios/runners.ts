import { RUNNER_PURPOSES } from "../../../infra/control/names";
import { GITHUB_APP_SECRET } from "../../../infra/control/runnerSettings";
import { stackControlNames } from "../../../stacks/names";
import { ensure, line, noChange, operations, refused, succeeded } from "../expect";
import { Scenario, Stage } from "../scenario";
import { World } from "../world";
import { goHome, goOnWithCopy, nothingToDo } from "./control";
import { loseRegion, returnRegion } from "./region";

const JOB = "azure-native:app:Job";
const SECRET = "azure-native:keyvault:Secret";

/** Values of the stack file that docs/deploying.md has one after the other. */
const SETTING = "controlPlane.runners";
const JOBS = {
  image: "ghcr.io/forma3d/runner@sha256:4d967a4e3e0d6b1a4f3c1dd2be1f0c9a7d5c2e8b6f90a1b3c4d5e6f708192a3b",
  app: { id: 812345, installationId: 51234567 },
};
const [HOME, COPY] = ["controlPlane.location", "controlPlane.copy"];
const RANGES = "cluster.authorizedIpRanges";

/** What the network of the runners is made of, by the names the engine has. */
function networkOf(prefix: string): string[] {
  const name = `${prefix}-runners-network`;
  return [
    `azure-native:resources:ResourceGroup ${name}-group`,
    `azure-native:network:PublicIPAddress ${name}-address`,
    `azure-native:network:NatGateway ${name}-gateway`,
    `azure-native:network:VirtualNetwork ${name}-vnet`,
    ...RUNNER_PURPOSES.flatMap((purpose) => [
      `azure-native:network:NetworkSecurityGroup ${name}-${purpose}-nsg`,
      `azure-native:network:Subnet ${name}-${purpose}`,
    ]),
  ];
}

/** What stands in it. */
function runnersOf(prefix: string): string[] {
  const name = `${prefix}-runners`;
  return [
    `azure-native:managedidentity:UserAssignedIdentity ${name}-identity`,
    `azure-native:authorization:RoleAssignment ${name}-fetches`,
    ...RUNNER_PURPOSES.flatMap((purpose) => [
      `azure-native:app:ManagedEnvironment ${name}-${purpose}-environment`,
      `azure-native:monitor:DiagnosticSetting ${name}-${purpose}-diagnostics`,
      `${JOB} ${name}-${purpose}-job`,
    ]),
  ];
}

const each = (op: string, what: readonly string[]): string[] => what.map((one) => `${op} ${one}`);

/** The address the network got, as the stack's output has it for the stack file. */
async function address(world: World): Promise<string> {
  const { runnerAddresses } = await world.engine.workspaceStack.outputs();
  const [found, ...others] = runnerAddresses?.value as string[];
  ensure(found !== undefined && others.length === 0, "the runners have not one address");
  return found;
}

/** What a person puts into the vault of the state: the private key of the GitHub App. */
function putKey(stage: Stage, world: World): void {
  const { home } = stackControlNames(stage.config);
  const { subscriptionId } = stage.config.azure;
  const inputs = {
    resourceGroupName: home.resourceGroup,
    vaultName: home.vault,
    secretName: GITHUB_APP_SECRET,
    properties: { value: "not-a-real-key", contentType: "application/x-pem-file" },
  };
  const scope = { package: "azure-native", config: { subscriptionId } };
  stage.setting.model.create(SECRET, "", inputs, scope, world.cloud);
}

/** The state's two accounts, which admit the runners' subnets, each changed. */
const accountsOf = (prefix: string): string[] =>
  ["home", "copy"].map((place) => `update azure-native:storage:StorageAccount ${prefix}-${place}-account`);

/** What the environment is deployed from, with the network of its runners, whose address everything admits. */
async function admitted(stage: Stage): Promise<World> {
  const { prefix } = stackControlNames(stage.config);
  const world = await stage.control();
  operations(await stage.up(world), ["create *"]);
  stage.configure(world, { [SETTING]: {} });
  operations(await stage.up(world), [...each("create", networkOf(prefix)), ...accountsOf(prefix)]);
  stage.configure(world, { [SETTING]: { jobs: JOBS } });
  const before = world.changes().length;
  const own = await address(world);
  refused(
    await stage.upAfterPreview(world),
    new RegExp(`cluster\\.authorizedIpRanges: found .*; allowed: ${own} among them`),
  );
  ensure(world.changes().length === before, "the cloud was touched before the address was admitted");
  stage.configure(world, {
    [SETTING]: {},
    [RANGES]: [...stage.config.cluster.authorizedIpRanges, own],
  });
  operations(await stage.up(world), [
    ...accountsOf(prefix),
    ...["home", "copy"].map((place) => `update azure-native:keyvault:Vault ${prefix}-${place}-vault`),
  ]);
  stage.configure(world, { [SETTING]: { jobs: JOBS } });
  return world;
}

/** What was made since a moment, whichever update it was that made it. */
function madeSince(world: World, moment: number): string[] {
  return world
    .changes()
    .slice(moment)
    .map(({ operation, type, name }) => line({ op: operation, type, name }))
    .sort();
}

export const RUNNERS: readonly Scenario[] = [
  {
    id: "5.9",
    title:
      "runners of the environment's own come after their network, its address and their key, and are taken away whole",
    async run(stage) {
      const world = await admitted(stage);
      const { prefix, runners } = stackControlNames(stage.config);
      const moment = world.changes().length;
      refused(await stage.up(world), /unable to fetch secret 'github-app' using Managed identity/);
      ensure(world.cloud.ofType(JOB).length === 0, "a job was made whose key cannot be fetched");
      putKey(stage, world);
      succeeded(await stage.up(world));
      const [made, wanted] = [madeSince(world, moment), each("create", runnersOf(prefix)).sort()];
      ensure(made.join("\n") === wanted.join("\n"), `this was done:\n${made.join("\n")}`);
      noChange(await stage.up(world, { refresh: true }));
      stage.configure(world, { [SETTING]: undefined });
      operations(await stage.up(world), [
        ...each("delete", [...runnersOf(prefix), ...networkOf(prefix)]),
        ...accountsOf(prefix),
      ]);
      const left = [...world.cloud.all()].filter(({ id }) => id.includes(`/${runners.resourceGroup}`));
      ensure(left.length === 0, `left behind: ${left.map(({ id }) => id).join(", ")}`);
    },
  },
  {
    id: "5.10",
    title:
      "the region of the state is lost with the runners in it: the copy of the control plane's own state goes on and home, and nothing changes",
    async run(stage) {
      const world = await admitted(stage);
      putKey(stage, world);
      succeeded(await stage.up(world));
      const { home, copy } = stackControlNames(stage.config);
      await goOnWithCopy(stage, world);
      loseRegion(world, home);
      await nothingToDo(stage, world);
      // In the stack file the two do not change places.
      stage.configure(world, { [HOME]: copy.region, [COPY]: home.region });
      refused(
        await stage.preview(world),
        /controlPlane\.location: found|because it is protected|unable to replace/,
      );
      stage.configure(world, { [HOME]: home.region, [COPY]: copy.region });
      returnRegion(world, home);
      await goHome(stage, world);
      noChange(await stage.up(world, { refresh: true }));
    },
  },
];
