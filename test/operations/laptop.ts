import { execFile } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import { ResourceManagementClient } from "@azure/arm-resources";
import * as k8s from "@kubernetes/client-node";
import { Client } from "pg";
import { kubernetes } from "../../apps/operations/ground/cluster";
import { postgres } from "../../apps/operations/ground/database";
import { REGION_HEADER, throughTheEdge } from "../../apps/operations/ground/edge";
import { flexibleServers } from "../../apps/operations/ground/servers";
import type { Ground, ServersGround } from "../../apps/operations/ground/types";
import type { Platform, RegionFacts } from "../../apps/operations/platform";
import { REPLICAS_MARK, ROLE_MARK, STANDBY } from "../../apps/operations/regionMarks";
import {
  Api,
  kubeconfig,
  serveKubernetes,
  type KubernetesFront,
  type Stored,
} from "../../packages/emulated-azure/kubernetes";
import { emulatedCloud, type EmulatedCloud } from "../../packages/emulated-azure/cloud";
import { listen, type Listening } from "../../packages/emulated-azure/listen";
import { sandboxModel } from "../../packages/emulated-azure/model";
import type { Principal } from "../../packages/emulated-azure/rights/directory";
import { DatabaseServers, putBehind } from "../../packages/emulated-azure/servers";
import { credentialOf } from "../cloud/client";
import { databaseLogins } from "../../infra/data/databaseLogins";
import { rolesScript } from "../../infra/data/rolesScript";
import { clientProgram, PRODUCTION_MAJOR } from "../../packages/local-servers/postgresPrograms";
import { selfSigned } from "../../packages/local-servers/certificate";

const ADMINISTRATOR = { login: "chief", password: "not-a-real-one-0" };
/** Built-in roles (https://learn.microsoft.com/azure/role-based-access-control/built-in-roles). */
const OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c";
/** Of every login of the platform. */
const PASSWORD = "not-a-real-one-1";
const NAMESPACE = "shop";
const ENDPOINT = "shop-db";
const SUFFIX = "postgres.database.azure.com";

const region = (place: RegionFacts["place"], location: string, code: string): RegionFacts => ({
  place,
  location,
  code,
  resourceGroup: `rg-shop-${code}`,
  server: `psql-shop-${code}`,
  serverHost: `psql-shop-${code}.${SUFFIX}`,
  cluster: `aks-shop-${code}`,
});
export const WEST = region("primary", "westeurope", "weu");
export const NORTH = region("secondary", "northeurope", "neu");

/** Everything of one region that is lost together: servers, cluster, and what its pods do. */
interface Place {
  facts: RegionFacts;
  api: Api;
  front: KubernetesFront;
  lost: boolean;
  /** When its api last wrote. */
  wrote: number;
}

/**
 * An environment of two regions on this machine: real PostgreSQL servers, two clusters behind their APIs, pods that
 * really write through the writer's name under their region's role, and an edge that leads to whoever is healthy.
 */
export class Laptop {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "operations-"));
  readonly confirmed: number[] = [];
  /** When each row was confirmed, in milliseconds. */
  readonly confirmedAt = new Map<number, number>();
  private next = 1;
  private readonly places: Place[] = [];
  private config = new k8s.KubeConfig();
  private edge = http.createServer();
  private going = true;
  private cloud?: EmulatedCloud;
  private listening?: Listening;
  platform!: Platform;
  ground!: Ground;

  private constructor(readonly servers: DatabaseServers) {}

  static async open(): Promise<Laptop> {
    const laptop = new Laptop(await DatabaseServers.open());
    await laptop.databases();
    await laptop.clusters();
    await laptop.publicNames();
    const url = `postgresql://${ADMINISTRATOR.login}:${ADMINISTRATOR.password}@writer/postgres`;
    laptop.ground = {
      now: () => new Date(),
      database: postgres(url, (host) => {
        const port = laptop.servers.portOf(host);
        return port === undefined ? undefined : { host: "127.0.0.1", port };
      }),
      servers: await laptop.resourceManager(),
      cluster: (name) => kubernetes(laptop.config, k8s, name),
      edge: throughTheEdge,
    };
    return laptop;
  }

  async sql<T extends object = any>(text: string, values: unknown[] = []): Promise<T[]> {
    return this.ground.database.query<T>(this.platform.writerHost, text, values);
  }

  place({ code }: RegionFacts): Place {
    return this.places.find(({ facts }) => facts.code === code)!;
  }

  /** Nothing of the region answers from now on; its pods are gone with it. */
  async lose(facts: RegionFacts): Promise<void> {
    const place = this.place(facts);
    place.lost = true;
    const group = `/resourcegroups/${facts.resourceGroup}/`.toLowerCase();
    this.cloud?.faults.outage(facts.location, ({ key }) => key?.toLowerCase().includes(group) ?? false);
    await this.servers.loseRegion(facts.location);
  }

  /** The region answers again: its pods start as they were. */
  async bringBack(facts: RegionFacts): Promise<void> {
    this.place(facts).lost = false;
    this.cloud?.faults.clear();
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
    this.going = false;
    for (const { api, front } of this.places) {
      api.controller.stop();
      await front.close();
    }
    await this.listening?.stop();
    this.edge.closeAllConnections();
    await new Promise((resolve) => this.edge.close(resolve));
    await this.servers.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private async databases(): Promise<void> {
    const { servers } = this;
    await servers.create({ name: WEST.server, region: WEST.location, administrator: ADMINISTRATOR });
    // The very script production's job runs makes the logins a failover opens and shuts.
    const regions = { serving: WEST, standby: NORTH };
    const passwords = databaseLogins(regions).map(({ variable }) => [variable, PASSWORD]);
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
      place.api = new Api({ run: (pod, log, deleted) => this.run(place, pod, log, deleted) });
      place.front = await serveKubernetes(
        place.api,
        { authenticate: () => (place.lost ? undefined : { name: "operator", groups: [] }) },
        tls,
      );
      this.places.push(place);
      const one = new k8s.KubeConfig();
      one.loadFromString(kubeconfig({ name: facts.cluster, url: place.front.url, certificate }, "operator"));
      parts.clusters.push(...one.clusters);
      parts.users.push(...one.users);
      parts.contexts.push(...one.contexts);
      this.deploy(place, facts === NORTH);
    }
    merged.loadFromOptions({ ...parts, currentContext: WEST.cluster });
    this.config = merged;
  }

  private deploy({ api }: Place, standby: boolean): void {
    api.namespace(NAMESPACE);
    const marks = (more: object = {}) => (standby ? { annotations: { [ROLE_MARK]: STANDBY, ...more } } : {});
    for (const [name, pods] of [
      ["api", 2],
      ["dashboard", 1],
    ] as const)
      api.create({
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name, namespace: NAMESPACE, ...marks({ [REPLICAS_MARK]: `${pods}` }) },
        spec: {
          replicas: standby ? 0 : pods,
          selector: { matchLabels: { app: name } },
          template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image: "x" }] } },
        },
      } as never);
    for (const name of ["recovery-daily", "recovery-operator"])
      api.create({
        apiVersion: "batch/v1",
        kind: "CronJob",
        metadata: { name, namespace: NAMESPACE, ...(name === "recovery-daily" ? marks() : {}) },
        spec: {
          schedule: "0 3 * * *",
          suspend: standby || name === "recovery-operator",
          jobTemplate: {
            spec: { backoffLimit: 0, template: { spec: { containers: [{ name: "runner", image: "x" }] } } },
          },
        },
      } as never);
  }

  /** A pod of the api writes for as long as it lives; it is ready with its first row. A job reads what it backs up. */
  private async run(place: Place, pod: Stored, log: (text: string) => void, deleted: AbortSignal) {
    const container = (pod.spec?.containers as { name: string }[])[0]?.name;
    if (container === "runner") {
      log(`${(await this.sql("SELECT count(*) FROM marker"))[0].count} rows\n`);
      return { state: "finished" as const };
    }
    if (container === "api") await this.write(place, deleted);
    return { state: "ready" as const };
  }

  private write(place: Place, deleted: AbortSignal): Promise<void> {
    return new Promise((ready) => {
      void (async () => {
        const { code } = place.facts;
        let client: Client | undefined;
        while (this.going && !deleted.aborted) {
          await sleep(10);
          if (place.lost) continue;
          try {
            if (!client) {
              const port = this.servers.portOf(`${ENDPOINT}.writer.${SUFFIX}`);
              const login = { user: `api_${code}`, password: PASSWORD, database: "postgres" };
              client = new Client({ host: "127.0.0.1", port, ...login, connectionTimeoutMillis: 1000 });
              client.on("error", () => (client = undefined));
              await client.connect();
            }
            const id = this.next++;
            await client.query("INSERT INTO marker VALUES ($1)", [id]);
            this.confirmed.push(id);
            this.confirmedAt.set(id, Date.now());
            place.wrote = Date.now();
            ready();
          } catch {
            await client?.end().catch(() => undefined);
            client = undefined;
          }
        }
        await client?.end().catch(() => undefined);
      })();
    });
  }

  /** The edge: whoever wrote within the last second is healthy. */
  private async publicNames(): Promise<void> {
    this.edge.on("request", (_request, response) => {
      const healthy = this.places.find(({ lost, wrote }) => !lost && Date.now() - wrote < 1000);
      response
        .writeHead(healthy ? 200 : 503, healthy ? { [REGION_HEADER]: healthy.facts.location } : {})
        .end();
    });
    await new Promise<void>((resolve) => this.edge.listen(0, "127.0.0.1", resolve));
    const { port } = this.edge.address() as AddressInfo;
    this.platform = {
      stack: "shop",
      subscriptionId: "11111111-2222-4333-8444-555555555555",
      tenantId: "11111111-2222-4333-8444-666666666666",
      regions: [WEST, NORTH],
      namespace: NAMESPACE,
      writerHost: `${ENDPOINT}.writer.${SUFFIX}`,
      database: "postgres",
      sites: [`http://127.0.0.1:${port}/health/ready`, `http://127.0.0.1:${port}/`],
      targets: { rpoSeconds: 3600, rtoSeconds: 14_400 },
    };
  }

  /** The servers as Microsoft's client sees them, signed in as an operator who is Contributor and no more. */
  private async resourceManager(): Promise<ServersGround> {
    const cloud = (this.cloud = emulatedCloud(sandboxModel(), { retryAfter: 0 }));
    this.listening = await listen(cloud);
    const { subscriptionId } = this.platform;
    const scope = `/subscriptions/${subscriptionId}`;
    const [maker, operator] = ["maker", "operator"].map((displayName) =>
      cloud.directory.add({ displayName, secret: `${displayName} signs in` }),
    ) as [Principal, Principal];
    const assign = (principal: Principal, role: string) => {
      const id = `${scope}/providers/Microsoft.Authorization/roleAssignments/${principal.objectId}`;
      const inputs = {
        scope,
        roleAssignmentName: principal.objectId,
        principalId: principal.objectId,
        roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${role}`,
      };
      cloud.cloud.put({
        key: `arm:${id.toLowerCase()}`,
        type: "azure-native:authorization:RoleAssignment",
        id,
        inputs,
        outputs: inputs,
      });
    };
    assign(maker, OWNER);
    assign(operator, CONTRIBUTOR);
    const options = {
      endpoint: this.listening.address,
      tlsOptions: { ca: this.listening.certificate },
      retryOptions: { maxRetries: 1, retryDelayInMs: 1 },
    };
    const client = (principal: Principal) =>
      new PostgreSQLManagementFlexibleServerClient(
        credentialOf(cloud, this.listening!, principal),
        subscriptionId,
        options,
      );
    await declare(
      client(maker),
      new ResourceManagementClient(credentialOf(cloud, this.listening, maker), subscriptionId, options),
      scope,
    );
    putBehind(cloud, this.servers);
    return flexibleServers(client(operator), 5);
  }
}

/** The same servers in the resource manager as stand behind it. */
async function declare(
  postgres: PostgreSQLManagementFlexibleServerClient,
  groups: ResourceManagementClient,
  scope: string,
): Promise<void> {
  const poll = { updateIntervalInMs: 5 };
  for (const { resourceGroup, location } of [WEST, NORTH])
    await groups.resourceGroups.createOrUpdate(resourceGroup, { location });
  await postgres.servers.beginCreateOrUpdateAndWait(
    WEST.resourceGroup,
    WEST.server,
    {
      location: WEST.location,
      version: "17",
      sku: { name: "Standard_D4ds_v5", tier: "GeneralPurpose" },
      storage: { storageSizeGB: 128, autoGrow: "Enabled" },
      backup: { backupRetentionDays: 35, geoRedundantBackup: "Disabled" },
      administratorLogin: ADMINISTRATOR.login,
      administratorLoginPassword: ADMINISTRATOR.password,
    },
    poll,
  );
  const source = `${scope}/resourceGroups/${WEST.resourceGroup}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${WEST.server}`;
  await postgres.servers.beginCreateOrUpdateAndWait(
    NORTH.resourceGroup,
    NORTH.server,
    { location: NORTH.location, createMode: "Replica", sourceServerResourceId: source },
    poll,
  );
  await postgres.virtualEndpoints.beginCreateAndWait(
    WEST.resourceGroup,
    WEST.server,
    ENDPOINT,
    { endpointType: "ReadWrite", members: [NORTH.server] },
    poll,
  );
}
