import type { ArmTable } from "./arm";
import { CLUSTER_TYPES } from "./cluster";
import { COMMUNICATION_TYPES } from "./communication";
import { DATABASE_TYPES } from "./database";
import { EDGE_TYPES } from "./edge";
import { GOVERNANCE_TYPES } from "./governance";
import { IDENTITY_TYPES } from "./identity";
import { MONITORING_TYPES } from "./monitoring";
import { NETWORK_TYPES } from "./network";
import { STORAGE_TYPES } from "./storage";

const GROUP_TYPES: ArmTable = {
  "resources:ResourceGroup": {
    id: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}",
    required: ["location"],
    computed: () => ({
      type: "Microsoft.Resources/resourceGroups",
      properties: { provisioningState: "Succeeded" },
    }),
  },
};

/** What this folder says of every type, whether the vendors' facts about it have been extracted yet or not. */
export const ARM_TYPES: ArmTable = {
  ...GROUP_TYPES,
  ...NETWORK_TYPES,
  ...DATABASE_TYPES,
  ...STORAGE_TYPES,
  ...IDENTITY_TYPES,
  ...CLUSTER_TYPES,
  ...MONITORING_TYPES,
  ...EDGE_TYPES,
  ...COMMUNICATION_TYPES,
  ...GOVERNANCE_TYPES,
};
