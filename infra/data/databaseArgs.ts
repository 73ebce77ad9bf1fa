import * as pulumi from "@pulumi/pulumi";
import { WeeklyWindow } from "../../packages/azure-facts/maintenance";
import { Region } from "../regions";
import { Tags } from "../tags";
import { PoolSettings } from "./serverParameters";

/** A place a server stands in. */
export interface ServerPlace {
  serverName: string;
  region: Region;
  resourceGroupName: pulumi.Input<string>;
}

export interface EntraAdministrator {
  objectId: string;
  principalName: string;
  principalType: "Group" | "ServicePrincipal" | "User";
}

export type HighAvailability = "ZoneRedundant" | "SameZone" | "Disabled";

export interface DatabaseArgs {
  /** Server that accepts writes at first. Changing name or region replaces it: data loss, so it is protected. */
  primary: ServerPlace;
  /** Asynchronous read replica. Absent: none; removing it deletes the replica unless it is protected. */
  replica?: ServerPlace & {
    /** true only in the deployment that creates it: Azure refuses `createMode` on a replica that exists. */
    bootstrap: boolean;
    /** Standby of the replica while it is the writer; Azure lets no replica have one. */
    highAvailability: HighAvailability;
  };
  /** Why there is no replica for a while; the endpoint's reader is then led to the primary. Absent otherwise. */
  withoutReplica?: string;
  /**
   * Server that accepts writes now. It alone gets what Azure lets only a writer have: the administrator's password,
   * backups, a standby. Changing it promotes nothing.
   */
  writer: "primary" | "replica";
  /** Whether the region of the server that does not accept writes is lost: nothing is sent to that server then. */
  lost: boolean;
  /** Name of the endpoint clients connect to. Changing it breaks every connection string at once. */
  virtualEndpoint: string;
  /** PostgreSQL major version; upgraded in place with downtime. */
  version: string;
  /** Compute size of both servers. Changing it restarts them. */
  skuName: string;
  tier: "Burstable" | "GeneralPurpose" | "MemoryOptimized";
  /** GiB at creation; autogrow enlarges it and it never shrinks. */
  storageGB: number;
  highAvailability: HighAvailability;
  /** Copies backups to the paired region. Fixed at creation. */
  geoRedundantBackup: boolean;
  /** Server that was made by itself, which alone can have these copies: Azure gives none to one made as a replica. */
  geoBackupOf: "primary" | "secondary" | "neither";
  /** Days of point-in-time restore, 7-35. Lowering it drops older restore points at once. */
  backupRetentionDays: number;
  /** Changing it replaces the server: data loss. */
  administratorLogin: string;
  administratorPassword: pulumi.Input<string>;
  tenantId: string;
  entraAdministrators: EntraAdministrator[];
  /** Name of the application's database. Changing it replaces the database: data loss, so it is protected. */
  applicationDatabase: string;
  maintenanceWindow: WeeklyWindow;
  pool: PoolSettings;
  /** Server parameters beyond the platform's own. */
  parameters: Record<string, string>;
  /** Protects and locks the servers. */
  protect: boolean;
  logWorkspaceId: pulumi.Input<string>;
  tags: Tags;
}
