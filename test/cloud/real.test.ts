import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import tls from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";
import { CdnManagementClient } from "@azure/arm-cdn";
import { KeyVaultManagementClient } from "@azure/arm-keyvault";
import { NetworkManagementClient } from "@azure/arm-network";
import { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import { ResourceManagementClient } from "@azure/arm-resources";
import { BlobServiceClient } from "@azure/storage-blob";
import * as k8s from "@kubernetes/client-node";
import { Client } from "pg";
import { descendants } from "../../apps/rehearsal/processes";
import { serveCloud, Served } from "../../apps/rehearsal/serve";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { settle } from "../../packages/emulated-azure/model/azure/consequences";
import { saveCloud } from "../../packages/emulated-azure/store/file";
import { credentialOf, request, signIn } from "./client";
import { ADMINISTRATOR, GROUP, GROUP_ID, LINK_SERVICE, serverId, SUBSCRIPTION, wholeShop } from "./shop";

const ROOT = path.join(__dirname, "../..");
const DOMAIN = "postgres.database.azure.com";
const poll = { updateIntervalInMs: 20 };

let served: Served;

beforeAll(async () => {
  const store = wholeShop();
  settle(store, sandboxModel());
  served = await serveCloud(store, { real: true });
  // The blob client takes no certificate of its own.
  tls.setDefaultCACertificates([...tls.getCACertificates(), served.listening.certificate]);
}, 120_000);
afterAll(() => served?.stop());

/** One statement by a name of Azure's, with its certificate checked as `verify-full` does. */
async function ask<T extends object = any>(host: string, text: string, port = 5432): Promise<T[]> {
  const { login: user, password } = ADMINISTRATOR;
  const client = new Client({
    host: "127.0.0.1",
    port: served.real!.portOf(`${host}.${DOMAIN}`, port),
    user,
    password,
    database: "orders",
    ssl: { ca: served.listening.certificate, servername: `${host}.${DOMAIN}` },
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query(text)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function clients(name: string) {
  const credential = credentialOf(served.cloud, served.listening, served.principals[name]!);
  const options = {
    endpoint: served.listening.address,
    tlsOptions: { ca: served.listening.certificate },
    retryOptions: { maxRetries: 0 },
  };
  return {
    groups: new ResourceManagementClient(credential, SUBSCRIPTION, options).resourceGroups,
    postgres: new PostgreSQLManagementFlexibleServerClient(credential, SUBSCRIPTION, options),
    links: new NetworkManagementClient(credential, SUBSCRIPTION, options).privateLinkServices,
    vaults: new KeyVaultManagementClient(credential, SUBSCRIPTION, options),
    cdn: new CdnManagementClient(credential, SUBSCRIPTION, options),
  };
}

/** Blobs of the account by its own name, as somebody; null signs nobody in. */
function blobs(name: string): BlobServiceClient {
  const principal = served.principals[name]!;
  const proxy = new URL(served.listening.proxy);
  const credential = {
    getToken: async () => ({
      token: await signIn(served.cloud, served.listening, principal, "https://storage.azure.com/.default"),
      expiresOnTimestamp: Date.now() + 600_000,
    }),
  };
  return new BlobServiceClient("https://stshop.blob.core.windows.net", credential, {
    proxyOptions: { host: `http://${proxy.hostname}`, port: Number(proxy.port) },
    retryOptions: { maxTries: 1 },
  });
}

/** The vault's own name, by whoever holds a token for it. */
async function readSecret(name: string): Promise<{ status: number; body: any }> {
  const token = await signIn(
    served.cloud,
    served.listening,
    served.principals[name]!,
    "https://vault.azure.net/.default",
  );
  return request(served.listening, "GET", "/secrets/partner-key?api-version=7.5", {
    token,
    headers: { Host: "kv-shop.vault.azure.net" },
  });
}

/** What each step of the day is, as somebody, through Microsoft's clients. */
function steps(name: string): Record<string, () => Promise<unknown>> {
  const { groups, postgres, links, vaults } = clients(name);
  const { group, name: link } = LINK_SERVICE;
  return {
    show: () => postgres.servers.get(GROUP, "psql-west"),
    promote: () =>
      postgres.servers.beginUpdateAndWait(
        GROUP,
        "psql-north",
        {
          replica: { role: "Primary", promoteMode: "Switchover", promoteOption: "Planned" },
          // Asked for from the API versions of 2026 on, and described by none of the clients yet.
          ...({ sourceServerResourceId: serverId("psql-west") } as object),
        },
        poll,
      ),
    approve: async () => {
      const [waiting] = [...served.cloud.cloud.all()].filter(({ type }) =>
        type.endsWith("ServicePrivateEndpointConnection"),
      );
      const connection = waiting!.id.slice(waiting!.id.lastIndexOf("/") + 1);
      await links.updatePrivateEndpointConnection(group, link, connection, {
        privateLinkServiceConnectionState: { status: "Approved", description: "by hand" },
      });
    },
    secret: () => vaults.secrets.get(GROUP, "kv-shop", "partner-key"),
    groups: async () => {
      const found: string[] = [];
      for await (const { name: one } of groups.list()) found.push(one!);
      return found;
    },
  };
}

describe("through Microsoft's clients, as the operator", () => {
  test("groups are listed and a server is shown as it is", async () => {
    const { groups, show } = steps("operator");
    expect(await groups!()).toEqual([GROUP, LINK_SERVICE.group]);
    expect(await show!()).toMatchObject({ state: "Ready", version: "17", replicationRole: "Primary" });
  });

  test("what a moment held is brought back beside the server, by replaying its log", async () => {
    await ask("shop-db.writer", "CREATE TABLE marker (id int)");
    await ask("shop-db.writer", "INSERT INTO marker VALUES (1)");
    const [{ now } = { now: new Date() }] = await ask<{ now: Date }>(
      "shop-db.writer",
      "SELECT clock_timestamp() AS now",
    );
    await sleep(5);
    await ask("shop-db.writer", "DELETE FROM marker");
    const restored = await clients("operator").postgres.servers.beginCreateOrUpdateAndWait(
      GROUP,
      "psql-pitr",
      {
        location: "westeurope",
        createMode: "PointInTimeRestore",
        pointInTimeUTC: now,
        sourceServerResourceId: serverId("psql-west"),
      } as never,
      poll,
    );
    expect(restored.replicationRole).toBe("Primary");
    expect(await ask("psql-pitr", "SELECT id FROM marker")).toEqual([{ id: 1 }]);
    expect(await ask("psql-west", "SELECT id FROM marker")).toEqual([]);
    const early = clients("operator").postgres.servers.beginCreateOrUpdateAndWait(
      GROUP,
      "psql-early",
      {
        location: "westeurope",
        createMode: "PointInTimeRestore",
        pointInTimeUTC: new Date(0),
        sourceServerResourceId: serverId("psql-west"),
      } as never,
      poll,
    );
    await expect(early).rejects.toThrow(/earliest moment/);
    await expect(clients("operator").postgres.servers.get(GROUP, "psql-early")).rejects.toMatchObject({
      statusCode: 404,
    });
  }, 60_000);

  test("metrics are what the servers say", async () => {
    const token = await signIn(served.cloud, served.listening, served.principals["operator"]!);
    const metric = async (server: string, name: string): Promise<number | undefined> => {
      const at = `${serverId(server)}/providers/Microsoft.Insights/metrics?api-version=2018-01-01&metricnames=${name}&aggregation=Maximum`;
      const { body } = await request(served.listening, "GET", at, { token });
      return body.value[0].timeseries[0]?.data.at(-1)?.maximum;
    };
    expect(await metric("psql-west", "is_db_alive")).toBe(1);
    expect(await metric("psql-west", "storage_used")).toBeGreaterThan(10_000_000);
    expect(await metric("psql-north", "physical_replication_delay_in_seconds")).toBeGreaterThanOrEqual(0);
    expect(await metric("psql-west", "physical_replication_delay_in_bytes")).toBeGreaterThanOrEqual(0);
  });

  test("a promotion turns the pair round, and the names follow, PgBouncer's too", async () => {
    const writer = () =>
      ask("shop-db.writer", "SELECT pg_is_in_recovery() AS reads, inet_server_port() AS port");
    const [before] = await writer();
    expect(await ask("shop-db.writer", "SELECT 1 AS one", 6432)).toEqual([{ one: 1 }]);
    await steps("operator")["promote"]!();
    const [after] = await writer();
    expect([before.reads, after.reads, before.port === after.port]).toEqual([false, false, false]);
    await served.real!.databases.settled();
    await expect(ask("shop-db.reader", "CREATE TABLE no (id int)")).rejects.toThrow(/read-only/);
    const { postgres } = clients("operator");
    expect((await postgres.servers.get(GROUP, "psql-west")).replicationRole).toBe("AsyncReplica");
  }, 60_000);

  test("Front Door's origin is healthy once its link is approved and a pod behind it is ready, and not before", async () => {
    const token = await signIn(served.cloud, served.listening, served.principals["operator"]!);
    const health = async (): Promise<number> => {
      const at = `${GROUP_ID}/providers/Microsoft.Cdn/profiles/afd/providers/Microsoft.Insights/metrics?api-version=2018-01-01&metricnames=OriginHealthPercentage&aggregation=Average`;
      const { body } = await request(served.listening, "GET", at, { token });
      return body.value[0].timeseries[0].data.at(-1).average;
    };
    expect(await health()).toBe(0);
    await steps("operator")["approve"]!();
    expect(await health()).toBe(100);
    const kube = new k8s.KubeConfig();
    kube.loadFromFile(served.kubeconfig("operator")!);
    await kube
      .makeApiClient(k8s.AppsV1Api)
      .patchNamespacedDeploymentScale(
        { name: "gateway", namespace: "default", body: { spec: { replicas: 0 } } },
        k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.MergePatch),
      );
    for (let tries = 0; tries < 200 && (await health()) > 0; tries++) await sleep(10);
    expect(await health()).toBe(0);
    // What was changed there is what a refresh finds.
    const stored = served.cloud.cloud.get("kubernetes:aks-shop:apps/v1/Deployment:default/gateway");
    expect((stored!.inputs["spec"] as { replicas: number }).replicas).toBe(0);
  });

  test("a secret is read through the resource manager without its value and from the vault with it", async () => {
    expect(await steps("operator")["secret"]!()).toMatchObject({ name: "partner-key" });
    expect(await readSecret("operator")).toMatchObject({ status: 200, body: { value: "made up" } });
  });

  test("an overwritten or deleted blob is a version and comes back; a locked one cannot be touched", async () => {
    const container = blobs("operator").getContainerClient("backups");
    const blob = container.getBlockBlobClient("2026/a.dump");
    const write = (text: string) => blob.upload(text, text.length);
    const [{ versionId: first }] = [await write("first"), await write("second")];
    await blob.delete();
    await expect(blob.download()).rejects.toMatchObject({ statusCode: 404 });
    const names = async (includeVersions: boolean): Promise<[string, boolean][]> => {
      const found: [string, boolean][] = [];
      for await (const one of container.listBlobsFlat({ includeVersions }))
        found.push([one.name, one.isCurrentVersion ?? false]);
      return found;
    };
    expect(await names(false)).toEqual([]);
    expect(await names(true)).toEqual([
      ["2026/a.dump", false],
      ["2026/a.dump", false],
    ]);
    expect((await blob.withVersion(first!).downloadToBuffer()).toString()).toBe("first");
    await (await blob.beginCopyFromURL(blob.withVersion(first!).url)).pollUntilDone();
    expect((await blob.downloadToBuffer()).toString()).toBe("first");
    // The role of whoever writes backups deletes no version.
    await expect(blob.withVersion(first!).delete()).rejects.toMatchObject({
      code: "AuthorizationPermissionMismatch",
    });

    const locked = blobs("operator").getContainerClient("locked").getBlockBlobClient("evidence.json");
    await locked.upload("{}", 2);
    for (const attempt of [() => locked.delete(), () => locked.upload("[]", 2)])
      await expect(attempt()).rejects.toMatchObject({ code: "BlobImmutableDueToPolicy" });
    expect((await locked.downloadToBuffer()).toString()).toBe("{}");
  });
});

test("somebody else is refused each of them, the data planes included", async () => {
  for (const [title, step] of Object.entries(steps("stranger")))
    await expect(step().then(() => title)).rejects.toMatchObject({ statusCode: 403 });
  expect((await readSecret("stranger")).status).toBe(403);
  const list = blobs("stranger").getContainerClient("backups").listBlobsFlat().next();
  await expect(list).rejects.toMatchObject({ code: "AuthorizationPermissionMismatch" });
  const kube = new k8s.KubeConfig();
  kube.loadFromFile(served.kubeconfig("stranger")!);
  await expect(
    kube.makeApiClient(k8s.AppsV1Api).listNamespacedDeployment({ namespace: "default" }),
  ).rejects.toMatchObject({ code: 403 });
});

test("a lost region answers on no plane, and answers again", async () => {
  const { postgres } = clients("operator");
  const kube = new k8s.KubeConfig();
  kube.loadFromFile(served.kubeconfig("operator")!);
  const planes: (() => Promise<unknown>)[] = [
    () => postgres.servers.get(GROUP, "psql-west"),
    () => ask("psql-west", "SELECT 1"),
    () => blobs("operator").getContainerClient("backups").getProperties(),
    () => kube.makeApiClient(k8s.CoreV1Api).listNode(),
  ];
  await served.cloud.losses.lose("westeurope");
  for (const plane of planes) await expect(plane()).rejects.toThrow();
  expect(await ask("shop-db.writer", "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await served.cloud.losses.restore("westeurope");
  for (const plane of planes) await plane();
}, 60_000);

test("npm run sandbox -- serve: Ctrl-C leaves no listener, no process and no folder", async () => {
  const place = fs.mkdtempSync(path.join(os.tmpdir(), "served-"));
  const [folder, temporary] = [path.join(place, "kept"), path.join(place, "tmp")];
  saveCloud(folder, wholeShop());
  // The servers' own account has to get through.
  fs.mkdirSync(temporary, { mode: 0o777 });
  for (const each of [place, temporary]) fs.chmodSync(each, 0o777);
  const child = spawn(
    process.execPath,
    ["packages/command/run.mjs", "apps/rehearsal/emulator.ts", "serve", folder],
    { cwd: ROOT, env: { ...process.env, TMPDIR: temporary } },
  );
  try {
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (part: Buffer) => (said += part.toString()));
    await new Promise<void>((resolve, reject) => {
      child.once("exit", () => reject(new Error(said)));
      child.stdout.on("data", () => said.includes("Ctrl-C ends it") && resolve());
    });
    child.removeAllListeners("exit");
    const processes = descendants(child.pid!);
    const ports = [...said.matchAll(/(?:127\.0\.0\.1:|port=|[a-z]:)(\d{4,5})\b/g)].map(([, port]) =>
      Number(port),
    );
    const open = async (): Promise<number> => (await Promise.all(ports.map(answers))).filter(Boolean).length;
    expect(processes.length).toBeGreaterThan(8);
    expect(await open()).toBe(ports.length);
    expect(ports.length).toBeGreaterThan(10);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGINT");
    expect(await ended).toBe(0);
    // Those that only waited for the others to end take a moment themselves.
    for (let tries = 0; tries < 100 && processes.some(alive); tries++) await sleep(20);
    expect(processes.filter(alive)).toEqual([]);
    expect([await open(), fs.readdirSync(temporary), fs.readdirSync(folder)]).toEqual([
      0,
      [],
      ["cloud.json"],
    ]);
  } finally {
    child.kill("SIGKILL");
    fs.rmSync(place, { recursive: true });
  }
}, 120_000);

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Whether a process runs; one that has ended and that nobody asked after yet does not. */
function alive(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return !/^(Z.*)?$/.test(stdout.trim());
}
