import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { PipelinePolicy } from "@azure/core-rest-pipeline";
import { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import { ResourceManagementClient } from "@azure/arm-resources";
import * as k8s from "@kubernetes/client-node";
import { Client } from "pg";
import { kubernetes } from "../../apps/operations/ground/cluster";
import { postgres } from "../../apps/operations/ground/database";
import { documentOf, REGION_HEADER, throughTheEdge } from "../../apps/operations/ground/edge";
import { recordsOf } from "../../apps/operations/ground/records";
import { resourceManager } from "../../apps/operations/ground/resources";
import { flexibleServers } from "../../apps/operations/ground/servers";
import { lookAt } from "../../apps/operations/ground/serving";
import { keyVaults } from "../../apps/operations/ground/vaults";
import type { Ground, ServingGround, VaultsGround } from "../../apps/operations/ground/types";
import type { Platform, RegionFacts } from "../../apps/operations/platform";
import { REPLICAS_MARK, ROLE_MARK, STANDBY } from "../../apps/operations/regionMarks";
import {
  Api,
  kubeconfig,
  serveKubernetes,
  type KubernetesFront,
  type Stored,
} from "../../packages/emulated-azure/kubernetes";
import { writeServing } from "../../apps/recovery/serving/places";
import type { ServingRecord } from "../../apps/recovery/serving/record";
import { wishOf } from "../../packages/emulated-azure/kubernetes/access";
import type { Access } from "../../packages/emulated-azure/kubernetes/front";
import type { Stored as Resource, Tree } from "../../packages/emulated-azure/model/types";
import { customRole, ROLES, type RoleDefinitionFile, type RoleName } from "../../apps/operations/rights";
import type { CloudEvent } from "../../packages/emulated-azure/hooks";
import { emulatedCloud, type EmulatedCloud } from "../../packages/emulated-azure/cloud";
import { listen, type Listening } from "../../packages/emulated-azure/listen";
import { sandboxModel } from "../../packages/emulated-azure/model";
import type { Principal } from "../../packages/emulated-azure/rights/directory";
import { grant } from "../../packages/emulated-azure/rights/grant";
import { DatabaseServers, putBehind } from "../../packages/emulated-azure/servers";
import { databaseLogins } from "../../infra/data/databaseLogins";
import { rolesScript } from "../../infra/data/rolesScript";
import { SECRET_CATALOG, secretsOf } from "../../infra/secrets/secretCatalogue";
import { kindNamed } from "../../packages/emulated-azure/kubernetes/kinds";
import { clientProgram, PRODUCTION_MAJOR } from "../../packages/local-servers/postgresPrograms";
import { credentialOf, signIn } from "../cloud/client";
import { startPage, statusPage } from "../../apps/rehearsal/laptop/pages";
import { declareFrontDoor, declareNetwork, declareStatusPage, declareVaults } from "./laptopParts";
import { selfSigned } from "../../packages/local-servers/certificate";

const ADMINISTRATOR = { login: "chief", password: "not-a-real-one-0" };
/** Name of the operator's own role and of its assignment. */
const ROLE = "7d1c3a52-5b1e-4c1e-9a3f-0c2f5b8e6d11";
/** Password of every role before it is rotated. */
export const OLD = "not-a-real-one-1";
/** Name of the Secret the driver keeps for the api. */
const SYNCED = "api-1";
const NAMESPACE = "shop";
const ENDPOINT = "shop-db";
const SUFFIX = "postgres.database.azure.com";
/** Between two writes of a pod; each costs three servers something. */
const WRITE_PAUSE_MS = 40;

const region = (place: RegionFacts["place"], location: string, code: string): RegionFacts => ({
  place,
  location,
  code,
  resourceGroup: `rg-shop-${code}`,
  server: `psql-shop-${code}`,
  serverHost: `psql-shop-${code}.${SUFFIX}`,
  cluster: `aks-shop-${code}`,
  vault: `kv-shop-${code}`,
  virtualNetwork: `vnet-shop-${code}`,
  edgeCidr: "127.0.0.0/8",
  role: place === "primary" ? "serving" : "standby",
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
  /** Port of the maintenance page's nginx, while a pod of it runs. */
  page?: number;
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
  readonly servingRecords = new Map<string, ServingRecord>();
  private next = 1;
  private readonly places: Place[] = [];
  private config = new k8s.KubeConfig();
  private edge = http.createServer();
  /** The API's own pods, for whoever reaches them past the public Service. */
  private application = http.createServer((_request, response) => {
    const healthy = this.places.some(({ lost, wrote }) => !lost && Date.now() - wrote < 2500);
    response.writeHead(healthy ? 200 : 503).end("the API itself");
  });
  private going = true;
  cloud!: EmulatedCloud;
  operator!: Principal;
  private listening?: Listening;
  /** What the API says of each partner, by the key it signs in with. */
  partners: Record<string, string> = {};
  platform!: Platform;
  ground!: Ground;
  /** Vaults as whoever deploys fills them. */
  maker!: VaultsGround;

  private constructor(readonly servers: DatabaseServers) {}

  static async open(): Promise<Laptop> {
    const laptop = new Laptop(await DatabaseServers.open());
    await laptop.databases();
    await laptop.publicNames();
    await laptop.clusters();
    const azure = await laptop.azure();
    laptop.ground = {
      now: () => new Date(),
      database: laptop.database(),
      ...azure,
      cluster: (name) => kubernetes(laptop.config, k8s, name),
      edge: throughTheEdge,
      document: (url) =>
        url.includes(".azurecontainerapps.io/")
          ? Promise.resolve(statusPage(laptop.cloud)?.document)
          : documentOf(url),
      image: () => Promise.resolve(true),
      certificate: () => Promise.resolve(new Date(Date.now() + 60 * 86_400_000)),
      serving: laptop.serving(),
      records: recordsOf(laptop.platform, {
        BACKUP_TARGETS: JSON.stringify([{ name: "here", kind: "folder", path: laptop.folder }]),
        BACKUP_CONTAINER_DAILY: "daily",
      }),
    };
    laptop.declareRoles();
    laptop.hold(customRole("operator", laptop.platform));
    await laptop.fillVaults();
    laptop.driver();
    return laptop;
  }

  /** The record of who serves, in three accounts; that of a lost region does not answer. */
  private serving(): ServingGround {
    const places = [WEST.location, NORTH.location, "swedencentral"].map((name) => ({
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

  place({ code }: RegionFacts): Place {
    return this.places.find(({ facts }) => facts.code === code)!;
  }

  /** Nothing of the region answers from now on; its pods are gone with it. */
  async lose(facts: RegionFacts): Promise<void> {
    const place = this.place(facts);
    place.lost = true;
    const group = `/resourcegroups/${facts.resourceGroup}/`.toLowerCase();
    this.cloud.faults.outage(facts.location, ({ key }) => key?.toLowerCase().includes(group) ?? false);
    await this.servers.loseRegion(facts.location);
  }

  /** The region answers again: its pods start as they were. */
  async bringBack(facts: RegionFacts): Promise<void> {
    this.place(facts).lost = false;
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
    this.going = false;
    for (const { api, front } of this.places) {
      api.controller.stop();
      await front.close();
    }
    await this.listening?.stop();
    for (const server of [this.edge, this.application]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    await this.servers.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
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
      place.api = new Api({ run: (pod, log, deleted) => this.run(place, pod, log, deleted) });
      place.front = await serveKubernetes(place.api, this.accessTo(place), tls);
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

  /** From now on the operator holds one role of these permissions, and another in these places, and nothing else. */
  hold(
    { Actions: actions, DataActions: dataActions }: Pick<RoleDefinitionFile, "Actions" | "DataActions">,
    elsewhere?: { dataActions: readonly string[]; scopes: readonly string[] },
  ): void {
    const { cloud } = this.cloud;
    for (const { type, key, inputs } of [...cloud.all()])
      if (type.endsWith(":RoleAssignment") && inputs["principalId"] === this.operator.objectId)
        cloud.remove(key);
    const scope = `/subscriptions/${this.platform.subscriptionId}`;
    const permissions = [{ actions: [...actions], notActions: [], dataActions: [...dataActions] }];
    const roleDefinitionId = this.put("RoleDefinition", ROLE, {
      scope,
      assignableScopes: [scope],
      permissions,
    });
    this.put("RoleAssignment", ROLE, { scope, principalId: this.operator.objectId, roleDefinitionId });
    if (!elsewhere) return;
    const second = this.put("RoleDefinition", randomUUID(), {
      scope,
      assignableScopes: [scope],
      permissions: [{ actions: [], notActions: [], dataActions: [...elsewhere.dataActions] }],
    });
    for (const at of elsewhere.scopes)
      this.put("RoleAssignment", randomUUID(), {
        scope: at,
        principalId: this.operator.objectId,
        roleDefinitionId: second,
      });
  }

  /** Every custom role as an administrator makes it, held by a group of operators. */
  private declareRoles(): void {
    const scope = `/subscriptions/${this.platform.subscriptionId}`;
    for (const role of Object.keys(ROLES) as RoleName[]) {
      const { Name, Actions, DataActions } = customRole(role, this.platform);
      const permissions = [
        { actions: Actions, notActions: [], dataActions: DataActions, notDataActions: [] },
      ];
      const id = this.put("RoleDefinition", randomUUID(), {
        roleName: Name,
        roleType: "CustomRole",
        scope,
        assignableScopes: [scope],
        permissions,
      });
      const principalId = "9b1e2d3c-0000-4000-8000-000000000001";
      this.put("RoleAssignment", randomUUID(), { scope, principalId, roleDefinitionId: id });
    }
  }

  /** Puts something of Azure's authorization into the cloud. @returns its id */
  private put(type: "RoleDefinition" | "RoleAssignment", name: string, inputs: Tree): string {
    const scope = `/subscriptions/${this.platform.subscriptionId}/providers/Microsoft.Authorization`;
    const plural = `${type[0]?.toLowerCase() ?? ""}${type.slice(1)}s`;
    const id = `${scope}/${plural}/${name}`;
    const own = { ...inputs, [type === "RoleDefinition" ? "roleDefinitionId" : "roleAssignmentName"]: name };
    this.cloud.cloud.put({
      key: `arm:${id.toLowerCase()}`,
      type: `azure-native:authorization:${type}`,
      id,
      inputs: own,
      outputs: own,
    });
    return id;
  }

  private deploy({ api }: Place, standby: boolean): void {
    api.namespace(NAMESPACE);
    const marks = (more: object = {}) => (standby ? { annotations: { [ROLE_MARK]: STANDBY, ...more } } : {});
    const env = secretsOf("api").map(({ variable: key }) => ({
      name: key,
      valueFrom: { secretKeyRef: { name: SYNCED, key } },
    }));
    for (const [name, pods] of [
      ["api", 2],
      ["dashboard", 1],
      ["gateway", 1],
    ] as const)
      api.create({
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name, namespace: NAMESPACE, ...marks({ [REPLICAS_MARK]: `${pods}` }) },
        spec: {
          replicas: standby ? 0 : pods,
          selector: { matchLabels: { app: name } },
          template: {
            metadata: { labels: { app: name } },
            spec: { containers: [{ name, image: "x", ...(name === "api" && { env }) }] },
          },
        },
      } as never);
    for (const name of ["api", "dashboard"])
      api.create({
        apiVersion: "v1",
        kind: "Service",
        metadata: { name, namespace: NAMESPACE },
        spec: { selector: { app: name }, ports: [{ port: 80 }] },
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
            spec: {
              backoffLimit: 0,
              template: { spec: { restartPolicy: "Never", containers: [{ name: "runner", image: "x" }] } },
            },
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
    if (container === "maintenance") await this.page(place, deleted);
    log(`${container ?? ""} is ready\n`);
    return { state: "ready" as const };
  }

  /** Fills both vaults as the program does: each region's logins are its own, everything else is shared. */
  private async fillVaults(): Promise<void> {
    const writer = this.platform.writerHost;
    const expires = new Date(Date.now() + 90 * 86_400_000);
    for (const { vault, code } of this.platform.regions)
      await Promise.all(
        SECRET_CATALOG.map(({ name, contentType, connection }) => {
          const admin = connection?.role === "administrator";
          const user = admin ? ADMINISTRATOR.login : `${connection?.role ?? ""}_${code}`;
          const password = admin || name === "database-admin-password" ? ADMINISTRATOR.password : OLD;
          const value = connection ? `postgresql://${user}:${password}@${writer}:5432/postgres` : password;
          return this.maker.write(vault, name, { value, contentType, expires, tags: {} });
        }),
      );
    await this.sync();
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

  /** What the driver does every two minutes: the vault's values into the Secret that pods start from. */
  async sync(): Promise<void> {
    // Each cluster has a driver of its own: that of a region that is lost is no other's.
    for (const place of this.places.filter(({ lost }) => !lost)) {
      const kind = kindNamed("v1", "Secret")!;
      const data = Object.fromEntries(
        await Promise.all(
          secretsOf("api").map(async ({ name, variable }) => [
            variable,
            Buffer.from((await this.maker.read(place.facts.vault, name))?.value ?? "").toString("base64"),
          ]),
        ),
      ) as Record<string, string>;
      const known = place.api.objects.find(kind, NAMESPACE, SYNCED);
      const object = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: SYNCED, namespace: NAMESPACE },
        data,
      };
      if (!known) place.api.create(object as never);
      else if (JSON.stringify(known["data"]) !== JSON.stringify(data))
        place.api.objects.replace(kind, known, { ...known, data } as never);
    }
  }

  /** Looks ten times a second whether a vault or a Secret is another, and asks the vaults only then. */
  private driver(): void {
    let synced = "";
    void (async () => {
      for (; this.going; await sleep(100)) {
        const before = this.secrets();
        if (before === synced) continue;
        // A vault that is lost is asked again.
        const done = await this.sync().then(
          () => true,
          () => false,
        );
        synced = done && this.secrets() === before ? before : "";
      }
    })();
  }

  /** Everything the driver's work depends on, as one text. */
  private secrets(): string {
    const stored = [...this.cloud.cloud.all()].flatMap(({ type, id, inputs }) =>
      type === "azure-native:keyvault:Secret" ? [[id, inputs]] : [],
    );
    return JSON.stringify([stored, this.places.map((place) => [place.lost, this.secretOf(place, SYNCED)])]);
  }

  secretOf(place: Place, name: string): Record<string, string> {
    const stored = place.api.objects.find(kindNamed("v1", "Secret")!, NAMESPACE, name);
    return Object.fromEntries(
      Object.entries((stored?.["data"] ?? {}) as Record<string, string>).map(([key, value]) => [
        key,
        Buffer.from(value, "base64").toString(),
      ]),
    );
  }

  /** Spec of an object of a cluster. */
  find<T>(place: Place, apiVersion: string, kind: string, name: string): T | undefined {
    return place.api.objects.find(kindNamed(apiVersion, kind)!, NAMESPACE, name)?.spec as T | undefined;
  }

  endpointState(): unknown {
    const endpoint = [...this.cloud.cloud.all()].find(({ type }) => type === "azure-native:cdn:AFDEndpoint");
    return endpoint?.inputs["enabledState"];
  }

  /** What Gatus answers from the file it is given: announcements as they stand there (its api/config.go). */
  /** The API's word about its partners: each is up with the keys it is known by here. */
  private dependencies(place: Place): object {
    const values = this.secretOf(place, SYNCED);
    const status = (partner: string) => {
      const known = this.partners[partner];
      return known === undefined || Object.values(values).includes(known) ? "up" : "down";
    };
    return {
      details: Object.fromEntries(
        ["shopify", "simplyprint", "sendcloud"].map((name) => [name, { status: status(name) }]),
      ),
    };
  }

  /** The maintenance page's own nginx, with the configuration the cluster holds. */
  private async page(place: Place, deleted: AbortSignal): Promise<void> {
    const map = place.api.objects.find(kindNamed("v1", "ConfigMap")!, NAMESPACE, "maintenance");
    const { port } = this.application.address() as AddressInfo;
    const nginx = await startPage((map?.["data"] as Record<string, string>)["default.conf"] ?? "", port);
    place.page = nginx.port;
    deleted.addEventListener("abort", () => {
      if (place.page === nginx.port) place.page = undefined;
      void nginx.stop();
    });
  }

  private write(place: Place, deleted: AbortSignal): Promise<void> {
    return new Promise((ready) => {
      void (async () => {
        // A container waits for its Secret; what it starts with, it keeps.
        let text: string | undefined;
        while (!(text = this.secretOf(place, SYNCED)["DATABASE_URL"])) await sleep(10);
        const url = new URL(text);
        let client: Client | undefined;
        while (this.going && !deleted.aborted) {
          await sleep(WRITE_PAUSE_MS);
          if (place.lost) continue;
          try {
            if (!client) {
              const port = this.servers.portOf(`${ENDPOINT}.writer.${SUFFIX}`);
              const login = { user: url.username, password: url.password, database: "postgres" };
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
            // One that was refused may never say that it has ended.
            void client?.end().catch(() => undefined);
            client = undefined;
          }
        }
        await client?.end().catch(() => undefined);
      })();
    });
  }

  /** The edge: whoever wrote within the last seconds is healthy, and requests go where its cluster's Services lead. */
  private async publicNames(): Promise<void> {
    this.edge.on("request", (request, response) => {
      const end = (status: number, headers: Record<string, string> = {}, body = "") =>
        void response.writeHead(status, headers).end(body);
      const path = request.url ?? "/";
      if (this.endpointState() !== "Enabled") return end(404);
      const service = path === "/" ? "dashboard" : "api";
      const place = this.places.find(({ lost, wrote, page }) => !lost && (page ?? Date.now() - wrote < 2500));
      if (!place) return end(503);
      const selector =
        this.find<{ selector?: Record<string, string> }>(place, "v1", "Service", service)?.selector ?? {};
      const region = { [REGION_HEADER]: place.facts.location };
      if (selector["app.kubernetes.io/name"] === "maintenance" && place.page)
        return void http
          .get({ port: place.page, host: "127.0.0.1", path, headers: { host: service } }, (answer) => {
            response.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...region });
            answer.pipe(response);
          })
          .on("error", () => end(502));
      if (selector["app"] !== service) return end(503, region);
      if (path === "/health/dependencies") return end(200, region, JSON.stringify(this.dependencies(place)));
      end(Date.now() - place.wrote < 2500 ? 200 : 503, region);
    });
    for (const server of [this.edge, this.application])
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = this.edge.address() as AddressInfo;
    this.platform = {
      stack: "shop",
      environment: "shop",
      subscriptionId: "11111111-2222-4333-8444-555555555555",
      tenantId: "11111111-2222-4333-8444-666666666666",
      regions: [WEST, NORTH],
      namespace: NAMESPACE,
      writerHost: `${ENDPOINT}.writer.${SUFFIX}`,
      database: "postgres",
      databaseBackup: { retentionDays: 35, geoRedundant: true },
      sites: [`http://127.0.0.1:${port}/health/ready`, `http://127.0.0.1:${port}/`],
      entries: [`http://127.0.0.1:${port}/webhooks`, `http://127.0.0.1:${port}/`],
      hosts: { api: `http://127.0.0.1:${port}`, dashboard: `http://127.0.0.1:${port}` },
      edge: { resourceGroup: "rg-shop-global", profile: "afd-shop", endpoint: "fde-shop" },
      frontImage: "nginx",
      statusPage: {
        resourceGroup: "rg-shop-status",
        app: "ca-shop-status",
        page: {
          environment: "shop",
          targets: { api: "https://api.example", dashboard: "https://shop.example" },
          maintenance: { weekly: [], announced: [] },
          incidents: [],
        },
      },
      backupAccounts: [],
      servingPlaces: [],
      partnerCallSeconds: 15,
      restoreLagSeconds: 0,
      vmSizes: ["Standard_D4ds_v5"],
      images: ["registry.example/shop/api@sha256:1"],
      coresAtWork: 18,
      secretFeatures: ["encryption"],
      secretRotationDays: 180,
      targets: { rpoSeconds: 3600, rtoSeconds: 14_400 },
    };
  }

  /** The servers as Microsoft's client sees them, signed in as an operator who holds what `hold` gives. */
  private async azure(): Promise<Pick<Ground, "servers" | "resources" | "vaults">> {
    const cloud = (this.cloud = emulatedCloud(sandboxModel(), { retryAfter: 0 }));
    this.listening = await listen(cloud);
    const { subscriptionId } = this.platform;
    const scope = `/subscriptions/${subscriptionId}`;
    const [maker, operator] = ["maker", "operator"].map((displayName) =>
      cloud.directory.add({ displayName, secret: `${displayName} signs in` }),
    ) as [Principal, Principal];
    this.operator = operator;
    // Vaults are read by few: of Azure's own roles this is the one whose holders can.
    for (const role of ["Owner", "Key Vault Secrets Officer"] as const)
      grant(cloud.cloud, { principal: maker, role, scope });
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
    cloud.hooks.on((event) => this.restored(event));
    const resources = (principal: Principal) =>
      resourceManager(
        new ResourceManagementClient(
          credentialOf(cloud, this.listening!, principal),
          subscriptionId,
          options,
        ),
        { endpoint: this.listening!.address, pollMs: 5 },
      );
    await declareFrontDoor(resources(maker), this.platform);
    await declareStatusPage(resources(maker), this.platform);
    await declareNetwork(resources(maker), this.platform);
    await declareVaults(resources(maker), this.platform);
    for (const stored of [...cloud.cloud.all()])
      if (stored.type === "azure-native:cdn:AFDCustomDomain")
        cloud.cloud.put({ ...stored, outputs: { ...stored.outputs, domainValidationState: "Approved" } });
    this.maker = this.vaultsOf(maker);
    return {
      servers: flexibleServers(client(operator), 5),
      resources: resources(operator),
      vaults: this.vaultsOf(operator),
    };
  }

  /** A server the resource manager makes from a moment of another is really made so: base backup and log. */
  private async restored(event: CloudEvent): Promise<void> {
    if (event.kind !== "created" || event.stored.inputs["createMode"] !== "PointInTimeRestore") return;
    const { sourceServerResourceId: source, pointInTimeUTC: moment } = event.stored.inputs as Record<
      string,
      string
    >;
    const name = (id = "") => id.slice(id.lastIndexOf("/") + 1);
    await this.servers.restore({
      name: name(event.stored.id),
      region: WEST.location,
      source: name(source),
      moment: new Date(moment ?? ""),
    });
  }

  private vaultsOf(principal: Principal): VaultsGround {
    const { address, certificate } = this.listening!;
    return keyVaults(
      {
        getToken: async () => ({
          token: await signIn(this.cloud, this.listening!, principal, "https://vault.azure.net/.default"),
          expiresOnTimestamp: Date.now() + 600_000,
        }),
      },
      {
        tlsOptions: { ca: certificate },
        retryOptions: { maxRetries: 1, retryDelayInMs: 1 },
        disableChallengeResourceVerification: true,
        additionalPolicies: [{ policy: toLoopback(address), position: "perRetry" }],
      },
    );
  }
}

/** Sends what is for Azure's own names to this machine, under those names. */
const toLoopback = (address: string): PipelinePolicy => ({
  name: "toLoopback",
  async sendRequest(request, next) {
    const { origin, hostname } = new URL(request.url);
    const asked = request.url;
    request.headers.set("host", hostname);
    request.url = asked.replace(origin, address);
    try {
      return await next(request);
    } finally {
      // The client compares the address it asked with who challenges it.
      request.url = asked;
      request.headers.delete("host");
    }
  },
});

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
