/**
 * Extensions a flexible server can be let create, and libraries it can be let load, as of June 2026, for PostgreSQL 17
 * (https://learn.microsoft.com/azure/postgresql/extensions/concepts-extensions-versions). The second list is of those that
 * work only when their library is loaded at the server's start.
 */
const PLAIN =
  "address_standardizer address_standardizer_data_us amcheck azure_ai bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance fuzzystrmatch hll hstore hypopg intagg intarray ip4r isn lo login_hook ltree oracle_fdw orafce pageinspect pg_buffercache pgcrypto pg_diskann pg_freespacemap pg_repack pgrouting pgrowlocks pgstattuple pg_trgm pg_visibility plpgsql plv8 postgis postgis_raster postgis_sfcgal postgis_tiger_geocoder postgis_topology postgres_fdw postgres_protobuf semver session_variable sslinfo tablefunc tdigest tds_fdw temporal_tables topn tsm_system_rows tsm_system_time unaccent uuid-ossp vector";
const LOADED =
  "age anon auto_explain azure_storage credcheck pgaudit pg_cron pg_duckdb pg_failover_slots pg_hint_plan pg_ivm pglogical pg_partman pg_partman_bgw pg_prewarm pg_squeeze pg_stat_statements timescaledb wal2json";

/** Names `shared_preload_libraries` takes. */
export const PRELOADED: readonly string[] = LOADED.split(" ");

/** Names `azure.extensions` takes. */
export const EXTENSIONS: readonly string[] = [...PLAIN.split(" "), ...PRELOADED];
