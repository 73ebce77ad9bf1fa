import fc from "../support/property";
import azureFacts from "../../packages/emulated-azure/facts/azure.json";
import kubernetesFacts from "../../packages/emulated-azure/facts/kubernetes.json";
import randomFacts from "../../packages/emulated-azure/facts/random.json";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { MemoryCloud } from "../../packages/emulated-azure/model/cloud";
import { armIdentity, armModels } from "../../packages/emulated-azure/model/azure/arm";
import { promote } from "../../packages/emulated-azure/model/azure/replication";
import { ARM_TYPES } from "../../packages/emulated-azure/model/azure/table";
import { differences, formatPath, matches, parsePath } from "../../packages/emulated-azure/model/paths";
import {
  CloudError,
  Scope,
  Tree,
  UNKNOWN,
  UnknownTypeError,
} from "../../packages/emulated-azure/model/types";
import { happen } from "../../packages/emulated-azure/store/changes";
import { decode, encode, Json } from "../../packages/wire/values";

const model = sandboxModel();
const SUBSCRIPTION = "11111111-2222-4333-8444-555555555555";
const azure: Scope = { package: "azure-native", config: { subscriptionId: SUBSCRIPTION } };
const cluster: Scope = { package: "kubernetes", config: { clusterIdentifier: "aks" } };
const random: Scope = { package: "random", config: {} };

const GROUP = "azure-native:resources:ResourceGroup";
const SERVER = "azure-native:dbforpostgresql:Server";
const VAULT = "azure-native:keyvault:Vault";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";

const group: Tree = { resourceGroupName: "rg", location: "westeurope" };
const server: Tree = {
  resourceGroupName: "rg",
  serverName: "psql",
  location: "westeurope",
  version: "17",
  sku: { name: "Standard_D4ds_v5", tier: "GeneralPurpose" },
  storage: { storageSizeGB: 128 },
  backup: { backupRetentionDays: 35, geoRedundantBackup: "Enabled" },
  administratorLogin: "admin1",
  administratorLoginPassword: "not a real one",
};
const vault: Tree = {
  resourceGroupName: "rg",
  vaultName: "kv-one",
  location: "westeurope",
  properties: {
    tenantId: SUBSCRIPTION,
    sku: { family: "A", name: "standard" },
    softDeleteRetentionInDays: 90,
    enablePurgeProtection: true,
  },
};
const deployment: Tree = {
  metadata: { name: "api", namespace: "default" },
  spec: {
    selector: { matchLabels: { app: "api" } },
    template: {
      metadata: { labels: { app: "api" } },
      spec: {
        containers: [{ name: "api", image: "i", volumeMounts: [{ name: "tmp", mountPath: "/tmp" }] }],
        volumes: [{ name: "tmp", emptyDir: {} }],
      },
    },
  },
};

const problems = (type: string, inputs: Tree, scope = azure): string[] =>
  model
    .check({ type, name: "it", urn: `urn:pulumi:s::p::${type}::it`, inputs, scope })
    .failures.map(({ property, reason }) => `${property} ${reason}`);

function inCloud(cloud = new MemoryCloud("seed")) {
  const create = (type: string, inputs: Tree, scope = azure) =>
    model.create(type, `urn:pulumi:s::p::${type}::it`, inputs, scope, cloud);
  return { cloud, create };
}

const thrown = (action: () => unknown): CloudError => {
  try {
    action();
  } catch (error) {
    if (error instanceof CloudError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
};

describe("checks", () => {
  test("accept what is right, and whatever is unknown", () => {
    expect(problems(SERVER, server)).toEqual([]);
    expect(problems(VAULT, vault)).toEqual([]);
    expect(problems(DEPLOYMENT, deployment, cluster)).toEqual([]);
    expect(problems(SERVER, { ...server, storage: UNKNOWN, version: UNKNOWN, sku: UNKNOWN })).toEqual([]);
  });

  test.each<[string, string, Tree, RegExp, Scope?]>([
    [
      "a required input that is missing",
      "azure-native:network:Subnet",
      { resourceGroupName: "rg", addressPrefix: "10.0.0.0/24" },
      /virtualNetworkName is required/,
    ],
    [
      "one the service requires though the SDK does not",
      "azure-native:dbforpostgresql:Configuration",
      { resourceGroupName: "rg", serverName: "s", configurationName: "c", value: "on" },
      /source is required/,
    ],
    [
      "a value outside a closed list",
      VAULT,
      { ...vault, properties: { ...(vault["properties"] as Tree), sku: { family: "A", name: "gold" } } },
      /properties\.sku\.name must be one of standard, premium/,
    ],
    [
      "a property nobody knows",
      SERVER,
      { ...server, backup: { retentionDays: 35 } },
      /backup\.retentionDays is not a property here; known are backupRetentionDays, geoRedundantBackup/,
    ],
    [
      "an object where the vendor only gives examples of texts",
      "azure-native:monitor:DataCollectionRule",
      { dataSources: { prometheusForwarder: [{ name: "p", streams: [{}] }] } } as unknown as Tree,
      /streams\[0\] must be one of/,
    ],
    [
      "text where a number belongs",
      SERVER,
      { ...server, storage: { storageSizeGB: "128" } },
      /storage\.storageSizeGB must be a number/,
    ],
    [
      "a vault name that is too long",
      VAULT,
      { ...vault, vaultName: "kv-".padEnd(30, "x") },
      /vaultName must match/,
    ],
    [
      "purge protection switched off",
      VAULT,
      { ...vault, properties: { ...(vault["properties"] as Tree), enablePurgeProtection: false } },
      /enablePurgeProtection false is never accepted/,
    ],
    [
      "a disk of a size that does not exist",
      SERVER,
      { ...server, storage: { storageSizeGB: 100 } },
      /must be one of 32, 64/,
    ],
    [
      "Prometheus durations",
      "azure-native:alertsmanagement:PrometheusRuleGroup",
      { resourceGroupName: "rg", scopes: [], rules: [{ alert: "A", expression: "up", for: "5m" }] },
      /rules\[0\]\.for must be an ISO 8601 duration/,
    ],
    [
      "a selector that matches no pod",
      DEPLOYMENT,
      {
        ...deployment,
        spec: { ...(deployment["spec"] as Tree), selector: { matchLabels: { app: "other" } } },
      },
      /selector matches no pod/,
      cluster,
    ],
    [
      "a mount without a volume",
      DEPLOYMENT,
      {
        ...deployment,
        spec: {
          selector: { matchLabels: { app: "a" } },
          template: {
            metadata: { labels: { app: "a" } },
            spec: { containers: [{ name: "c", volumeMounts: [{ name: "gone", mountPath: "/x" }] }] },
          },
        },
      },
      /no volume is named gone/,
      cluster,
    ],
    [
      "a password shorter than its parts",
      "random:index/randomPassword:RandomPassword",
      { length: 3, minLower: 2, minUpper: 2 },
      /length must be at least 4/,
      random,
    ],
  ])("find %s", (_what, type, inputs, expected, scope = azure) => {
    expect(problems(type, inputs, scope).join("\n")).toMatch(expected);
  });

  test("accept long values of closed lists", () => {
    const odataType = "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria";
    const alert = {
      resourceGroupName: "rg",
      scopes: [],
      severity: 1,
      enabled: true,
      evaluationFrequency: "PT1M",
      windowSize: "PT5M",
      criteria: { odataType, allOf: [] },
    };
    expect(problems("azure-native:monitor:MetricAlert", alert)).toEqual([]);
  });

  test("make up names and keep them", () => {
    const check = (inputs: Tree, old?: Tree) =>
      model.check({ type: GROUP, name: "group", urn: "urn:g", inputs, old, scope: azure }).inputs[
        "resourceGroupName"
      ];
    const made = check({ location: "westeurope" });
    expect(made).toMatch(/^group-[0-9a-f]{8}$/);
    expect(check({ location: "westeurope" }, { resourceGroupName: "group-kept" })).toBe("group-kept");
    expect(check({ location: "westeurope", resourceGroupName: "given" })).toBe("given");
  });

  test("say where a type is to be added", () => {
    expect(() => model.resource("azure-native:quantum:Workspace")).toThrow(UnknownTypeError);
    expect(() => model.resource("azure-native:quantum:Workspace")).toThrow(
      /packages\/emulated-azure\/model\/azure/,
    );
    expect(() => model.resource("aws:s3:Bucket")).toThrow(/packages\/emulated-azure\/model\/index\.ts/);
    expect(() => model.invoke("azure-native:web:listKeys", {}, azure, new MemoryCloud("s"))).toThrow(
      /function azure-native:web:listKeys/,
    );
  });
});

describe("differences", () => {
  test.each<[string, string, Tree, Tree, string[], string[]]>([
    [
      "a bigger size is changed in place",
      SERVER,
      server,
      { ...server, sku: { name: "Standard_D8ds_v5", tier: "GeneralPurpose" } },
      ["sku.name"],
      [],
    ],
    [
      "another location replaces",
      SERVER,
      server,
      { ...server, location: "northeurope" },
      ["location"],
      ["location"],
    ],
    [
      "another login replaces",
      SERVER,
      server,
      { ...server, administratorLogin: "other" },
      ["administratorLogin"],
      ["administratorLogin"],
    ],
    [
      "a renamed deployment is replaced",
      DEPLOYMENT,
      deployment,
      { ...deployment, metadata: { name: "web", namespace: "default" } },
      ["metadata.name"],
      ["metadata.name"],
    ],
    [
      "another network plug-in replaces a cluster",
      "azure-native:containerservice:ManagedCluster",
      { networkProfile: { networkPlugin: "azure", loadBalancerSku: "basic" } },
      { networkProfile: { networkPlugin: "none", loadBalancerSku: "standard" } },
      ["networkProfile.networkPlugin", "networkProfile.loadBalancerSku"],
      ["networkProfile.networkPlugin"],
    ],
  ])("%s", (_what, type, before, after, changed, replaces) => {
    expect(model.diff(type, before, after, [])).toEqual({ changed, replaces });
  });

  test("leave out what is to be ignored, and what lies below it", () => {
    const after = { ...server, availabilityZone: "2", storage: { storageSizeGB: 256 }, location: "x" };
    expect(model.diff(SERVER, server, after, ["availabilityZone", "storage"]).changed).toEqual(["location"]);
  });
});

describe("the cloud", () => {
  test("creates below parents only, with what the service computes", () => {
    const { create } = inCloud();
    expect(thrown(() => create(SERVER, server))).toMatchObject({
      status: 404,
      code: "ParentResourceNotFound",
    });
    create(GROUP, group);
    const made = create(SERVER, server);
    expect(made.id).toBe(
      `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.DBforPostgreSQL/flexibleServers/psql`,
    );
    expect(made.outputs).toMatchObject({
      name: "psql",
      fullyQualifiedDomainName: "psql.postgres.database.azure.com",
      replicationRole: "Primary",
      azureApiVersion: "2025-08-01",
      backup: { backupRetentionDays: 35 },
    });
    expect(made.outputs).not.toHaveProperty("administratorLoginPassword");
  });

  test("fills in the defaults the service documents", () => {
    const { create } = inCloud();
    create(GROUP, group);
    const { outputs } = create(SERVER, { ...server, backup: {} });
    expect(outputs["backup"]).toEqual({ backupRetentionDays: 7, geoRedundantBackup: "Disabled" });
  });

  test("refuses links that lead nowhere, and names that are taken anywhere", () => {
    const { create } = inCloud();
    create(GROUP, group);
    create(GROUP, { ...group, resourceGroupName: "rg2" });
    const missing = {
      ...server,
      createMode: "Replica",
      sourceServerResourceId: `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.DBforPostgreSQL/flexibleServers/gone`,
    };
    expect(thrown(() => create(SERVER, missing))).toMatchObject({ code: "LinkedResourceNotFound" });
    create(SERVER, server);
    expect(thrown(() => create(SERVER, server))).toMatchObject({ status: 409, code: "AlreadyExists" });
    expect(thrown(() => create(SERVER, { ...server, resourceGroupName: "rg2" }))).toMatchObject({
      code: "NameNotAvailable",
    });
  });

  test("keeps the name of a deleted vault", () => {
    const { create, cloud } = inCloud();
    create(GROUP, group);
    const { id } = create(VAULT, vault);
    model.delete(VAULT, id, azure, cloud);
    expect(model.read(VAULT, id, azure, cloud)).toBeUndefined();
    expect(thrown(() => create(VAULT, vault))).toMatchObject({ status: 409, code: "ConflictError" });
  });

  test("refuses updates the service refuses", () => {
    const { create, cloud } = inCloud();
    create(GROUP, group);
    const { id } = create(SERVER, server);
    const update = (change: Tree) => model.update(SERVER, id, server, { ...server, ...change }, azure, cloud);
    expect(thrown(() => update({ storage: { storageSizeGB: 64 } })).message).toMatch(/storage never shrinks/);
    expect(thrown(() => update({ backup: { geoRedundantBackup: "Disabled" } })).message).toMatch(
      /decided when a server is created/,
    );
    expect(update({ storage: { storageSizeGB: 256 } }).outputs).toMatchObject({
      storage: { storageSizeGB: 256 },
    });
  });

  test("raises no major version while a read replica follows, and knows whom it follows", () => {
    const { create, cloud } = inCloud();
    create(GROUP, group);
    const { id } = create(SERVER, server);
    const copy = (name: string, of: string) =>
      create(SERVER, {
        resourceGroupName: "rg",
        serverName: name,
        location: "northeurope",
        createMode: "Replica",
        sourceServerResourceId: of,
      }).id;
    const raise = () => model.update(SERVER, id, server, { ...server, version: "18" }, azure, cloud).outputs;
    create(SERVER, { ...server, serverName: "else" });
    copy("else-copy", id.replace(/psql$/, "else"));
    const follower = copy("psql-copy", id.toUpperCase());
    expect(thrown(raise).message).toMatch(
      /version: is not raised from 17 to 18 while a read replica follows: that is deleted first/,
    );
    happen(model, cloud, follower, "promoted");
    expect(raise()).toMatchObject({ version: "18" });
  });

  test("says of a member that is there and undefined what is wrong with it", () => {
    const metadata = { name: "shop", annotations: { gone: undefined } };
    const { failures } = model.check({
      ...{ type: "kubernetes:core/v1:Namespace", name: "shop", urn: "", scope: cluster },
      inputs: { metadata } as unknown as Tree,
    });
    expect(failures).toContainEqual({
      property: "metadata.annotations.gone",
      reason: "must be a string, not nothing",
      kind: "mistyped",
    });
  });

  test("refuses a server that follows another what only a writer has, until it is promoted", () => {
    const { create, cloud } = inCloud();
    create(GROUP, group);
    const { id } = create(SERVER, server);
    const follower = { ...server, administratorLoginPassword: undefined as never, backup: {} };
    const update = (change: Tree) =>
      model.update(SERVER, id, server, { ...follower, ...change }, azure, cloud).outputs;
    happen(model, cloud, id, "demoted");
    const writerOnly: Tree[] = [
      { administratorLoginPassword: "not-a-real-password" },
      { highAvailability: { mode: "SameZone" } },
      { backup: { geoRedundantBackup: "Enabled" } },
    ];
    for (const change of writerOnly) {
      expect(thrown(() => update(change)).message).toMatch(/a read replica (has no|takes it from)/);
    }
    expect(update({ tags: { a: "b" } })).toMatchObject({ replicationRole: "AsyncReplica" });
    happen(model, cloud, id, "promoted");
    expect(update({ highAvailability: { mode: "SameZone" } })).toMatchObject({ replicationRole: "Primary" });
  });

  test("shows the source of a server only while it follows, and gives a role only by a promotion, whatever is sent back", () => {
    const { create, cloud } = inCloud();
    create(GROUP, group);
    const { id: source } = create(SERVER, server);
    const made = { resourceGroupName: "rg", location: "westeurope", sourceServerResourceId: source };
    const restore = { ...made, serverName: "then", createMode: "PointInTimeRestore" };
    expect(create(SERVER, restore).outputs).not.toHaveProperty("sourceServerResourceId");
    const copy = { ...made, serverName: "copy", createMode: "Replica" };
    const { id, outputs } = create(SERVER, copy);
    expect(outputs).toMatchObject({ sourceServerResourceId: source, replicaCapacity: 0 });
    promote(cloud, model.read(SERVER, id, azure, cloud)!, {
      mode: "standalone",
      option: "forced",
      primaryAnswers: false,
    });
    model.delete(SERVER, source, azure, cloud);
    // Its source is looked for when it is made, and not any more.
    const sent = { ...copy, createMode: "Update", tags: { a: "b" } };
    const updated = model.update(SERVER, id, copy, sent, azure, cloud).outputs;
    expect(updated).not.toHaveProperty("sourceServerResourceId");
    expect(updated).toMatchObject({
      version: "17",
      replicationRole: "Primary",
      replicaCapacity: 5,
      tags: { a: "b" },
    });
    const stale = { ...sent, replicationRole: "AsyncReplica" };
    expect(thrown(() => model.update(SERVER, id, copy, stale, azure, cloud)).message).toMatch(
      /replicationRole: is given by a promotion only: it stays Primary, not AsyncReplica/,
    );
  });

  test("keeps namespaces of different clusters apart", () => {
    const { create } = inCloud();
    const other: Scope = { package: "kubernetes", config: { clusterIdentifier: "other" } };
    create("kubernetes:core/v1:Namespace", { metadata: { name: "shop" } }, cluster);
    const inShop = { ...deployment, metadata: { name: "api", namespace: "shop" } };
    expect(create(DEPLOYMENT, inShop, cluster).id).toBe("shop/api");
    expect(thrown(() => create(DEPLOYMENT, inShop, other)).message).toMatch(
      /namespaces "shop" does not exist/,
    );
  });

  test("applies a new object onto one of its name, in conflict over what others have set otherwise", () => {
    const { create, cloud } = inCloud();
    const replicas = (many: number) => ({
      ...deployment,
      spec: { ...(deployment.spec as Tree), replicas: many },
    });
    const { id } = create(DEPLOYMENT, replicas(3), cluster);
    const read = () => model.read(DEPLOYMENT, id, cluster, cloud)?.inputs;
    expect(thrown(() => create(DEPLOYMENT, replicas(0), cluster))).toMatchObject({
      status: 409,
      code: "Conflict",
      message: expect.stringMatching(/1 conflicts: .*: \.spec\.replicas$/),
    });
    expect(read()).toEqual(replicas(3));
    // What both say alike is nobody's quarrel, and what only one says stays.
    create(DEPLOYMENT, deployment, cluster);
    expect(read()).toEqual(replicas(3));
    const urn = `urn:pulumi:s::p::${DEPLOYMENT}::it`;
    model.create(DEPLOYMENT, urn, replicas(0), cluster, cloud, true);
    expect(read()).toEqual(replicas(0));
    const spec = { ...(deployment.spec as Tree), selector: { matchLabels: { app: "another" } } };
    expect(
      thrown(() => model.create(DEPLOYMENT, urn, { ...deployment, spec }, cluster, cloud, true)),
    ).toMatchObject({ status: 422 });
  });

  test("makes the same values from the same seed, and others from another", () => {
    const type = "random:index/randomPassword:RandomPassword";
    const make = (seed: string) =>
      inCloud(new MemoryCloud(seed)).create(type, { length: 24, special: false }, random).outputs["result"];
    expect(make("a")).toBe(make("a"));
    expect(make("a")).not.toBe(make("b"));
    expect(make("a")).toMatch(/^[A-Za-z0-9]{24}$/);
  });

  test("hands out kubeconfigs of clusters that exist, none with a standing credential", () => {
    const { cloud, create } = inCloud();
    const args = { resourceGroupName: "rg", resourceName: "aks" };
    const list = (whose: string) =>
      model.invoke(`azure-native:containerservice:listManagedCluster${whose}Credentials`, args, azure, cloud);
    expect(thrown(() => list("User"))).toMatchObject({ status: 404 });
    create(GROUP, group);
    create("azure-native:containerservice:ManagedCluster", {
      ...args,
      location: "westeurope",
      disableLocalAccounts: true,
      identity: { type: "SystemAssigned" },
      agentPoolProfiles: [{ name: "system", mode: "System" }],
    });
    const [config] = list("User")["kubeconfigs"] as readonly { value: string }[];
    const kubeconfig = Buffer.from(config?.value ?? "", "base64").toString();
    expect(kubeconfig).toContain("kubelogin");
    expect(kubeconfig).not.toMatch(/client-key|token"?:|password/);
    expect(thrown(() => list("Admin")).message).toMatch(/disable local accounts/);
  });
});

describe("previews", () => {
  test("know inputs, and nothing the service adds", () => {
    const { id, outputs } = model.previewCreate(SERVER, server, azure);
    expect(id).toBe("");
    expect(outputs).toMatchObject({
      location: "westeurope",
      fullyQualifiedDomainName: UNKNOWN,
      backup: { backupRetentionDays: 35, earliestRestoreDate: UNKNOWN },
    });
  });

  test("of an update keep what no changed input decides", () => {
    const { cloud, create } = inCloud();
    create(GROUP, group);
    const { id, outputs } = create(SERVER, server);
    void cloud;
    const after = { ...server, sku: { name: "Standard_D8ds_v5", tier: "GeneralPurpose" } };
    const preview = model.previewUpdate(SERVER, id, server, after, outputs, azure);
    expect(preview.outputs).toMatchObject({
      fullyQualifiedDomainName: "psql.postgres.database.azure.com",
      sku: { name: "Standard_D8ds_v5" },
    });
  });
});

describe("facts", () => {
  const version = (name: string): string =>
    (jest.requireActual(`${name}/package.json`) as { version: string }).version;

  test.each([
    ["@pulumi/azure-native", azureFacts],
    ["@pulumi/kubernetes", kubernetesFacts],
    ["@pulumi/random", randomFacts],
  ])("were extracted from the %s that is installed", (name, facts) => {
    expect((facts.sources as Record<string, string>)[name]).toBe(version(name));
  });

  test("hold an API version for every Azure type, and a model for every type", () => {
    for (const [type, { apiVersion }] of Object.entries(
      azureFacts.resources as Record<string, { apiVersion?: string }>,
    )) {
      expect([type, apiVersion]).toEqual([type, expect.stringMatching(/^\d{4}-\d{2}-\d{2}/)]);
    }
    const types = [azureFacts, kubernetesFacts, randomFacts].flatMap((facts) => Object.keys(facts.resources));
    for (const type of types) expect(model.resource(type).type).toBe(type);
  });
});

test("the tables and the facts do not wait for each other: a type that lacks its facts is known to nobody", () => {
  const waiting = { "quantum:Workspace": { id: "Microsoft.Quantum/workspaces/{workspaceName}" } };
  expect(armModels(waiting)).toEqual([]);
  expect(armIdentity(waiting["quantum:Workspace"])).toEqual({
    armType: "Microsoft.Quantum/workspaces",
    idInputs: ["resourceGroupName", "workspaceName"],
  });
  expect(Object.keys(ARM_TYPES).filter((type) => !(`azure-native:${type}` in azureFacts.resources))).toEqual(
    [],
  );
});

describe("values on the wire", () => {
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(UNKNOWN));
  const tree = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.dictionary(
      fc.string({ minLength: 1 }).filter((key) => key !== "__proto__"),
      fc.oneof({ maxDepth: 3 }, leaf, fc.array(leaf, { maxLength: 3 }), tie("tree")),
      { maxKeys: 4 },
    ),
  })).tree as fc.Arbitrary<Tree>;

  test("come back as they went, secrets included", () => {
    fc.assert(
      fc.property(tree, (value) => {
        const keys = Object.keys(value);
        const secrets = keys.slice(0, 1).map((key) => [key]);
        expect(decode(encode(value, secrets) as Json)).toEqual({ tree: value, secrets });
      }),
    );
  });

  test("paths survive being written and read", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.stringMatching(/^[a-z]+$/), fc.nat(9)), { minLength: 1 }), (tail) => {
        const path = ["root", ...tail];
        expect(parsePath(formatPath(path))).toEqual(path);
        expect(matches(formatPath(path), "root")).toBe(true);
      }),
    );
  });

  test("a tree differs from itself nowhere", () => {
    fc.assert(fc.property(tree, (value) => expect(differences(value, structuredCloneOf(value))).toEqual([])));
  });

  test("assets are refused rather than lost", () => {
    const asset = { "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", text: "x" };
    expect(() => decode({ file: asset })).toThrow(/file: assets and archives are not emulated/);
  });
});

/** A deep copy that keeps UNKNOWN, which structuredClone cannot copy. */
function structuredCloneOf(value: Tree): Tree {
  return decode(encode(value, []) as Json).tree;
}
