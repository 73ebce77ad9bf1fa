import type { Readiness } from "../../recovery/evidence/readiness";

/** Settings of the process, as a verb is given them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What an operation acts on. Everything it may do to the world passes here. */
export interface Ground {
  now(): Date;
  /** Seconds of log still to be archived, where that is not Azure's own. */
  restoreLagSeconds?: number;
  database: DatabaseGround;
  servers: ServersGround;
  /** The cluster of a region, by its name. */
  cluster(name: string): ClusterGround;
  /** Asks a public name as a customer would, through the edge. */
  edge(url: string): Promise<EdgeAnswer>;
  /** The JSON document a public address answers with, whatever its status. @throws when it answers with none */
  document(url: string): Promise<unknown>;
  resources: ResourcesGround;
  vaults: VaultsGround;
  /** Whether a registry gives an image, by its digest, to whoever asks without a password: true, or what it says instead. */
  image(reference: string): Promise<true | string>;
  /** When the certificate a public host shows ends. @throws when it shows none, or one nobody trusts */
  certificate(host: string): Promise<Date>;
  /** What the stores of backups, evidence and incidents hold. */
  records: RecordsGround;
  /** The record of who serves, which gateways ask before they call partners; none where the environment has one region. */
  serving?: ServingGround;
}

export interface ServingGround {
  /** What each account says, or why it does not. */
  look(): Promise<
    { place: string; record?: { serving: string; term: number; since: string }; silent?: string }[]
  >;
  /** @throws when fewer than half of the accounts took it */
  write(region: string, incident: string, now: Date): Promise<void>;
}

export interface RecordsGround {
  /** Age of the newest and the newest verified backup, per database and target. */
  backups(): Promise<BackupAge[]>;
  /** The last drill on record. */
  lastDrill(): Promise<DrillView | undefined>;
  openIncidents(): Promise<IncidentView[]>;
  /** The newest readiness check on record. */
  lastReadiness(): Promise<Readiness | undefined>;
  /** Keeps one in every store of evidence that answers. @returns its name there */
  keepReadiness(readiness: Readiness): Promise<string>;
}

export interface BackupAge {
  database: string;
  target: string;
  newestSeconds?: number;
  verifiedSeconds?: number;
  /** What is wrong with them, by the runner's own limits; none when all is well. */
  problems: readonly string[];
}

export interface DrillView {
  endedAt: Date;
  /** `PASS` or another verdict. */
  verdict: string;
}

export interface IncidentView {
  id: string;
  severity: string;
  title: string;
  startedAt: Date;
}

/** Any resource as the resource manager shows it. */
export interface AzureResource {
  id?: string;
  name?: string;
  location?: string;
  tags?: Record<string, string>;
  properties?: Record<string, unknown>;
}

/** Azure's resource manager, for what has no client of its own here. */
export interface ResourcesGround {
  /** Undefined when there is no such resource. */
  get(id: string, apiVersion: string): Promise<AzureResource | undefined>;
  /** All of a collection, e.g. `…/customDomains`. */
  list(path: string, apiVersion: string, query?: Readonly<Record<string, string>>): Promise<AzureResource[]>;
  /** Asks for what Azure answers to a POST alone, such as credentials. */
  ask(action: string, apiVersion: string): Promise<unknown>;
  /** Creates or replaces; ends when Azure says it is done. */
  put(id: string, apiVersion: string, resource: object, signal: AbortSignal): Promise<void>;
  patch(id: string, apiVersion: string, change: object, signal: AbortSignal): Promise<void>;
  delete(id: string, apiVersion: string, signal: AbortSignal): Promise<void>;
  /** Asks a resource to do something, e.g. `…/importImage`; ends when Azure says it is done. @throws when Azure refuses or fails */
  post(action: string, apiVersion: string, body: object, signal: AbortSignal): Promise<void>;
}

export interface SecretView {
  value: string;
  contentType?: string;
  expires?: Date;
  tags: Readonly<Record<string, string>>;
}

/** Secrets of the vaults, by their own API: it alone reads a value, which is what a roll-back needs. */
/** What a vault says of a secret to whoever may not read it. */
export interface SecretRecord {
  enabled: boolean;
  expires?: Date;
  tags: Readonly<Record<string, string>>;
}

export interface VaultsGround {
  /** Every secret of a vault by its name, without its value. */
  list(vault: string): Promise<ReadonlyMap<string, SecretRecord>>;
  /** The version in force; undefined when there is none. */
  read(vault: string, secret: string): Promise<SecretView | undefined>;
  /** Adds a version, from now on the one in force. */
  write(vault: string, secret: string, version: SecretView): Promise<void>;
}

export interface DatabaseGround {
  /** Rows of one statement, as the administrator, by one of the platform's host names; at most 20 s, or as many as given. */
  query<T extends object>(host: string, text: string, values?: unknown[], seconds?: number): Promise<T[]>;
  /**
   * The server's own clock, rounded up to the millisecond: nothing it has written is later. What is compared with its rows and
   * sessions goes by this, whatever the machine says on which somebody types.
   */
  clock(host: string): Promise<Date>;
  /** The administrator's password that is in use. */
  password(): string;
  /** Signs in as somebody else. @returns true, or why it was refused @throws when the server does not answer */
  login(host: string, who: Login): Promise<true | string>;
  /** Login of the administrator. */
  readonly administrator: string;
  /** From now on the administrator signs in with this password. */
  useAdministrator(password: string): void;
}

export interface Login {
  user: string;
  password: string;
  database: string;
}

export interface ServerView {
  /** As Azure says it. */
  role: "None" | "Primary" | "AsyncReplica" | "GeoAsyncReplica";
  state: string;
  /** How its standby in another zone is, e.g. `Healthy`; undefined where it has none. */
  standby?: string;
}

export interface ServersGround {
  /** @throws when Azure does not answer or refuses */
  get(resourceGroup: string, server: string): Promise<ServerView>;
  /** Makes a replica the primary of its pair; ends when Azure says it is done. */
  promote(
    resourceGroup: string,
    server: string,
    option: "Planned" | "Forced",
    signal: AbortSignal,
  ): Promise<void>;
  /** Gives the administrator another password; Azure allows it on a primary only. */
  setPassword(resourceGroup: string, server: string, password: string, signal: AbortSignal): Promise<void>;
  restart(resourceGroup: string, server: string, signal: AbortSignal): Promise<void>;
}

export interface DeploymentView {
  name: string;
  /** Pods wanted. */
  replicas: number;
  ready: number;
  annotations: Readonly<Record<string, string>>;
  /** Annotations of its pods. */
  podAnnotations: Readonly<Record<string, string>>;
  /** Whether every pod is of the newest template, ready, and no older one is left. */
  rolledOut: boolean;
  /** Secrets its containers' environment comes from. */
  secrets: readonly { secret: string; key: string }[];
}

export interface ServiceView {
  name: string;
  selector: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
}

export interface CronJobView {
  name: string;
  suspended: boolean;
  annotations: Readonly<Record<string, string>>;
}

export interface ClusterGround {
  deployments(namespace: string): Promise<DeploymentView[]>;
  cronJobs(namespace: string): Promise<CronJobView[]>;
  /** Sets the pods wanted and annotations; null takes an annotation away. */
  setDeployment(namespace: string, name: string, replicas: number, annotations: Annotations): Promise<void>;
  setCronJob(namespace: string, name: string, suspended: boolean, annotations: Annotations): Promise<void>;
  /** Makes a job from a CronJob; one of that name that is there is left as it is. */
  runCronJob(namespace: string, cronJob: string, job: string): Promise<void>;
  /** Sets annotations of the pods' template, which replaces every pod, one after the other. */
  restart(namespace: string, name: string, podAnnotations: Annotations): Promise<void>;
  services(namespace: string): Promise<ServiceView[]>;
  /** Replaces what a Service leads to, and sets annotations; null takes one away. */
  setService(
    namespace: string,
    name: string,
    selector: Readonly<Record<string, string>>,
    annotations: Annotations,
  ): Promise<void>;
  /** Values of a Secret of the cluster; undefined when it is not there. */
  secret(namespace: string, name: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** Creates an object, or leaves one of that name as it is. */
  create(object: ClusterObject): Promise<void>;
  /** An object as it is; undefined when it is not there. */
  find(object: ClusterObject): Promise<ClusterObject | undefined>;
  /** Deletes an object; one that is not there is gone already. */
  remove(object: ClusterObject): Promise<void>;
  /** Last lines of every container's log of the namespace's pods, by `pod/container`. */
  logs(namespace: string): Promise<Readonly<Record<string, string>>>;
  /** Undefined when there is no such job. */
  job(namespace: string, name: string): Promise<"running" | "complete" | "failed" | undefined>;
}

export type Annotations = Readonly<Record<string, string | null>>;

export interface EdgeAnswer {
  status: number;
  /** Region that says it answered, where the answer names one. */
  region?: string;
  /** Header of that name, where there is one. */
  retryAfter?: string;
}

export interface ClusterObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  [field: string]: unknown;
}
