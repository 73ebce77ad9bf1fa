import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { messageOf } from "../frame/errors";
import type { DatabaseGround, Login } from "./types";

/** Seconds to wait for a server of a region that may be gone. */
const CONNECT_SECONDS = 5;
/** The same where the name leads elsewhere, as on a laptop: whose cores are shared by all servers there are, and one that is busy is late. */
const ELSEWHERE_SECONDS = 20;
const STATEMENT_SECONDS = 20;
/** Longest a server that answered is waited for to hang up: one that is swallowed just then never does. */
const GOODBYE_MS = 1_000;

/** PostgreSQL's codes of a sign-in it refused: bad password, or a role that may not. */
const REFUSED_SIGN_IN = ["28P01", "28000"];

/** Where a host name leads on a laptop; undefined: to itself. */
export type Resolve = (host: string) => { host: string; port: number } | undefined;

/**
 * PostgreSQL as the administrator of a connection string, by whichever host name is asked for.
 * @param resolve for clouds whose names no DNS knows; the certificate is checked against the name all the same
 * @param ca who else than the machine's own authorities may have signed it, as PEM
 */
export function postgres(
  connectionString: string,
  resolve: Resolve = () => undefined,
  ca?: string,
): DatabaseGround {
  const administrator = new URL(connectionString);
  /** Signs in, and out again whatever became of the work. */
  const session = async <T>(
    host: string,
    work: (client: Client) => Promise<T>,
    { who, seconds = STATEMENT_SECONDS }: { who?: Login; seconds?: number } = {},
  ): Promise<T> => {
    const url = new URL(administrator);
    const elsewhere = resolve(host);
    const to = elsewhere ?? { host, port: Number(url.port || 5432) };
    url.hostname = to.host;
    url.port = `${to.port}`;
    const sslMode = url.searchParams.get("sslmode") ?? "disable";
    if (elsewhere) url.searchParams.delete("sslmode");
    if (who) {
      url.username = encodeURIComponent(who.user);
      url.password = encodeURIComponent(who.password);
      url.pathname = `/${encodeURIComponent(who.database)}`;
    }
    const socket = new net.Socket();
    const client = new Client({
      stream: () => socket,
      connectionString: url.toString(),
      ...(elsewhere && sslMode !== "disable" && { ssl: { servername: host, ...(ca && { ca }) } }),
      connectionTimeoutMillis: (elsewhere ? ELSEWHERE_SECONDS : CONNECT_SECONDS) * 1000,
      query_timeout: seconds * 1000,
      application_name: "operations",
    });
    // Sessions end when a region does; the statement's own failure says so.
    client.on("error", () => undefined);
    try {
      await client.connect();
      return await work(client);
    } finally {
      const gone = new AbortController();
      const late = sleep(GOODBYE_MS, undefined, { signal: gone.signal });
      await Promise.race([client.end(), late]).catch(() => undefined);
      gone.abort();
      socket.destroy();
    }
  };
  const query = async <T extends object>(
    host: string,
    text: string,
    values: unknown[] = [],
    seconds?: number,
  ): Promise<T[]> => {
    const { rows } = await session(host, (client) => client.query<T>(text, values), { seconds });
    return rows;
  };
  return {
    administrator: decodeURIComponent(administrator.username),
    useAdministrator(password) {
      administrator.password = encodeURIComponent(password);
    },
    password: () => decodeURIComponent(administrator.password),
    query,
    async clock(host) {
      const [row] = await query<{ now: Date }>(
        host,
        "SELECT date_trunc('milliseconds', clock_timestamp()) + interval '1 ms' AS now",
      );
      if (!row) throw new Error(`${host}: no answer`);
      return row.now;
    },
    async login(host, who) {
      try {
        return await session(host, () => Promise.resolve<true>(true), { who });
      } catch (error) {
        if (REFUSED_SIGN_IN.includes((error as { code?: string }).code ?? "")) return messageOf(error);
        throw error;
      }
    },
  };
}
