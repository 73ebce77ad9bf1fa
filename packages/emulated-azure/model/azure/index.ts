import { stringAt } from "../paths";
import { PackageModel } from "../types";
import { armKey, armModels, FACTS } from "./arm";
import { CLUSTER_MODELS } from "./cluster";
import { COMMUNICATION_FUNCTIONS, COMMUNICATION_MODELS } from "./communication";
import { DATABASE_MODELS } from "./database";
import { EDGE_MODELS } from "./edge";
import { AZURE_FUNCTIONS } from "./functions";
import { GOVERNANCE_MODELS } from "./governance";
import { IDENTITY_MODELS } from "./identity";
import { MONITORING_MODELS } from "./monitoring";
import { NETWORK_MODELS } from "./network";
import { STORAGE_MODELS } from "./storage";

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const GROUP_MODELS = armModels({
  "resources:ResourceGroup": {
    id: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}",
    required: ["location"],
    computed: () => ({
      type: "Microsoft.Resources/resourceGroups",
      properties: { provisioningState: "Succeeded" },
    }),
  },
});

export const AZURE: PackageModel = {
  name: "azure-native",
  version: FACTS.sources["@pulumi/azure-native"] as string,
  resources: [
    ...GROUP_MODELS,
    ...NETWORK_MODELS,
    ...DATABASE_MODELS,
    ...STORAGE_MODELS,
    ...IDENTITY_MODELS,
    ...CLUSTER_MODELS,
    ...MONITORING_MODELS,
    ...EDGE_MODELS,
    ...COMMUNICATION_MODELS,
    ...GOVERNANCE_MODELS,
  ],
  functions: [...AZURE_FUNCTIONS, ...COMMUNICATION_FUNCTIONS],
  checkConfig: (config) =>
    ["subscriptionId", "tenantId"].flatMap((property) => {
      const value = stringAt(config, property);
      return value === undefined || GUID.test(value)
        ? []
        : [{ property, reason: `must be a GUID, unlike ${value}` }];
    }),
};

export { armKey };
