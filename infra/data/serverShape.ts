import { WEEKDAYS } from "../../packages/azure-facts/maintenance";
import { DatabaseArgs } from "./databaseArgs";

/** What promotion needs to be equal on both servers. */
export function sharedShape(args: DatabaseArgs) {
  return {
    version: args.version,
    sku: { name: args.skuName, tier: args.tier },
    storage: { storageSizeGB: args.storageGB, autoGrow: "Enabled", type: "Premium_LRS" },
    network: { publicNetworkAccess: "Disabled" },
    tags: args.tags,
  };
}

/** How a server that writes is backed up. @param copied whether it can have copies in the other region */
export function backupOf({ backupRetentionDays, geoRedundantBackup }: DatabaseArgs, copied: boolean) {
  return { backupRetentionDays, geoRedundantBackup: geoRedundantBackup && copied ? "Enabled" : "Disabled" };
}

/** When Azure may restart a server that writes, in UTC. */
export function maintenanceWindow({ maintenanceWindow: { dayOfWeek, startHour } }: DatabaseArgs) {
  return { customWindow: "Enabled", dayOfWeek: WEEKDAYS.indexOf(dayOfWeek), startHour, startMinute: 0 };
}
