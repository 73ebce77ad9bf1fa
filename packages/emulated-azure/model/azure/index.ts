import { PackageModel } from "../types";
import { armKey, armModels, FACTS } from "./arm";
import { COMMUNICATION_FUNCTIONS } from "./communication";
import { AZURE_FUNCTIONS } from "./functions";
import { mustBeGuid } from "./identity";
import { ARM_TYPES } from "./table";

export const AZURE: PackageModel = {
  name: "azure-native",
  version: FACTS.sources["@pulumi/azure-native"] as string,
  resources: armModels(ARM_TYPES),
  functions: [...AZURE_FUNCTIONS, ...COMMUNICATION_FUNCTIONS],
  checkConfig: (config) => ["subscriptionId", "tenantId"].flatMap((property) => mustBeGuid(property)(config)),
};

export { armKey };
