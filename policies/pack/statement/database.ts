import { WEEKDAYS } from "../../../packages/azure-facts/maintenance";
import { stackPlatformNames } from "../../../stacks/files";
import { PLACES, roleOf, servingPlace, type Place } from "../../../stacks/roles";
import type { StackConfig } from "../../../stacks/schema";
import { atLeast, either, GIVEN, NONE } from "../../rules/expected";
import type { Demand } from "../../rules/statement";

const SERVER = "dbforpostgresql:Server";

const called = (config: StackConfig, place: Place) => ({
  serverName: stackPlatformNames(config)[place]?.server,
});

/** What a server computes and stores with, which a promotion needs to be equal on both. Autogrow enlarges the disk. */
const size = ({ database }: StackConfig) => ({
  "sku.name": database.skuName,
  "storage.storageSizeGB": atLeast(database.storageGB),
});

/** The server that writes now, whichever was made first: nothing it had at rest is less after a failover. */
function writer(config: StackConfig): Demand {
  const { database } = config;
  const { backupRetentionDays, geoRedundantBackup, geoBackupOf, maintenanceWindow } = database;
  const place = servingPlace(config);
  const isFirst = place === PLACES[0];
  const standby = isFirst ? database.highAvailability : (database.replica?.highAvailability ?? "Disabled");
  return {
    what: "the database server that writes",
    key: "database, regions",
    type: SERVER,
    where: called(config, place),
    is: {
      // Any other word makes another server of it.
      createMode: isFirst ? either("Default", NONE) : "Update",
      administratorLoginPassword: GIVEN,
      ...size(config),
      "backup.backupRetentionDays": atLeast(backupRetentionDays),
      "backup.geoRedundantBackup": geoRedundantBackup && geoBackupOf === place ? "Enabled" : "Disabled",
      "maintenanceWindow.customWindow": "Enabled",
      "maintenanceWindow.dayOfWeek": WEEKDAYS.indexOf(maintenanceWindow.dayOfWeek),
      "maintenanceWindow.startHour": maintenanceWindow.startHour,
      // One that was promoted has none until the stack file gives it one; by hand it may have one before.
      ...(standby !== "Disabled" && { "highAvailability.mode": standby }),
    },
  };
}

/** The server that follows, where it was made to: one made by itself is sent nothing while it follows, nor is one that is lost. */
function follower(config: StackConfig): Demand[] {
  const [, place] = PLACES;
  if (!config.database.replica || roleOf(config, place) !== "standby") return [];
  return [
    {
      what: "the database server that follows",
      key: "database.replica",
      type: SERVER,
      where: called(config, place),
      is: {
        // Made in any other way it would be an empty server of its own.
        createMode: either("Replica", NONE),
        sourceServerResourceId: GIVEN,
        ...size(config),
      },
    },
  ];
}

/** The database's servers, by what their regions are for now. */
export const databaseServers = (config: StackConfig): Demand[] => [writer(config), ...follower(config)];
