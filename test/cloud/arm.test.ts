import tls from "node:tls";
import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { CdnManagementClient } from "@azure/arm-cdn";
import { ContainerServiceClient } from "@azure/arm-containerservice";
import { KeyVaultManagementClient } from "@azure/arm-keyvault";
import { NetworkManagementClient } from "@azure/arm-network";
import { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import { ResourceManagementClient } from "@azure/arm-resources";
import { StorageManagementClient } from "@azure/arm-storage";
import { SecretClient } from "@azure/keyvault-secrets";
import { Authority } from "../../packages/emulated-azure/certificates";
import { EmulatedCloud, emulatedCloud } from "../../packages/emulated-azure/cloud";
import { Listening, listen } from "../../packages/emulated-azure/listen";
import type { Principal } from "../../packages/emulated-azure/rights/directory";
import { grant } from "../../packages/emulated-azure/rights/grant";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { credentialOf } from "./client";
import { resourceManager } from "../../apps/operations/ground/resources";
import { importImage } from "../../apps/tools/images/import";
import { ARM_REFUSALS } from "../../policies/arm/armLimits";

const SUBSCRIPTION = "11111111-2222-4333-8444-555555555555";
const SCOPE = `/subscriptions/${SUBSCRIPTION}`;
const GROUP = "rg-shop";
const OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

let cloud: EmulatedCloud;
let listening: Listening;
let operator: Principal;
let reader: Principal;
let stranger: Principal;

/** A role for somebody, put there as whoever made the subscription would have. */
const assign = (principal: Principal, role: string, scope = SCOPE) =>
  grant(cloud.cloud, { principal, role, scope });

function clients(principal: Principal) {
  const credential = credentialOf(cloud, listening, principal);
  const options = {
    endpoint: listening.address,
    tlsOptions: { ca: listening.certificate },
    retryOptions: { maxRetries: 3, retryDelayInMs: 1 },
  };
  return {
    resources: new ResourceManagementClient(credential, SUBSCRIPTION, options),
    postgres: new PostgreSQLManagementFlexibleServerClient(credential, SUBSCRIPTION, options),
    storage: new StorageManagementClient(credential, SUBSCRIPTION, options),
    vaults: new KeyVaultManagementClient(credential, SUBSCRIPTION, options),
    authorization: new AuthorizationManagementClient(credential, SUBSCRIPTION, options),
    network: new NetworkManagementClient(credential, SUBSCRIPTION, options),
    cdn: new CdnManagementClient(credential, SUBSCRIPTION, options),
    clusters: new ContainerServiceClient(credential, SUBSCRIPTION, options),
  };
}

const serverId = (name: string): string =>
  `${SCOPE}/resourceGroups/${GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${name}`;

const poll = { updateIntervalInMs: 5 };
const server = (location: string) => ({
  location,
  version: "17",
  sku: { name: "Standard_D4ds_v5", tier: "GeneralPurpose" as const },
  storage: { storageSizeGB: 128, autoGrow: "Enabled" as const },
  backup: { backupRetentionDays: 35, geoRedundantBackup: "Disabled" as const },
  administratorLogin: "keeper",
  administratorLoginPassword: "not a real 1",
});

async function all<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of pages) found.push(one);
  return found;
}

beforeAll(async () => {
  cloud = emulatedCloud(sandboxModel(), { retryAfter: 0, refusals: ARM_REFUSALS });
  listening = await listen(cloud);
  [operator, reader, stranger] = ["operator", "reader", "stranger"].map((displayName) =>
    cloud.directory.add({ displayName, secret: `${displayName} signs in` }),
  ) as [Principal, Principal, Principal];
  assign(operator, "Owner");
  assign(reader, "Reader");
  const { resources, postgres, vaults, storage } = clients(operator);
  await resources.resourceGroups.createOrUpdate(GROUP, { location: "westeurope" });
  await postgres.servers.beginCreateOrUpdateAndWait(GROUP, "psql-shop", server("westeurope"), poll);
  await postgres.servers.beginCreateOrUpdateAndWait(
    GROUP,
    "psql-shop-copy",
    { location: "northeurope", createMode: "Replica", sourceServerResourceId: serverId("psql-shop") },
    poll,
  );
  await postgres.virtualEndpoints.beginCreateAndWait(
    GROUP,
    "psql-shop",
    "shop",
    { endpointType: "ReadWrite", members: ["psql-shop-copy"] },
    poll,
  );
  const vault = { tenantId: cloud.directory.tenantId, sku: { family: "A", name: "standard" } } as const;
  await vaults.vaults.createOrUpdate(
    GROUP,
    "kv-shop",
    { location: "westeurope", properties: { ...vault, enableRbacAuthorization: true } },
    poll,
  );
  await vaults.secrets.createOrUpdate(GROUP, "kv-shop", "partner-key", { properties: { value: "made up" } });
  await storage.storageAccounts.create(
    GROUP,
    "stshop",
    { location: "westeurope", kind: "StorageV2", sku: { name: "Standard_RAGRS" } },
    poll,
  );
}, 180_000);

afterAll(() => listening?.stop());

/** Puts a link service with a connection that waits there, as a cluster and a Front Door of somebody's would have. */
function linkService(): string {
  const at = `${SCOPE}/resourceGroups/${GROUP}/providers/Microsoft.Network/privateLinkServices/pls-shop`;
  const scope = { package: "azure-native", config: { subscriptionId: SUBSCRIPTION } };
  const inputs = { resourceGroupName: GROUP, serviceName: "pls-shop" };
  const type = "azure-native:network:PrivateLinkService";
  cloud.model.create(type, "", { ...inputs, location: "westeurope" }, scope, cloud.cloud);
  cloud.model.create(
    `${type}PrivateEndpointConnection`,
    "",
    { ...inputs, peConnectionName: "afd", privateLinkServiceConnectionState: { status: "Pending" } },
    scope,
    cloud.cloud,
  );
  return at;
}

/** What a client was refused with. */
async function refusal(
  promise: Promise<unknown>,
): Promise<{ status: number; code: string; message: string }> {
  try {
    await promise;
  } catch (error) {
    const { statusCode, code, message } = error as { statusCode: number; code: string; message: string };
    return { status: statusCode, code, message };
  }
  throw new Error("it was not refused");
}

describe("Microsoft's own clients", () => {
  test("list groups, and show a server and its replica as they were declared", async () => {
    const { resources, postgres } = clients(operator);
    expect((await all(resources.resourceGroups.list())).map(({ name }) => name)).toEqual([GROUP]);
    const found = await postgres.servers.get(GROUP, "psql-shop");
    expect(found).toMatchObject({
      name: "psql-shop",
      location: "westeurope",
      version: "17",
      state: "Ready",
      replicationRole: "Primary",
    });
    expect(found.administratorLoginPassword).toBeUndefined();
    expect(found.backup?.earliestRestoreDate).toBeInstanceOf(Date);
    const replica = await postgres.servers.get(GROUP, "psql-shop-copy");
    expect(replica).toMatchObject({
      version: "17",
      replicationRole: "AsyncReplica",
      backup: { geoRedundantBackup: "Disabled" },
    });
    const names = (await all(postgres.servers.listBySubscription())).map(({ name }) => name);
    expect(names.sort()).toEqual(["psql-shop", "psql-shop-copy"]);
  });

  test("promote a replica: the pair is swapped, and the endpoint belongs to who writes", async () => {
    const { postgres } = clients(operator);
    const planned = { replica: { promoteMode: "Switchover", promoteOption: "Planned" } } as const;
    const forced = { replica: { promoteMode: "Switchover", promoteOption: "Forced" } } as const;
    // Every deployment after the first leaves out how the replica was made.
    const made = cloud.cloud.get(`arm:${serverId("psql-shop-copy").toLowerCase()}`)!;
    const { createMode: _, ...inputs } = made.inputs;
    cloud.cloud.put({ ...made, inputs });
    // While the primary's region is lost nothing planned is possible.
    cloud.faults.outage("westeurope", ({ key }) => key.endsWith("/flexibleservers/psql-shop"));
    expect(
      await refusal(postgres.servers.beginUpdateAndWait(GROUP, "psql-shop-copy", planned, poll)),
    ).toMatchObject({
      status: 400,
    });
    await postgres.servers.beginUpdateAndWait(GROUP, "psql-shop-copy", forced, poll);
    cloud.faults.clear();
    expect(await postgres.servers.get(GROUP, "psql-shop-copy")).toMatchObject({ replicationRole: "Primary" });
    const former = await postgres.servers.get(GROUP, "psql-shop");
    expect(former).toMatchObject({
      replicationRole: "AsyncReplica",
      sourceServerResourceId: serverId("psql-shop-copy"),
    });
    expect(await refusal(postgres.virtualEndpoints.get(GROUP, "psql-shop", "shop"))).toMatchObject({
      status: 400,
    });
    const endpoint = await postgres.virtualEndpoints.get(GROUP, "psql-shop-copy", "shop");
    expect(endpoint.members).toEqual(["psql-shop"]);
    // Whoever writes now takes a password and nothing else with it, and is what it was; the other takes it from there.
    const password = { administratorLoginPassword: "not a real 1" };
    await postgres.servers.beginUpdateAndWait(GROUP, "psql-shop-copy", password, poll);
    expect(await postgres.servers.get(GROUP, "psql-shop-copy")).toMatchObject({
      version: "17",
      replicationRole: "Primary",
      administratorLogin: "keeper",
      sku: former.sku,
      storage: former.storage,
    });
    expect(
      await refusal(postgres.servers.beginUpdateAndWait(GROUP, "psql-shop", password, poll)),
    ).toMatchObject({ status: 400 });
    // And back, which loses nothing.
    await postgres.servers.beginUpdateAndWait(GROUP, "psql-shop", planned, poll);
    expect(await postgres.servers.get(GROUP, "psql-shop")).toMatchObject({ replicationRole: "Primary" });
    expect((await postgres.virtualEndpoints.get(GROUP, "psql-shop", "shop")).members).toEqual([
      "psql-shop-copy",
    ]);
  });

  test("restore to a point in time: a server of its own beside the first", async () => {
    const { postgres } = clients(operator);
    const restored = await postgres.servers.beginCreateOrUpdateAndWait(
      GROUP,
      "psql-shop-restored",
      {
        location: "westeurope",
        createMode: "PointInTimeRestore",
        sourceServerResourceId: serverId("psql-shop"),
        pointInTimeUTC: new Date("2026-11-01T00:00:00Z"),
      },
      poll,
    );
    expect(restored).toMatchObject({
      version: "17",
      replicationRole: "Primary",
      administratorLogin: "keeper",
    });
    await postgres.servers.beginDeleteAndWait(GROUP, "psql-shop-restored", poll);
    expect(await refusal(postgres.servers.get(GROUP, "psql-shop-restored"))).toMatchObject({
      status: 404,
      code: "ResourceNotFound",
    });
  });

  test("approve a link that waits", async () => {
    linkService();
    const { network } = clients(operator);
    const before = await network.privateLinkServices.get(GROUP, "pls-shop");
    expect(
      before.privateEndpointConnections?.map((one) => one.privateLinkServiceConnectionState?.status),
    ).toEqual(["Pending"]);
    await network.privateLinkServices.updatePrivateEndpointConnection(GROUP, "pls-shop", "afd", {
      name: "afd",
      privateLinkServiceConnectionState: { status: "Approved", description: "let in" },
    });
    const after = await network.privateLinkServices.getPrivateEndpointConnection(GROUP, "pls-shop", "afd");
    expect(after.privateLinkServiceConnectionState).toMatchObject({
      status: "Approved",
      description: "let in",
    });
  });

  test("see a secret without its value, and bring a deleted vault back", async () => {
    const { vaults } = clients(operator);
    const secret = await vaults.secrets.get(GROUP, "kv-shop", "partner-key");
    expect(secret.properties?.secretUri).toBe("https://kv-shop.vault.azure.net/secrets/partner-key");
    expect(JSON.stringify(secret)).not.toContain("made up");
    await vaults.vaults.delete(GROUP, "kv-shop");
    expect((await all(vaults.vaults.listDeleted())).map(({ name }) => name)).toEqual(["kv-shop"]);
    await vaults.vaults.createOrUpdate(
      GROUP,
      "kv-shop",
      {
        location: "westeurope",
        properties: {
          tenantId: cloud.directory.tenantId,
          sku: { family: "A", name: "standard" },
          createMode: "recover",
        },
      },
      poll,
    );
    expect((await vaults.secrets.get(GROUP, "kv-shop", "partner-key")).name).toBe("partner-key");
  });

  test("fail a storage account over: locally redundant, where its copy was", async () => {
    const { storage } = clients(operator);
    expect(await storage.storageAccounts.getProperties(GROUP, "stshop")).toMatchObject({
      secondaryLocation: "northeurope",
    });
    await storage.storageAccounts.failover(GROUP, "stshop", poll);
    const after = await storage.storageAccounts.getProperties(GROUP, "stshop");
    expect(after).toMatchObject({ primaryLocation: "northeurope", sku: { name: "Standard_LRS" } });
    expect(after.secondaryLocation).toBeUndefined();
    expect(
      await refusal(Promise.resolve(storage.storageAccounts.failover(GROUP, "stshop", poll))),
    ).toMatchObject({
      status: 409,
    });
  });

  test("import an image into a registry: by its digest, without a tag, if one may", async () => {
    const at = `${SCOPE}/resourceGroups/${GROUP}/providers/Microsoft.ContainerRegistry/registries/`;
    const known = `ghcr.io/shop/api@sha256:${"a1".repeat(32)}`;
    const ground = (who: Principal) =>
      resourceManager(clients(who).resources, { endpoint: listening.address, pollMs: 5 });
    await ground(operator).put(
      `${at}crshop`,
      "2023-07-01",
      { location: "westeurope", sku: { name: "Premium" } },
      AbortSignal.timeout(60_000),
    );
    const login = { registry: "ghcr.io", username: "shop", password: "not a real 1" };
    await importImage(ground(operator), `${at}crshop`, known, login);
    const unnamed = { source: { registryUri: "ghcr.io" }, untaggedTargetRepositories: ["ghcr.io/shop/api"] };
    await expect(
      ground(operator).post(`${at}crshop/importImage`, "2023-07-01", unnamed, AbortSignal.timeout(60_000)),
    ).rejects.toThrow(/source.sourceImage is needed/);
    await expect(importImage(ground(reader), `${at}crshop`, known)).rejects.toThrow(/AuthorizationFailed/);
    await expect(importImage(ground(operator), `${at}crnone`, known)).rejects.toThrow(/ResourceNotFound/);
  });

  test("read what there is of Front Door, clusters and rights", async () => {
    const { cdn, clusters, authorization } = clients(operator);
    await cdn.profiles.beginCreateAndWait(
      GROUP,
      "afd-shop",
      { location: "Global", sku: { name: "Premium_AzureFrontDoor" } },
      poll,
    );
    await cdn.afdEndpoints.beginCreateAndWait(
      GROUP,
      "afd-shop",
      "shop",
      { location: "Global", enabledState: "Enabled" },
      poll,
    );
    await cdn.afdEndpoints.beginUpdateAndWait(GROUP, "afd-shop", "shop", { enabledState: "Disabled" }, poll);
    const endpoints = await all(cdn.afdEndpoints.listByProfile(GROUP, "afd-shop"));
    expect(endpoints.map(({ name, enabledState }) => [name, enabledState])).toEqual([["shop", "Disabled"]]);
    expect(await all(clusters.managedClusters.list())).toEqual([]);
    const roles = (await all(authorization.roleDefinitions.list(SCOPE))).map(({ roleName }) => roleName);
    expect(roles).toEqual(expect.arrayContaining(["Owner", "Reader", "Storage Blob Data Reader"]));
    const principals = (await all(authorization.roleAssignments.listForSubscription())).map(
      ({ principalId }) => principalId,
    );
    expect(principals.sort()).toEqual([operator.objectId, reader.objectId].sort());
  });
});

describe("a vault's secrets, through Microsoft's client", () => {
  const VAULT = "https://kv-shop.vault.azure.net";
  function secretsAs(principal: Principal): SecretClient {
    const token = cloud.directory.issue(principal, "https://vault.azure.net");
    const credential = {
      getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 600_000 }),
    };
    return new SecretClient(VAULT, credential, {
      proxyOptions: { host: "http://127.0.0.1", port: Number(new URL(listening.proxy).port) },
      retryOptions: { maxRetries: 0 },
    });
  }
  const values = (client: SecretClient, name: string) => client.getSecret(name).then(({ value }) => value);
  let keeper: SecretClient;

  // What goes through a proxy trusts what the process does.
  const trusted = tls.getCACertificates("default");
  afterAll(() => tls.setDefaultCACertificates(trusted));
  beforeAll(async () => {
    // Who trusts two clouds trusts each by itself.
    const another = await Authority.create();
    tls.setDefaultCACertificates([...trusted, another.certificate, listening.certificate]);
    const principal = cloud.directory.add({ displayName: "keeper", secret: "keeper signs in" });
    assign(principal, "Key Vault Secrets Officer");
    keeper = secretsAs(principal);
  });

  test("each value that is set is a version of its own, which stays readable by its address, and has nothing of the one before", async () => {
    const first = await keeper.setSecret("session", "one", { contentType: "API key", tags: { a: "b" } });
    expect(first.properties).toMatchObject({ contentType: "API key", enabled: true, tags: { a: "b" } });
    const second = await keeper.setSecret("session", "two");
    expect(second.properties.version).not.toBe(first.properties.version);
    expect([second.properties.contentType, second.properties.tags]).toEqual([undefined, undefined]);
    expect(await values(keeper, "session")).toBe("two");
    const { version } = first.properties;
    expect(await keeper.getSecret("session", { version })).toMatchObject({
      value: "one",
      properties: { version, contentType: "API key" },
    });
    const all_ = await all(keeper.listPropertiesOfSecretVersions("session"));
    expect(all_.map((one) => one.version)).toEqual([version, second.properties.version]);
    expect(await refusal(keeper.getSecret("session", { version: "0".repeat(32) }))).toMatchObject({
      status: 404,
      code: "SecretNotFound",
    });
    // By the resource manager it is the same secret, and what is set there a version too.
    const { vaults } = clients(operator);
    const uri = async () =>
      (await vaults.secrets.get(GROUP, "kv-shop", "session")).properties.secretUriWithVersion;
    expect(await uri()).toBe(`${VAULT}/secrets/session/${second.properties.version}`);
    await vaults.secrets.createOrUpdate(GROUP, "kv-shop", "session", { properties: { value: "three" } });
    expect(await uri()).not.toContain(second.properties.version);
    expect(await values(keeper, "session")).toBe("three");
    expect(await all(keeper.listPropertiesOfSecretVersions("session"))).toHaveLength(3);
  });

  test("attributes are changed without the value; one that is disabled is not read; one before its time and after it is", async () => {
    const [past, future] = [new Date("2020-01-01T00:00:00Z"), new Date("2037-01-01T00:00:00Z")];
    const { properties } = await keeper.setSecret("dated", "kept", { notBefore: future });
    expect([properties.notBefore, properties.createdOn]).toEqual([future, expect.any(Date)]);
    await keeper.updateSecretProperties("dated", properties.version!, {
      notBefore: new Date(0),
      expiresOn: past,
      contentType: "text",
    });
    expect(await keeper.getSecret("dated")).toMatchObject({
      value: "kept",
      properties: { version: properties.version, expiresOn: past, contentType: "text" },
    });
    await keeper.updateSecretProperties("dated", properties.version!, { enabled: false });
    expect(await refusal(keeper.getSecret("dated"))).toMatchObject({ status: 403, code: "Forbidden" });
    expect((await keeper.setSecret("dated", "again")).properties.enabled).toBe(true);
    expect(await values(keeper, "dated")).toBe("again");
  });

  test("one that is deleted keeps its name, and comes back or is purged", async () => {
    await keeper.setSecret("gone", "with it");
    const deleted = await (await keeper.beginDeleteSecret("gone", { intervalInMs: 5 })).pollUntilDone();
    expect(deleted.properties).toMatchObject({ recoveryId: `${VAULT}/deletedsecrets/gone` });
    expect(deleted.properties.scheduledPurgeDate!.getTime()).toBeGreaterThan(
      deleted.properties.deletedOn!.getTime(),
    );
    expect(await refusal(keeper.getSecret("gone"))).toMatchObject({ status: 404 });
    expect(await refusal(clients(operator).vaults.secrets.get(GROUP, "kv-shop", "gone"))).toMatchObject({
      status: 404,
    });
    expect((await all(keeper.listDeletedSecrets())).map(({ name }) => name)).toEqual(["gone"]);
    expect(await refusal(keeper.setSecret("gone", "anew"))).toMatchObject({ status: 409, code: "Conflict" });
    await (await keeper.beginRecoverDeletedSecret("gone", { intervalInMs: 5 })).pollUntilDone();
    expect(await values(keeper, "gone")).toBe("with it");
    await (await keeper.beginDeleteSecret("gone", { intervalInMs: 5 })).pollUntilDone();
    await keeper.purgeDeletedSecret("gone");
    await keeper.setSecret("gone", "anew");
    expect(await values(keeper, "gone")).toBe("anew");
  });

  test("more than a page of them are all listed", async () => {
    for (let i = 0; i < 30; i++) await keeper.setSecret(`page-${i}`, "x");
    const names = (await all(keeper.listPropertiesOfSecrets())).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith("page-"))).toHaveLength(30);
    const [first] = await all(keeper.listPropertiesOfSecrets().byPage());
    expect(first).toHaveLength(25);
    const made: (string | undefined)[] = [];
    for (let i = 0; i < 30; i++) made.push((await keeper.setSecret("often", `${i}`)).properties.version);
    const kept = await all(keeper.listPropertiesOfSecretVersions("often"));
    expect(kept.map(({ version }) => version)).toEqual(made);
  });

  test("who may only read secrets sets, changes, deletes and purges none", async () => {
    const user = cloud.directory.add({ displayName: "reads secrets", secret: "signs in" });
    assign(user, "Key Vault Secrets User");
    const client = secretsAs(user);
    expect(await values(client, "session")).toBe("three");
    const { properties } = await client.getSecret("session");
    for (const act of [
      () => client.setSecret("session", "x"),
      () => client.updateSecretProperties("session", properties.version!, { enabled: false }),
      () => client.beginDeleteSecret("session"),
      () => client.purgeDeletedSecret("session"),
    ])
      expect(await refusal(act())).toMatchObject({ status: 403, code: "Forbidden" });
  });
});

describe("rights", () => {
  const acts = (principal: Principal): Record<string, () => Promise<unknown>> => {
    const { postgres, network, vaults } = clients(principal);
    const forced = { replica: { promoteMode: "Switchover", promoteOption: "Forced" } } as const;
    const link = { privateLinkServiceConnectionState: { status: "Approved" } };
    const restore = {
      location: "westeurope",
      createMode: "PointInTimeRestore",
      sourceServerResourceId: serverId("psql-shop"),
      pointInTimeUTC: new Date("2026-11-01T00:00:00Z"),
    };
    return {
      show: () => postgres.servers.get(GROUP, "psql-shop"),
      promote: () => postgres.servers.beginUpdateAndWait(GROUP, "psql-shop-copy", forced, poll),
      restore: () => postgres.servers.beginCreateOrUpdateAndWait(GROUP, "psql-other", restore, poll),
      approve: () =>
        network.privateLinkServices.updatePrivateEndpointConnection(GROUP, "pls-shop", "afd", link),
      secret: () => vaults.secrets.get(GROUP, "kv-shop", "partner-key"),
    };
  };
  const ACTIONS: Record<string, string> = {
    show: "Microsoft.DBforPostgreSQL/flexibleServers/read",
    promote: "Microsoft.DBforPostgreSQL/flexibleServers/write",
    restore: "Microsoft.DBforPostgreSQL/flexibleServers/write",
    approve: "Microsoft.Network/privateLinkServices/privateEndpointConnections/write",
    secret: "Microsoft.KeyVault/vaults/secrets/read",
  };

  test.each(Object.keys(ACTIONS))(
    "somebody without a role is refused to %s, by name, action and scope",
    async (act) => {
      const { status, code, message } = await refusal(acts(stranger)[act]!());
      expect([status, code]).toEqual([403, "AuthorizationFailed"]);
      expect(message).toContain(`object id '${stranger.objectId}'`);
      expect(message).toContain(`perform action '${ACTIONS[act]}'`);
      expect(message).toContain(`over scope '${SCOPE}/resourceGroups/${GROUP}/`);
    },
  );

  test("a reader sees and changes nothing", async () => {
    const { show, secret, ...changes } = acts(reader);
    await show!();
    await secret!();
    for (const [act, change] of Object.entries(changes))
      expect([act, (await refusal(change())).code]).toEqual([act, "AuthorizationFailed"]);
    expect((await clients(operator).postgres.servers.get(GROUP, "psql-shop-copy")).replicationRole).toBe(
      "AsyncReplica",
    );
  });

  test("somebody without a role anywhere sees no subscription, and is refused its groups", async () => {
    const { resources } = clients(stranger);
    expect(await refusal(all(resources.resourceGroups.list()))).toMatchObject({ status: 403 });
  });

  test("a contributor makes nobody an owner, and a role of the cloud's own counts as any other", async () => {
    const builder = cloud.directory.add({ displayName: "builder", secret: "builder signs in" });
    assign(builder, "Contributor");
    const { authorization } = clients(builder);
    const name = "5f2c7a5e-0a43-4a4e-9a53-2b5a0b1f3d10";
    const owner = {
      principalId: builder.objectId,
      principalType: "ServicePrincipal",
      roleDefinitionId: `${SCOPE}/providers/Microsoft.Authorization/roleDefinitions/${OWNER}`,
    } as const;
    expect(await refusal(authorization.roleAssignments.create(SCOPE, name, owner))).toMatchObject({
      code: "AuthorizationFailed",
      message: expect.stringContaining("Microsoft.Authorization/roleAssignments/write"),
    });
    const own = "0d5b6e1c-7a43-4f0e-8a53-2b5a0b1f3d11";
    await clients(operator).authorization.roleDefinitions.createOrUpdate(SCOPE, own, {
      roleName: "restarts servers",
      assignableScopes: [SCOPE],
      permissions: [
        {
          actions: [
            "Microsoft.DBforPostgreSQL/flexibleServers/restart/action",
            // To wait for it.
            "Microsoft.DBforPostgreSQL/locations/azureAsyncOperation/read",
            "Microsoft.DBforPostgreSQL/locations/operationResults/read",
          ],
        },
      ],
    });
    await clients(operator).authorization.roleAssignments.create(SCOPE, name, {
      principalId: stranger.objectId,
      principalType: "ServicePrincipal",
      roleDefinitionId: `${SCOPE}/providers/Microsoft.Authorization/roleDefinitions/${own}`,
    });
    const { postgres } = clients(stranger);
    await postgres.servers.beginRestartAndWait(GROUP, "psql-shop", poll);
    expect(await refusal(postgres.servers.get(GROUP, "psql-shop"))).toMatchObject({ status: 403 });
    await clients(operator).authorization.roleAssignments.delete(SCOPE, name);
    expect(await refusal(postgres.servers.beginRestartAndWait(GROUP, "psql-shop", poll))).toMatchObject({
      status: 403,
    });
  });

  test("a condition binds whoever holds the role", async () => {
    const administrator = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";
    const deployer = cloud.directory.add({ displayName: "deployer", secret: "deployer signs in" });
    assign(deployer, administrator);
    const key = [...cloud.cloud.all()].find(({ inputs }) => inputs["principalId"] === deployer.objectId)!;
    const condition = `((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${READER}} AND @Request[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {'ServicePrincipal'}))`;
    cloud.cloud.put({ ...key, inputs: { ...key.inputs, condition, conditionVersion: "2.0" } });
    const { authorization } = clients(deployer);
    const give = (role: string, name: string) =>
      authorization.roleAssignments.create(SCOPE, name, {
        principalId: stranger.objectId,
        principalType: "ServicePrincipal",
        roleDefinitionId: `${SCOPE}/providers/Microsoft.Authorization/roleDefinitions/${role}`,
      });
    expect(await refusal(give(OWNER, "11111111-7a43-4f0e-8a53-2b5a0b1f3d12"))).toMatchObject({
      code: "AuthorizationFailed",
    });
    await give(READER, "22222222-7a43-4f0e-8a53-2b5a0b1f3d13");
    await clients(operator).authorization.roleAssignments.delete(
      SCOPE,
      "22222222-7a43-4f0e-8a53-2b5a0b1f3d13",
    );
  });
});

describe("a server that was left", () => {
  test("is deleted, and its endpoint stays with the one that writes", async () => {
    const { postgres } = clients(operator);
    const [old, promoted] = ["psql-left", "psql-promoted"];
    await postgres.servers.beginCreateOrUpdateAndWait(GROUP, old, server("westeurope"), poll);
    await postgres.servers.beginCreateOrUpdateAndWait(
      GROUP,
      promoted,
      { location: "northeurope", createMode: "Replica", sourceServerResourceId: serverId(old) },
      poll,
    );
    const pair = { endpointType: "ReadWrite", members: [promoted] };
    await postgres.virtualEndpoints.beginCreateAndWait(GROUP, old, "left", pair, poll);
    await postgres.databases.beginCreateAndWait(GROUP, old, "orders", {}, poll);
    const replica = { promoteMode: "Switchover", promoteOption: "Planned" } as const;
    await postgres.servers.beginUpdateAndWait(GROUP, promoted, { replica }, poll);
    // It is the writer's: deleted by its path too, and not by the other one's.
    expect(
      await refusal(postgres.virtualEndpoints.beginDeleteAndWait(GROUP, old, "left", poll)),
    ).toMatchObject({ status: 400 });
    await postgres.virtualEndpoints.beginDeleteAndWait(GROUP, promoted, "left", poll);
    expect(await refusal(postgres.virtualEndpoints.get(GROUP, promoted, "left"))).toMatchObject({
      status: 404,
    });
    const turned = { endpointType: "ReadWrite", members: [old] };
    await postgres.virtualEndpoints.beginCreateAndWait(GROUP, promoted, "left", turned, poll);
    await postgres.servers.beginDeleteAndWait(GROUP, old, poll);
    expect(await refusal(postgres.servers.get(GROUP, old))).toMatchObject({ status: 404 });
    expect((await postgres.virtualEndpoints.get(GROUP, promoted, "left")).name).toBe("left");
    // What it followed with is its own now.
    expect((await postgres.databases.get(GROUP, promoted, "orders")).name).toBe("orders");
  });
});
