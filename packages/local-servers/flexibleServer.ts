import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { Client } from "pg";
import {
  ACCESS,
  allowedExtensions,
  databaseOf,
  PROVIDER_ROLE,
  PUBLIC_SCHEMA,
  serverShape,
  settingsOf,
  SHAPED_DATABASES,
  type Parameter,
} from "./flexibleShape";
import { startPooler, type Pooler } from "./pgbouncer";
import { startPostgres, type LocalPostgres } from "./postgres";
import { clientProgram, productionPrograms } from "./postgresPrograms";

export interface FlexibleServerOptions {
  /** Major version, e.g. 15; default: production's where it is installed, else the newest installed. */
  version?: number;
  /** Name of the administrator's role; default `forma3dadmin`. */
  administrator?: string;
  /** The application's database, made as Azure's resource manager makes one; default `forma3d`. */
  database?: string;
  /**
   * The script that makes the platform's roles in that database, run by `psql` as the administrator as the platform
   * runs it, and the logins it makes; each gets its password in the variable.
   */
  roles?: { script: string; logins: readonly ServerLogin[] };
  /** Server parameters as Azure takes them. Those of Azure's own inventions are heeded where this server can. */
  parameters?: readonly Parameter[];
  /** Settings of the server process itself, as in postgresql.conf: they win. */
  settings?: Record<string, string>;
}

/** Who logs in: its name, the role it acts as, and the environment variable the script reads its password from. */
export interface ServerLogin {
  name: string;
  role: string;
  variable: string;
}

export interface FlexibleServer {
  host: string;
  port: number;
  version: number;
  database: string;
  administrator: string;
  /** PEM file of the authority that signed the server's certificate. */
  certificate: string;
  /** Whether extensions beyond the allow-list are refused: not on a release that cannot be moved (Debian's). */
  limitsExtensions: boolean;
  /**
   * Connection string of the administrator, of one of the platform's logins, or of the first login that acts as one of
   * its roles; over TLS with the certificate checked.
   * @param database default: the application's
   */
  url(role: string, database?: string): string;
  /** The same through PgBouncer, which is started by the first call. */
  pooledUrl(role: string, database?: string): Promise<string>;
  /** Ends PgBouncer with what it knows of logins; the next `pooledUrl` starts another, as a promotion leads to one. */
  endPooler(): Promise<void>;
  /** Passwords by login. */
  passwords: ReadonlyMap<string, string>;
  /**
   * Runs the roles' script again, with the passwords as they are, in a database.
   * @param script default: the one given
   * @throws Error with what psql said
   */
  makeRoles(database?: string, script?: string): void;
  /** Makes a database as Azure's resource manager does. */
  createDatabase(name: string): Promise<void>;
  /** Asks as the administrator or another role. */
  sql<T extends object = Record<string, unknown>>(
    role: string,
    text: string,
    database?: string,
  ): Promise<T[]>;
  /** What only Microsoft can do: a test that needs it says why. */
  asMicrosoft<T extends object = Record<string, unknown>>(text: string, database?: string): Promise<T[]>;
  stop(): Promise<void>;
}

const valueOf = (parameters: FlexibleServerOptions["parameters"], wanted: string) =>
  parameters?.find(({ name }) => name === wanted)?.value;

/**
 * Starts a server shaped like Azure Database for PostgreSQL, flexible server: nobody who uses it is superuser, every
 * connection is over TLS, extensions are limited to an allow-list, and `public` is not the database owner's.
 */
export async function startFlexibleServer(options: FlexibleServerOptions = {}): Promise<FlexibleServer> {
  const administrator = options.administrator ?? "forma3dadmin";
  const database = options.database ?? "forma3d";
  const shapeOf = (postgres: LocalPostgres, passwords: ReadonlyMap<string, string>) =>
    new Server(postgres, { administrator, database, passwords, options });
  const postgres = await startPostgres({
    ...(options.version === undefined ? { programs: productionPrograms() } : { version: options.version }),
    superuser: PROVIDER_ROLE,
    locale: "C.UTF-8",
    extensions: allowedExtensions(options.parameters),
    tls: "self-signed",
    access: ACCESS,
    settings: { ...settingsOf(options.parameters), ...options.settings },
    content: {
      key: JSON.stringify([
        serverShape(administrator, ""),
        SHAPED_DATABASES,
        PUBLIC_SCHEMA,
        database,
        options.roles,
      ]),
      async fill(empty) {
        const logins = [administrator, ...(options.roles?.logins ?? []).map(({ name }) => name)];
        const passwords = new Map(logins.map((name) => [name, randomBytes(18).toString("base64url")]));
        const server = shapeOf(empty, passwords);
        await ask(empty.url, ...serverShape(administrator, passwords.get(administrator) ?? ""));
        for (const name of SHAPED_DATABASES) await server.asMicrosoft(PUBLIC_SCHEMA, name);
        await server.createDatabase(database);
        server.makeRoles();
        return Object.fromEntries(passwords);
      },
    },
  });
  return shapeOf(postgres, new Map(Object.entries(postgres.facts)));
}

class Server implements FlexibleServer {
  readonly host = "localhost";
  readonly port: number;
  readonly version: number;
  readonly database: string;
  readonly administrator: string;
  readonly certificate: string;
  readonly limitsExtensions: boolean;
  readonly passwords: ReadonlyMap<string, string>;
  private pooler: Promise<Pooler> | undefined;

  constructor(
    private readonly postgres: LocalPostgres,
    private readonly facts: {
      administrator: string;
      database: string;
      passwords: ReadonlyMap<string, string>;
      options: FlexibleServerOptions;
    },
  ) {
    this.port = postgres.port;
    this.version = postgres.version;
    this.database = facts.database;
    this.administrator = facts.administrator;
    this.passwords = facts.passwords;
    this.certificate = postgres.tls?.certificate ?? "";
    this.limitsExtensions = postgres.limitsExtensions;
  }

  url(role: string, database = this.database): string {
    return this.urlAt(this.port, role, database);
  }

  async pooledUrl(role: string, database = this.database): Promise<string> {
    const { tls } = this.postgres;
    if (!tls) throw new Error("the server offers no TLS");
    const ignored = valueOf(this.facts.options.parameters, "pgbouncer.ignore_startup_parameters");
    this.pooler ??= startPooler({
      serverPort: this.port,
      users: this.passwords,
      tls,
      settings: ignored === undefined ? {} : { ignore_startup_parameters: ignored },
    });
    return this.urlAt((await this.pooler).port, role, database);
  }

  makeRoles(database = this.database, script = this.facts.options.roles?.script): void {
    if (script === undefined) return;
    const logins = this.facts.options.roles?.logins ?? [];
    const given = logins.map(({ name, variable }) => [variable, this.passwords.get(name)]);
    execFileSync(
      clientProgram("psql", this.version),
      ["--no-psqlrc", "--quiet", "--file=-", this.url(this.administrator, database)],
      {
        input: script,
        stdio: ["pipe", "ignore", "pipe"],
        env: { PATH: process.env.PATH, ...(Object.fromEntries(given) as Record<string, string>) },
      },
    );
  }

  async createDatabase(name: string): Promise<void> {
    await this.asMicrosoft(databaseOf(name, this.administrator), "postgres");
  }

  sql<T extends object = Record<string, unknown>>(
    role: string,
    text: string,
    database?: string,
  ): Promise<T[]> {
    return ask<T>(this.url(role, database), text);
  }

  asMicrosoft<T extends object = Record<string, unknown>>(
    text: string,
    database = this.database,
  ): Promise<T[]> {
    return ask<T>(this.postgres.urlOf(database), text);
  }

  async endPooler(): Promise<void> {
    const ending = this.pooler;
    this.pooler = undefined;
    await (await ending?.catch(() => undefined))?.stop();
  }

  async stop(): Promise<void> {
    await this.endPooler();
    await this.postgres.stop();
  }

  private urlAt(port: number, role: string, database: string): string {
    const login = this.facts.options.roles?.logins.find((one) => one.role === role)?.name ?? role;
    const password = this.passwords.get(login);
    if (password === undefined) throw new Error(`the server has no login ${login} of the platform`);
    const tls = `sslmode=verify-full&sslrootcert=${encodeURIComponent(this.certificate)}`;
    return `postgresql://${login}:${password}@${this.host}:${port}/${encodeURIComponent(database)}?${tls}`;
  }
}

/** Runs statements in one session and returns the rows of the last one. */
async function ask<T extends object>(url: string, ...statements: string[]): Promise<T[]> {
  const client = new Client({ connectionString: url });
  // The query that was under way says that the connection was lost.
  client.on("error", () => undefined);
  await client.connect();
  try {
    let rows: T[] = [];
    for (const statement of statements) {
      const result = await client.query<T>(statement);
      rows = (Array.isArray(result) ? (result as { rows: T[] }[]).at(-1)?.rows : result.rows) ?? [];
    }
    return rows;
  } finally {
    await client.end();
  }
}
