import { NotRunError, UsageError } from "../../../packages/command/errors";
import type { RunContext } from "../context";
import { quoteIdentifier, withClient } from "../postgres/connect";
import { withDatabase, type ServerConnection } from "../postgres/connection";
import type { Provision } from "../postgres/provision";
import { startScratchServer, type ScratchServer } from "../postgres/scratch";
import { forTarget, onlyTarget, type Settings } from "../settings";
import { drillContainer } from "../store/containers";
import type { CatalogueEntry } from "../types";

/** Who works with a drill's own databases, where it is not one role for everything. */
export interface GroundRoles {
  /** Makes a database with the platform's roles and their rights in it. */
  createDatabase(name: string): Promise<void>;
  /** Owns the tables. */
  migration: ServerConnection;
  /** Reads and writes rows. */
  api: ServerConnection;
  /** Backs up. */
  backup: ServerConnection;
}

/** Where a drill takes place: what it may break, and what it recovers from. */
export interface Ground {
  /** What data is restored into, for the report. */
  scratchKind: string;
  /** Server on which the drill creates and drops databases of its own, with a database that stays. */
  server: ServerConnection;
  /** Roles of the platform on that server; left out on a throwaway server of the runner's own. */
  roles?: GroundRoles;
  /** What only a superuser may do for a database, on a throwaway server of the runner's own. */
  provision?: Provision | undefined;
  serverVersion: string;
  source: {
    /** The environment's store and catalogue. */
    settings: Settings;
    database: string;
    /** True: the database was made for this drill, lies on `server`, and is really lost. */
    expendable: boolean;
  };
  /** Settings under which the drill's own backups of made-up data are stored. */
  own: Settings;
  /** The copy in the second region; absent when there is none to recover from. */
  geo?: {
    settings: Settings;
    /** Brings the copy up to date, where nobody else does. */
    replicate?: () => Promise<void>;
    /** Really takes the first region's store away, where it was made for this drill. */
    loseStore?: () => Promise<void>;
  };
  /**
   * A server that is really lost, with its automated backups, and what an update makes in its place: a new one with an empty database
   * of the same name. Absent where there is none to lose: then the database alone is.
   */
  anotherServer?: () => Promise<ReplacedServer>;
  /** Makes what is left when the provider is gone; absent when no target is another provider's. */
  elsewhere?: () => Promise<Elsewhere>;
}

/** What is really lost. */
export interface Lost {
  /** Settings under which it is backed up: every target. */
  settings: Settings;
  /** The server that is lost, with a database that stays, and who works in the application's database there. */
  server: ServerConnection;
  roles: GroundRoles;
  /** Takes it all away. */
  lose: () => Promise<void>;
}

/** Where to restore to, and from where. */
export interface Left {
  settings: Settings;
  /** A server with a database that stays; its user may make databases. */
  server: ServerConnection;
}

/** A server that is lost, and how one is made in its place. */
export interface ReplacedServer {
  lost: Lost;
  again: () => Promise<Left>;
}

/** What is left when the provider is gone, with every account and server that stood there. */
export interface Elsewhere extends Left {
  /** Targets of another provider, and a private key that does not lie in the provider's vaults. */
  settings: Settings;
  /** What stood there; absent on a live environment. */
  lost?: Lost;
}

/** The connection of a role to one of the drill's databases. */
export function asRole(
  { roles, server }: Ground,
  role: "migration" | "api" | "backup",
  database: string,
): ServerConnection {
  return withDatabase(roles?.[role] ?? server, database);
}

/** Makes an empty database of the drill's own. */
export async function createDatabase({ roles, server }: Ground, name: string): Promise<void> {
  if (roles) return roles.createDatabase(name);
  await withClient(server, (client) =>
    client.query(`create database ${quoteIdentifier(name)} template template0`),
  );
}

/** What is left when the first target's region is gone: the other targets, or the first one's geo copy. */
function secondCopy(settings: Settings): Ground["geo"] {
  const { geoStore, containers } = settings;
  if (geoStore) return { settings: onlyTarget(settings, { name: "geo-copy", store: geoStore, containers }) };
  const [, ...others] = settings.targets;
  const [next] = others;
  return next && { settings: { ...forTarget(settings, next.name), targets: others } };
}

/** Targets that are not Azure's; undefined: there is none. */
function otherProviders(settings: Settings): Settings | undefined {
  const others = settings.targets.filter(({ store: { kind } }) => kind !== "azure");
  const [first] = others;
  return first && { ...forTarget(settings, first.name), targets: others };
}

/** Environment name of a drill's own backups: no catalogue of the real environment ever shows them. */
export function ownSettings(settings: Settings, server: ServerConnection): Settings {
  const containers = { daily: drillContainer(settings) };
  const own = onlyTarget(settings, { name: settings.target, store: settings.store, containers });
  return { ...own, environment: `${settings.environment}-drill`, server };
}

/**
 * The database whose loss is drilled.
 * @throws UsageError when several have backups and none was named
 */
export function databaseToLose(
  catalogue: readonly CatalogueEntry[],
  settings: Settings,
  asked: string | undefined,
): string {
  const names = [...new Set(catalogue.map(({ database }) => database))].sort();
  const name = asked ?? settings.server?.database ?? (names.length === 1 ? names[0] : undefined);
  if (name !== undefined) return name;
  throw new UsageError(
    names.length === 0
      ? "--database: the catalogue is empty; name the database whose loss is drilled"
      : `--database: name one of ${names.join(", ")}`,
  );
}

/**
 * A ground that leaves the environment as it is: its store is only read, everything is restored into a scratch
 * server, and the drill's own backups hold made-up data.
 * @throws NotRunError when there is no scratch server to be had
 */
export async function liveGround(
  settings: Settings,
  database: string,
  catalogue: readonly CatalogueEntry[],
  context: RunContext,
): Promise<{ ground: Ground; stop: () => Promise<void> }> {
  const newest = catalogue.find((entry) => entry.database === database && entry.manifest);
  const scratch = await openServer(settings, newest?.manifest?.server.major ?? 0, context);
  const others = otherProviders(settings);
  return {
    ground: {
      scratchKind: scratch.kind,
      server: scratch.server,
      provision: scratch.provision,
      serverVersion: scratch.version,
      source: { settings, database, expendable: false },
      own: ownSettings(settings, scratch.server),
      geo: secondCopy(settings),
      ...(others && { elsewhere: () => Promise.resolve({ settings: others, server: scratch.server }) }),
    },
    stop: scratch.stop,
  };
}

async function openServer(
  settings: Settings,
  wantedMajor: number,
  context: RunContext,
): Promise<Pick<ScratchServer, "server" | "version" | "stop"> & { kind: string; provision?: Provision }> {
  const given = settings.scratchServer;
  if (!given) {
    const scratch = await startScratchServer({
      wantedMajor,
      directory: settings.scratchDirectory,
      signal: context.signal,
    });
    return { kind: "throwaway server of the runner", ...scratch };
  }
  try {
    const version = await withClient(given, async (client) => {
      const { rows } = await client.query<{ version: string }>(
        "select current_setting('server_version') as version",
      );
      return rows[0]?.version ?? "";
    });
    return { kind: "server of SCRATCH_DATABASE_URL", server: given, version, stop: () => Promise.resolve() };
  } catch (error) {
    throw new NotRunError(`scratch server: ${(error as Error).message}`);
  }
}
