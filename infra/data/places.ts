/**
 * Where in the data's resources things stand: containers and ports. Apart from what declares them, so that a command that
 * only names them does not load a cloud's SDK.
 */

/** What a container is for. */
export type ContainerPurpose = "hourly" | "daily" | "weekly" | "monthly" | "evidence" | "incidents";

/** Names of the containers, by purpose. */
export const CONTAINER_NAMES: Readonly<Record<ContainerPurpose, string>> = {
  hourly: "backups-hourly",
  daily: "backups-daily",
  weekly: "backups-weekly",
  monthly: "backups-monthly",
  evidence: "evidence",
  incidents: "incidents",
};

/** Container of the record that says which region serves, in each account that keeps it. */
export const SERVING_CONTAINER = "serving";

const BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";

/** Rights on data with which the record is said anew: by an update of what is there, which deletes nothing. */
export const RECORDER_RIGHTS: readonly string[] = [`${BLOBS}/read`, `${BLOBS}/write`];

/** Ports of the server: PgBouncer for many short connections, PostgreSQL itself for sessions. */
export const DATABASE_PORTS = { pooled: 6432, direct: 5432 } as const;
