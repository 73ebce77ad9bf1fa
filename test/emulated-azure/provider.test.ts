import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import * as grpc from "@grpc/grpc-js";
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { PluginAttach } from "@pulumi/pulumi/proto/plugin_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Faults, parseFault } from "../../packages/emulated-azure/faults";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { promote } from "../../packages/emulated-azure/model/azure/replication";
import { Front } from "../../packages/emulated-azure/provider/front";
import { Caller } from "../../packages/emulated-azure/provider/caller";
import { Rights } from "../../packages/emulated-azure/rights/decide";
import { Directory } from "../../packages/emulated-azure/rights/directory";
import { grant } from "../../packages/emulated-azure/rights/grant";
import { Providers, serveProviders } from "../../packages/emulated-azure/provider/server";
import { change, deleteBehind, happen, resourcesBelow } from "../../packages/emulated-azure/store/changes";
import { CloudStore } from "../../packages/emulated-azure/store/cloud";
import { loadCloud, saveCloud } from "../../packages/emulated-azure/store/file";
import { ARM_REFUSALS } from "../../policies/arm/armLimits";

// eslint-disable-next-line @typescript-eslint/no-require-imports
const { ResourceProviderClient } = require("@pulumi/pulumi/proto/provider_grpc_pb") as {
  ResourceProviderClient: grpc.ServiceClientConstructor;
};

const SUBSCRIPTION = "8d2f5c1e-6b0a-4f53-9a57-1c9e3b7d4a10";
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const model = sandboxModel();

type Properties = Record<string, JavaScriptValue>;
const struct = (value: object): Struct => Struct.fromJavaScript(value as Properties);
const plain = (value: Struct | undefined): Record<string, unknown> => (value?.toJavaScript() ?? {}) as never;
const secret = (value: unknown): object => ({ [SIGNATURE]: SECRET, value });

/** One provider instance, as the engine holds it: a connection of its own, configured once. */
class Instance {
  private readonly client: grpc.Client;

  constructor(port: string) {
    this.client = new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  call<Response>(method: string, request: unknown): Promise<Response> {
    return new Promise((resolve, reject) => {
      const rpc = (this.client as unknown as Record<string, (...args: unknown[]) => void>)[method];
      rpc?.call(this.client, request, (error: Error | null, response: Response) =>
        error ? reject(error) : resolve(response),
      );
    });
  }

  configure(config: object): Promise<unknown> {
    return this.call("configure", new proto.ConfigureRequest().setArgs(struct(config)));
  }

  async check(type: string, name: string, inputs: object, olds?: object): Promise<proto.CheckResponse> {
    const request = new proto.CheckRequest().setUrn(urn(type, name)).setType(type).setName(name);
    request.setNews(struct(inputs));
    if (olds) request.setOlds(struct(olds));
    return this.call("check", request);
  }

  async create(type: string, name: string, inputs: object, preview = false): Promise<proto.CreateResponse> {
    const checked = await this.check(type, name, inputs);
    expect(checked.getFailuresList().map((f) => `${f.getProperty()}: ${f.getReason()}`)).toEqual([]);
    const request = new proto.CreateRequest().setUrn(urn(type, name)).setType(type).setName(name);
    request.setProperties(checked.getInputs());
    return this.call("create", request.setPreview(preview));
  }

  read(
    type: string,
    name: string,
    id: string,
    inputs?: object,
    properties?: Struct,
  ): Promise<proto.ReadResponse> {
    const request = new proto.ReadRequest().setUrn(urn(type, name)).setType(type).setName(name).setId(id);
    if (inputs) request.setInputs(struct(inputs));
    if (properties) request.setProperties(properties);
    return this.call("read", request);
  }

  update(type: string, name: string, id: string, old: object, next: object): Promise<proto.UpdateResponse> {
    const request = new proto.UpdateRequest().setUrn(urn(type, name)).setType(type).setName(name).setId(id);
    request.setOldInputs(struct(old));
    request.setNews(struct(next));
    return this.call("update", request);
  }

  remove(type: string, name: string, id: string): Promise<Empty> {
    return this.call(
      "delete",
      new proto.DeleteRequest().setUrn(urn(type, name)).setType(type).setName(name).setId(id),
    );
  }

  diff(type: string, name: string, id: string, old: object, next: object): Promise<proto.DiffResponse> {
    const request = new proto.DiffRequest().setUrn(urn(type, name)).setType(type).setName(name).setId(id);
    request.setOldInputs(struct(old));
    request.setNews(struct(next));
    return this.call("diff", request);
  }

  close(): void {
    this.client.close();
  }
}

function urn(type: string, name: string): string {
  return `urn:pulumi:test::forma3d::${type}::${name}`;
}

const GROUP = "azure-native:resources:ResourceGroup";
const ACCOUNT = "azure-native:storage:StorageAccount";
const CONTAINER = "azure-native:storage:BlobContainer";
const VAULT = "azure-native:keyvault:Vault";
const SERVER = "azure-native:dbforpostgresql:Server";
const DATABASE = "azure-native:dbforpostgresql:Database";

const group = { resourceGroupName: "rg-test", location: "westeurope" };
const account = {
  accountName: "sttest",
  resourceGroupName: "rg-test",
  location: "westeurope",
  kind: "StorageV2",
  sku: { name: "Standard_LRS" },
};
const vault = {
  vaultName: "kv-test",
  resourceGroupName: "rg-test",
  location: "westeurope",
  properties: { tenantId: SUBSCRIPTION, sku: { family: "A", name: "standard" } },
};
const server = {
  serverName: "psql-test",
  resourceGroupName: "rg-test",
  location: "westeurope",
  version: "17",
  sku: { name: "Standard_D2ds_v5", tier: "GeneralPurpose" },
  storage: { storageSizeGB: 128 },
  administratorLogin: "forma3d_admin",
  administratorLoginPassword: "not-a-real-one",
  availabilityZone: "1",
  highAvailability: { mode: "ZoneRedundant", standbyAvailabilityZone: "2" },
  backup: { backupRetentionDays: 35, geoRedundantBackup: "Enabled" },
};
const serverId = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg-test/providers/Microsoft.DBforPostgreSQL/flexibleServers/psql-test`;
const database = { databaseName: "forma3d", serverName: "psql-test", resourceGroupName: "rg-test" };

let cloud: CloudStore;
let faults: Faults;
let front: Front;
let providers: Providers;
let ports: Record<string, string>;
let instances: Instance[];

async function connect(pkg: string, config: object): Promise<Instance> {
  const instance = new Instance(ports[pkg] as string);
  instances.push(instance);
  await instance.configure(config);
  return instance;
}

const azure = (): Promise<Instance> =>
  connect("azure-native", { subscriptionId: SUBSCRIPTION, tenantId: SUBSCRIPTION });

beforeEach(async () => {
  cloud = new CloudStore("test");
  faults = new Faults();
  front = new Front({ faults, secondMs: 1, refusals: ARM_REFUSALS });
  providers = await serveProviders(model, cloud, front);
  ports = Object.fromEntries(providers.attach.split(",").map((part) => part.split(":") as [string, string]));
  instances = [];
});

afterEach(() => {
  instances.forEach((instance) => instance.close());
  providers.stop();
});

describe("who asks", () => {
  const READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
  const scope = `/subscriptions/${SUBSCRIPTION}`;

  /** A provider front that takes the requests of somebody who holds roles in the subscription. */
  async function as(...roles: string[]): Promise<Instance> {
    const directory = new Directory(cloud);
    const principal = directory.add({ displayName: roles.join() || "nobody" });
    for (const role of roles) grant(cloud, { principal, role, scope });
    const caller = new Caller(() => principal, new Rights(cloud, directory), model, cloud);
    const own = await serveProviders(model, cloud, front, caller);
    stops.push(() => own.stop());
    const port = own.attach.split(",")[0]!.split(":")[1]!;
    const instance = new Instance(port);
    instances.push(instance);
    await instance.configure({ subscriptionId: SUBSCRIPTION });
    return instance;
  }
  const stops: (() => void)[] = [];
  afterEach(() => stops.splice(0).forEach((stop) => stop()));
  const id = `${scope}/resourceGroups/rg-test`;
  const refused = (promise: Promise<unknown>) => expect(promise).rejects.toThrow(/AuthorizationFailed/);

  test("a contributor makes resources and no role assignments, a reader reads, and nobody does neither", async () => {
    const contributor = await as("Contributor");
    await contributor.create(GROUP, "group", group);
    const assignment = {
      scope: id,
      roleAssignmentName: UNKNOWN,
      principalId: UNKNOWN,
      principalType: "ServicePrincipal",
      roleDefinitionId: `${scope}/providers/Microsoft.Authorization/roleDefinitions/${READER}`,
    };
    const type = "azure-native:authorization:RoleAssignment";
    await refused(contributor.create(type, "grant", assignment));
    await (
      await as("Contributor", "Role Based Access Control Administrator")
    ).create(type, "grant", assignment);
    const reader = await as("Reader");
    expect((await reader.read(GROUP, "group", id)).getId()).toBe(id);
    await refused(reader.create(ACCOUNT, "account", account));
    await refused(reader.update(GROUP, "group", id, group, { ...group, tags: { a: "b" } }));
    await refused(reader.remove(GROUP, "group", id));
    await refused((await as()).read(GROUP, "group", id));
    // What was refused has left no trace.
    expect([...cloud.all()].some(({ type: made }) => made === ACCOUNT)).toBe(false);
    await (
      await as("Owner")
    ).remove(type, "grant", `${id}/providers/Microsoft.Authorization/roleAssignments/${UNKNOWN}`);
  });

  test("a preview asks for no right to write, as Azure is not asked", async () => {
    await (await as("Contributor")).create(GROUP, "group", group);
    await (await as("Reader")).create(ACCOUNT, "account", account, true);
  });
});

describe("attaching", () => {
  test("every package has a port of its own and the version the program's SDK asks for", async () => {
    expect(Object.keys(ports).sort()).toEqual(["azure-native", "kubernetes", "random"]);
    expect(new Set(Object.values(ports)).size).toBe(3);
    for (const pkg of ["azure-native", "kubernetes", "random"]) {
      const instance = new Instance(ports[pkg] as string);
      instances.push(instance);
      const info = await instance.call<{ getVersion(): string }>("getPluginInfo", new Empty());
      const file = path.join(__dirname, "../../node_modules/@pulumi", pkg, "package.json");
      expect(info.getVersion()).toBe(
        (JSON.parse(fs.readFileSync(file, "utf8")) as { version: string }).version,
      );
      await instance.call("attach", new PluginAttach());
      const shake = await instance.call<proto.ProviderHandshakeResponse>(
        "handshake",
        new proto.ProviderHandshakeRequest(),
      );
      expect(shake.getAcceptSecrets()).toBe(true);
    }
  });

  test("two instances of one package keep their own subscription", async () => {
    const other = "b47a9e60-2c3d-4e8f-8b15-5d0f6a7c9e22";
    const [first, second] = [await azure(), await connect("azure-native", { subscriptionId: other })];
    expect((await first.create(GROUP, "one", group)).getId()).toContain(SUBSCRIPTION);
    expect((await second.create(GROUP, "two", group)).getId()).toContain(other);
  });
});

describe("resources", () => {
  test("a preview knows the inputs, not the rest, and leaves the cloud as it is", async () => {
    const outcome = await (await azure()).create(ACCOUNT, "account", account, true);
    expect(outcome.getId()).toBe("");
    expect(plain(outcome.getProperties())).toMatchObject({ kind: "StorageV2", primaryEndpoints: UNKNOWN });
    expect(cloud.size).toBe(0);
  });

  test("a parent that does not exist is ARM's 404, and nothing is made", async () => {
    const provider = await azure();
    await expect(provider.create(ACCOUNT, "account", account)).rejects.toThrow(
      /Status=404 .*resourceGroups\/rg-test/,
    );
    expect(cloud.size).toBe(0);
    await provider.create(GROUP, "group", group);
    expect((await provider.create(ACCOUNT, "account", account)).getId()).toMatch(/storageAccounts\/sttest$/);
  });

  test("a name that is taken is refused, and a deleted vault keeps its name", async () => {
    const provider = await azure();
    await provider.create(GROUP, "group", group);
    const id = (await provider.create(VAULT, "vault", vault)).getId();
    await expect(provider.create(VAULT, "again", vault)).rejects.toThrow(/Status=409/);
    await provider.remove(VAULT, "vault", id);
    expect((await provider.read(VAULT, "vault", id)).getId()).toBe("");
    await expect(provider.create(VAULT, "again", vault)).rejects.toThrow(/Status=409.*deleted/is);
  });

  test("secrets come back as secrets, and those of the service too", async () => {
    const provider = await azure();
    await provider.create(GROUP, "group", group);
    const made = await provider.create(SERVER, "server", { ...server, tags: { note: secret("quiet") } });
    expect(plain(made.getProperties())).toMatchObject({ tags: { note: secret("quiet") } });
    const random = await connect("random", {});
    const password = await random.create("random:index/randomPassword:RandomPassword", "password", {
      length: 20,
    });
    expect(plain(password.getProperties())["result"]).toMatchObject({ [SIGNATURE]: SECRET });
  });

  test("an immutable property replaces, with deletion first where the name stays; others update", async () => {
    const provider = await azure();
    await provider.create(GROUP, "group", group);
    await provider.create(SERVER, "server", server);
    const moved = await provider.diff(SERVER, "server", serverId, server, {
      ...server,
      location: "northeurope",
    });
    expect(moved.getReplacesList()).toEqual(["location"]);
    expect(moved.getDeletebeforereplace()).toBe(true);
    const renamed = await provider.diff(SERVER, "server", serverId, server, {
      ...server,
      serverName: "psql-other",
    });
    expect(renamed.getReplacesList()).toEqual(["serverName"]);
    expect(renamed.getDeletebeforereplace()).toBe(false);
    const bigger = await provider.diff(SERVER, "server", serverId, server, {
      ...server,
      sku: { ...server.sku, name: "Standard_D4ds_v5" },
    });
    expect(bigger.getReplacesList()).toEqual([]);
    expect(bigger.getDetaileddiffMap().get("sku.name")?.getKind()).toBe(proto.PropertyDiff.Kind.UPDATE);
    const same = await provider.diff(SERVER, "server", serverId, server, server);
    expect(same.getChanges()).toBe(proto.DiffResponse.DiffChanges.DIFF_NONE);
  });

  test("what Azure moved is read back as inputs, and what it never returns is kept from the state", async () => {
    const provider = await azure();
    await provider.create(GROUP, "group", group);
    const before = (await provider.create(SERVER, "server", server)).getProperties();
    happen(model, cloud, serverId, "ha-failover");
    const read = await provider.read(SERVER, "server", serverId, server, before);
    const inputs = {
      ...server,
      availabilityZone: "2",
      highAvailability: { mode: "ZoneRedundant", standbyAvailabilityZone: "1" },
    };
    expect(plain(read.getInputs())).toEqual(inputs);
    // Filled in by the service: no input before it changes.
    expect(plain(before)).toMatchObject({ replicationRole: "Primary" });
    change(cloud, serverId, "replicationRole", "AsyncReplica");
    const demoted = await provider.read(SERVER, "server", serverId, inputs, read.getProperties());
    expect(plain(demoted.getInputs())).toEqual({ ...inputs, replicationRole: "AsyncReplica" });
  });

  test("a refresh puts into the inputs what differs between the properties of before and now, and nothing else", async () => {
    const provider = await azure();
    await provider.create(GROUP, "group", group);
    const named = { ...account, tags: { of: "us", kept: "x" }, sku: { name: "standard_lrs" } };
    const made = await provider.create(ACCOUNT, "account", named);
    const properties = made.getProperties();
    const inputs = async (of = properties) =>
      plain((await provider.read(ACCOUNT, "account", made.getId(), named, of)).getInputs());
    expect(await inputs()).toEqual(named);
    change(cloud, made.getId(), "accessTier", "Cool");
    expect(await inputs()).toEqual({ ...named, accessTier: "Cool" });
    change(cloud, made.getId(), "tags", { of: "them" });
    expect(await inputs()).toEqual({ ...named, accessTier: "Cool", tags: { of: "them" } });
    // What the state knows already has not changed, whatever the inputs say.
    const now = (await provider.read(ACCOUNT, "account", made.getId(), named, properties)).getProperties();
    expect(await inputs(now)).toEqual(named);
  });

  test("what others sent to Azure is no input, unless a property shows it", async () => {
    const provider = await azure();
    await provider.create(GROUP, "group", group);
    const before = (await provider.create(SERVER, "server", server)).getProperties();
    const stored = cloud.get(model.resource(SERVER).key(serverId, { package: "azure-native", config: {} }))!;
    cloud.put({
      ...stored,
      inputs: { ...stored.inputs, createMode: "Update", version: "16", maintenanceWindow: { dayOfWeek: 0 } },
      outputs: { ...stored.outputs, maintenanceWindow: { dayOfWeek: 0 } },
    });
    const read = await provider.read(SERVER, "server", serverId, server, before);
    expect(plain(read.getInputs())).toEqual({ ...server, maintenanceWindow: { dayOfWeek: 0 } });
  });

  test("after a switchover an endpoint is read and changed by the path below the server that writes, and by no other", async () => {
    const provider = await azure();
    await provider.create(GROUP, "group", group);
    await provider.create(SERVER, "server", server);
    const copy = { serverName: "psql-copy", resourceGroupName: "rg-test", location: "westeurope" };
    const made = { ...copy, createMode: "Replica", sourceServerResourceId: serverId };
    const copyId = (await provider.create(SERVER, "copy", made)).getId();
    const type = "azure-native:dbforpostgresql:VirtualEndpoint";
    const endpoint = {
      virtualEndpointName: "shop",
      serverName: "psql-test",
      resourceGroupName: "rg-test",
      endpointType: "ReadWrite",
      members: ["psql-copy"],
    };
    const own = await provider.create(type, "endpoint", endpoint);
    const replica = cloud.get(model.resource(SERVER).key(copyId, { package: "azure-native", config: {} }))!;
    promote(cloud, replica, { mode: "switchover", option: "planned", primaryAnswers: true });
    await expect(provider.read(type, "endpoint", own.getId(), endpoint)).rejects.toThrow(/ServerNotActive/);
    const there = `${copyId}/virtualendpoints/shop`;
    const read = await provider.read(type, "endpoint", there, endpoint, own.getProperties());
    expect([read.getId(), plain(read.getInputs())["members"]]).toEqual([there, ["psql-test"]]);
    await expect(provider.remove(type, "endpoint", own.getId())).rejects.toThrow(/ServerNotActive/);
    await provider.remove(type, "endpoint", there);
    expect((await provider.read(type, "endpoint", there, endpoint)).getId()).toBe("");
  });

  test("an import takes what can be sent of everything that is shown, and the names of its id", async () => {
    const provider = await azure();
    await provider.create(GROUP, "group", group);
    await provider.create(SERVER, "server", server);
    const { administratorLoginPassword, ...sendable } = server;
    void administratorLoginPassword;
    const read = plain((await provider.read(SERVER, "server", serverId)).getInputs());
    expect(read).toMatchObject({ ...sendable, replicationRole: "Primary" });
    for (const never of ["administratorLoginPassword", "createMode", "state", "name", "id", "type"])
      expect(read).not.toHaveProperty(never);
  });

  test("a refresh of an object in a cluster looks at the fields of the state's inputs only", async () => {
    const cluster = await connect("kubernetes", { clusterIdentifier: "one" });
    const type = "kubernetes:core/v1:ConfigMap";
    const settings = { metadata: { name: "settings" }, data: { level: "info" } };
    const made = await cluster.create(type, "settings", settings);
    change(cloud, made.getId(), "metadata.annotations", { "kubectl.kubernetes.io/restartedAt": "now" });
    const inputs = async () =>
      plain((await cluster.read(type, "settings", made.getId(), settings, made.getProperties())).getInputs());
    expect(await inputs()).toEqual(settings);
    change(cloud, made.getId(), "data.level", "debug");
    expect(await inputs()).toEqual({ ...settings, data: { level: "debug" } });
  });

  test("a cluster that does not answer is left out of the state, and what others set is taken over, where the provider is told so", async () => {
    const one = { clusterIdentifier: "one" };
    const type = "kubernetes:core/v1:ConfigMap";
    const settings = (level: string) => ({ metadata: { name: "settings" }, data: { level } });
    const [strict, told] = [
      await connect("kubernetes", one),
      // As the SDK hands them over.
      await connect("kubernetes", { ...one, deleteUnreachable: "true", enablePatchForce: "true" }),
    ];
    const id = (await strict.create(type, "settings", settings("info"))).getId();
    await expect(strict.create(type, "again", settings("debug"))).rejects.toThrow(/conflict/i);
    expect((await told.create(type, "again", settings("debug"))).getId()).toBe(id);
    faults.outage("the cluster", ({ key }) => key.startsWith("kubernetes:one:"));
    await expect(strict.remove(type, "settings", id)).rejects.toThrow(/the cluster does not answer/);
    await told.remove(type, "settings", id);
    faults.clear();
    expect((await strict.read(type, "settings", id, settings("debug"))).getId()).toBe(id);
  });

  test("random values live in the state: reading returns them, and other keepers replace", async () => {
    const random = await connect("random", {});
    const type = "random:index/randomString:RandomString";
    const made = await random.create(type, "suffix", { length: 6, keepers: { issued: "a" } });
    const read = await random.read(type, "suffix", made.getId(), { length: 6 });
    expect(read.getId()).toBe(made.getId());
    const diff = await random.diff(
      type,
      "suffix",
      made.getId(),
      { length: 6, keepers: { issued: "a" } },
      { length: 6, keepers: { issued: "b" } },
    );
    expect(diff.getReplacesList()).not.toEqual([]);
  });

  test("an unknown type is an error that says where to add it", async () => {
    await expect((await azure()).check("azure-native:quantum:Workspace", "q", {})).rejects.toThrow(
      /add it to/,
    );
  });

  test("one seed gives the same cloud twice", async () => {
    const provider = await azure();
    await provider.create(GROUP, "group", group);
    await provider.create(SERVER, "server", server);
    const first = [...cloud.all()];
    cloud.restore(new Map());
    await provider.create(GROUP, "group", group);
    await provider.create(SERVER, "server", server);
    expect([...cloud.all()]).toEqual(first);
  });
});

describe("faults", () => {
  test("two operations on one server at once: the second finds it busy", async () => {
    const provider = await azure();
    await provider.create(GROUP, "group", group);
    await provider.create(SERVER, "server", server);
    const both = await Promise.allSettled([
      provider.create(DATABASE, "a", database),
      provider.create(DATABASE, "b", { ...database, databaseName: "other" }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const refused = both.find(({ status }) => status === "rejected") as PromiseRejectedResult;
    expect(String(refused.reason)).toMatch(/Status=409 ServerIsBusy/);
    await provider.create(DATABASE, "b", { ...database, databaseName: "other" });
  });

  test("the n-th matching create fails once and does nothing", async () => {
    const provider = await azure();
    faults.add({ operation: "create", type: "resources:ResourceGroup", nth: 2, effect: "refuse" });
    await provider.create(GROUP, "one", group);
    await expect(provider.create(GROUP, "two", { ...group, resourceGroupName: "rg-2" })).rejects.toThrow(
      /Status=500/,
    );
    expect(cloud.size).toBe(1);
    await provider.create(GROUP, "two", { ...group, resourceGroupName: "rg-2" });
    expect(faults.waiting).toEqual([]);
  });

  test("a create that times out leaves the resource, and tells the engine about it", async () => {
    const provider = await azure();
    faults.add({ operation: "create", type: GROUP, effect: "timeout" });
    const error = (await provider.create(GROUP, "one", group).catch((e: unknown) => e)) as grpc.ServiceError;
    const status = Status.deserializeBinary(error.metadata.get("grpc-status-details-bin")[0] as Buffer);
    const [detail] = status.getDetailsList();
    const failed = proto.ErrorResourceInitFailed.deserializeBinary(detail?.getValue_asU8() as Uint8Array);
    expect(failed.getId()).toMatch(/resourceGroups\/rg-test$/);
    expect(plain(failed.getInputs())).toMatchObject(group);
    expect(cloud.size).toBe(1);
  });

  test("throttling is waited out like the SDK does, until it lasts too long", async () => {
    const provider = await azure();
    faults.add({ operation: "create", type: "*", effect: "throttle", times: 3 });
    await provider.create(GROUP, "one", group);
    faults.add({ operation: "create", type: "*", effect: "throttle", times: 4 });
    await expect(provider.create(ACCOUNT, "account", account)).rejects.toThrow(/Status=429 .*Retry-After/);
  });

  test("an outage refuses everything it covers, and says what does not answer", async () => {
    const provider = await azure();
    const id = (await provider.create(GROUP, "one", group)).getId();
    faults.outage("region westeurope", ({ key }) => key.includes("rg-test"));
    await expect(provider.read(GROUP, "one", id)).rejects.toThrow(/Status=503 .*region westeurope/);
    faults.clear();
    expect((await provider.read(GROUP, "one", id)).getId()).toBe(id);
  });

  test("drift and deletion behind Pulumi's back are seen by the next read", async () => {
    const provider = await azure();
    const id = (await provider.create(GROUP, "group", group)).getId();
    const accountId = (await provider.create(ACCOUNT, "account", account)).getId();
    await provider.create(CONTAINER, "container", {
      containerName: "backups",
      accountName: "sttest",
      resourceGroupName: "rg-test",
    });
    change(cloud, accountId, "sku.name", "Standard_GRS");
    expect(plain((await provider.read(ACCOUNT, "account", accountId)).getInputs())).toMatchObject({
      sku: { name: "Standard_GRS" },
    });
    expect(resourcesBelow(cloud, id)).toHaveLength(3);
    deleteBehind(cloud, accountId);
    expect((await provider.read(ACCOUNT, "account", accountId)).getId()).toBe("");
    expect(resourcesBelow(cloud, id)).toHaveLength(1);
  });

  test("a fault on the command line is read, and a bad one says what is allowed", () => {
    expect(parseFault("create dbforpostgresql:Server#2 timeout")).toEqual({
      operation: "create",
      type: "dbforpostgresql:Server",
      nth: 2,
      effect: "timeout",
    });
    expect(() => parseFault("make * refuse")).toThrow(
      /operation is "make"; allowed: create, read, update, delete/,
    );
    expect(() => parseFault("create * explode")).toThrow(/effect is "explode"; allowed: refuse/);
    expect(() => parseFault("create *#0 refuse")).toThrow(/type is "\*#0"/);
    expect(() => parseFault("create *")).toThrow(/expected "<operation>/);
  });
});

describe("the kept store", () => {
  let folder: string;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "forma3d-store-"))));
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  test("what is saved is what is loaded, readable by its owner only", async () => {
    const provider = await azure();
    await provider.create(GROUP, "group", group);
    await provider.create(SERVER, "server", server);
    saveCloud(folder, cloud);
    const loaded = loadCloud(folder);
    expect(loaded.seed).toBe("test");
    expect(Object.fromEntries(loaded.snapshot())).toEqual(Object.fromEntries(cloud.snapshot()));
    expect(fs.statSync(path.join(folder, "cloud.json")).mode & 0o077).toBe(0);
  });

  test("a missing or foreign file is named, with what is wrong", () => {
    expect(() => loadCloud(folder)).toThrow(/cloud\.json: there is no emulated cloud here/);
    fs.writeFileSync(path.join(folder, "cloud.json"), "{");
    expect(() => loadCloud(folder)).toThrow(/is not JSON/);
    fs.writeFileSync(
      path.join(folder, "cloud.json"),
      JSON.stringify({ format: 2, seed: "x", resources: [] }),
    );
    expect(() => loadCloud(folder)).toThrow(/not an emulated cloud of format 1: format/);
  });
});
