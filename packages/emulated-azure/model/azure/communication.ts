import { lastName } from "../ids";
import { guid } from "../cloud";
import { objectsAt, stringAt, treeAt, valueAt } from "../paths";
import { CloudError, Failure, FunctionModel, Tree, Scope, UNKNOWN } from "../types";
import { armKey, type ArmTable } from "./arm";

const text = (tree: Tree, path: string): string => stringAt(tree, path) ?? "";

/** Every action and trigger of a workflow must say what it is. */
function workflowParts(inputs: Tree): Failure[] {
  return ["triggers", "actions"].flatMap((part) => {
    const entries = treeAt(inputs, `definition.${part}`) ?? {};
    return Object.entries(entries).flatMap(([name, value]) =>
      typeof (value as Tree | null)?.["type"] === "string"
        ? []
        : [{ property: `definition.${part}.${name}`, reason: "needs a type" }],
    );
  });
}

/** Azure stores whatever text a dashboard is given, and shows an empty page when it is no JSON. */
function dashboardJson(inputs: Tree): Failure[] {
  const text = stringAt(inputs, "properties.serializedData");
  if (text === undefined) return [];
  try {
    JSON.parse(text);
    return [];
  } catch {
    return [{ property: "properties.serializedData", reason: "must be JSON" }];
  }
}

const listed = (inputs: Tree, ...paths: readonly string[]): readonly Tree[] =>
  paths.reduce<readonly Tree[]>((trees, path) => trees.flatMap((tree) => objectsAt(tree, path)), [inputs]);

const texts = (trees: readonly Tree[], path: string): string[] =>
  trees.flatMap((tree) => stringAt(tree, path) ?? []);

/** A volume, variable, registry or scaler of a container app or job may only name a secret it has. */
function appSecrets(inputs: Tree): Failure[] {
  const known = texts(objectsAt(inputs, "configuration.secrets"), "name");
  const used: readonly (readonly [property: string, names: string[]])[] = [
    ["template.volumes", texts(listed(inputs, "template.volumes", "secrets"), "secretRef")],
    ["template.containers", texts(listed(inputs, "template.containers", "env"), "secretRef")],
    ["template.initContainers", texts(listed(inputs, "template.initContainers", "env"), "secretRef")],
    ["configuration.registries", texts(objectsAt(inputs, "configuration.registries"), "passwordSecretRef")],
    ["configuration.eventTriggerConfig", texts(listed(inputs, `${EVENTS}.scale.rules`, "auth"), "secretRef")],
  ];
  return used.flatMap(([property, names]) =>
    names
      .filter((name) => !known.includes(name))
      .map((name) => ({ property, reason: `names secret ${name}, which is not in configuration` })),
  );
}

const EVENTS = "configuration.eventTriggerConfig";

/** A secret of a vault is fetched with an identity the app or job has. */
function secretIdentities(inputs: Tree): Failure[] {
  const type = stringAt(inputs, "identity.type") ?? "None";
  const assigned = valueAt(inputs, "identity.userAssignedIdentities");
  const holds = (identity: string): boolean =>
    identity === "system"
      ? type.includes("SystemAssigned")
      : type.includes("UserAssigned") &&
        Array.isArray(assigned) &&
        assigned.some((one) => one === UNKNOWN || one === identity);
  return objectsAt(inputs, "configuration.secrets")
    .filter((secret) => secret["keyVaultUrl"] !== undefined && secret["identity"] !== UNKNOWN)
    .filter((secret) => !holds(text(secret, "identity")))
    .map((secret) => ({
      property: "configuration.secrets",
      reason: `${text(secret, "name")} is fetched with an identity that is not among those of the resource`,
    }));
}

/** A container mounts only volumes there are. */
function mounts(inputs: Tree): Failure[] {
  const known = texts(objectsAt(inputs, "template.volumes"), "name");
  return ["template.containers", "template.initContainers"].flatMap((property) =>
    texts(listed(inputs, property, "volumeMounts"), "volumeName")
      .filter((name) => !known.includes(name))
      .map((name) => ({ property, reason: `mounts volume ${name}, which is not in the template` })),
  );
}

/**
 * Memory of all containers is twice the cores of all, in quarters, at most 4 cores where nothing is dedicated
 * (https://learn.microsoft.com/azure/container-apps/containers#configuration).
 */
function sizes(inputs: Tree): Failure[] {
  const property = "template.containers";
  if (stringAt(inputs, "workloadProfileName") !== "Consumption") return [];
  const resources = objectsAt(inputs, property).map((container) => treeAt(container, "resources") ?? {});
  const sum = (of: (tree: Tree) => number): number => resources.reduce((total, tree) => total + of(tree), 0);
  const cores = sum((tree) => Number(tree["cpu"] ?? 0.5));
  const memory = sum((tree) => parseFloat(stringAt(tree, "memory") ?? "1Gi"));
  return Number.isNaN(cores + memory) || (cores <= 4 && (cores * 4) % 1 === 0 && memory === 2 * cores)
    ? []
    : [
        {
          property,
          reason: `${cores} cores and ${memory}Gi in total; allowed: 0.25 to 4 cores in quarters, and twice as many GiB`,
        },
      ];
}

/** What a job that is started by events or at times needs to be told of them. */
const TRIGGERS: ReadonlyMap<string, string> = new Map([
  ["Event", EVENTS],
  ["Schedule", "configuration.scheduleTriggerConfig"],
]);

function trigger(inputs: Tree): Failure[] {
  const property = TRIGGERS.get(text(inputs, "configuration.triggerType"));
  return property === undefined || valueAt(inputs, property) !== undefined
    ? []
    : [{ property, reason: "needed by this kind of trigger" }];
}

const runs = (inputs: Tree): Failure[] => [
  ...appSecrets(inputs),
  ...secretIdentities(inputs),
  ...mounts(inputs),
  ...sizes(inputs),
];

export const COMMUNICATION_TYPES: ArmTable = {
  "logic:Workflow": {
    id: "Microsoft.Logic/workflows/{workflowName}",
    required: ["location", "definition"],
    check: workflowParts,
    computed: ({ inputs, guid: made }) => ({
      accessEndpoint: `https://prod-01.${text(inputs, "location")}.logic.azure.com:443/workflows/${made("workflow")}`,
      version: "08584000000000000000",
    }),
  },
  "dashboard:Dashboard": { id: "Microsoft.Dashboard/dashboards/{dashboardName}", required: ["location"] },
  "dashboard:DashboardDefinition": {
    id: "Microsoft.Dashboard/dashboards/{dashboardName}/dashboardDefinitions/{definitionName}",
    required: ["properties.serializedData"],
    check: dashboardJson,
  },
  "app:ManagedEnvironment": {
    id: "Microsoft.App/managedEnvironments/{environmentName}",
    required: ["location"],
    immutable: ["vnetConfiguration", "zoneRedundant"],
    computed: ({ inputs, random }) => ({
      defaultDomain: `${random("domain", 12)}.${text(inputs, "location")}.azurecontainerapps.io`,
    }),
  },
  "app:Job": {
    id: "Microsoft.App/jobs/{jobName}",
    required: ["location", "environmentId", "template.containers", "configuration.triggerType"],
    immutable: ["environmentId"],
    check: (inputs) => [...runs(inputs), ...trigger(inputs)],
    computed: ({ inputs }) => ({ configuration: treeAt(inputs, "configuration") ?? {} }),
  },
  "app:ContainerApp": {
    id: "Microsoft.App/containerApps/{containerAppName}",
    required: ["location", "managedEnvironmentId", "template.containers"],
    immutable: ["managedEnvironmentId"],
    check: runs,
    computed: ({ id, inputs, guid: made }) => ({
      latestRevisionFqdn: `${lastName(id)}--1.${text(inputs, "location")}.azurecontainerapps.io`,
      configuration: {
        ...treeAt(inputs, "configuration"),
        ingress: {
          ...treeAt(inputs, "configuration.ingress"),
          fqdn: `${lastName(id)}.${text(inputs, "location")}.azurecontainerapps.io`,
        },
      },
      customDomainVerificationId: made("verification"),
    }),
  },
};

const workflowId = (args: Tree, scope: Scope): string =>
  `/subscriptions/${text(scope.config, "subscriptionId")}/resourceGroups/${text(args, "resourceGroupName")}/providers/Microsoft.Logic/workflows/${text(args, "workflowName")}`;

export const COMMUNICATION_FUNCTIONS: readonly FunctionModel[] = [
  {
    token: "azure-native:logic:listWorkflowTriggerCallbackUrl",
    secretOutputs: ["value", "queries"],
    // https://learn.microsoft.com/azure/role-based-access-control/permissions/integration#microsoftlogic
    needs: (args, scope) => ({
      action: "Microsoft.Logic/workflows/triggers/listCallbackUrl/action",
      scope: `${workflowId(args, scope)}/triggers/${text(args, "triggerName")}`,
    }),
    invoke: (args, scope, cloud) => {
      const id = workflowId(args, scope);
      const workflow = cloud.get(armKey(id));
      const trigger = text(args, "triggerName");
      if (!workflow || !treeAt(workflow.inputs, `definition.triggers.${trigger}`)) {
        throw new CloudError(404, "TriggerNotFound", `The trigger '${trigger}' of '${id}' was not found.`);
      }
      const basePath = `${text(workflow.outputs, "accessEndpoint")}/triggers/${trigger}/paths/invoke`;
      return {
        basePath,
        method: "POST",
        relativePath: "",
        value: `${basePath}?api-version=2016-10-01&sig=${guid(cloud.seed, id)}`,
      };
    },
  },
];
