import { followerName, type DatabaseServer } from "./server";

/** What Azure Monitor would say about one server at this moment; undefined is "no data". */
export interface ServerMetrics {
  /** `is_db_alive`: 1 while it answers. Nothing when its region is lost. */
  alive: 0 | 1 | undefined;
  /** `physical_replication_delay_in_seconds`, of a replica: age of the last transaction it replayed. */
  replicaLagSeconds: number | undefined;
  /** `physical_replication_delay_in_bytes`, of a source: what the replica furthest behind has not received. */
  replicationLagBytes: number | undefined;
  /** `storage_used`, in bytes. */
  storageUsed: number | undefined;
  /** `txlogs_storage_used`, in bytes. */
  logUsed: number | undefined;
  /** `active_connections`. */
  connections: number | undefined;
  /** `max_connections`. */
  maxConnections: number | undefined;
}

const SILENT: ServerMetrics = {
  alive: undefined,
  replicaLagSeconds: undefined,
  replicationLagBytes: undefined,
  storageUsed: undefined,
  logUsed: undefined,
  connections: undefined,
  maxConnections: undefined,
};

const READING = `
SELECT (SELECT sum(pg_database_size(oid)) FROM pg_database)::float8 AS storage,
       (SELECT sum(size) FROM pg_ls_waldir())::float8 AS log,
       current_setting('max_connections')::float8 AS most,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::float8 AS connections,
       CASE WHEN pg_is_in_recovery()
            THEN extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 END AS seconds`;

const BEHIND = `
SELECT max(pg_current_wal_lsn() - sent_lsn)::float8 AS bytes
  FROM pg_stat_replication WHERE application_name LIKE $1 ESCAPE '\\'`;

/** Asks the server itself. */
export async function metricsOf(server: DatabaseServer): Promise<ServerMetrics> {
  if (server.lost) return SILENT;
  try {
    const [row] = await server.instance.query<{
      storage: number;
      log: number;
      most: number;
      connections: number;
      seconds: number | null;
    }>(READING);
    const [behind] = server.isReplica
      ? []
      : await server.instance.query<{ bytes: number | null }>(BEHIND, [
          followerName("").replaceAll("_", "\\_") + "%",
        ]);
    return {
      alive: 1,
      replicaLagSeconds: row?.seconds ?? undefined,
      replicationLagBytes: behind?.bytes ?? undefined,
      storageUsed: row?.storage,
      logUsed: row?.log,
      connections: row?.connections,
      maxConnections: row?.most,
    };
  } catch {
    return { ...SILENT, alive: 0 };
  }
}
