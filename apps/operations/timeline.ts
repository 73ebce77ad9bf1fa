/** SQL: the timeline a server writes on; every promotion begins another. It fails where a server only replays. */
export const WRITTEN_TIMELINE = "('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int";
