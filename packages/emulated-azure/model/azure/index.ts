import { stringAt } from "../paths";
import { PackageModel } from "../types";
import { armKey, armModels, FACTS } from "./arm";
import { COMMUNICATION_FUNCTIONS } from "./communication";
import { AZURE_FUNCTIONS } from "./functions";
import { ARM_TYPES } from "./table";

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const AZURE: PackageModel = {
  name: "azure-native",
  version: FACTS.sources["@pulumi/azure-native"] as string,
  resources: armModels(ARM_TYPES),
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
