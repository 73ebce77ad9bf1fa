import * as postgresql from "@pulumi/azure-native/dbforpostgresql";
import * as pulumi from "@pulumi/pulumi";
import { diagnostics } from "../monitoring/diagnostics";
import { virtualEndpointHosts } from "../naming";
import { DatabaseArgs, ServerPlace } from "./databaseArgs";
import { dataOptions, deleteLock } from "./protection";
import { replicaServer } from "./replica";
import { serverParameters } from "./serverParameters";
import { backupOf, maintenanceWindow, sharedShape } from "./serverShape";

/**
 * What Azure changes by itself or accepts only once: a failover swaps the zones, autogrow enlarges the disk, and
 * the sources of a server describe its birth. Sending any of them back would replace the server or shrink it.
 * Not `createMode`: an ignored one would be sent with every later change, and Azure refuses that of a replica.
 */
const MOVED_BY_AZURE = [
  "availabilityZone",
  "highAvailability.standbyAvailabilityZone",
  "storage.storageSizeGB",
  "sourceServerResourceId",
  "pointInTimeUTC",
  "replicationRole",
];

/**
 * Nothing is sent to the first server while the replica writes: it may be lost, and once it is back it is a replica,
 * to which Azure lets nobody send its standby, backups or password. What changed meanwhile reaches it with the first
 * update after the way back.
 */
const FROZEN = ["*"];

/** Creating a server or a replica in another region can take hours; the default would give up and lose track. */
const TIMEOUTS = { create: "4h", update: "4h", delete: "1h" };

/**
 * PostgreSQL flexible server that outlives its zone (standby) and its region (replica, geo-redundant backups).
 * Clients connect to the virtual endpoint, which follows a promotion.
 *
 * Azure works on one child of a server at a time and answers `ServerIsBusy` to the next, so everything on a
 * server, and on the two of them, is one chain.
 *
 * Cost: two times the compute size with a standby, once more for the replica, plus storage and backup beyond the
 * size of the disk.
 */
export class Database extends pulumi.ComponentResource {
  readonly primaryId: pulumi.Output<string>;
  readonly replicaId?: pulumi.Output<string>;
  /** Host that accepts writes, whichever server that is. */
  readonly writerHost: string;
  /** Host that accepts reads: the replica where there is one. */
  readonly readerHost: string;
  readonly databaseName: string;
  /** Last link of the chain; depend on it before touching the servers. */
  readonly ready: pulumi.Resource;

  private chain: pulumi.Resource[] = [];

  constructor(
    private readonly name: string,
    args: DatabaseArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:database:Database", name, {}, opts);
    const primary = this.primary(args);
    const database = this.applicationDatabase(args, primary);
    this.parameters("primary", args, args.primary, primary);
    this.administrators(args, primary);
    const replica = args.replica && this.replica(args, args.replica, primary);
    const endpoint = this.virtualEndpoint(args, primary, replica);
    this.primaryId = primary.id;
    this.replicaId = replica?.id;
    ({ writer: this.writerHost, reader: this.readerHost } = virtualEndpointHosts(args.virtualEndpoint));
    this.databaseName = args.applicationDatabase;
    this.ready = endpoint;
    this.registerOutputs({ primaryId: this.primaryId, database: database.name });
  }

  /** Options of the next link: it waits for the one before. */
  private next(opts: pulumi.CustomResourceOptions = {}): pulumi.CustomResourceOptions {
    return { parent: this, ...opts, dependsOn: this.chain };
  }

  private link<R extends pulumi.Resource>(resource: R): R {
    this.chain = [resource];
    return resource;
  }

  private primary(args: DatabaseArgs) {
    const { primary } = args;
    const zones = {
      ZoneRedundant: { availabilityZone: "1", standby: { standbyAvailabilityZone: "2" } },
      SameZone: { availabilityZone: "1", standby: { standbyAvailabilityZone: "1" } },
      Disabled: { availabilityZone: undefined, standby: {} },
    }[args.highAvailability];
    const server = new postgresql.Server(
      `${this.name}-primary`,
      {
        serverName: primary.serverName,
        resourceGroupName: primary.resourceGroupName,
        location: primary.region,
        createMode: postgresql.CreateMode.Default,
        ...sharedShape(args),
        availabilityZone: zones.availabilityZone,
        highAvailability: { mode: args.highAvailability, ...zones.standby },
        // While the replica writes nothing is sent; what the environment wants is then what is said.
        backup: backupOf(args, args.writer === "replica" || args.geoBackupOf === "primary"),
        administratorLogin: args.administratorLogin,
        administratorLoginPassword: args.administratorPassword,
        authConfig: { activeDirectoryAuth: "Enabled", passwordAuth: "Enabled", tenantId: args.tenantId },
        maintenanceWindow: maintenanceWindow(args),
      },
      this.serverOptions(args, args.writer === "primary" ? MOVED_BY_AZURE : FROZEN),
    );
    this.link(server);
    this.guardAndLog("primary", args, server);
    return server;
  }

  private serverOptions(args: DatabaseArgs, ignoreChanges: string[]): pulumi.CustomResourceOptions {
    return dataOptions(args.protect, this.next({ ignoreChanges, customTimeouts: TIMEOUTS }));
  }

  private guardAndLog(noun: "primary" | "replica", args: DatabaseArgs, server: postgresql.Server) {
    if (args.protect) {
      deleteLock(`${this.name}-${noun}-lock`, server.id, "Deleting the server deletes its backups.", {
        parent: this,
      });
    }
    diagnostics(
      `${this.name}-${noun}-diagnostics`,
      { resourceId: server.id, workspaceId: args.logWorkspaceId, metrics: "AllMetrics" },
      { parent: this },
    );
  }

  private applicationDatabase(args: DatabaseArgs, server: postgresql.Server) {
    return this.link(
      new postgresql.Database(
        `${this.name}-application`,
        {
          databaseName: args.applicationDatabase,
          serverName: server.name,
          resourceGroupName: args.primary.resourceGroupName,
          charset: "UTF8",
          collation: "en_US.utf8",
        },
        dataOptions(args.protect, this.next()),
      ),
    );
  }

  private parameters(
    noun: "primary" | "replica",
    args: DatabaseArgs,
    place: ServerPlace,
    server: postgresql.Server,
  ) {
    const pool = args.tier === "Burstable" ? undefined : args.pool;
    for (const { name, value } of serverParameters(pool, args.parameters)) {
      this.link(
        new postgresql.Configuration(
          `${this.name}-${noun}-${name.replaceAll(/[._]/g, "-")}`,
          {
            configurationName: name,
            serverName: server.name,
            resourceGroupName: place.resourceGroupName,
            value,
            source: "user-override",
          },
          this.next(),
        ),
      );
    }
  }

  private administrators(args: DatabaseArgs, server: postgresql.Server) {
    args.entraAdministrators.forEach((administrator, index) =>
      this.link(
        new postgresql.AdministratorsMicrosoftEntra(
          `${this.name}-administrator-${index}`,
          {
            ...administrator,
            tenantId: args.tenantId,
            serverName: server.name,
            resourceGroupName: args.primary.resourceGroupName,
          },
          this.next(),
        ),
      ),
    );
  }

  private replica(
    args: DatabaseArgs,
    place: NonNullable<DatabaseArgs["replica"]>,
    primary: postgresql.Server,
  ) {
    const server = new postgresql.Server(
      `${this.name}-replica`,
      replicaServer(args, place, primary.id),
      this.serverOptions(args, args.lost && args.writer === "primary" ? FROZEN : MOVED_BY_AZURE),
    );
    this.link(server);
    this.guardAndLog("replica", args, server);
    // Azure copies parameters once, at creation; later changes on the primary never reach the replica.
    this.parameters("replica", args, place, server);
    return server;
  }

  /**
   * Without a replica the reader leads to the primary. After a promotion the members are Azure's business, and
   * reading the endpoint through the old primary fails, so neither is touched again; but while a replica goes for a while,
   * and with the deployment that makes it anew, the reader is led away and back.
   */
  private virtualEndpoint(
    args: DatabaseArgs,
    primary: postgresql.Server,
    replica: postgresql.Server | undefined,
  ) {
    const isLed = args.withoutReplica !== undefined || args.replica?.bootstrap === true;
    return this.link(
      new postgresql.VirtualEndpoint(
        `${this.name}-endpoint`,
        {
          virtualEndpointName: args.virtualEndpoint,
          serverName: primary.name,
          resourceGroupName: args.primary.resourceGroupName,
          endpointType: "ReadWrite",
          members: [(replica ?? primary).name],
        },
        dataOptions(args.protect, this.next(isLed ? {} : { ignoreChanges: ["members"] })),
      ),
    );
  }
}

/**
 * Connection string with TLS.
 * @param port 6432 through PgBouncer, 5432 direct.
 * @param sslMode `verify-full` also checks the host's name against the certificate.
 */
export function connectionString(parts: {
  role: string;
  password: pulumi.Input<string>;
  host: string;
  port: number;
  database: string;
  sslMode: string;
}): pulumi.Output<string> {
  const { role, password, host, port, database, sslMode } = parts;
  return pulumi.secret(
    pulumi.interpolate`postgresql://${role}:${password}@${host}:${port}/${database}?sslmode=${sslMode}`,
  );
}
