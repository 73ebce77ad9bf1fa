import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as k8s from "@kubernetes/client-node";
import { kubernetes } from "../../../apps/operations/ground/cluster";
import { postgres } from "../../../apps/operations/ground/database";
import { documentOf, throughTheEdge } from "../../../apps/operations/ground/edge";
import { recordsOf } from "../../../apps/operations/ground/records";
import { lookAt } from "../../../apps/operations/ground/serving";
import type { Ground, ServingGround, VaultsGround } from "../../../apps/operations/ground/types";
import type { Platform, RegionFacts } from "../../../apps/operations/platform";
import { customRole } from "../../../apps/operations/rights";
import { writeServing } from "../../../apps/recovery/serving/places";
import type { ServingRecord } from "../../../apps/recovery/serving/record";
import { statusPage } from "../../../apps/rehearsal/laptop/pages";
import { databaseLogins } from "../../../infra/data/databaseLogins";
import { rolesScript } from "../../../infra/data/rolesScript";
import type { EmulatedCloud } from "../../../packages/emulated-azure/cloud";
import { Api, kubeconfig, serveKubernetes } from "../../../packages/emulated-azure/kubernetes";
import { wishOf } from "../../../packages/emulated-azure/kubernetes/access";
import type { Access } from "../../../packages/emulated-azure/kubernetes/front";
import type { Stored as Resource } from "../../../packages/emulated-azure/model/types";
import type { Principal } from "../../../packages/emulated-azure/rights/directory";
import { DatabaseServers } from "../../../packages/emulated-azure/servers";
import { selfSigned } from "../../../packages/local-servers/certificate";
import { clientProgram, PRODUCTION_MAJOR } from "../../../packages/local-servers/postgresPrograms";
import { openAzure, type Azure } from "./azure";
import { fillVaults, SecretDriver } from "./driver";
import { Held } from "./held";
import { deploy, Pods } from "./pods";
import { PublicNames } from "./publicNames";
import {
  ADMINISTRATOR,
  ENDPOINT,
  NAMESPACE,
  NORTH,
  OLD,
  platformAt,
  WEST,
  WITNESS,
  type Place,
} from "./regions";

export { NORTH, OLD, WEST };

/**
 * An environment of two regions on this machine: real PostgreSQL servers, two clusters behind their APIs, pods that
 * really write through the writer's name under their region's role, and an edge that leads to whoever is healthy.
 */
export class Laptop {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "operations-"));
  readonly servingRecords = new Map<string, ServingRecord>();
  private readonly places: Place[] = [];
  private readonly pods = new Pods({
    portOf: (host) => this.servers.portOf(host),
    applicationPort: () => this.names.applicationPort,
    countRows: async () => Number((await this.sql("SELECT count(*) FROM marker"))[0].count),
  });
  private readonly names = new PublicNames(this.places, () => this.endpointState() === "Enabled");
  private config = new k8s.KubeConfig();
  private azure!: Azure;
  private driver!: SecretDriver;
  platform!: Platform;
  ground!: Ground;
  /** From now on the operator holds one role of these permissions, and another in these places, and nothing else. */
  hold!: Held["hold"];

  private constructor(readonly servers: DatabaseServers) {}

  static async open(): Promise<Laptop> {
    const laptop = new Laptop(await DatabaseServers.open());
    await laptop.databases();
    await laptop.names.listen();
    laptop.platform = platformAt(laptop.names.port);
    await laptop.clusters();
    const azure = (laptop.azure = await openAzure(laptop.platform, laptop.servers));
    laptop.ground = {
      now: () => new Date(),
      database: laptop.database(),
      ...azure.ground,
      cluster: (name) => kubernetes(laptop.config, k8s, name),
      edge: throughTheEdge,
      document: (url) =>
        url.includes(".azurecontainerapps.io/")
          ? Promise.resolve(statusPage(azure.cloud)?.document)
          : documentOf(url),
      image: () => Promise.resolve(true),
      certificate: () => Promise.resolve(new Date(Date.now() + 60 * 86_400_000)),
      serving: laptop.serving(),
      records: recordsOf(laptop.platform, {
        BACKUP_TARGETS: JSON.stringify([{ name: "here", kind: "folder", path: laptop.folder }]),
        BACKUP_CONTAINER_DAILY: "daily",
      }),
    };
    const held = new Held(azure.cloud, laptop.platform, azure.operator);
    held.declareRoles();
    laptop.hold = (...permissions) => held.hold(...permissions);
    laptop.hold(customRole("operator", laptop.platform));
    laptop.driver = new SecretDriver(azure.cloud, azure.maker, laptop.places);
    await fillVaults(azure.maker, laptop.platform);
    await laptop.driver.sync();
    laptop.driver.start();
    return laptop;
  }

  get cloud(): EmulatedCloud {
    return this.azure.cloud;
  }

  get operator(): Principal {
    return this.azure.operator;
  }

  /** Vaults as whoever deploys fills them. */
  get maker(): VaultsGround {
    return this.azure.maker;
  }

  /** What the API says of each partner, by the key it signs in with. */
  set partners(known: Record<string, string>) {
    this.names.partners = known;
  }

  /** Rows a client was told are safe. */
  get confirmed(): readonly number[] {
    return this.pods.confirmed;
  }

  /** When each row was confirmed, in milliseconds. */
  get confirmedAt(): ReadonlyMap<number, number> {
    return this.pods.confirmedAt;
  }

  /** The record of who serves, in three accounts; that of a lost region does not answer. */
  private serving(): ServingGround {
    const places = [WEST.location, NORTH.location, WITNESS].map((name) => ({
      name,
      look: () => this.reach(name).then(() => this.servingRecords.get(name)),
      write: (record: ServingRecord) =>
        this.reach(name).then(() => void this.servingRecords.set(name, record)),
    }));
    return {
      look: () => lookAt(places),
      write: async (serving, incident, now) => void (await writeServing(places, { serving, incident }, now)),
    };
  }

  private async reach(location: string): Promise<void> {
    await Promise.resolve();
    if (this.places.some(({ lost, facts }) => lost && facts.location === location))
      throw new Error(`${location} does not answer`);
  }

  /** The administrator's connection, as somebody who types a verb would have it. */
  database(password = ADMINISTRATOR.password) {
    return postgres(`postgresql://${ADMINISTRATOR.login}:${password}@writer/postgres`, (host) => {
      const port = this.servers.portOf(host);
      return port === undefined ? undefined : { host: "127.0.0.1", port };
    });
  }

  async sql<T extends object = any>(text: string, values: unknown[] = []): Promise<T[]> {
    return this.ground.database.query<T>(this.platform.writerHost, text, values);
  }

  private place({ code }: RegionFacts): Place {
    return this.places.find(({ facts }) => facts.code === code)!;
  }

  /** Nothing of the region answers from now on; its pods are gone with it. */
  async lose(facts: RegionFacts): Promise<void> {
    const place = this.place(facts);
    place.lost = true;
    await this.cloud.losses.lose(facts.location);
    await this.servers.loseRegion(facts.location);
  }

  /** The region answers again: its pods start as they were. */
  async bringBack(facts: RegionFacts): Promise<void> {
    this.place(facts).lost = false;
    await this.cloud.losses.restore(facts.location);
    this.cloud.faults.clear();
    await this.servers.returnRegion(facts.location);
    await this.servers.settled();
  }

  /** Rows a client was told are safe that the writer's name does not show. */
  async missing(): Promise<number[]> {
    // Pods go on writing meanwhile.
    const confirmed = [...this.confirmed];
    const kept = new Set(
      (await this.sql<{ id: string }>("SELECT id FROM marker")).map(({ id }) => Number(id)),
    );
    return confirmed.filter((id) => !kept.has(id));
  }

  /** Waits until the pods have been confirmed this many more writes. */
  async writes(count: number): Promise<void> {
    for (const from = this.confirmed.length; this.confirmed.length < from + count;) await sleep(10);
  }

  async close(): Promise<void> {
    this.pods.stop();
    this.driver.stop();
    for (const { api, front } of this.places) {
      api.controller.stop();
      await front.close();
    }
    await this.azure.listening.stop();
    await this.names.close();
    await this.servers.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** What a containment may touch, to be compared with what it is after the way back. */
  async snapshot(): Promise<unknown> {
    const clusters = await Promise.all(
      this.places.map(async ({ facts, lost }) => {
        if (lost) return undefined;
        const cluster = this.ground.cluster(facts.cluster);
        const [deployments, cronJobs, services] = await Promise.all([
          cluster.deployments(NAMESPACE),
          cluster.cronJobs(NAMESPACE),
          cluster.services(NAMESPACE),
        ]);
        const wanted = deployments.map(({ name, replicas }) => ({ name, replicas }));
        return { wanted, cronJobs, services };
      }),
    );
    const roles = await this.sql(
      "SELECT rolname, rolcanlogin, shobj_description(oid, 'pg_authid') AS note FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1",
    );
    return { clusters, roles, endpoint: this.endpointState() };
  }

  endpointState(): unknown {
    const endpoint = [...this.cloud.cloud.all()].find(({ type }) => type === "azure-native:cdn:AFDEndpoint");
    return endpoint?.inputs["enabledState"];
  }

  private async databases(): Promise<void> {
    const { servers } = this;
    await servers.create({ name: WEST.server, region: WEST.location, administrator: ADMINISTRATOR });
    // The very script production's job runs makes the logins a failover opens and shuts.
    const regions = { serving: WEST, standby: NORTH };
    const passwords = databaseLogins(regions).map(({ variable }) => [variable, OLD]);
    const table = "SET ROLE migration; CREATE TABLE marker (id bigint PRIMARY KEY);";
    await new Promise<void>((resolve, reject) => {
      // The wire to the server runs in this process: it must go on meanwhile.
      const psql = execFile(
        clientProgram("psql", PRODUCTION_MAJOR),
        ["--no-psqlrc", "--quiet", "--file=-", servers.server(WEST.server).urlOf()],
        { env: { PATH: process.env.PATH, ...(Object.fromEntries(passwords) as Record<string, string>) } },
        (error) => (error ? reject(error) : resolve()),
      );
      psql.stdin?.end(`${rolesScript(regions)} ${table}`);
    });
    await servers.createReplica({ name: NORTH.server, region: NORTH.location, source: WEST.server });
    await servers.createVirtualEndpoint(ENDPOINT, WEST.server, NORTH.server);
  }

  private async clusters(): Promise<void> {
    const files = selfSigned(this.folder);
    const certificate = fs.readFileSync(files.certificate, "utf8");
    const tls = { certificate, key: fs.readFileSync(files.key, "utf8") };
    const merged = new k8s.KubeConfig();
    const parts = { clusters: [] as k8s.Cluster[], users: [] as k8s.User[], contexts: [] as k8s.Context[] };
    for (const facts of [WEST, NORTH]) {
      const place = { facts, lost: false, wrote: 0 } as Place;
      place.api = new Api({ run: (pod, log, deleted) => this.pods.run(place, pod, log, deleted) });
      place.front = await serveKubernetes(place.api, this.accessTo(place), tls);
      this.places.push(place);
      const one = new k8s.KubeConfig();
      one.loadFromString(kubeconfig({ name: facts.cluster, url: place.front.url, certificate }, "operator"));
      parts.clusters.push(...one.clusters);
      parts.users.push(...one.users);
      parts.contexts.push(...one.contexts);
      deploy(place, facts === NORTH);
    }
    merged.loadFromOptions({ ...parts, currentContext: WEST.cluster });
    this.config = merged;
  }

  /** Whoever asks is the operator; Azure's rights decide what of the cluster they may. */
  private accessTo(place: Place): Access {
    return {
      authenticate: () => (place.lost ? undefined : { name: this.operator.objectId, groups: [] }),
      forbids: ({ name }, what) => {
        const { subscriptionId } = this.platform;
        const { resourceGroup, cluster } = place.facts;
        const id = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.ContainerService/managedClusters/${cluster}`;
        const principal = this.cloud.directory.byObjectId(name);
        return principal && this.cloud.rights.may(principal, wishOf({ id } as Resource, what))
          ? undefined
          : "User does not have access to the resource in Azure.";
      },
    };
  }
}
