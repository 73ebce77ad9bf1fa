/**
 * Query the exporter asks beside its own, once a scrape. It commits a message of the write-ahead log that belongs to no table, so
 * that the replica has something to replay in a quiet night too: Azure measures its lag from the last transaction it replayed, and
 * without one the lag would grow with nothing lost. Any role may run it, and it costs some hundred bytes of log.
 */
export const HEARTBEAT_QUERY = {
  pg_heartbeat: {
    query: `SELECT extract(epoch FROM now())::float8 AS written FROM pg_logical_emit_message(true, 'heartbeat', ''::text)`,
    metrics: [
      { written: { usage: "GAUGE", description: "When the heartbeat the replicas replay was written." } },
    ],
  },
} as const;
