import type { Rule } from "../../packages/isolation/rule";
import { ARM_RULES } from "./arm";
import { BACKUP_ACCOUNT_RULES } from "./backupAccounts";
import { COMPLETENESS_RULES } from "./completeness";
import { COST_RULES } from "./cost";
import { DATA_RECOVERY_RULES } from "./recoveryData";
import { DATABASE_RECOVERY_RULES } from "./recoveryDatabase";
import { ACCESS_RULES } from "./securityAccess";
import { CLUSTER_SECURITY_RULES } from "./securityCluster";
import { DATA_SECURITY_RULES } from "./securityData";
import { NETWORK_SECURITY_RULES } from "./securityNetwork";
import { GENERATED_SECRET_RULES } from "./generatedSecrets";
import { STANDBY_RULES } from "./standby";
import { WIRING_RULES } from "./wiring";
import { NETWORK_WIRING_RULES } from "./wiringNetwork";
import { PARTNER_RULES } from "./workloadPartners";
import { POD_RULES } from "./workloadPods";
import { SECRET_RULES } from "./workloadSecrets";
import { SERVICE_RULES } from "./workloadService";

/** What production may not be, what other environments may not cost, and what Azure refuses anywhere. */
export const rules: readonly Rule[] = [
  ...DATABASE_RECOVERY_RULES,
  ...DATA_RECOVERY_RULES,
  ...BACKUP_ACCOUNT_RULES,
  ...STANDBY_RULES,
  ...POD_RULES,
  ...SECRET_RULES,
  ...GENERATED_SECRET_RULES,
  ...SERVICE_RULES,
  ...PARTNER_RULES,
  ...DATA_SECURITY_RULES,
  ...CLUSTER_SECURITY_RULES,
  ...ACCESS_RULES,
  ...NETWORK_SECURITY_RULES,
  ...COMPLETENESS_RULES,
  ...COST_RULES,
  ...ARM_RULES,
  ...WIRING_RULES,
  ...NETWORK_WIRING_RULES,
];
