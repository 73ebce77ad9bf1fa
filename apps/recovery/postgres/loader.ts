import { randomBytes } from "node:crypto";
import type { Client } from "pg";
import { messageOf, UsageError } from "../../../packages/command/errors";
import { quoteIdentifier, withClient } from "./connect";
import { closeLogin, dismissRole } from "./passingRole";
import { withDatabase, type ServerConnection } from "./connection";
import { provisionAs, type Provision } from "./provision";
import type { NameLease } from "./unfinished";
import { verifierOf } from "./verifier";

/**
 * A login that one restore loads as. Whatever a backup holds may be code, and the server runs it while rows are loaded and
 * indexes are built: in a session of the administrator it could make itself one, whatever role that session has set. This
 * one owns the database that is restored, and has no other right on the server.
 */
export interface Loader {
  role: string;
  /** The same place, entered as the loader. */
  enter(server: ServerConnection): ServerConnection;
  /** Lets it load into a database of its own, without content of a backup. */
  settle(database: string): Promise<void>;
  /** Makes the extensions of a backup, which are the administrator's to make, for the loader to use. */
  provision: Provision;
  /**
   * Lets it work in a database that is in use, in the name of roles, and make what lies in schemas.
   * @throws DatabaseError when the restoring role may not
   */
  admit(database: string, roles: readonly string[], schemas: readonly string[]): Promise<void>;
  /** Ends its sessions for good: from here on no code of the backup runs. */
  leave(): Promise<void>;
  /** Gives its database back to the restoring role. */
  handBack(database: string): Promise<void>;
  /** The same with everything in it, where that has nothing that would run later on. */
  handOver(database: string): Promise<void>;
  /**
   * Removes it. What of the database still belongs to it, since the owner is missing or out of reach, must not become the
   * administrator's, as whom the server would run it: then the role stays, without login, for the owner that will come.
   * @returns its name where it stays
   */
  dismiss(database: string): Promise<string | undefined>;
  /** Removes it when the restore has failed, and its database is gone. */
  drop(note: (message: string) => void): Promise<void>;
}

/** What the restoring role is. */
interface Rights {
  me: string;
  /** Whether it may make roles, and is no superuser, as whom alone some backups can be restored. */
  makes: boolean;
  major: number;
}

const RIGHTS = `SELECT rolname AS me, rolcreaterole AND NOT rolsuper AS makes,
    pg_catalog.current_setting('server_version_num')::int / 10000 AS major
  FROM pg_catalog.pg_roles WHERE rolname = current_user`;
/** First release in which who makes a role says what membership of it gives. */
const GIVES_BY_MEMBERSHIP = 16;

/**
 * Makes a loader.
 * @param maintenance a database that stays, and the restoring role
 * @param lease whose name says for which run it is: the next run drops one that was left
 * @returns undefined where the restoring role may make no role, or is a superuser: then it loads as itself
 * @throws UsageError when the restoring role could not act for one it made
 */
export async function makeLoader(
  maintenance: ServerConnection,
  lease: NameLease,
): Promise<Loader | undefined> {
  const role = `recovery_${randomBytes(6).toString("hex")}`;
  const password = randomBytes(24).toString("base64url");
  const made = await withClient(maintenance, async (client) => {
    const [rights] = (await client.query<Rights>(RIGHTS)).rows;
    if (!rights?.makes) return false;
    await createLoader(client, rights, role, password, lease);
    return true;
  });
  return made ? new Made(maintenance, role, password) : undefined;
}

async function createLoader(
  client: Client,
  { me, major }: Rights,
  role: string,
  password: string,
  lease: NameLease,
): Promise<void> {
  const name = quoteIdentifier(role);
  const how = major >= GIVES_BY_MEMBERSHIP ? " WITH INHERIT TRUE, SET TRUE" : "";
  await client.query("BEGIN");
  await client.query(`CREATE ROLE ${name} LOGIN PASSWORD ${client.escapeLiteral(verifierOf(password))}`);
  await client.query(`GRANT ${name} TO CURRENT_USER${how}`);
  await lease.markRole(client, role);
  const { rows } = await client.query<{ acts: boolean }>(
    "SELECT pg_catalog.pg_has_role($1, 'USAGE') AS acts",
    [role],
  );
  if (rows[0]?.acts !== true)
    throw new UsageError(
      `role "${me}" does not act for roles it is a member of (NOINHERIT), as a restore must for the owners`,
    );
  await client.query("COMMIT");
}

class Made implements Loader {
  readonly provision: Provision;
  private readonly name: string;

  constructor(
    private readonly maintenance: ServerConnection,
    readonly role: string,
    private readonly password: string,
  ) {
    this.name = quoteIdentifier(role);
    this.provision = provisionAs(maintenance, role);
  }

  enter(server: ServerConnection): ServerConnection {
    return { ...server, user: this.role, password: this.password };
  }

  async settle(database: string): Promise<void> {
    // Public is the database owner's only in a database made from template0.
    await this.administer(async (client) => {
      const { rows } = await client.query<{ lacks: boolean }>(
        `SELECT NOT pg_catalog.has_schema_privilege($1, oid, 'CREATE') AS lacks
         FROM pg_catalog.pg_namespace WHERE nspname = 'public'`,
        [this.role],
      );
      if (rows[0]?.lacks) await client.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${this.name}`);
    }, database);
  }

  async admit(database: string, roles: readonly string[], schemas: readonly string[]): Promise<void> {
    await this.administer(async (client) => {
      for (const role of roles) await client.query(`GRANT ${quoteIdentifier(role)} TO ${this.name}`);
      await client.query(`GRANT CONNECT, CREATE ON DATABASE ${quoteIdentifier(database)} TO ${this.name}`);
      // With the right to hand on: an owner may lack it in the schema of what it is given.
      for (const schema of schemas)
        await client.query(
          `GRANT USAGE, CREATE ON SCHEMA ${quoteIdentifier(schema)} TO ${this.name} WITH GRANT OPTION`,
        );
    }, database);
  }

  async leave(): Promise<void> {
    await this.administer((client) => closeLogin(client, this.role));
  }

  async handBack(database: string): Promise<void> {
    await this.administer(async (client) => {
      const own = `ALTER DATABASE ${quoteIdentifier(database)}`;
      await client.query(`${own} OWNER TO CURRENT_USER`);
      // Those of the backup come later; whose owner code ran as may have made others.
      await client.query(`${own} RESET ALL`);
    });
  }

  async handOver(database: string): Promise<void> {
    await this.handBack(database);
    await this.administer(
      (client) => client.query(`REASSIGN OWNED BY ${this.name} TO CURRENT_USER`),
      database,
    );
  }

  async dismiss(database: string): Promise<string | undefined> {
    return this.administer(async (client) => {
      if (!(await dismissRole(client, this.maintenance, this.role))) return undefined;
      const what = client.escapeLiteral(
        `recovery: owns what has no owner on this server of a database restored as ${database}`,
      );
      await client.query(`COMMENT ON ROLE ${this.name} IS ${what}`);
      return this.role;
    });
  }

  async drop(note: (message: string) => void): Promise<void> {
    try {
      await this.administer((client) => dismissRole(client, this.maintenance, this.role));
    } catch (error) {
      note(`warning: role "${this.role}" stays, until the next restore drops it: ${messageOf(error)}`);
    }
  }

  private administer<T>(work: (client: Client) => Promise<T>, database = this.maintenance.database) {
    return withClient(withDatabase(this.maintenance, database), work);
  }
}
