import { lastName } from "../ids";
import { guid } from "../cloud";
import { objectsAt, stringAt, treeAt } from "../paths";
import { CloudError, Failure, FunctionModel, Tree, Scope } from "../types";
import { ArmDefinition, armKey, armModels } from "./arm";

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

/** A volume or variable of a container app may only name a secret the app has. */
function appSecrets(inputs: Tree): Failure[] {
  const known = objectsAt(inputs, "configuration.secrets").map((secret) => stringAt(secret, "name"));
  const used = objectsAt(inputs, "template.volumes").flatMap((volume) =>
    objectsAt(volume, "secrets").map((item) => stringAt(item, "secretRef")),
  );
  return used
    .filter((name) => name !== undefined && !known.includes(name))
    .map((name) => ({
      property: "template.volumes",
      reason: `names secret ${name ?? ""}, which is not in configuration`,
    }));
}

const TABLE: Readonly<Record<string, ArmDefinition>> = {
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
    computed: ({ inputs }) => ({ configuration: treeAt(inputs, "configuration") ?? {} }),
  },
  "app:ContainerApp": {
    id: "Microsoft.App/containerApps/{containerAppName}",
    required: ["location", "managedEnvironmentId", "template.containers"],
    immutable: ["managedEnvironmentId"],
    check: appSecrets,
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

export const COMMUNICATION_MODELS = armModels(TABLE);

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
