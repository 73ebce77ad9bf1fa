import { stackPlatformNames } from "../../../stacks/files";
import { Addition } from "../bundle";
import { ensure, refused } from "../expect";
import { Scenario, Stage } from "../scenario";

/** Appended to the composition: runs as part of the program, after everything the program declares. */
function attack(code: string, imports = ""): Addition {
  return { file: "stacks/index.ts", append: `${imports}\n${code}` };
}

const PULUMI = 'import * as attackPulumi from "@pulumi/pulumi";';

/** Updates as people do, with the preview first: the command fails there, and the cloud stays empty. */
async function stopped(stage: Stage, change: Addition, reason: RegExp): Promise<void> {
  const world = await stage.empty();
  await stage.edit(world, [change]);
  refused(await stage.upAfterPreview(world), reason);
  const made = world.changes();
  ensure(
    made.length === 0,
    `created before it was stopped: ${made.map(({ type, name }) => `${type} ${name}`).join(", ")}`,
  );
}

function victimOf(stage: Stage) {
  const other = Object.entries(stage.setting.configs).find(
    ([, { environment }]) => environment !== stage.config.environment,
  );
  ensure(other !== undefined, "there is no other environment to reach for");
  const [stack, config] = other;
  return { stack, config, names: stackPlatformNames(config) };
}

function serverId(stage: Stage): string {
  const { config, names } = victimOf(stage);
  return `/subscriptions/${config.azure.subscriptionId}/resourceGroups/${names.primary.resourceGroup}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${names.primary.server}`;
}

/** Ways one environment's program could reach the other's database; each ends before anything is created. */
export const ISOLATION: readonly Scenario[] = [
  {
    id: "7.1",
    title: "a stack reference to the other environment ends before anything is created",
    async run(stage) {
      const { stack } = victimOf(stage);
      const code = `new attackPulumi.StackReference("organization/forma3d/${stack}").getOutput("database");`;
      await stopped(stage, attack(code, PULUMI), /isolation: .*references another stack/);
    },
  },
  {
    id: "7.2",
    title: "reading the other environment's server with .get() ends before anything is created",
    async run(stage) {
      const imports = `${PULUMI}\nimport { Server as AttackServer } from "@pulumi/azure-native/dbforpostgresql";`;
      const code = `AttackServer.get("attack", ${JSON.stringify(serverId(stage))});`;
      await stopped(stage, attack(code, imports), new RegExp(victimOf(stage).config.environment));
    },
  },
  {
    id: "7.3",
    title: "the other environment's connection string in a Secret ends before anything is created",
    async run(stage) {
      const { names, config } = victimOf(stage);
      const url = `postgresql://reader:x@${names.virtualEndpoint}.writer.postgres.database.azure.com:6432/forma3d`;
      const imports = [
        'import { Provider as AttackProvider } from "@pulumi/kubernetes/provider";',
        'import { Secret as AttackSecret } from "@pulumi/kubernetes/core/v1/secret";',
      ].join("\n");
      const code = `new AttackSecret("attack", { stringData: { url: ${JSON.stringify(url)} } },
        { provider: new AttackProvider("attack", { kubeconfig: "{}" }) });`;
      await stopped(stage, attack(code, imports), new RegExp(config.environment));
    },
  },
  {
    id: "7.4",
    title: "a default provider, whose subscription nobody pinned, ends before anything is created",
    async run(stage) {
      const imports = 'import { ResourceGroup as AttackGroup } from "@pulumi/azure-native/resources";';
      const code = `new AttackGroup("attack", { resourceGroupName: "rg-attack", location: "westeurope" });`;
      await stopped(stage, attack(code, imports), /Default provider for 'azure-native' disabled/);
    },
  },
];
