import { Client } from "pg";
import type { DatabaseGround } from "./types";

/** Seconds to wait for a server of a region that may be gone. */
const CONNECT_SECONDS = 5;
const STATEMENT_SECONDS = 20;

/** Where a host name leads on a laptop; undefined: to itself. */
export type Resolve = (host: string) => { host: string; port: number } | undefined;

/**
 * PostgreSQL as the administrator of a connection string, by whichever host name is asked for.
 * @param resolve for clouds whose names no DNS knows
 */
export function postgres(connectionString: string, resolve: Resolve = () => undefined): DatabaseGround {
  return {
    async query<T extends object>(host: string, text: string, values: unknown[] = []) {
      const url = new URL(connectionString);
      const to = resolve(host) ?? { host, port: Number(url.port || 5432) };
      url.hostname = to.host;
      url.port = `${to.port}`;
      const client = new Client({
        connectionString: url.toString(),
        connectionTimeoutMillis: CONNECT_SECONDS * 1000,
        query_timeout: STATEMENT_SECONDS * 1000,
        application_name: "operations",
      });
      // Sessions end when a region does; the statement's own failure says so.
      client.on("error", () => undefined);
      try {
        await client.connect();
        return (await client.query<T>(text, values)).rows;
      } finally {
        await client.end().catch(() => undefined);
      }
    },
  };
}
