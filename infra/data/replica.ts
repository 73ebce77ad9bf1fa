import * as postgresql from "@pulumi/azure-native/dbforpostgresql";
import * as pulumi from "@pulumi/pulumi";
import { DatabaseArgs, HighAvailability } from "./databaseArgs";
import { backupOf, maintenanceWindow, sharedShape } from "./serverShape";

/**
 * The read replica. It takes administrator, version and authentication from its source, and has no standby or backups. Once
 * it writes it has them of its own; the login stays the inherited one, and copies of its backups in the other region can
 * never be had, unless it is the one the pair was made from.
 */
export function replicaServer(
  args: DatabaseArgs,
  place: NonNullable<DatabaseArgs["replica"]>,
  sourceId: pulumi.Input<string>,
): postgresql.ServerArgs {
  const { version: _inherited, ...shape } = sharedShape(args);
  return {
    serverName: place.serverName,
    resourceGroupName: place.resourceGroupName,
    location: place.region,
    ...(args.writer === "replica"
      ? promoted(args, place.highAvailability)
      : place.bootstrap && { createMode: postgresql.CreateMode.Replica }),
    sourceServerResourceId: sourceId,
    ...shape,
  };
}

function promoted(args: DatabaseArgs, standby: HighAvailability): Partial<postgresql.ServerArgs> {
  return {
    // Says to Azure, and to the policies, that this is no longer a replica in the making.
    createMode: postgresql.CreateMode.Update,
    administratorLoginPassword: args.administratorPassword,
    backup: backupOf(args, args.geoBackupOf === "secondary"),
    maintenanceWindow: maintenanceWindow(args),
    ...(standby !== "Disabled" && { highAvailability: { mode: standby } }),
  };
}
