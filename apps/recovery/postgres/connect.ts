import { Client, DatabaseError } from "pg";
import { CommandError, FailedError, messageOf } from "../../../packages/command/errors";
import {
  CANONICAL_SETTINGS,
  clientConfig,
  describeServer,
  startOptions,
  UNHURRIED,
  type ServerConnection,
} from "./connection";
import { withHint } from "../process";
import { fenced } from "./fence";

/** The server is not there, or not for now: that says nothing about a backup, a database or a role. */
export class Unreachable extends FailedError {
  // To whoever reads a report it is any other failure.
  override get name(): string {
    return "FailedError";
  }
}

export const lostConnection = (server: ServerConnection, said: string): Unreachable =>
  new Unreachable(`the connection to PostgreSQL at ${describeServer(server)} was lost: ${said}`);

/** SQLSTATE of a server that comes up or goes down, and of one without room for another session. */
const NOT_NOW = /^(57P0|53)/;

/**
 * A connected client as the server makes it.
 * @param settings of the session
 * @param prepare what is done with the client before it connects
 * @throws FailedError saying which server, role and database, and why not; Unreachable when it is not there
 */
export async function openSession(
  server: ServerConnection,
  settings: Readonly<Record<string, string>>,
  prepare?: (client: Client) => void,
): Promise<Client> {
  try {
    const client = new Client({ ...clientConfig(server), options: startOptions(settings) });
    // A connection that breaks while idle is noticed by the next query; without a listener it ends the process.
    client.on("error", () => undefined);
    prepare?.(client);
    await client.connect();
    return client;
  } catch (error) {
    const refused = error instanceof DatabaseError && !NOT_NOW.test(error.code ?? "");
    throw new (refused ? FailedError : Unreachable)(
      `cannot connect to PostgreSQL at ${describeServer(server)} as "${server.user}": ${reason(error)}`,
    );
  }
}

/** How long a server may take to say goodbye. */
const END_WITHIN_MS = 2_000;

/** Ends a session. A server that does not answer any more keeps nobody waiting. */
export async function disconnect(client: Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), END_WITHIN_MS);
  await client.end().catch(() => undefined);
  clearTimeout(timer);
}

/** First release that ends a transaction by its length, where a database or a role asks for it. */
const LIMITS_TRANSACTIONS = 17;

/** What a session that reads needs beside values in canonical form. */
const READING: Readonly<Record<string, string>> = {
  // The same as pg_dump: rows a policy hides are an error, not a shorter table.
  row_security: "off",
  search_path: "",
  // A scan that starts in the middle of a table would change the order of rows.
  synchronize_seqscans: "off",
};

/**
 * A connected client whose sessions print values in canonical form. All of it is said when the session starts: each
 * statement more is one more way to a server that may be far.
 * @param more settings of the session
 * @throws FailedError saying which server, role and database, and why not
 */
export async function connect(
  server: ServerConnection,
  more: Readonly<Record<string, string>> = {},
): Promise<Client> {
  let major = 0;
  const settings = { ...CANONICAL_SETTINGS, ...READING, ...UNHURRIED, ...more };
  const client = await openSession(server, settings, ({ connection }) =>
    connection.on("parameterStatus", ({ parameterName, parameterValue }: ParameterStatus) => {
      if (parameterName === "server_version") major = Number.parseInt(parameterValue, 10);
    }),
  );
  try {
    // A server before that release refuses a session that names the setting.
    if (major >= LIMITS_TRANSACTIONS) await client.query("SET transaction_timeout = 0");
  } catch (error) {
    await disconnect(client);
    throw error;
  }
  return client;
}

/** How pg tells of a setting of the session that a server reports. */
export interface ParameterStatus {
  parameterName: string;
  parameterValue: string;
}

function reason(error: unknown): string {
  const closed = fenced(error);
  if (closed !== undefined) return closed;
  if (error instanceof DatabaseError) return withHint(error.message);
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const known: Record<string, string> = {
    ENOTFOUND: "the host name is unknown",
    EAI_AGAIN: "the host name cannot be looked up",
    ECONNREFUSED: "nobody listens there",
    EHOSTUNREACH: "the host is unreachable",
    ENOENT: "there is no such socket",
  };
  return known[code] ?? messageOf(error);
}

/** How pg and the system say that a session is no more. */
const LOST =
  /^(Connection terminated|Client has encountered a connection error|Client was closed)|\b(ECONNRESET|EPIPE|ETIMEDOUT)\b/;

/**
 * Runs what talks to a server; what the server refuses, or a connection that breaks, becomes an error that names it.
 * @throws FailedError for the one, Unreachable for the other; any other error as it is
 */
export async function naming<T>(server: ServerConnection, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const said = messageOf(error);
    if (error instanceof DatabaseError)
      throw new FailedError(`PostgreSQL at ${describeServer(server)}: ${said}`);
    if (LOST.test(said)) throw lostConnection(server, said);
    throw error;
  }
}

/**
 * Runs `work` with a client of its own.
 * @param more settings of its session
 */
export async function withClient<T>(
  server: ServerConnection,
  work: (client: Client) => Promise<T>,
  more: Readonly<Record<string, string>> = {},
): Promise<T> {
  const client = await connect(server, more);
  try {
    return await work(client);
  } finally {
    await disconnect(client);
  }
}

/** One session for one piece of work after the other; after an error the next one gets another. */
export class Session {
  private client: Client | undefined;

  /** @param server asked when a session is needed */
  constructor(private readonly server: () => ServerConnection) {}

  async use<T>(work: (client: Client) => Promise<T>): Promise<T> {
    this.client ??= await connect(this.server());
    try {
      return await work(this.client);
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  async end(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    if (client) await disconnect(client);
  }
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
