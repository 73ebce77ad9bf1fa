import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { CdnManagementClient } from "@azure/arm-cdn";
import { NetworkManagementClient } from "@azure/arm-network";
import { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import { ResourceManagementClient } from "@azure/arm-resources";
import { StorageManagementClient } from "@azure/arm-storage";
import { EmulatedCloud, emulatedCloud } from "../../packages/emulated-azure/cloud";
import { Listening, listen } from "../../packages/emulated-azure/listen";
import { sandboxModel } from "../../packages/emulated-azure/model";
import type { Principal } from "../../packages/emulated-azure/rights/directory";
import { grant } from "../../packages/emulated-azure/rights/grant";
import { ARM_REFUSALS } from "../../policies/arm/armLimits";
import { credentialOf, request, signIn } from "./client";

/* What Azure Resource Manager does not take, and what it narrows: with Microsoft's own clients, and by hand where none is here. */
const SUBSCRIPTION = "11111111-2222-4333-8444-555555555555";
const SCOPE = `/subscriptions/${SUBSCRIPTION}`;
const GROUP = "rg-shop";
const NETWORK = `${SCOPE}/resourceGroups/${GROUP}/providers/Microsoft.Network`;
const location = "westeurope";
const poll = { updateIntervalInMs: 5 };

let cloud: EmulatedCloud;
let listening: Listening;
let operator: Principal;
let token: string;
let resources: ResourceManagementClient;
let network: NetworkManagementClient;
let storage: StorageManagementClient;
let postgres: PostgreSQLManagementFlexibleServerClient;
let authorization: AuthorizationManagementClient;
let edge: CdnManagementClient;

beforeAll(async () => {
  cloud = emulatedCloud(sandboxModel(), { retryAfter: 0, refusals: ARM_REFUSALS });
  listening = await listen(cloud);
  operator = cloud.directory.add({ displayName: "operator", secret: "operator signs in" });
  grant(cloud.cloud, { principal: operator, role: "Owner", scope: SCOPE });
  token = await signIn(cloud, listening, operator);
  const credential = credentialOf(cloud, listening, operator);
  const options = {
    endpoint: listening.address,
    tlsOptions: { ca: listening.certificate },
    retryOptions: { maxRetries: 0 },
  };
  resources = new ResourceManagementClient(credential, SUBSCRIPTION, options);
  network = new NetworkManagementClient(credential, SUBSCRIPTION, options);
  storage = new StorageManagementClient(credential, SUBSCRIPTION, options);
  postgres = new PostgreSQLManagementFlexibleServerClient(credential, SUBSCRIPTION, options);
  authorization = new AuthorizationManagementClient(credential, SUBSCRIPTION, options);
  edge = new CdnManagementClient(credential, SUBSCRIPTION, options);
  await resources.resourceGroups.createOrUpdate(GROUP, { location, tags: { team: "shop" } });
});
afterAll(() => listening?.stop());

async function all<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of pages) found.push(one);
  return found;
}

/** Status and code a request was refused with, and its message. */
async function refusal(promise: PromiseLike<unknown>): Promise<[number, string, string]> {
  try {
    await promise;
  } catch (error) {
    const { statusCode, code, message } = error as { statusCode: number; code: string; message: string };
    return [statusCode, code, message];
  }
  throw new Error("it was not refused");
}
const refused = async (promise: PromiseLike<unknown>) => (await refusal(promise)).slice(0, 2);

const ask = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
  request(listening, method, path, { token, headers, ...(body && { body: JSON.stringify(body) }) });
const answer = async (...args: Parameters<typeof ask>) => {
  const { status, body } = await ask(...args);
  return [status, body?.error?.code];
};

const account = (name: string, more: object = {}) =>
  storage.storageAccounts.create(
    GROUP,
    name,
    { location, kind: "StorageV2", sku: { name: "Standard_LRS" }, ...more },
    poll,
  );

describe("a place", () => {
  test("is one Azure has, under either of its names, for what stands in a region or in none", async () => {
    const elsewhere = await refusal(account("stnowhere", { location: "westeuropa" }));
    expect(elsewhere).toEqual([
      400,
      "LocationNotAvailableForResourceType",
      expect.stringMatching(
        /'westeuropa' is not available for resource type 'Microsoft.Storage\/storageAccounts'.*polandcentral/,
      ),
    ]);
    expect(await refused(account("stnowhere", { location: "global" }))).toEqual(elsewhere.slice(0, 2));
    const group = resources.resourceGroups.createOrUpdate("rg-mars", { location: "mars" });
    expect(await refused(group)).toEqual([400, "LocationNotAvailableForResourceType"]);
    const edge = `${SCOPE}/resourceGroups/${GROUP}/providers/Microsoft.Cdn/profiles/afd?api-version=2025-06-01`;
    const profile = { location, sku: { name: "Premium_AzureFrontDoor" } };
    expect(await answer("PUT", edge, profile)).toEqual([400, "LocationNotAvailableForResourceType"]);
    await account("stsomewhere", { location: "Poland Central" });
  });

  test("does not change", async () => {
    expect(await refused(account("stsomewhere"))).toEqual([409, "InvalidResourceLocation"]);
    const group = resources.resourceGroups.createOrUpdate(GROUP, { location: "northeurope" });
    expect(await refused(group)).toEqual([409, "InvalidResourceGroupLocation"]);
  });
});

describe("what is in use stays", () => {
  const subnetId = (name: string) => `${NETWORK}/virtualNetworks/vnet/subnets/${name}`;
  const subnet = (name: string, more: object) =>
    network.subnets.createOrUpdate(GROUP, "vnet", name, more, poll);
  const server = (name: string, more: object = {}) =>
    postgres.servers.beginCreateOrUpdateAndWait(
      GROUP,
      name,
      {
        location,
        version: "17",
        sku: { name: "Standard_D4ds_v5", tier: "GeneralPurpose" },
        storage: { storageSizeGB: 128 },
        administratorLogin: "keeper",
        administratorLoginPassword: "not a real 1",
        ...more,
      },
      poll,
    );

  test("a subnet and its network: by an endpoint, or a server it is delegated to; what is in it frees it", async () => {
    await network.virtualNetworks.createOrUpdate(
      GROUP,
      "vnet",
      { location, addressSpace: { addressPrefixes: ["10.0.0.0/16"] } },
      poll,
    );
    await network.networkSecurityGroups.createOrUpdate(GROUP, "nsg", { location }, poll);
    const guarded = { networkSecurityGroup: { id: `${NETWORK}/networkSecurityGroups/nsg` } };
    await subnet("links", { addressPrefix: "10.0.0.0/24", ...guarded });
    await subnet("data", {
      addressPrefix: "10.0.1.0/24",
      delegations: [{ name: "pg", serviceName: "Microsoft.DBforPostgreSQL/flexibleServers" }],
    });
    await server("psql-linked");
    const zone = `${NETWORK}/privateDnsZones/shop.private.postgres.database.azure.com`;
    await ask("PUT", `${zone}?api-version=2024-06-01`, { location: "Global" });
    await server("psql-inside", {
      network: {
        delegatedSubnetResourceId: subnetId("data"),
        privateDnsZoneArmResourceId: zone,
      },
    });
    const service = `${SCOPE}/resourceGroups/${GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/psql-linked`;
    await network.privateEndpoints.createOrUpdate(
      GROUP,
      "pe",
      {
        location,
        subnet: { id: subnetId("links") },
        privateLinkServiceConnections: [
          { name: "pg", privateLinkServiceId: service, groupIds: ["postgresqlServer"] },
        ],
      },
      poll,
    );
    const inUse = [400, "InUseSubnetCannotBeDeleted"];
    const links = await refusal(network.subnets.delete(GROUP, "vnet", "links", poll));
    expect(links).toEqual([...inUse, expect.stringContaining("/privateEndpoints/pe")]);
    expect(await refused(network.subnets.delete(GROUP, "vnet", "data", poll))).toEqual(inUse);
    expect(await refused(network.virtualNetworks.delete(GROUP, "vnet", poll))).toEqual(inUse);
    expect(await refused(network.networkSecurityGroups.delete(GROUP, "nsg", poll))).toEqual([
      400,
      "InUseNetworkSecurityGroupCannotBeDeleted",
    ]);
    await network.privateEndpoints.delete(GROUP, "pe", poll);
    await postgres.servers.beginDeleteAndWait(GROUP, "psql-inside", poll);
    await network.virtualNetworks.delete(GROUP, "vnet", poll);
    await network.networkSecurityGroups.delete(GROUP, "nsg", poll);
  });

  test("an address, by the gateway it is of", async () => {
    const address = { location, sku: { name: "Standard" }, publicIPAllocationMethod: "Static" } as const;
    const { id } = await network.publicIPAddresses.createOrUpdate(GROUP, "pip", address, poll);
    const gateway = { location, sku: { name: "Standard" }, publicIpAddresses: [{ id }] };
    await network.natGateways.createOrUpdate(GROUP, "nat", gateway, poll);
    const deletion = network.publicIPAddresses.delete(GROUP, "pip", poll);
    expect(await refused(deletion)).toEqual([400, "PublicIPAddressCannotBeDeleted"]);
    await network.natGateways.delete(GROUP, "nat", poll);
    await network.publicIPAddresses.delete(GROUP, "pip", poll);
  });

  test("a private zone, by its links", async () => {
    const zone = `${NETWORK}/privateDnsZones/linked.example`;
    const version = "?api-version=2024-06-01";
    await network.virtualNetworks.createOrUpdate(
      GROUP,
      "vnet",
      { location, addressSpace: { addressPrefixes: ["10.0.0.0/16"] } },
      poll,
    );
    await ask("PUT", `${zone}${version}`, { location: "Global" });
    const properties = {
      virtualNetwork: { id: `${NETWORK}/virtualNetworks/vnet` },
      registrationEnabled: false,
    };
    await ask("PUT", `${zone}/virtualNetworkLinks/one${version}`, { location: "Global", properties });
    const { status, body } = await ask("DELETE", `${zone}${version}`);
    expect([status, body.error.code]).toEqual([409, "CannotDeleteResource"]);
    expect(body.error.message).toContain("virtualNetworkLinks/one");
    expect((await ask("DELETE", `${zone}/virtualNetworkLinks/one${version}`)).status).toBe(202);
    expect((await ask("DELETE", `${zone}${version}`)).status).toBe(202);
  });

  test("an account, by a container whose policy is locked, which needs the policy's ETag", async () => {
    await account("stlocked");
    await storage.blobContainers.create(GROUP, "stlocked", "kept", {});
    const { blobContainers } = storage;
    const policy = { immutabilityPeriodSinceCreationInDays: 7 };
    const made = await blobContainers.createOrUpdateImmutabilityPolicy(GROUP, "stlocked", "kept", {
      parameters: policy,
    });
    expect(made).toMatchObject({ state: "Unlocked", etag: expect.stringMatching(/./) });
    const lock = (etag: string) => blobContainers.lockImmutabilityPolicy(GROUP, "stlocked", "kept", etag);
    expect(await refused(lock('"another"'))).toEqual([412, "PreconditionFailed"]);
    const longer = await blobContainers.createOrUpdateImmutabilityPolicy(GROUP, "stlocked", "kept", {
      parameters: { immutabilityPeriodSinceCreationInDays: 8 },
      ifMatch: made.etag!,
    });
    expect(await refused(lock(made.etag!))).toEqual([412, "PreconditionFailed"]);
    const locked = await lock(longer.etag!);
    expect(locked.state).toBe("Locked");
    const deletion = blobContainers.deleteImmutabilityPolicy(GROUP, "stlocked", "kept", locked.etag!);
    expect((await refusal(deletion))[2]).toMatch(/not allowed on immutability policy/);
    const shorter = blobContainers.createOrUpdateImmutabilityPolicy(GROUP, "stlocked", "kept", {
      parameters: policy,
    });
    expect((await refused(shorter))[0]).toBe(400);
    const extended = await blobContainers.extendImmutabilityPolicy(GROUP, "stlocked", "kept", locked.etag!, {
      parameters: { immutabilityPeriodSinceCreationInDays: 9 },
    });
    expect(extended).toMatchObject({ state: "Locked", immutabilityPeriodSinceCreationInDays: 9 });
    const protectedAccount = await refusal(storage.storageAccounts.delete(GROUP, "stlocked"));
    expect(protectedAccount).toEqual([
      409,
      "AccountProtectedFromDeletion",
      expect.stringContaining("kept have a locked immutability policy"),
    ]);
    // With its group it stays as well.
    const group = resources.resourceGroups.delete(GROUP, poll);
    expect(await refused(group)).toEqual([409, "AccountProtectedFromDeletion"]);
  });

  test("a part of Front Door, by the route and the policy that lead to it; a group some route leads to keeps an origin", async () => {
    const profile = `${SCOPE}/resourceGroups/${GROUP}/providers/Microsoft.Cdn/profiles/edge`;
    const at = [GROUP, "edge"] as const;
    await edge.profiles.beginCreateAndWait(
      ...at,
      { location: "Global", sku: { name: "Premium_AzureFrontDoor" } },
      poll,
    );
    await edge.afdEndpoints.beginCreateAndWait(...at, "site", { location: "Global" }, poll);
    await edge.afdCustomDomains.beginCreateAndWait(...at, "name", { hostName: "shop.example" }, poll);
    await edge.afdOriginGroups.beginCreateAndWait(
      ...at,
      "api",
      {
        loadBalancingSettings: { sampleSize: 4, successfulSamplesRequired: 3 },
        healthProbeSettings: {
          probePath: "/",
          probeProtocol: "Https",
          probeRequestType: "GET",
          probeIntervalInSeconds: 30,
        },
      },
      poll,
    );
    const link = `${NETWORK}/privateLinkServices/pls-shop`;
    const linked = {
      hostName: "10.0.0.4",
      sharedPrivateLinkResource: {
        privateLink: { id: link },
        privateLinkLocation: location,
        requestMessage: "shop",
      },
    };
    // Its private endpoint is made with the origin, so what it leads to must be there.
    expect(await refusal(edge.afdOrigins.beginCreateAndWait(...at, "api", "early", linked, poll))).toEqual([
      400,
      "BadRequest",
      expect.stringContaining("PrivateEndpointProvisioning Failed"),
    ]);
    for (const name of ["here", "there"])
      await edge.afdOrigins.beginCreateAndWait(...at, "api", name, { hostName: `${name}.example` }, poll);
    const route = {
      originGroup: { id: `${profile}/originGroups/api` },
      customDomains: [{ id: `${profile}/customDomains/name` }],
    };
    await edge.routes.beginCreateAndWait(...at, "site", "all", route, poll);
    const conflict = [409, "Conflict"];
    expect(await refused(edge.afdCustomDomains.beginDeleteAndWait(...at, "name", poll))).toEqual(conflict);
    expect(await refused(edge.afdOriginGroups.beginDeleteAndWait(...at, "api", poll))).toEqual(conflict);
    await edge.afdOrigins.beginDeleteAndWait(...at, "api", "here", poll);
    expect(await refusal(edge.afdOrigins.beginDeleteAndWait(...at, "api", "there", poll))).toEqual([
      ...conflict,
      expect.stringContaining("the last origin when the origin group is still associated with a route"),
    ]);
    const firewall = `${NETWORK}/frontDoorWebApplicationFirewallPolicies/waf?api-version=2025-11-01`;
    await ask("PUT", firewall, { location: "Global", sku: { name: "Premium_AzureFrontDoor" } });
    const parameters = {
      type: "WebApplicationFirewall",
      wafPolicy: { id: firewall.replace(/\?.*/, "") },
    } as const;
    await edge.securityPolicies.beginCreateAndWait(...at, "guard", { parameters }, poll);
    expect(await answer("DELETE", firewall)).toEqual(conflict);
    // With their route they go, and so does all of it at once.
    await edge.routes.beginDeleteAndWait(...at, "site", "all", poll);
    await edge.afdCustomDomains.beginDeleteAndWait(...at, "name", poll);
    await edge.profiles.beginDeleteAndWait(...at, poll);
    expect((await ask("DELETE", firewall)).status).toBe(202);
  });

  test("a server others follow, until they are gone or go with it", async () => {
    await server("psql-led");
    const sourceServerResourceId = `${SCOPE}/resourceGroups/${GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/psql-led`;
    await postgres.servers.beginCreateOrUpdateAndWait(
      GROUP,
      "psql-follows",
      { location: "northeurope", createMode: "Replica", sourceServerResourceId },
      poll,
    );
    const deletion = await refusal(postgres.servers.beginDeleteAndWait(GROUP, "psql-led", poll));
    expect(deletion).toEqual([400, "ServerHasReadReplicas", expect.stringContaining("psql-follows")]);
    await postgres.servers.beginDeleteAndWait(GROUP, "psql-follows", poll);
    await postgres.servers.beginDeleteAndWait(GROUP, "psql-led", poll);
  });

  test("an identity does not, whoever names it", async () => {
    const identity = `${SCOPE}/resourceGroups/${GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-shop`;
    await ask("PUT", `${identity}?api-version=2024-11-30`, { location });
    const { identity: shown } = await account("stnames", {
      identity: { type: "UserAssigned", userAssignedIdentities: { [identity]: {} } },
    });
    expect(Object.keys(shown?.userAssignedIdentities ?? {})).toEqual([identity]);
    expect(shown?.userAssignedIdentities?.[identity]?.principalId).toMatch(/^[0-9a-f-]{36}$/);
    expect((await ask("DELETE", `${identity}?api-version=2024-11-30`)).status).toBe(200);
  });
});

describe("there is one, whatever it is called:", () => {
  const guid = (n: number): string => `5f1b0c6e-3d2a-4c8e-9b7f-00000000000${n}`;
  const reader = `${SCOPE}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7`;

  test("a role of somebody at a scope, by any path the role is named; with another scope it is another", async () => {
    const twice = cloud.directory.add({ displayName: "twice", secret: "signs in" });
    const given = { principalId: twice.objectId, roleDefinitionId: reader };
    const give = (n: number, scope = SCOPE, more: object = {}) =>
      authorization.roleAssignments.create(scope, guid(n), { ...given, ...more });
    await give(1);
    // The same again under its own name is no conflict.
    await give(1);
    const ofTenant = { roleDefinitionId: reader.slice(SCOPE.length) };
    for (const more of [{}, ofTenant])
      expect(await refused(give(2, SCOPE, more))).toEqual([409, "RoleAssignmentExists"]);
    await give(2, `${SCOPE}/resourceGroups/${GROUP}`);
    await authorization.roleAssignments.delete(SCOPE, guid(1));
    await give(3);
    await authorization.roleAssignments.delete(SCOPE, guid(3));
    await authorization.roleAssignments.delete(`${SCOPE}/resourceGroups/${GROUP}`, guid(2));
  });

  test("a custom role, which goes once nobody has it", async () => {
    const role = { roleName: "One Of Its Kind", assignableScopes: [SCOPE], permissions: [{ actions: [] }] };
    const make = (n: number, roleName = role.roleName) =>
      authorization.roleDefinitions.createOrUpdate(SCOPE, guid(n), { ...role, roleName });
    const { id } = await make(4);
    expect(await refused(make(5, "one of its kind"))).toEqual([409, "RoleDefinitionWithSameNameExists"]);
    const { objectId: principalId } = cloud.directory.add({ displayName: "holder", secret: "signs in" });
    await authorization.roleAssignments.create(SCOPE, guid(6), { principalId, roleDefinitionId: id! });
    const deletion = () => authorization.roleDefinitions.delete(SCOPE, guid(4));
    expect(await refused(deletion())).toEqual([400, "RoleDefinitionHasAssignments"]);
    await authorization.roleAssignments.delete(SCOPE, guid(6));
    await deletion();
  });

  test("a zone of a network, and what settings send to one place", async () => {
    const put = (path: string, version: string, properties: object, more: object = {}) =>
      answer("PUT", `${path}?api-version=${version}`, { properties, ...more });
    const addressSpace = { addressPrefixes: ["10.9.0.0/16"] };
    const { id } = await network.virtualNetworks.createOrUpdate(
      GROUP,
      "vnet-zones",
      { location, addressSpace },
      poll,
    );
    await resources.resourceGroups.createOrUpdate("rg-zones", { location });
    const link = async (rg: string) => {
      const zone = `${SCOPE}/resourceGroups/${rg}/providers/Microsoft.Network/privateDnsZones/same.example`;
      await ask("PUT", `${zone}?api-version=2024-06-01`, { location: "Global" });
      const properties = { virtualNetwork: { id }, registrationEnabled: false };
      return put(`${zone}/virtualNetworkLinks/l`, "2024-06-01", properties, { location: "Global" });
    };
    expect((await link(GROUP))[1]).toBeUndefined();
    expect(await link("rg-zones")).toEqual([400, "BadRequest"]);

    const { id: from } = await account("stsends");
    const { id: to } = await account("sttakes");
    const { id: elsewhere } = await account("sttakestoo");
    const send = (name: string, storageAccountId: string, enabled = true) =>
      put(`${from}/providers/Microsoft.Insights/diagnosticSettings/${name}`, "2021-05-01-preview", {
        storageAccountId,
        metrics: [{ category: "Transaction", enabled }],
      });
    expect((await send("one", to!))[1]).toBeUndefined();
    expect(await send("two", to!)).toEqual([409, "Conflict"]);
    expect((await send("two", to!, false))[1]).toBeUndefined();
    expect((await send("three", elsewhere!))[1]).toBeUndefined();
  });
});

describe("a condition", () => {
  const zone = `${NETWORK}/privateDnsZones/conditions.example?api-version=2024-06-01`;
  const put = (headers: Record<string, string>, n = 0) =>
    ask("PUT", zone, { location: "Global", tags: { n: `${n}` } }, headers);

  test("that is not met refuses the change, and one that is lets it through", async () => {
    expect((await put({ "If-Match": "*" })).status).toBe(412);
    expect((await put({ "If-None-Match": "*" })).status).toBe(202);
    const again = await put({ "If-None-Match": "*" });
    expect([again.status, again.body.error.code]).toEqual([412, "PreconditionFailed"]);
    const { etag } = (await ask("GET", zone)).body;
    expect((await put({ "If-Match": etag }, 1)).status).toBe(202);
    expect((await put({ "If-Match": etag }, 2)).status).toBe(412);
    expect((await ask("GET", zone)).body.tags).toEqual({ n: "1" });
    expect((await ask("DELETE", zone, undefined, { "If-Match": etag })).status).toBe(412);
    expect((await ask("DELETE", zone, undefined, { "If-Match": "*" })).status).toBe(202);
  });
});

describe("a list", () => {
  const names = async (pages: AsyncIterable<{ name?: string }>) => (await all(pages)).map(({ name }) => name);

  test("of groups or resources holds what its filter lets through, and no more than asked for", async () => {
    await resources.resourceGroups.createOrUpdate("rg-other", { location: "northeurope" });
    const groups = (filter: string, top?: number) => names(resources.resourceGroups.list({ filter, top }));
    expect(await groups("tagname eq 'TEAM'")).toEqual([GROUP]);
    expect(await groups("tagname eq 'team' and tagvalue eq 'shop'")).toEqual([GROUP]);
    expect(await groups("tagname eq 'team' and tagvalue eq 'other'")).toEqual([]);
    expect(await names(resources.resourceGroups.list({ top: 1 }))).toHaveLength(1);
    await account("stfiltered", { tags: { kind: "it's one" } });
    const found = (filter: string) => names(resources.resources.list({ filter }));
    expect(
      await found("name eq 'stfiltered' and resourceType eq 'Microsoft.Storage/storageAccounts'"),
    ).toEqual(["stfiltered"]);
    expect(await found("name eq 'stfiltered' and location ne 'westeurope'")).toEqual([]);
    expect(await found("tagname eq 'kind' and tagvalue eq 'it''s one'")).toEqual(["stfiltered"]);
    expect(await found("startswith(tagname, 'ki')")).toEqual(["stfiltered"]);
    expect(await found("resourceGroup eq 'rg-other'")).toEqual([]);
    for (const filter of ["name", "name eq", "colour eq 'red'", "name eq 'a' or name eq 'b'", "name eq 'a"])
      expect([filter, ...(await refused(found(filter)))]).toEqual([
        filter,
        400,
        "InvalidFilterInQueryString",
      ]);
    expect(await answer("GET", `${SCOPE}/resourcegroups?api-version=2024-11-01&$top=none`)).toEqual([
      400,
      "InvalidTopInQueryString",
    ]);
  });

  test("of role assignments holds those at, above and below its scope, as its filter says", async () => {
    const group = `${SCOPE}/resourceGroups/${GROUP}`;
    const team = cloud.directory.add({ displayName: "team", secret: "signs in" });
    const member = cloud.directory.add({
      displayName: "member",
      secret: "signs in",
      groups: [team.objectId],
    });
    grant(cloud.cloud, { principal: team, role: "Reader", scope: group });
    grant(cloud.cloud, { principal: member, role: "Reader", scope: SCOPE });
    const { roleAssignments } = authorization;
    const who = async (scope: string, filter?: string) =>
      (await all(roleAssignments.listForScope(scope, { filter })))
        .map(({ principalId }) => principalId)
        .sort();
    const ids = (...principals: Principal[]) => principals.map(({ objectId }) => objectId).sort();
    expect(await who(group)).toEqual(ids(operator, team, member));
    expect(await who(SCOPE)).toEqual(ids(operator, team, member));
    expect(await who(SCOPE, "atScope()")).toEqual(ids(operator, member));
    expect(await who(group, "atScope()")).toEqual(ids(operator, team, member));
    expect(await who(SCOPE, `principalId eq '${team.objectId}'`)).toEqual(ids(team));
    expect(await who(SCOPE, `assignedTo('${member.objectId}')`)).toEqual(ids(team, member));
    expect(await refused(who(SCOPE, "roleName eq 'Reader'"))).toEqual([400, "InvalidFilterInQueryString"]);
  });

  test("of role definitions holds the one that is asked for by name, or by kind", async () => {
    const roles = async (filter: string) =>
      (await all(authorization.roleDefinitions.list(SCOPE, { filter }))).map(({ roleName }) => roleName);
    expect(await roles("roleName eq 'Reader'")).toEqual(["Reader"]);
    const own = "0d5b6e1c-7a43-4f0e-8a53-2b5a0b1f3d11";
    await authorization.roleDefinitions.createOrUpdate(SCOPE, own, {
      roleName: "reads groups",
      assignableScopes: [SCOPE],
      permissions: [{ actions: ["Microsoft.Resources/subscriptions/resourceGroups/read"] }],
    });
    // It can be assigned below the scope it is of.
    const inGroup = authorization.roleDefinitions.list(`${SCOPE}/resourceGroups/${GROUP}`, {
      filter: "roleName eq 'reads groups'",
    });
    expect((await all(inGroup)).map(({ roleName }) => roleName)).toEqual(["reads groups"]);
    expect(await roles("type eq 'CustomRole'")).toEqual(["reads groups"]);
    expect((await roles("atScopeAndBelow()")).length).toBeGreaterThan(5);
  });

  test("that Azure narrows and this cloud does not says so", async () => {
    const rules = `${SCOPE}/providers/Microsoft.Authorization/locks?api-version=2020-05-01&$filter=atScope()`;
    expect(await answer("GET", rules)).toEqual([501, "NotImplemented"]);
  });
});

test("every path wants an API version it has", async () => {
  for (const at of ["/subscriptions", "/tenants", SCOPE, `${SCOPE}/resourcegroups`, `${SCOPE}/resources`]) {
    expect([at, ...(await answer("GET", `${at}?api-version=1999-01-01`))]).toEqual([
      at,
      400,
      "InvalidApiVersionParameter",
    ]);
    expect([at, ...(await answer("GET", at))]).toEqual([at, 400, "MissingApiVersionParameter"]);
  }
  const group = `${SCOPE}/resourcegroups/rg-polled`;
  await ask("PUT", `${group}?api-version=2024-11-01`, { location });
  const { headers } = await ask("DELETE", `${group}?api-version=2024-11-01`);
  const operation = new URL(String(headers["azure-asyncoperation"])).pathname;
  expect(await answer("GET", operation)).toEqual([400, "MissingApiVersionParameter"]);
  expect((await answer("GET", `${operation}?api-version=1999-01-01`))[0]).toBe(400);
  expect(await answer("GET", `${operation}?api-version=2024-11-01`)).toEqual([200, undefined]);
  // An operation is of its provider and place.
  const elsewhere = operation.replace("Microsoft.Resources", "Microsoft.Storage");
  expect(await answer("GET", `${elsewhere}?api-version=2025-06-01`)).toEqual([404, "OperationNotFound"]);
});

test("a provider is registered by who may, also one that holds nothing here", async () => {
  for (const namespace of ["Microsoft.Storage", "microsoft.compute"]) {
    const { registrationState } = await resources.providers.register(namespace);
    expect([namespace, registrationState]).toEqual([namespace, "Registered"]);
    expect((await resources.providers.get(namespace)).registrationState).toBe("Registered");
  }
  expect(await refused(resources.providers.register("Contoso.Widgets"))).toEqual([
    404,
    "InvalidResourceNamespace",
  ]);
  const reader = cloud.directory.add({ displayName: "reads", secret: "signs in" });
  grant(cloud.cloud, { principal: reader, role: "Reader", scope: SCOPE });
  const credential = credentialOf(cloud, listening, reader);
  const theirs = new ResourceManagementClient(credential, SUBSCRIPTION, {
    endpoint: listening.address,
    tlsOptions: { ca: listening.certificate },
  });
  expect(await refused(theirs.providers.register("Microsoft.Storage"))).toEqual([403, "AuthorizationFailed"]);
  const usages = `${SCOPE}/providers/Microsoft.Compute/locations/${location}/usages`;
  expect(await answer("GET", `${usages}?api-version=1999-01-01`)).toEqual([400, "NoRegisteredProviderFound"]);
  expect(await answer("GET", `${usages}?api-version=2024-07-01`)).toEqual([200, undefined]);
});

test("a deployment of a template is something Azure has and this cloud has not", async () => {
  const at = `${SCOPE}/resourcegroups/${GROUP}/providers/Microsoft.Resources/deployments`;
  const version = "?api-version=2021-04-01";
  const body = { properties: { mode: "Incremental", template: {} } };
  expect(await answer("PUT", `${at}/one${version}`, body)).toEqual([501, "NotImplemented"]);
  expect(await answer("GET", `${at}/${version}`)).toEqual([501, "NotImplemented"]);
  expect(await answer("GET", `${at}/one?api-version=1999-01-01`)).toEqual([400, "NoRegisteredProviderFound"]);
});

test("of two tags whose names differ in their case one is kept", async () => {
  const tags = { Owner: "one", owner: "two" };
  expect((await account("sttagged", { tags })).tags).toEqual({ Owner: "two" });
  await account("sttagged", { tags: { ...tags, Kind: "a" } });
  expect((await storage.storageAccounts.getProperties(GROUP, "sttagged")).tags).toEqual({
    Owner: "two",
    Kind: "a",
  });
});

test("an application that may nothing is refused by its own id, whatever it asks for", async () => {
  const nobody = cloud.directory.add({ displayName: "nobody", secret: "signs in" });
  const theirs = await signIn(cloud, listening, nobody);
  for (const at of [`${SCOPE}/resourcegroups`, `${SCOPE}/resourcegroups/${GROUP}`]) {
    const { status, body } = await request(listening, "GET", `${at}?api-version=2024-11-01`, {
      token: theirs,
    });
    expect([status, body.error.code]).toEqual([403, "AuthorizationFailed"]);
    expect(body.error.message).toContain(`'${nobody.appId}' with object id '${nobody.objectId}'`);
  }
});
