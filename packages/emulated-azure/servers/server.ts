import { loopback } from "../../local-servers/ports";
import { administer, type Administrator, type NewServer } from "./administrator";
import { BackupArchive } from "./archive";
import { ServiceError } from "./errors";
import { follow, following } from "./follow";
import { TcpFront } from "./front";
import type { Home } from "./home";
import { Instance, type Settings } from "./instance";
import type { ServerPool } from "./pool";

export type ServerState = "Ready" | "Stopped" | "Down";

const ZONE = "zone";

/** Name a replica bears in its source's list of those who follow. */
export const followerName = (server: string): string => `replica_${server}`;

/** One flexible server: the instance that serves, its standby in another zone where wanted, its name and backups. */
export class DatabaseServer {
  /** Its own host name. */
  readonly front: TcpFront;
  /** What its replicas in other regions follow. */
  readonly wire: TcpFront;
  state: ServerState = "Ready";
  /** Whether its region answers. */
  lost = false;
  /** The server it replicates, where it is a replica. */
  source: DatabaseServer | undefined;
  /** A demoted server that could not be told yet; its region did not answer. */
  demotedBy: DatabaseServer | undefined;
  parameters: Settings = {};
  /** Its PgBouncer, where it has one. */
  pool: ServerPool | undefined;
  /** Leads there for those within the region, its standby among them. */
  private readonly zone: TcpFront;
  private standby: Instance | undefined;
  private zoneSynchronous = false;
  private repairing: Promise<void> = Promise.resolve();

  readonly name: string;
  readonly region: string;
  administrator: Administrator;

  private constructor(
    readonly home: Home,
    about: Pick<NewServer, "name" | "region" | "administrator">,
    private serving: Instance,
    readonly archive: BackupArchive,
    fronts: { front: TcpFront; wire: TcpFront; zone: TcpFront },
  ) {
    ({ name: this.name, region: this.region, administrator: this.administrator } = about);
    ({ front: this.front, wire: this.wire, zone: this.zone } = fronts);
  }

  /** Wraps an instance as a server; nothing is started. */
  static async around(
    home: Home,
    about: Pick<NewServer, "name" | "region" | "administrator">,
    instance: Instance,
  ): Promise<DatabaseServer> {
    const [front, wire, zone] = [await TcpFront.open(), await TcpFront.open(), await TcpFront.open()];
    const archive = BackupArchive.create(home, about.name);
    return new DatabaseServer(home, about, instance, archive, { front, wire, zone });
  }

  /** A new, empty server. */
  static async create(home: Home, about: NewServer): Promise<DatabaseServer> {
    const server = await DatabaseServer.around(home, about, await Instance.create(home, about.name));
    server.parameters = { ...about.parameters };
    await server.open();
    await administer(server.serving, about.administrator);
    await server.archive.backUp(server.serving);
    if (about.highlyAvailable) await server.enableStandby();
    return server;
  }

  get instance(): Instance {
    return this.serving;
  }

  get isReplica(): boolean {
    return this.source !== undefined;
  }

  get highlyAvailable(): boolean {
    return this.standby !== undefined;
  }

  /** Resolves once nothing is being put right in the background. */
  async settled(): Promise<void> {
    for (let seen; seen !== this.repairing; await seen) seen = this.repairing;
  }

  /** Connection string of the administrator, by the server's own name. */
  urlOf(database = "postgres"): string {
    const { login, password } = this.administrator;
    const who = `${encodeURIComponent(login)}:${encodeURIComponent(password)}`;
    return `postgresql://${who}@${loopback}:${this.front.port}/${encodeURIComponent(database)}`;
  }

  /** Starts what serves as a server that takes writes, and leads the names to it. */
  async open(): Promise<void> {
    this.serving.configure(this.settings());
    await this.serving.start();
    this.leadNames();
  }

  /** Starts, or starts again, as a replica of the source; `fresh` when its data was copied from there just now. */
  async followSource(fresh = false): Promise<void> {
    const { source } = this;
    if (!source) throw new Error(`${this.name} has no source`);
    await follow({
      home: this.home,
      instance: this.serving,
      upstream: source.serving,
      wire: source.wire,
      name: followerName(this.name),
      settings: this.settings(),
      fresh,
    });
    this.leadNames();
  }

  /** A replica leaves its source and takes writes, on a timeline of its own. */
  async openAsPrimary(): Promise<void> {
    await this.serving.promote();
    this.source = undefined;
    this.reconfigure();
  }

  /** The server's own clock. */
  async now(): Promise<Date> {
    if (this.serving.port === undefined) return new Date();
    const [row] = await this.serving.query<{ now: Date }>("SELECT clock_timestamp() AS now");
    return row?.now ?? new Date();
  }

  /** Port of loopback by which whoever is inside its region reaches it, a region cut off from outside included. */
  get portInside(): number {
    return this.zone.port;
  }

  /** Server parameters, as `az postgres flexible-server parameter set` changes them; read again at once. */
  set(parameters: Settings): void {
    this.parameters = { ...this.parameters, ...parameters };
    this.reconfigure();
  }

  /** A standby in another zone that holds every confirmed transaction. */
  async enableStandby(): Promise<void> {
    if (this.isReplica) throw new ServiceError("HANotSupportedForReplica", `${this.name} is a replica`);
    const { port } = this.serving;
    if (port === undefined) throw new ServiceError("ServerNotReady", `${this.name} does not run`);
    if (this.standby) return;
    this.standby = await Instance.copyOf(this.home, `${this.name}-standby`, port);
    await this.attachStandby(this.standby, true);
  }

  async disableStandby(): Promise<void> {
    const { standby } = this;
    this.standby = undefined;
    this.zoneSynchronous = false;
    this.reconfigure();
    await standby?.delete();
  }

  /** The standby takes over, as after a crash (forced) or without one (planned); the other becomes the standby. */
  async failOver(how: "planned" | "forced"): Promise<void> {
    const { standby } = this;
    if (!standby) throw new ServiceError("HANotEnabled", `${this.name} has no standby in another zone`);
    const old = this.serving;
    old.onCrash = () => undefined;
    this.front.lead(undefined);
    await old.stop(how === "planned" ? "fast" : "crash");
    await this.takeOver(standby, old);
  }

  /** What serves dies as if its machine had. With a standby that one takes over by itself, else the server is down. */
  async crash(): Promise<void> {
    await this.serving.crash();
    await this.settled();
  }

  async stop(): Promise<void> {
    if (this.lost) throw new ServiceError("RegionUnavailable", `${this.region} does not answer`);
    await this.settled();
    this.state = "Stopped";
    await this.halt("fast");
  }

  async start(): Promise<void> {
    if (this.lost) throw new ServiceError("RegionUnavailable", `${this.region} does not answer`);
    if (this.source) {
      await this.followSource();
    } else {
      this.zoneSynchronous = false;
      await this.open();
      if (this.standby) await this.attachStandby(this.standby);
    }
    this.state = "Ready";
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Ends the processes. */
  async halt(how: "fast" | "immediate" | "crash"): Promise<void> {
    // The standby first: it must not take over from one that was told to stop.
    await this.standby?.stop(how);
    await this.serving.stop(how);
    this.leadNames();
  }

  /** Deletes it, its backups with it. */
  async delete(): Promise<void> {
    await this.settled();
    this.serving.onCrash = () => undefined;
    await this.pool?.close();
    await this.standby?.delete();
    await this.serving.delete();
    this.archive.delete();
    for (const front of [this.front, this.wire, this.zone]) await front.close();
  }

  /** Runs in the background, after whatever runs there already. */
  inBackground(work: () => Promise<void>): void {
    this.repairing = this.repairing.then(work).catch((error: unknown) => {
      this.lastRepairFailure = error;
    });
  }

  /** Why the last repair in the background did not succeed. */
  lastRepairFailure: unknown;

  /** Leads its names to what serves, or nowhere while nothing does. */
  leadNames(): void {
    const { serving } = this;
    serving.onCrash = () => this.afterCrash(serving);
    for (const front of [this.front, this.wire, this.zone]) front.lead(serving.port);
  }

  private afterCrash(crashed: Instance): void {
    if (crashed !== this.serving) return;
    for (const front of [this.front, this.wire, this.zone]) front.lead(undefined);
    this.state = "Down";
    if (!this.standby || !this.zoneSynchronous) return;
    const { standby } = this;
    this.inBackground(() => this.takeOver(standby, crashed));
  }

  private async takeOver(standby: Instance, old: Instance): Promise<void> {
    standby.onCrash = () => undefined;
    this.zoneSynchronous = false;
    this.serving = standby;
    this.standby = old;
    standby.configure(this.settings());
    await standby.promote();
    this.state = "Ready";
    this.leadNames();
    this.inBackground(() => this.attachStandby(old));
  }

  private async attachStandby(standby: Instance, fresh = false): Promise<void> {
    await follow({
      home: this.home,
      instance: standby,
      upstream: this.serving,
      wire: this.zone,
      name: ZONE,
      settings: { ...this.parameters, ...this.archive.settings },
      fresh,
    });
    this.zoneSynchronous = true;
    this.reconfigure();
    // A primary whose standby died goes on alone: better than not at all, and as Azure does it.
    standby.onCrash = () => {
      this.zoneSynchronous = false;
      this.reconfigure();
    };
  }

  private settings(): Settings {
    const synchronous: Settings = this.zoneSynchronous ? { synchronous_standby_names: ZONE } : {};
    return { ...this.parameters, ...this.archive.settings, ...synchronous };
  }

  private reconfigure(): void {
    const { source } = this;
    const upstream = source ? following(this.home, source.wire, followerName(this.name)) : {};
    this.serving.configure({ ...this.settings(), ...upstream });
  }
}
