import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import tls from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";
import { CdnManagementClient } from "@azure/arm-cdn";
import { KeyVaultManagementClient } from "@azure/arm-keyvault";
import { NetworkManagementClient } from "@azure/arm-network";
import { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import { ResourceManagementClient } from "@azure/arm-resources";
import { StorageManagementClient } from "@azure/arm-storage";
import { BlobServiceClient } from "@azure/storage-blob";
import * as k8s from "@kubernetes/client-node";
import { Client } from "pg";
import { readRunbooks, runsInPod } from "../../apps/tools/docs/runbook";
import { descendants } from "../../packages/command/processes";
import { serveCloud, Served } from "../../apps/rehearsal/serve";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { settle } from "../../packages/emulated-azure/model/azure/consequences";
import { Authority } from "../../packages/emulated-azure/certificates";
import { saveCloud } from "../../packages/emulated-azure/store/file";
import { credentialOf, request, signIn } from "./client";
import { runInPod, runInShell } from "./podSteps";
import {
  ADMINISTRATOR,
  API_HOST,
  GROUP,
  GROUP_ID,
  LINK_SERVICE,
  serverId,
  SUBSCRIPTION,
  wholeShop,
} from "./shop";
import { customRole, PEOPLE } from "../../apps/operations/rights";
import { PARTNERS } from "../../infra/workloads/gatewayConfig";
import { until } from "../support/until";

const ROOT = path.join(__dirname, "../..");
const DOMAIN = "postgres.database.azure.com";
const poll = { updateIntervalInMs: 20 };

/** A pod is a root folder and an address of its own, which Linux alone gives. */
const PODS_RUN = process.platform === "linux";

let served: Served;
/** Stands for the gateway, the shop's only way to its partners; the real one is asked in test/infra/gateway.test.ts. */
let gateway: http.Server;

const trusted = tls.getCACertificates("default");
beforeAll(async () => {
  const store = wholeShop();
  settle(store, sandboxModel());
  const authority = await Authority.create();
  gateway = http.createServer((_request, response) => response.end("a partner"));
  await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
  const { port: answers } = gateway.address() as AddressInfo;
  served = await serveCloud(store, {
    real: true,
    authority,
    operator: PEOPLE.map((role) => customRole(role, { stack: "shop", subscriptionId: SUBSCRIPTION })),
    ...(PODS_RUN && {
      images: (image: string) =>
        ({
          "registry.example/api": { command: ["node", path.join(__dirname, "standInApi.mjs")] },
          "registry.example/recovery": {},
        })[image],
    }),
    others: { gateway: Object.fromEntries(PARTNERS.map(({ port }) => [port, answers])) },
  });
  // The blob client takes no certificate of its own.
  tls.setDefaultCACertificates([...trusted, served.listening.certificate]);
}, 180_000);
afterAll(async () => {
  tls.setDefaultCACertificates(trusted);
  await served?.stop();
  gateway?.close();
});

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
    containers: new StorageManagementClient(credential, SUBSCRIPTION, options).blobContainers,
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

/** Pods behind the public name, by hand; waits until they are as many. */
async function scaleGateway(replicas: number): Promise<void> {
  const kube = new k8s.KubeConfig();
  kube.loadFromFile(served.kubeconfig("operator")!);
  const apps = kube.makeApiClient(k8s.AppsV1Api);
  const which = { name: "gateway", namespace: "default" };
  await apps.patchNamespacedDeploymentScale(
    { ...which, body: { spec: { replicas } } },
    k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.MergePatch),
  );
  await until(`the gateway has ${replicas} pods`, async () => {
    const { status } = await apps.readNamespacedDeployment(which);
    return (status?.readyReplicas ?? 0) === replicas;
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
    // Who looks at the page finds how to reach it.
    const port = served.listening.portOf(`psql-pitr.${DOMAIN}`, 5432);
    const page = await (await fetch(served.page.address)).text();
    expect(page).toContain(`host=psql-pitr.${DOMAIN} hostaddr=127.0.0.1 port=${port ?? 0} `);
    const databases: string[] = [];
    for await (const { name } of clients("owner").postgres.databases.listByServer(GROUP, "psql-pitr"))
      databases.push(name!);
    expect(databases).toEqual(["orders"]);
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
  }, 180_000);

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
  }, 180_000);

  test("Front Door's origin is healthy once its link is approved and a pod behind it is ready, and not before", async () => {
    const token = await signIn(served.cloud, served.listening, served.principals["operator"]!);
    const health = async (): Promise<number> => {
      const at = `${GROUP_ID}/providers/Microsoft.Cdn/profiles/afd/providers/Microsoft.Insights/metrics?api-version=2018-01-01&metricnames=OriginHealthPercentage&aggregation=Average`;
      const { body } = await request(served.listening, "GET", at, { token });
      return body.value[0].timeseries[0].data.at(-1).average;
    };
    const { afdOrigins } = clients("operator").cdn;
    const link = async () =>
      (await afdOrigins.get(GROUP, "afd", "api", "one")).sharedPrivateLinkResource?.status;
    expect([await health(), await link()]).toEqual([0, "Pending"]);
    await steps("operator")["approve"]!();
    expect([await health(), await link()]).toEqual([100, "Approved"]);
    await scaleGateway(0);
    await until("nobody answers there", async () => (await health()) === 0);
    // What was changed there is what a refresh finds.
    const stored = served.cloud.cloud.get("kubernetes:aks-shop:apps/v1/Deployment:default/gateway");
    expect((stored!.inputs["spec"] as { replicas: number }).replicas).toBe(0);
  });

  test("a secret is read through the resource manager without its value and from the vault with it", async () => {
    expect(await steps("operator")["secret"]!()).toMatchObject({ name: "partner-key" });
    expect(await readSecret("operator")).toMatchObject({ status: 200, body: { value: "made up" } });
  });

  test("an overwritten or deleted blob is a version and comes back; a locked one cannot be touched", async () => {
    const container = blobs("owner").getContainerClient("backups");
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

    const locked = blobs("owner").getContainerClient("locked").getBlockBlobClient("evidence.json");
    await locked.upload("{}", 2);
    for (const attempt of [() => locked.delete(), () => locked.upload("[]", 2)])
      await expect(attempt()).rejects.toMatchObject({ code: "BlobImmutableDueToPolicy" });
    expect((await locked.downloadToBuffer()).toString()).toBe("{}");
  });

  test("a container under a policy is deleted by the resource manager alone, and only while it is empty", async () => {
    const { containers } = clients("owner");
    const inContainer = (name: string) => blobs("owner").getContainerClient(name);
    await containers.create(GROUP, "stshop", "kept", {});
    await containers.createOrUpdateImmutabilityPolicy(GROUP, "stshop", "kept", {
      parameters: { immutabilityPeriodSinceCreationInDays: 1 },
    });
    const blob = inContainer("kept").getBlockBlobClient("evidence.json");
    await blob.upload("{}", 2);
    const refusal = { statusCode: 409, code: "ContainerImmutabilityPolicyLocked" };
    await expect(inContainer("kept").delete()).rejects.toMatchObject(refusal);
    await expect(containers.delete(GROUP, "stshop", "kept")).rejects.toMatchObject(refusal);
    expect((await blob.downloadToBuffer()).toString()).toBe("{}");
    // Its policy stands as before.
    await expect(blob.delete()).rejects.toMatchObject({ code: "BlobImmutableDueToPolicy" });
    await containers.create(GROUP, "stshop", "spare", {});
    await containers.createOrUpdateImmutabilityPolicy(GROUP, "stshop", "spare", {
      parameters: { immutabilityPeriodSinceCreationInDays: 1 },
    });
    await expect(inContainer("spare").delete()).rejects.toMatchObject(refusal);
    await containers.delete(GROUP, "stshop", "spare");
    expect(await inContainer("spare").exists()).toBe(false);
  });
});

// Elsewhere the tests say by their names that they were not run.
(PODS_RUN ? describe : describe.skip)("steps that ask the API, from outside and in its pods", () => {
  const STEPS = readRunbooks(ROOT).flatMap(({ id, steps: all }) =>
    all.flatMap(({ title, command }): [string, string, string][] =>
      runsInPod(command) ? [[id, title, command!]] : [],
    ),
  );
  const env = {
    NAMESPACE: "default",
    WRITER_HOST: `shop-db.writer.${DOMAIN}`,
    VAULT: "kv-shop",
    STORAGE_ACCOUNT: "stshop",
    API_HOST,
  };
  const run = (command: string, who: string, input?: string) =>
    command.startsWith("curl ")
      ? runInShell(command, {
          ...env,
          ...served.environment,
          CURL_CA_BUNDLE: served.environment["REQUESTS_CA_BUNDLE"]!,
        })
      : runInPod(command, env, served.kubeconfig(who)!, input);
  const queue = () => ask("shop-db.writer", "SELECT kind FROM retry_queue");

  /** What a step that went well says, by a part of its command. */
  const SAYS: [RegExp, RegExp][] = [
    [/^curl .*--head/, /expire date: .*\n[^]*issuer: .*[^]*HTTP\/1\.1 200/],
    [/^curl .*\/health\/ready/, /"database":"up"/],
    [/^curl .*\/health\/dependencies/, /"shopify":"up","simplyprint":"up","sendcloud":"up"/],
    [/^curl .*\/health"/, /"status":"ok"/],
    [/vault\.azure\.net/, /(.+ 127\.\d+\.\d+\.\d+\s+){3}/],
    [/dns'\)\.lookup\('/, /null '?127\.\d+\.\d+\.\d+'? 4/],
    [/connect\(6432/, /^connected/m],
    [/retry-queue\/stats/, /"shipment":2/],
    [/retry-queue\/process/, /^200/m],
    [/host:'gateway'/, /simplyprint 200 answers/],
    [/^kubectl top/, /api-/],
  ];

  beforeAll(async () => {
    await steps("operator")["approve"]!();
    await scaleGateway(1);
    await ask("shop-db.writer", "CREATE TABLE retry_queue (kind text)");
  }, 180_000);
  beforeEach(() => ask("shop-db.writer", "INSERT INTO retry_queue VALUES ('shipment'), ('shipment')"));
  afterEach(() => ask("shop-db.writer", "DELETE FROM retry_queue"));

  test("are all of them", () => {
    expect(STEPS.length).toBeGreaterThan(15);
    for (const [id, , command] of STEPS)
      expect([id, command, SAYS.some(([pattern]) => pattern.test(command))]).toEqual([id, command, true]);
  });

  test.each(STEPS)(
    "%s: %s",
    async (id, title, command) => {
      const { ok, said } = await run(command, "operator");
      const says = SAYS.find(([pattern]) => pattern.test(command))![1];
      expect([id, ok, says.test(said) ? "" : said]).toEqual([id, true, ""]);
      if (command.includes("retry-queue/process")) expect(await queue()).toEqual([]);
    },
    180_000,
  );

  test("in a pod are refused to somebody else, and to nobody's pod", async () => {
    const inPods = STEPS.filter(([, , command]) => command.startsWith("kubectl"));
    expect(inPods.length).toBeGreaterThan(5);
    for (const [id, title, command] of inPods) {
      const { ok, said } = await run(command, "stranger");
      expect([id, title, ok, /forbidden|403/i.test(said) ? "" : said]).toEqual([id, title, false, ""]);
    }
    const { ok, said } = await run(
      "kubectl exec --namespace $NAMESPACE deploy/api -- sh -c 'exit 7'",
      "operator",
    );
    expect([ok, /exit code 7/.test(said) ? "" : said]).toEqual([false, ""]);
  }, 180_000);

  test("fail when what they look at fails: the database's name, the pods, the link", async () => {
    const ready = STEPS.find(([, , command]) => command.includes("/health/ready"))![2];
    await scaleGateway(0);
    expect((await run(ready, "operator")).said).toMatch(/services aren't available/);
    await scaleGateway(1);
    await served.real!.databases.loseRegion("northeurope");
    expect((await run(ready, "operator")).said).toMatch(/"database":"down/);
    await served.real!.databases.returnRegion("northeurope");
    await served.real!.databases.settled();
    expect((await run(ready, "operator")).said).toMatch(/"database":"up"/);
    await served.cloud.losses.lose("westeurope");
    expect((await run(ready, "operator")).said).toMatch(/services aren't available/);
    await served.cloud.losses.restore("westeurope");
  }, 180_000);

  test("psql in the operator's pod reads the vault's connection string and reaches the writer's name at its own port", async () => {
    const psql = `kubectl exec --stdin --namespace "$NAMESPACE" job/operator -- sh -c 'psql "$(cat /run/secrets/vault/database-admin-url)"'`;
    const { ok, said } = await run(
      psql,
      "operator",
      "SELECT kind, inet_server_port() > 0 FROM retry_queue;\n",
    );
    expect([ok, said]).toEqual([true, expect.stringMatching(/shipment\s+\| t/)]);
  }, 180_000);
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
    () => blobs("owner").getContainerClient("backups").getProperties(),
    () => kube.makeApiClient(k8s.CoreV1Api).listNode(),
  ];
  await served.cloud.losses.lose("westeurope");
  for (const plane of planes) await expect(plane()).rejects.toThrow();
  expect(await ask("shop-db.writer", "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await served.cloud.losses.restore("westeurope");
  for (const plane of planes) await plane();
}, 180_000);

test("what stands elsewhere than its group answers when the group's region is lost, and nobody can change it", async () => {
  const { cloud, losses } = served.cloud;
  const [account] = [...cloud.ofType("azure-native:storage:StorageAccount")];
  cloud.put({ ...account!, inputs: { ...account!.inputs, location: "northeurope" } });
  const { postgres } = clients("operator");
  await losses.lose("westeurope");
  try {
    await blobs("owner").getContainerClient("backups").getProperties();
    await expect(postgres.servers.get(GROUP, "psql-north")).rejects.toMatchObject({ statusCode: 503 });
  } finally {
    await losses.restore("westeurope");
    cloud.put(account!);
  }
}, 180_000);

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
    await until("every process has ended", () => !processes.some(alive));
    expect([await open(), fs.readdirSync(temporary), fs.readdirSync(folder)]).toEqual([
      0,
      [],
      ["cloud.json"],
    ]);
  } finally {
    child.kill("SIGKILL");
    fs.rmSync(place, { recursive: true });
  }
}, 180_000);

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
