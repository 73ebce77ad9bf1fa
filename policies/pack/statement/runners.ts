import {
  PIPELINE_PURPOSES,
  RUNNER_PURPOSES,
  runnerIdentityId,
  type RunnerPurpose,
} from "../../../infra/control/names";
import { PROBED_PORTS, RUNNER_ADDRESSES, RUNNER_SUBNETS } from "../../../infra/control/runnerAddresses";
import {
  appKeyAddress,
  GITHUB_APP_SECRET,
  RUNNER_LIMITS,
  runnerLabel,
} from "../../../infra/control/runnerSettings";
import { REGIONS } from "../../../infra/regions";
import { STORAGE_SERVICE_ENDPOINT } from "../../../packages/azure-facts";
import { BUILT_IN_ROLES } from "../../../infra/identity/roles";
import { stackControlNames } from "../../../stacks/names";
import type { StackConfig } from "../../../stacks/schema";
import {
  atLeast,
  atMost,
  between,
  endingWith,
  GIVEN,
  holding,
  listOf,
  NONE,
  OFF,
  oneOf,
} from "../../rules/expected";
import type { Demand } from "../../rules/statement";
import { roleId } from "./stateRights";

const NETWORK = "infra/control/runnerNetwork.ts";
const RUNNERS = "infra/control/runners.ts";

/** A list that has exactly one member. */
const ONE = listOf(1);

/** What the runners stand in: nothing reaches it, and all that leaves has one address. */
function network(config: StackConfig): Demand[] {
  const { runners } = stackControlNames(config);
  const count = RUNNER_PURPOSES.length;
  return [
    {
      what: "the runners' address",
      key: NETWORK,
      type: "network:PublicIPAddress",
      where: { publicIpAddressName: runners.outboundAddress },
      is: {
        location: runners.region,
        "sku.name": "Standard",
        publicIPAllocationMethod: "Static",
        ...(REGIONS[runners.region].zones && { zones: holding("1", "2", "3") }),
      },
    },
    {
      what: "the runners' network, which is joined to no other",
      key: NETWORK,
      type: "network:VirtualNetwork",
      where: { virtualNetworkName: runners.virtualNetwork },
      is: { "addressSpace.addressPrefixes": [RUNNER_ADDRESSES] },
    },
    {
      what: "what takes the runners' traffic out",
      key: NETWORK,
      type: "network:NatGateway",
      where: { natGatewayName: runners.natGateway },
      is: { location: runners.region, publicIpAddresses: ONE, "publicIpAddresses[].id": GIVEN },
    },
    {
      what: "a subnet for each purpose of the runners",
      key: NETWORK,
      type: "network:Subnet",
      each: {
        defaultOutboundAccess: oneOf(false),
        "natGateway.id": GIVEN,
        "networkSecurityGroup.id": GIVEN,
        // Without it the state's accounts, in the runners' own region, would not know who asks.
        serviceEndpoints: holding({ service: STORAGE_SERVICE_ENDPOINT, locations: ["*"] }),
        delegations: holding({ serviceName: "Microsoft.App/environments" }),
      },
      count,
    },
    ...RUNNER_PURPOSES.map((purpose): Demand => {
      const rule = (access: string, from: string, to: string, ports: string, priority: unknown) => ({
        access,
        direction: "Inbound",
        protocol: "*",
        sourceAddressPrefix: from,
        sourcePortRange: "*",
        destinationAddressPrefix: to,
        destinationPortRange: ports,
        priority,
      });
      const own = RUNNER_SUBNETS[purpose];
      return {
        what: `what lets nobody in to the runners for ${purpose}`,
        key: NETWORK,
        type: "network:NetworkSecurityGroup",
        where: { networkSecurityGroupName: runners.purposes[purpose].securityGroup },
        is: {
          securityRules: [
            rule("Allow", own, own, "*", atLeast(100)),
            rule("Allow", "AzureLoadBalancer", own, PROBED_PORTS, atLeast(100)),
            // Whatever comes later judges after it.
            rule("Deny", "*", "*", "*", atMost(4000)),
          ],
        },
      };
    }),
  ];
}

/** One kind of runner: where it runs, and that no job of GitHub gets to the key that makes runners. */
function runner(config: StackConfig, purpose: RunnerPurpose, image: string): Demand[] {
  const names = stackControlNames(config);
  const { runners } = names;
  const identity = runnerIdentityId(config.azure.subscriptionId, runners);
  const { environment, job } = runners.purposes[purpose];
  const { hours, atOnce } = RUNNER_LIMITS[purpose];
  const label = runnerLabel(purpose, config.environment);
  return [
    {
      what: `where the runners for ${purpose} run`,
      key: RUNNERS,
      type: "app:ManagedEnvironment",
      where: { environmentName: environment },
      is: {
        location: runners.region,
        "vnetConfiguration.internal": true,
        "vnetConfiguration.infrastructureSubnetId": GIVEN,
        publicNetworkAccess: "Disabled",
        "appLogsConfiguration.destination": "azure-monitor",
      },
    },
    {
      what: `the runners for ${purpose}`,
      key: RUNNERS,
      type: "app:Job",
      where: { jobName: job },
      is: {
        location: runners.region,
        "identity.type": "UserAssigned",
        "identity.userAssignedIdentities": ONE,
        "configuration.triggerType": "Event",
        environmentId: GIVEN,
        // A job that takes as long as it may is not cut off.
        "configuration.replicaTimeout": hours * 3600,
        "configuration.replicaRetryLimit": 0,
        "configuration.identitySettings": ONE,
        "configuration.secrets": ONE,
        "configuration.registries": NONE,
        "configuration.eventTriggerConfig.parallelism": 1,
        "configuration.eventTriggerConfig.replicaCompletionCount": 1,
        "configuration.eventTriggerConfig.scale.minExecutions": 0,
        "configuration.eventTriggerConfig.scale.maxExecutions": atOnce,
        "configuration.eventTriggerConfig.scale.pollingInterval": between(10, 60),
        "configuration.eventTriggerConfig.scale.rules": ONE,
        "template.containers": ONE,
        "template.initContainers": ONE,
      },
      // Of every secret, identity and container there is.
      each: {
        "configuration.secrets[].value": OFF,
        "configuration.secrets[].name": GITHUB_APP_SECRET,
        "configuration.secrets[].keyVaultUrl": appKeyAddress(names.home.vault),
        "configuration.secrets[].identity": identity,
        "configuration.identitySettings[].identity": identity,
        "configuration.identitySettings[].lifecycle": "None",
        "configuration.eventTriggerConfig.scale.rules[].metadata.labels": label,
        "configuration.eventTriggerConfig.scale.rules[].auth": holding({
          triggerParameter: "appKey",
          secretRef: GITHUB_APP_SECRET,
        }),
        // One for branches nobody has reviewed must not take the jobs that deploy.
        "template.initContainers[].env": holding({ name: "RUNNER_LABEL", value: label }),
        "template.initContainers[].resources": { cpu: GIVEN, memory: GIVEN },
        "template.containers[].resources": { cpu: GIVEN, memory: GIVEN },
        "template.initContainers[].image": image,
        "template.containers[].image": image,
        "template.containers[].env[].secretRef": NONE,
        "template.containers[].volumeMounts[].volumeName": "registration",
        "template.volumes[].storageType": oneOf("Secret", "EmptyDir"),
      },
    },
  ];
}

/** Runners of the environment's own, as far as the stack file has any. */
export function runnersOf(config: StackConfig): Demand[] {
  const { runners } = config.controlPlane;
  if (!runners) return [];
  if (!runners.jobs) return network(config);
  const { image } = runners.jobs;
  const names = stackControlNames(config);
  return [
    ...network(config),
    ...RUNNER_PURPOSES.flatMap((purpose) => runner(config, purpose, image)),
    {
      what: "the one right of the runners' identity, where the key of the GitHub App is",
      key: RUNNERS,
      type: "authorization:RoleAssignment",
      where: { roleDefinitionId: roleId(config, BUILT_IN_ROLES.keyVaultSecretsUser) },
      is: { scope: endingWith(`/resourceGroups/${names.home.resourceGroup}`) },
      most: 1,
    },
    {
      what: "the runners' identity, and no other beside the pipelines'",
      key: RUNNERS,
      type: "managedidentity:UserAssignedIdentity",
      each: { resourceName: oneOf(...Object.values(names.identities), names.runners.identity) },
      count: PIPELINE_PURPOSES.length + 1,
    },
    {
      what: "why a runner did not start",
      key: RUNNERS,
      type: "monitor:DiagnosticSetting",
      is: {
        logs: holding(
          ...["ContainerAppConsoleLogs", "ContainerAppSystemLogs"].map((category) => ({
            category,
            enabled: true,
          })),
        ),
        workspaceId: GIVEN,
      },
      count: RUNNER_PURPOSES.length,
    },
  ];
}
