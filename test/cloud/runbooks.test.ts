import { execFile, execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { outputsSchema, variables } from "../../apps/operations/outputs";
import { GIVEN, Identities, type Identity } from "../../apps/rehearsal/identities";
import { Served } from "../../apps/rehearsal/serve";
import { CLI_RIGHTS, PEOPLE, STEP_RIGHTS } from "../../apps/operations/rights";
import type { Verb } from "../../packages/emulated-azure/rights/wishes";
import { readStacks } from "../../stacks/files";
import { readRunbooks, runsOnEmulatedAzure, runsOnEmulatedCluster } from "../../apps/tools/docs/runbook";
import type { Scope } from "../../packages/emulated-azure/model/types";
import { planStack } from "../support/plan";
import * as k8s from "@kubernetes/client-node";
import { Authority } from "../../packages/emulated-azure/certificates";
import { Clusters } from "../../packages/emulated-azure/kubernetes";
import { FACTS } from "../../packages/emulated-azure/model/azure/arm";
import { shown } from "../../packages/emulated-azure/arm/views";
import { healthy } from "../../packages/emulated-azure/edge";
import { linkStatus } from "../../packages/emulated-azure/model/azure/consequences";
import { liveOfType } from "../../packages/emulated-azure/model/cloud";
import { differences, textAt, valueAt } from "../../packages/emulated-azure/model/paths";
import { onPath } from "../../packages/local-servers/onPath";
import { until } from "../support/until";
import { request, signIn } from "./client";
import { serveKeptProd } from "./keptProd";
import { KUBECTL, runKubectl } from "./kubectlSteps";

const ROOT = path.join(__dirname, "../..");
/** The real program, where there is one; its requests are made by hand where there is none. */
const AZ = onPath("az");
const ALL = readRunbooks(ROOT).flatMap(({ id, steps }) =>
  steps.map(({ title, command = "" }): [string, string, string] => [id, title, command]),
);
const STEPS = ALL.filter(([, , command]) => runsOnEmulatedAzure(command));
const KUBECTL_STEPS = ALL.filter(([, , command]) => runsOnEmulatedCluster(command));

let served: Served;
let token: string;
let env: Record<string, string>;
let folder: string;
let clusters: Clusters;

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "runbooks-az-"));
  const { outputs } = await planStack("prod", { resolve: true });
  served = await serveKeptProd(folder);
  token = await signIn(served.cloud, served.listening, served.principals["operator"]!);
  clusters = await Clusters.open(served.cloud, await Authority.create());
  env = {
    ...variables(outputsSchema.parse(outputs)),
    RESTORE_TIME: "2026-11-01T00:00:00Z",
    STORAGE_GIB: "1024",
  };
  // What an owner puts into the vault after the first deployment (npm run secret).
  const secret = `/subscriptions/${env["SUBSCRIPTION"]}/resourceGroups/${env["RESOURCE_GROUP"]}/providers/Microsoft.KeyVault/vaults/${env["VAULT"]}/secrets/shopify-api-secret?api-version=2024-11-01`;
  const { status } = await request(served.listening, "PUT", secret, {
    token: await signIn(served.cloud, served.listening, served.principals["owner"]!),
    body: JSON.stringify({
      properties: { value: "made up", attributes: { enabled: true, exp: 1_900_000_000 } },
    }),
  });
  expect(status).toBe(201);
  if (AZ) await signInWithAz(AZ, "operator", served.environment);
}, 180_000);

/** Signs a principal in with the real program, into its own folder of settings. */
async function signInWithAz(az: string, principal: string, to: Readonly<Record<string, string>>) {
  const { appId = "", secret = "" } = served.principals[principal]!;
  const who = ["--username", appId, "--password", secret, "--tenant", served.cloud.directory.tenantId];
  const words = ["login", "--service-principal", "--allow-no-subscriptions", ...who];
  // The cloud answers from this very process, so nothing may block it.
  await promisify(execFile)(az, words, { env: { ...process.env, ...to } });
}

afterAll(async () => {
  await clusters?.close();
  await served?.stop();
  if (folder) fs.rmSync(folder, { recursive: true });
});

/** Words of a command as a shell hands them to the program. */
function words(command: string): string[] {
  const network = `az(){ if [ "$1 $2" = "network vnet" ]; then echo "/subscriptions/$SUBSCRIPTION/resourceGroups/$RESOURCE_GROUP/providers/Microsoft.Network/virtualNetworks/$VNET"; else printf '%s\\0' "$@"; fi; }; ${command}`;
  const vnet = [...served.cloud.cloud.all()].find(
    ({ type, id }) => type.endsWith(":VirtualNetwork") && id.includes(`/${env["RESOURCE_GROUP"]}/`),
  )!;
  return execFileSync("bash", ["--norc", "-uc", network], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, ...env, VNET: vnet.id.slice(vnet.id.lastIndexOf("/") + 1) },
  })
    .split("\0")
    .slice(0, -1);
}

/** The request the Azure CLI 2.91.0 was seen to make for a command: method, path with version, body. */
function requestOf(args: string[]): [string, string, unknown?] {
  const flag = (name: string): string => args[args.indexOf(`--${name}`) + 1] ?? "";
  const at = args.findIndex((word) => word.startsWith("--"));
  const verb = args.slice(0, at < 0 ? args.length : at).join(" ");
  const group = `/subscriptions/${env["SUBSCRIPTION"]}/resourceGroups/${flag("resource-group")}/providers`;
  const subscription = `/subscriptions/${env["SUBSCRIPTION"]}/providers`;
  const server = (name: string, more = ""): string =>
    `${group}/Microsoft.DBforPostgreSQL/flexibleServers/${name}${more}?api-version=2026-04-01-preview`;
  const endpoint = `${group}/Microsoft.Network/privateEndpoints/`;
  const of = (name: string): any =>
    [...served.cloud.cloud.all()].find(({ id }) => id.endsWith(`/flexibleServers/${name}`));
  switch (verb) {
    case "rest":
      return [
        flag("method").toUpperCase(),
        flag("url").replace("https://management.azure.com", ""),
        args.includes("--body") ? JSON.parse(flag("body")) : undefined,
      ];
    case "postgres flexible-server show":
      return ["GET", server(flag("name"))];
    case "postgres flexible-server restart":
      return [
        "POST",
        server(flag("name"), "/restart"),
        args.includes("--failover") ? { restartWithFailover: true, failoverMode: "PlannedFailover" } : {},
      ];
    case "postgres flexible-server update":
      return [
        "PATCH",
        server(flag("name")),
        { properties: { storage: { storageSizeGB: Number(flag("storage-size")) } } },
      ];
    case "postgres flexible-server delete":
      return ["DELETE", server(flag("name"))];
    case "postgres flexible-server replica promote": {
      const sourceServerResourceId =
        of(flag("name")).outputs.sourceServerResourceId ?? of(flag("name")).inputs.sourceServerResourceId;
      const replica = {
        role: "Primary",
        promoteMode: flag("promote-mode"),
        promoteOption: flag("promote-option"),
      };
      return [
        "PATCH",
        server(flag("name")),
        { properties: { replica, ...(sourceServerResourceId && { sourceServerResourceId }) } },
      ];
    }
    case "postgres flexible-server restore": {
      const source = of(flag("source-server"));
      const properties = {
        createMode: "PointInTimeRestore",
        pointInTimeUTC: flag("restore-time"),
        sourceServerResourceId: source.id,
      };
      return [
        "PUT",
        server(flag("name")),
        { location: source.inputs.location, sku: source.outputs.sku, properties },
      ];
    }
    case "postgres flexible-server virtual-endpoint show":
      return ["GET", server(flag("server-name"), `/virtualendpoints/${flag("name")}`)];
    case "network private-endpoint create": {
      const service = {
        name: flag("connection-name"),
        properties: {
          privateLinkServiceId: flag("private-connection-resource-id"),
          groupIds: [flag("group-id")],
        },
      };
      const properties = {
        ipVersionType: "IPv4",
        privateLinkServiceConnections: [service],
        subnet: { id: flag("subnet") },
      };
      return [
        "PUT",
        `${endpoint}${flag("name")}?api-version=2026-01-01`,
        { location: env["REGION"], properties },
      ];
    }
    case "network private-endpoint dns-zone-group create": {
      const zone = `${group}/Microsoft.Network/privateDnsZones/${flag("private-dns-zone")}`;
      const config = { name: flag("zone-name"), properties: { privateDnsZoneId: zone } };
      return [
        "PUT",
        `${endpoint}${flag("endpoint-name")}/privateDnsZoneGroups/${flag("name")}?api-version=2022-01-01`,
        { properties: { privateDnsZoneConfigs: [config] } },
      ];
    }
    case "network private-endpoint delete":
      return ["DELETE", `${endpoint}${flag("name")}?api-version=2026-01-01`];
    case "network private-link-service list":
      return ["GET", `${subscription}/Microsoft.Network/privateLinkServices?api-version=2024-03-01`];
    case "network private-dns link vnet list":
      return [
        "GET",
        `${group}/Microsoft.Network/privateDnsZones/${flag("zone-name")}/virtualNetworkLinks?api-version=2024-06-01`,
      ];
    case "monitor metrics list":
      return [
        "GET",
        `${flag("resource")}/providers/Microsoft.Insights/metrics?api-version=2018-01-01&metricnames=${flag("metrics")}`,
      ];
    case "monitor activity-log list":
      return [
        "GET",
        `${subscription}/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01`,
      ];
    case "role assignment list":
      return ["GET", `${subscription}/Microsoft.Authorization/roleAssignments?api-version=2022-04-01`];
    case "storage account failover":
      return [
        "POST",
        `${group}/Microsoft.Storage/storageAccounts/${flag("name")}/failover?api-version=2025-08-01`,
      ];
    case "keyvault recover": {
      const vault = [...served.cloud.cloud.all()].find(({ id }) => id.endsWith(`/vaults/${flag("name")}`))!;
      const properties = {
        tenantId: served.cloud.directory.tenantId,
        sku: { family: "A", name: "standard" },
        createMode: "recover",
      };
      return ["PUT", `${vault.id}?api-version=2026-02-01`, { location: flag("location"), properties }];
    }
    default:
      throw new Error(`nobody knows the request of az ${verb}`);
  }
}

/** Runs one step as the operator: how it ended, and what it said. */
async function run(command: string): Promise<{ ok: boolean; said: string }> {
  if (AZ) return typed(command, served.environment);
  const [method, at, body] = requestOf(words(command));
  const reply = await request(served.listening, method, at, {
    token,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const poll = reply.headers["azure-asyncoperation"];
  const said = JSON.stringify(reply.body ?? "");
  if (reply.status >= 400 || poll === undefined) return { ok: reply.status < 400, said };
  for (;;) {
    const { pathname, search } = new URL(String(poll));
    const { body: state } = await request(served.listening, "GET", `${pathname}${search}`, { token });
    if (state.status !== "InProgress")
      return { ok: state.status === "Succeeded", said: `${said}${JSON.stringify(state)}` };
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Types a command line into a shell, whose real programs are pointed at the cloud. */
function typed(
  command: string,
  to: Readonly<Record<string, string>>,
): Promise<{ ok: boolean; said: string }> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...to, ...env }, encoding: "utf8" as const };
    execFile("bash", ["--norc", "-uc", command], options, (error, stdout, stderr) =>
      resolve({ ok: error === null, said: `${stdout}${stderr}` }),
    );
  });
}

const outputsOf = (name: string): any =>
  [...served.cloud.cloud.all()].find(({ id }) => id.endsWith(name))?.outputs;

/** What a step must have done, by a part of its command. */
const EFFECTS: [RegExp, () => void][] = [
  [
    /replica promote/,
    () => expect(outputsOf(`/flexibleServers/${env["REPLICA"]}`).replicationRole).toBe("Primary"),
  ],
  [
    /replica promote/,
    () => expect(outputsOf(`/flexibleServers/${env["SERVER"]}`).replicationRole).toBe("AsyncReplica"),
  ],
  [
    /flexible-server restore/,
    () => expect(outputsOf(`/flexibleServers/${env["SERVER"]}-pitr`).replicationRole).toBe("Primary"),
  ],
  [
    /flexible-server delete/,
    () => expect(outputsOf(`/flexibleServers/${env["SERVER"]}-pitr`)).toBeUndefined(),
  ],
  [
    /"\$REPLICA" --storage-size/,
    () => expect(outputsOf(`/flexibleServers/${env["REPLICA"]}`).storage.storageSizeGB).toBe(1024),
  ],
  [
    /"\$SERVER" --storage-size/,
    () => expect(outputsOf(`/flexibleServers/${env["SERVER"]}`).storage.storageSizeGB).toBe(1024),
  ],
  [
    /private-endpoint create/,
    () => expect(outputsOf(`/privateEndpoints/${env["SERVER"]}-pitr`)).toBeDefined(),
  ],
  [
    /private-endpoint delete/,
    () => expect(outputsOf(`/privateEndpoints/${env["SERVER"]}-pitr`)).toBeUndefined(),
  ],
  [
    /account failover/,
    () => expect(outputsOf(`/storageAccounts/${env["STORAGE_ACCOUNT"]}`).sku.name).toBe("Standard_LRS"),
  ],
  [
    /--method patch/,
    () => expect(outputsOf(`/afdEndpoints/${env["FRONT_DOOR_ENDPOINT"]}`).enabledState).toBe("Disabled"),
  ],
  [/keyvault recover/, () => expect(outputsOf(`/vaults/${env["VAULT"]}`)).toBeDefined()],
];
/** After a promotion the endpoint is asked for under the server that no longer writes. */
const REFUSED: Record<string, string> = { "See that the endpoint followed": "ServerNotActive" };

test("what has to be the real program is it", () => {
  expect(process.env["REQUIRE_AZ"] === "1" && AZ === undefined).toBe(false);
  expect(process.env["REQUIRE_KUBECTL"] === "1" && KUBECTL === undefined).toBe(false);
});

test("the steps that call Azure's management are all of them, and none changes without a check", () => {
  // Those that ask a data plane stand in test/cloud/real.test.ts.
  const az = ALL.filter(([, , command]) => /^az (?!storage blob)/.test(command));
  expect(STEPS).toEqual(az);
  expect(STEPS.length).toBeGreaterThan(20);
  const changing = STEPS.filter(([, , command]) =>
    / (promote|restore|delete|update|create|failover|recover|restart) |--method (patch|post)/.test(command),
  );
  expect(changing.length).toBeGreaterThan(4);
});

/** What the operator asked for in every step so far. */
const asked = new Set<string>();
let watched: jest.SpyInstance;
beforeAll(() => {
  const { rights } = served.cloud;
  const may = rights.may.bind(rights);
  const { objectId } = served.principals["operator"]!;
  watched = jest.spyOn(rights, "may").mockImplementation((who, wish) => {
    if (who.objectId === objectId) asked.add(wish.action);
    return may(who, wish);
  });
});
/** What has been typed as the operator: a run of a part of the tests tells nothing about what nobody asks for. */
const done = new Set<string>();
afterAll(() => {
  watched?.mockRestore();
  if (done.size < new Set(STEPS.map(([id]) => id)).size + (AZ ? 2 : 1)) return;
  const beside = PEOPLE.flatMap((role) =>
    [...(STEP_RIGHTS[role] ?? []), ...((AZ && CLI_RIGHTS[role]) || [])].map(({ action }) => action),
  );
  // Operators hold nothing beside the rights of verbs that no step asks for.
  expect(beside.filter((action) => !asked.has(action))).toEqual([]);
});

describe.each([...new Set(STEPS.map(([id]) => id))])("%s", (id) => {
  let before: ReturnType<Served["cloud"]["cloud"]["snapshot"]>;
  beforeAll(() => {
    before = served.cloud.cloud.snapshot();
    if (id !== "accidental-deletion") return;
    const vault = [...served.cloud.cloud.all()].find(({ id: own }) =>
      own.endsWith(`/vaults/${env["VAULT"]}`),
    )!;
    served.cloud.cloud.put({ ...vault, softDeleted: true });
  });
  afterAll(() => served.cloud.cloud.restore(before));

  test("every step ends as its page says, as the operator", async () => {
    for (const [, title, command] of STEPS.filter(([own]) => own === id)) {
      const { ok, said } = await run(command);
      const refusal = REFUSED[title];
      if (refusal === undefined) expect([title, ok ? "" : said]).toEqual([title, ""]);
      else expect([title, ok, said.includes(refusal)]).toEqual([title, false, true]);
      for (const [pattern, check] of EFFECTS) if (pattern.test(command)) check();
    }
    done.add(id);
  }, 300_000);
});

test("the operator finds the groups, and lets Front Door in where it waits: the standby is approved and unhealthy", async () => {
  const ask = async (method: string, at: string, version: string, body?: unknown): Promise<any> => {
    const reply = await request(served.listening, method, `${at}?api-version=${version}`, {
      token,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    expect([method, at, reply.status]).toEqual([method, at, 200]);
    return reply.body;
  };
  const before = served.cloud.cloud.snapshot();
  const subscription = `/subscriptions/${env["SUBSCRIPTION"]}`;
  const groups = await ask("GET", `${subscription}/resourcegroups`, "2024-11-01");
  expect(groups.value.map(({ name }: any) => name)).toContain(env["RESOURCE_GROUP"]);
  const services = `${subscription}/providers/Microsoft.Network/privateLinkServices`;
  const { value } = await ask("GET", services, "2024-03-01");
  const connections = value.map(({ properties }: any) => properties.privateEndpointConnections[0].id);
  expect(connections).toHaveLength(4);
  for (const connection of connections) {
    const waiting = await ask("GET", connection, "2024-03-01");
    expect(waiting.properties.privateLinkServiceConnectionState.status).toBe("Pending");
    const approved = { status: "Approved", description: "Front Door of prod" };
    await ask("PUT", connection, "2024-03-01", {
      properties: { privateLinkServiceConnectionState: approved },
    });
  }
  // From the first deployment on: the one that stands by is let in, and nothing answers there.
  const { cloud } = served.cloud;
  const replicas = (cluster: string, name: string): unknown =>
    valueAt(
      cloud.get(`kubernetes:${cluster}:apps/v1/Deployment:${env["NAMESPACE"]}/${name}`)!.inputs,
      "spec.replicas",
    );
  const origins = liveOfType(cloud, "azure-native:cdn:AFDOrigin").map((origin) => [
    textAt(origin.inputs, "originName"),
    linkStatus(cloud, origin),
    healthy(
      served.cloud,
      origin,
      (cluster, { inputs }) => replicas(cluster, textAt(inputs, "metadata.name")) !== 0,
    ),
  ]);
  expect(origins.sort()).toEqual([
    ["northeurope", "Approved", false],
    ["northeurope", "Approved", false],
    ["westeurope", "Approved", true],
    ["westeurope", "Approved", true],
  ]);
  served.cloud.cloud.restore(before);
  done.add("links");
});

/** What of a resource the resource manager does not show as it was set. */
const SHOWN_OTHERWISE: readonly RegExp[] = [
  // A secret's value is never shown.
  /ContainerApp configuration\.secrets\[0\]\.value$/,
  // The service's own identity stands where a wish for one was.
  /ManagedCluster identityProfile\./,
  // Whoever is asked to let an origin in says how that stands.
  /AFDOrigin sharedPrivateLinkResource\.status$/,
  // Both are called `type`, the resource's and the pool's.
  /AgentPool type$/,
];

test("whatever prod declares goes through the resource manager's JSON and comes back as it was", () => {
  const { cloud } = served;
  const differing = [...cloud.cloud.all()].flatMap((stored) => {
    if (!stored.type.startsWith("azure-native:")) return [];
    const resource = cloud.model.resource(stored.type);
    const { inputs, failures } = cloud.json.inputs(stored.type, resource, shown(stored, cloud));
    const apart = new Set(
      [...resource.idInputs, ...(resource.writeOnly ?? [])].map((at) => at.split(".")[0]),
    );
    const own = Object.fromEntries(Object.entries(stored.inputs).filter(([name]) => !apart.has(name)));
    const back = Object.fromEntries(Object.keys(own).map((name) => [name, inputs[name]])) as typeof inputs;
    const type = stored.type.slice(stored.type.lastIndexOf(":") + 1);
    return [
      ...failures.map(({ property, reason }) => `${type} ${property}: ${reason}`),
      ...differences(own, back).map((at) => `${type} ${at}`),
    ];
  });
  expect(cloud.cloud.size).toBeGreaterThan(500);
  expect(differing.filter((one) => !SHOWN_OTHERWISE.some((known) => known.test(one)))).toEqual([]);
});

test("whatever is shown of prod can be sent back, as programs do that read, change and write", async () => {
  const { cloud } = served;
  const before = cloud.cloud.snapshot();
  const owner = await signIn(cloud, served.listening, served.principals["owner"]!);
  const each = new Map([...cloud.cloud.all()].map((stored) => [stored.type, stored]));
  const refused: string[] = [];
  try {
    for (const stored of each.values()) {
      if (!stored.type.startsWith("azure-native:")) continue;
      const version = FACTS.resources[stored.type]?.apiVersion;
      const body = JSON.stringify(shown(stored, cloud));
      // What admits one operation at a time may be at the one of its child before.
      const reply = await until(`an answer about ${stored.id}`, async () => {
        const one = await request(served.listening, "PUT", `${stored.id}?api-version=${version ?? ""}`, {
          token: owner,
          body,
        });
        return one.body?.error?.code === "ServerIsBusy" ? undefined : one;
      });
      if (reply.status >= 300) refused.push(`${stored.type}: ${JSON.stringify(reply.body)}`);
    }
  } finally {
    cloud.cloud.restore(before);
  }
  expect(each.size).toBeGreaterThan(50);
  expect(refused).toEqual([]);
});

describe("the identities of the pipelines", () => {
  const platform = { root: ROOT, stack: "prod", config: readStacks(ROOT)["prod"]! };
  const declared = () =>
    [...served.cloud.cloud.all()].filter(
      ({ id, outputs, inputs }) =>
        // What a cluster or Front Door makes is theirs, and the roles of who is served are the owner's to give.
        !outputs["managedBy"] &&
        !id.includes("/privateLinkServices/") &&
        inputs["scope"] !== `/subscriptions/${env["SUBSCRIPTION"]}`,
    );
  /** Requests an identity with these roles is refused: each of a verb for everything prod declares. */
  function refusals(identity: Identity, verbs: readonly Verb[], given = GIVEN): string[] {
    const { cloud, model } = served.cloud;
    const before = cloud.snapshot();
    const all = declared();
    try {
      const identities = new Identities(cloud, model, platform, given);
      identities.actAs(identity);
      return all.flatMap(({ type, id, key, inputs }) =>
        verbs.flatMap((verb) => {
          const [pkg = "", cluster = ""] = key.split(":");
          const scope: Scope =
            pkg === "kubernetes"
              ? { package: pkg, config: { clusterIdentifier: cluster } }
              : { package: "azure-native", config: { subscriptionId: env["SUBSCRIPTION"]! } };
          try {
            identities.caller.demand({ type, id, verb, inputs, scope });
            return [];
          } catch (error) {
            return [`${verb} ${id}: ${String(error)}`];
          }
        }),
      );
    } finally {
      cloud.restore(before);
    }
  }

  test("may read, make and delete what prod declares, or only read it, by the roles of the page", () => {
    expect(declared().length).toBeGreaterThan(500);
    expect(refusals("deploy", ["read", "write", "delete"])).toEqual([]);
    expect(refusals("preview", ["read"])).toEqual([]);
    const writable = refusals("preview", ["write", "delete"]).length;
    expect(writable).toBe(2 * declared().filter(({ type }) => !type.startsWith("random:")).length);
  });

  test("need each of their roles", () => {
    for (const taken of GIVEN.filter(({ identity }) => identity !== "owner")) {
      const without = GIVEN.filter((one) => one !== taken);
      const verbs = taken.identity === "deploy" ? (["write"] as const) : (["read"] as const);
      const needed = refusals(taken.identity, verbs, without).length > 0;
      // What this gives is a POST; Contributor gives deploy that one too.
      const posts = taken.role === "Azure Kubernetes Service Cluster User Role";
      expect([taken, needed]).toEqual([taken, !posts]);
    }
  });
});

describe("steps in the cluster", () => {
  const files: Record<string, string> = {};
  let apps: k8s.AppsV1Api;
  const deployments = async () =>
    (await apps.listNamespacedDeployment({ namespace: env["NAMESPACE"]! })).items;
  const api = async () => (await deployments()).find(({ metadata }) => metadata?.name === "api")!;
  const restartedAt = ({ spec }: k8s.V1Deployment) =>
    spec?.template.metadata?.annotations?.["kubectl.kubernetes.io/restartedAt"];

  beforeAll(() => {
    for (const name of ["operator", "stranger"]) {
      files[name] = path.join(folder, `kubeconfig-${name}`);
      const serving = [...served.cloud.cloud.all()].find(
        ({ type, id }) => type.endsWith(":ManagedCluster") && id.includes(`/${env["RESOURCE_GROUP"]}/`),
      )!;
      const cluster = serving.id.slice(serving.id.lastIndexOf("/") + 1);
      fs.writeFileSync(files[name], clusters.kubeconfig(served.principals[name]!, cluster));
    }
    const config = new k8s.KubeConfig();
    config.loadFromFile(files["operator"]!);
    apps = config.makeApiClient(k8s.AppsV1Api);
  });

  /** What a step must have done, by a part of its command. */
  const effects: [RegExp, () => Promise<void>][] = [
    [/scale deployment\/api .*--replicas 0/, async () => expect((await api()).spec?.replicas).toBe(0)],
    [/scale deployment\/api .*--replicas 3/, async () => expect((await api()).spec?.replicas).toBe(3)],
    [/rollout restart deployment\/api/, async () => expect(restartedAt(await api())).toBeDefined()],
    [
      /rollout restart deployment /,
      async () => expect((await deployments()).map(restartedAt)).not.toContain(undefined),
    ],
    [
      /rollout undo deployment\/api/,
      async () => expect((await api()).spec?.template.spec?.containers[0]?.image).not.toBe("broken"),
    ],
  ];

  test("each ends as its page says, as the operator, and does what it says", async () => {
    expect(KUBECTL_STEPS.length).toBeGreaterThan(20);
    for (const [id, title, command] of KUBECTL_STEPS) {
      // What is undone is an image that does not start.
      if (command.includes("rollout undo"))
        await apps.patchNamespacedDeployment(
          {
            name: "api",
            namespace: env["NAMESPACE"]!,
            body: [{ op: "replace", path: "/spec/template/spec/containers/0/image", value: "broken" }],
          },
          k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.JsonPatch),
        );
      // kubectl writes the second it restarted at, and refuses a restart that would change nothing.
      if (command.includes("rollout restart")) await new Promise((resolve) => setTimeout(resolve, 1100));
      const { ok, said } = await runKubectl(command, env, files["operator"]!);
      expect([id, title, ok ? "" : said]).toEqual([id, title, ""]);
      for (const [pattern, check] of effects) if (pattern.test(command)) await check();
    }
  }, 300_000);

  test("somebody else is refused each of them", async () => {
    for (const [id, title, command] of KUBECTL_STEPS) {
      const { ok, said } = await runKubectl(command, env, files["stranger"]!);
      expect([id, title, ok, /forbidden|403/i.test(said)]).toEqual([id, title, false, true]);
    }
  }, 300_000);
});

/** What somebody with a fresh clone does first; the same through Microsoft's clients stands in arm.test.ts. */
const WALK: [string, RegExp][] = [
  ["az group list --query '[].name' --output tsv", /rg-forma3d-prod-weu/],
  [
    'az postgres flexible-server show --resource-group "$RESOURCE_GROUP" --name "$SERVER" --query "[replicationRole, version]" --output tsv',
    /Primary\s+17/,
  ],
  [
    'az postgres flexible-server replica promote --resource-group "$RESOURCE_GROUP_SECONDARY" --name "$REPLICA" --promote-mode switchover --promote-option planned --yes',
    /Primary/,
  ],
  [
    'az postgres flexible-server restore --resource-group "$RESOURCE_GROUP_SECONDARY" --name "$REPLICA-walk" --source-server "$REPLICA" --restore-time "$RESTORE_TIME" --yes',
    /-walk/,
  ],
  [
    'az network private-endpoint-connection approve --id "$CONNECTION" --description walk --query properties.privateLinkServiceConnectionState.status --output tsv',
    /Approved/,
  ],
  [
    'az keyvault secret show --vault-name "$VAULT" --name shopify-api-secret --query value --output tsv',
    /made up/,
  ],
];
const withAz = AZ !== undefined || process.env["REQUIRE_AZ"] === "1" ? test : test.skip;

withAz(
  "the real az walks through them as the operator, and as somebody else gets nowhere (needs az)",
  async () => {
    const before = served.cloud.cloud.snapshot();
    const connection = [...served.cloud.cloud.all()].find(({ type }) =>
      type.endsWith(":PrivateLinkServicePrivateEndpointConnection"),
    )!;
    env["CONNECTION"] = connection.id;
    const stranger = { ...served.environment, AZURE_CONFIG_DIR: path.join(folder, "az-stranger") };
    await signInWithAz(AZ!, "stranger", stranger);
    try {
      for (const [command, says] of WALK) {
        const refused = await typed(`${command} --subscription "$SUBSCRIPTION"`, stranger);
        expect([command, refused.ok, says.test(refused.said)]).toEqual([command, false, false]);
      }
      expect(served.cloud.cloud.snapshot()).toEqual(before);
      for (const [command, says] of WALK) {
        const { ok, said } = await typed(command, served.environment);
        expect([command, ok && says.test(said) ? "" : said]).toEqual([command, ""]);
      }
      done.add("walk");
    } finally {
      served.cloud.cloud.restore(before);
    }
  },
  600_000,
);

test("somebody else is refused each of them", async () => {
  token = await signIn(served.cloud, served.listening, served.principals["stranger"]!);
  for (const [id, title, command] of STEPS) {
    const [method, at, body] = requestOf(words(command));
    const { status } = await request(served.listening, method, at, {
      token,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    expect([id, title, status]).toEqual([id, title, 403]);
  }
});
