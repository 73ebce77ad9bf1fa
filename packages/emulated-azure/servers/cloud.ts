import type { Administrator } from "./administrator";
import { ServiceError } from "./errors";
import { TcpFront } from "./front";
import { Home, type HomeOptions } from "./home";
import { Instance, type Settings } from "./instance";
import { PooledNames, ServerPool } from "./pool";
import { promote, type Promotion } from "./promotion";
import { restore } from "./restore";
import { DatabaseServer } from "./server";

export interface ServerRequest {
  /** Name of the server; host name `<name>.postgres.database.azure.com`. */
  name: string;
  region: string;
}

/** Two names of a pair of servers that follow a promotion. */
export interface VirtualEndpoint {
  name: string;
  /** Leads to whichever server of the pair takes writes. */
  writer: TcpFront;
  /** Leads to its replica. */
  reader: TcpFront;
  /** The same names at PgBouncer's port. */
  pooled: PooledNames;
  primary: DatabaseServer;
  replica: DatabaseServer | undefined;
}

/** How a region is lost: its servers die; or they live on, and refuse whoever calls from outside, or swallow what is sent to them. */
export type Loss = "dead" | "cut off" | "silent";

/** Ports of a server's names: its own and PgBouncer's. */
const PORTS = { server: 5432, pooler: 6432 };
const SUFFIX = ".postgres.database.azure.com";

/** The PostgreSQL servers of one cloud: real ones, on loopback, gone with this process. */
export class DatabaseServers {
  private readonly servers = new Map<string, DatabaseServer>();
  private readonly endpoints = new Map<string, VirtualEndpoint>();
  /** Names of endpoints that were deleted: one made anew is found where it was, as by its name. */
  private readonly former = new Map<string, VirtualEndpoint>();
  private readonly busy = new Set<string>();
  private readonly lostRegions = new Map<string, Loss>();

  private constructor(private readonly home: Home) {}

  /** @throws NotRunError when the version is not installed */
  static async open(options: HomeOptions = {}): Promise<DatabaseServers> {
    return new DatabaseServers(await Home.open(options));
  }

  /** Major version that runs. */
  get version(): number {
    return this.home.version;
  }

  /** Whether extensions beyond the allow-list are refused. */
  get limitsExtensions(): boolean {
    return this.home.limitsExtensions;
  }

  get names(): string[] {
    return [...this.servers.keys()];
  }

  /** @throws ServiceError `ResourceNotFound` */
  server(name: string): DatabaseServer {
    const found = this.servers.get(name);
    if (!found) throw new ServiceError("ResourceNotFound", `no server ${name}`);
    return found;
  }

  /** @throws ServiceError `ResourceNotFound` */
  virtualEndpoint(name: string): VirtualEndpoint {
    const found = this.endpoints.get(name);
    if (!found) throw new ServiceError("ResourceNotFound", `no virtual endpoint ${name}`);
    return found;
  }

  /**
   * Port of loopback behind a host name of the cloud: `<server>`, `<endpoint>.writer` or `<endpoint>.reader`, each with
   * Azure's suffix; undefined when nothing answers there.
   * @param port 5432 for the server, 6432 for its PgBouncer
   */
  portOf(host: string, port = PORTS.server): number | undefined {
    if (!host.endsWith(SUFFIX)) return undefined;
    const [name = "", role] = host.slice(0, -SUFFIX.length).split(".");
    if (role === undefined) return frontOf(this.servers.get(name), port)?.port;
    const endpoint = this.endpoints.get(name);
    if (!endpoint || (role !== "writer" && role !== "reader")) return undefined;
    if (!frontOf(this.behind(host), port)) return undefined;
    return (port === PORTS.pooler ? endpoint.pooled : endpoint)[role].port;
  }

  /** The server a host name leads to at this moment; undefined when it leads to none. */
  behind(host: string): DatabaseServer | undefined {
    if (!host.endsWith(SUFFIX)) return undefined;
    const [name = "", role] = host.slice(0, -SUFFIX.length).split(".");
    if (role === undefined) return this.servers.get(name);
    const endpoint = this.endpoints.get(name);
    return role === "reader" ? (endpoint?.replica ?? endpoint?.primary) : endpoint?.primary;
  }

  /** Puts a PgBouncer in front of a server, on the port {@link portOf} tells. @throws NotRunError when it is not installed */
  async enablePooler(name: string, settings: Settings = {}): Promise<void> {
    const server = this.server(name);
    if (server.pool) return;
    server.pool = await ServerPool.open(this.home, server.front.port, settings);
    server.pool.front.reach = server.front.reach;
    this.endpoints.forEach((endpoint) => this.point(endpoint));
  }

  async create(
    request: ServerRequest & {
      administrator: Administrator;
      highlyAvailable?: boolean;
      parameters?: Settings;
    },
  ): Promise<DatabaseServer> {
    this.absent(request);
    const highlyAvailable = request.highlyAvailable ?? false;
    return this.exclusively([request.name], async () =>
      this.add(await DatabaseServer.create(this.home, { ...request, highlyAvailable })),
    );
  }

  /** A server in any region that follows another one's log. */
  async createReplica(request: ServerRequest & { source: string }): Promise<DatabaseServer> {
    this.absent(request);
    const source = this.reachable(request.source);
    if (source.isReplica)
      throw new ServiceError("ReplicaOfReplicaNotSupported", `${source.name} is a replica itself`);
    return this.exclusively([source.name, request.name], async () => {
      const { name, region } = request;
      const instance = await Instance.copyOf(this.home, name, source.instance.port ?? 0);
      const about = { name, region, administrator: source.administrator };
      const replica = await DatabaseServer.around(this.home, about, instance);
      replica.source = source;
      replica.parameters = { ...source.parameters };
      await replica.followSource(true);
      return this.add(replica);
    });
  }

  /** A new server with what another one held at a moment; without a moment, the last its archive has. */
  async restore(request: ServerRequest & { source: string; moment?: Date }): Promise<DatabaseServer> {
    this.absent(request);
    const source = this.server(request.source);
    return this.exclusively([request.name], async () => this.add(await restore(this.home, source, request)));
  }

  /** The writer's and the reader's name of a pair. The replica can be added later by calling it again. */
  async createVirtualEndpoint(name: string, primary: string, replica?: string): Promise<VirtualEndpoint> {
    const known = this.endpoints.get(name) ?? this.former.get(name);
    this.former.delete(name);
    const endpoint: VirtualEndpoint = {
      name,
      writer: known?.writer ?? (await TcpFront.open()),
      reader: known?.reader ?? (await TcpFront.open()),
      pooled: known?.pooled ?? (await PooledNames.open()),
      primary: this.server(primary),
      replica: replica === undefined ? undefined : this.server(replica),
    };
    this.endpoints.set(name, endpoint);
    this.point(endpoint);
    return endpoint;
  }

  /** Makes a replica the primary of its pair ("Switchover"), or a server of its own ("Standalone"). */
  async promote(name: string, promotion: Promotion): Promise<void> {
    const replica = this.reachable(name);
    const { source } = replica;
    if (!source) throw new ServiceError("ServerIsNotReplica", `${name} is no replica`);
    const pair = [...this.endpoints.values()].find((endpoint) => endpoint.replica === replica);
    if (promotion.mode === "Switchover" && !pair)
      throw new ServiceError("VirtualEndpointRequired", `no virtual endpoint's reader leads to ${name}`);
    await this.exclusively([name, source.name], async () => {
      // Nobody may be confirmed a write that the other server will not have.
      if (pair && promotion.mode === "Switchover")
        for (const names of [pair, pair.pooled]) names.writer.lead(undefined);
      try {
        await promote(replica, source, promotion, () => {
          if (pair && promotion.mode === "Switchover") [pair.primary, pair.replica] = [replica, source];
          else if (pair) pair.replica = undefined;
        });
      } finally {
        if (pair) this.point(pair);
      }
    });
  }

  async delete(name: string): Promise<void> {
    const server = this.server(name);
    const follower = [...this.servers.values()].find(({ source }) => source === server);
    if (follower) throw new ServiceError("ServerHasReplicas", `${follower.name} follows ${name}`);
    await this.exclusively([name], () => server.delete());
    this.servers.delete(name);
    for (const endpoint of this.endpoints.values()) {
      if (endpoint.replica === server) endpoint.replica = undefined;
      this.point(endpoint);
    }
  }

  deleteVirtualEndpoint(name: string): void {
    const endpoint = this.virtualEndpoint(name);
    this.endpoints.delete(name);
    this.former.set(name, endpoint);
    for (const names of [endpoint, endpoint.pooled])
      for (const front of [names.writer, names.reader]) front.lead(undefined);
  }

  /** Nothing in the region answers from now on, to anybody outside it. */
  async loseRegion(region: string, how: Loss = "dead"): Promise<void> {
    this.lostRegions.set(region, how);
    for (const server of this.of(region)) {
      server.lost = true;
      for (const front of namesOf(server)) front.reach = how === "silent" ? "silent" : "refusing";
      if (how === "dead") await server.halt("crash");
    }
    this.endpoints.forEach((endpoint) => this.point(endpoint));
  }

  /** The region answers again. A server that another one replaced meanwhile becomes that one's replica. */
  async returnRegion(region: string): Promise<void> {
    if (!this.lostRegions.delete(region)) return;
    for (const server of this.of(region)) {
      server.lost = false;
      for (const front of namesOf(server)) front.reach = "open";
      if (server.demotedBy) {
        // A replica has no standby in another zone, and nobody may wait for one when it serves again.
        await server.disableStandby();
        await server.halt("immediate");
        server.source = server.demotedBy;
        server.demotedBy = undefined;
      }
      if (server.state !== "Stopped" && (!server.source || !server.source.lost)) await server.start();
    }
    this.endpoints.forEach((endpoint) => this.point(endpoint));
  }

  /** Resolves once nothing is being put right in the background. */
  async settled(): Promise<void> {
    for (const server of this.servers.values()) await server.settled();
  }

  /** Ends every server and deletes all data. */
  async close(): Promise<void> {
    for (const all of [this.endpoints, this.former])
      for (const endpoint of all.values()) await closeNames(endpoint);
    for (const server of this.servers.values()) await server.delete();
    await this.home.close();
  }

  private of(region: string): DatabaseServer[] {
    return [...this.servers.values()].filter((server) => server.region === region);
  }

  private add(server: DatabaseServer): DatabaseServer {
    this.servers.set(server.name, server);
    return server;
  }

  private absent({ name, region }: ServerRequest): void {
    if (this.servers.has(name)) throw new ServiceError("ServerAlreadyExists", `${name} exists already`);
    if (this.lostRegions.has(region))
      throw new ServiceError("RegionUnavailable", `${region} does not answer`);
  }

  private reachable(name: string): DatabaseServer {
    const server = this.server(name);
    if (server.lost) throw new ServiceError("RegionUnavailable", `${server.region} does not answer`);
    if (server.state !== "Ready") throw new ServiceError("ServerNotReady", `${name} is ${server.state}`);
    return server;
  }

  /** One change at a time on a server, and on a pair. */
  private async exclusively<T>(names: string[], work: () => Promise<T>): Promise<T> {
    const taken = names.find((name) => this.busy.has(name));
    if (taken) throw new ServiceError("ServerIsBusy", `${taken} is being changed`);
    names.forEach((name) => this.busy.add(name));
    try {
      return await work();
    } finally {
      names.forEach((name) => this.busy.delete(name));
    }
  }

  /** Names lead to servers' own names, so that a standby in another zone taking over changes nothing here. */
  private point({ writer, reader, pooled, primary, replica }: VirtualEndpoint): void {
    const second = replica ?? primary;
    writer.lead(primary.front.port);
    reader.lead(second.front.port);
    pooled.writer.lead(primary.pool?.front.port);
    pooled.reader.lead(second.pool?.front.port);
  }
}

/** What answers on a port of a server's own name; nothing on the pooler's where there is none. */
function frontOf(server: DatabaseServer | undefined, port: number): TcpFront | undefined {
  if (port === PORTS.pooler) return server?.pool?.front;
  return port === PORTS.server ? server?.front : undefined;
}

const namesOf = ({ front, wire, pool }: DatabaseServer): TcpFront[] =>
  pool ? [front, wire, pool.front] : [front, wire];

async function closeNames({ writer, reader, pooled }: VirtualEndpoint): Promise<void> {
  await Promise.all([writer, reader, pooled.writer, pooled.reader].map((front) => front.close()));
}
