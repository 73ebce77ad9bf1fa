/** What an operation acts on. Everything it may do to the world passes here. */
export interface Ground {
  now(): Date;
  database: DatabaseGround;
  servers: ServersGround;
  /** The cluster of a region, by its name. */
  cluster(name: string): ClusterGround;
  /** Asks a public name as a customer would, through the edge. */
  edge(url: string): Promise<EdgeAnswer>;
}

export interface DatabaseGround {
  /** Rows of one statement, as the administrator, by one of the platform's host names. */
  query<T extends object>(host: string, text: string, values?: unknown[]): Promise<T[]>;
}

export interface ServerView {
  /** As Azure says it. */
  role: "None" | "Primary" | "AsyncReplica" | "GeoAsyncReplica";
  state: string;
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
}

export interface DeploymentView {
  name: string;
  /** Pods wanted. */
  replicas: number;
  ready: number;
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
  /** Undefined when there is no such job. */
  job(namespace: string, name: string): Promise<"running" | "complete" | "failed" | undefined>;
}

export type Annotations = Readonly<Record<string, string | null>>;

export interface EdgeAnswer {
  status: number;
  /** Region that says it answered, where the answer names one. */
  region?: string;
}
