import { text } from "node:stream/consumers";
import https from "node:https";
import { EmulatedCloud, emulatedCloud } from "../../packages/emulated-azure/cloud";
import { Entrance, Listening, listen } from "../../packages/emulated-azure/listen";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { armKey } from "../../packages/emulated-azure/model/azure/arm";
import type { Scope, Tree } from "../../packages/emulated-azure/model/types";
import { vantageCalled } from "../../packages/emulated-azure/network/vantage";
import { putRealBehind, type Real } from "../../packages/emulated-azure/real";
import { grant } from "../../packages/emulated-azure/rights/grant";
import type { Principal } from "../../packages/emulated-azure/rights/directory";
import { GROUP, GROUP_ID, SUBSCRIPTION } from "./shop";

/* The same request by the same principal from different places: what a service answers depends on where it comes from. */
const model = sandboxModel();
const scope: Scope = { package: "azure-native", config: { subscriptionId: SUBSCRIPTION } };
const idOf = (kind: string): string => `${GROUP_ID}/providers/Microsoft.${kind}`;
const OUTBOUND = idOf("Network/publicIPAddresses/pip");

let cloud: EmulatedCloud;
let real: Real;
let listening: Listening;
let reader: Principal;

const make = (type: string, inputs: Record<string, unknown>): void => {
  const given = { resourceGroupName: GROUP, location: "westeurope", ...inputs } as Tree;
  model.create(`azure-native:${type}`, "", given, scope, cloud.cloud);
};

/** Changes an account and a vault alike, each in its own words. */
function rule(access: string, address?: string, subnet?: string): void {
  const set = (id: string, inputs: (old: Tree) => Tree): void => {
    const stored = cloud.cloud.get(armKey(id))!;
    cloud.cloud.put({ ...stored, inputs: { ...stored.inputs, ...inputs(stored.inputs) } });
  };
  const [addresses, subnets] = [address, subnet].map((one) => (one === undefined ? [] : [one]));
  set(idOf("Storage/storageAccounts/stshop"), () => ({
    publicNetworkAccess: access,
    networkRuleSet: {
      defaultAction: "Deny",
      ipRules: addresses!.map((iPAddressOrRange) => ({ iPAddressOrRange })),
      virtualNetworkRules: subnets!.map((virtualNetworkResourceId) => ({ virtualNetworkResourceId })),
    },
  }));
  set(idOf("KeyVault/vaults/kv-shop"), ({ properties }) => ({
    properties: {
      ...(properties as Tree),
      publicNetworkAccess: access,
      networkAcls: {
        defaultAction: "Deny",
        bypass: "AzureServices",
        ipRules: addresses!.map((value) => ({ value })),
        virtualNetworkRules: subnets!.map((id) => ({ id })),
      },
    },
  }));
}

beforeAll(async () => {
  cloud = emulatedCloud(model, { retryAfter: 0 });
  make("resources:ResourceGroup", {});
  for (const virtualNetworkName of ["inside", "apart"]) {
    make("network:VirtualNetwork", {
      virtualNetworkName,
      addressSpace: { addressPrefixes: ["10.0.0.0/16"] },
      ...(virtualNetworkName === "apart" && { location: "northeurope" }),
    });
  }
  make("network:PublicIPAddress", { publicIpAddressName: "pip", sku: { name: "Standard" } });
  make("network:NatGateway", { natGatewayName: "nat", publicIpAddresses: [{ id: OUTBOUND }] });
  const subnet = (virtualNetworkName: string, subnetName: string, more: object = {}): void =>
    make("network:Subnet", {
      ...{ virtualNetworkName, subnetName, addressPrefix: "10.0.0.0/24", defaultOutboundAccess: false },
      ...more,
    });
  const natGateway = { id: idOf("Network/natGateways/nat") };
  subnet("inside", "nodes");
  subnet("apart", "closed");
  subnet("apart", "led-out", { natGateway });
  subnet("inside", "neighbours", { natGateway, serviceEndpoints: [] });
  subnet("apart", "known", {
    serviceEndpoints: [{ service: "Microsoft.Storage.Global" }, { service: "Microsoft.KeyVault" }],
  });
  make("storage:StorageAccount", { accountName: "stshop", kind: "StorageV2", sku: { name: "Standard_ZRS" } });
  make("storage:BlobContainer", { accountName: "stshop", containerName: "things" });
  const sku = { family: "A", name: "standard" };
  make("keyvault:Vault", { vaultName: "kv-shop", properties: { tenantId: cloud.directory.tenantId, sku } });
  reader = cloud.directory.add({ displayName: "reader", secret: "reads" });
  for (const role of ["Key Vault Secrets Officer", "Storage Blob Data Contributor"] as const)
    grant(cloud.cloud, { principal: reader, role, scope: `/subscriptions/${SUBSCRIPTION}` });
  real = await putRealBehind(cloud);
  listening = await listen(cloud, { real });
}, 60_000);
afterAll(async () => {
  await listening?.stop();
  await real?.close();
});

/** What a list is answered with: 200, or status and code; `cut` without an answer. */
async function ask({ address }: Entrance, host: string, path: string, audience: string): Promise<string> {
  const { hostname, port } = new URL(address);
  const authorization = `Bearer ${cloud.directory.issue(reader, audience)}`;
  const headers = { host, authorization, "x-ms-version": "2024-11-04" };
  const options = {
    hostname,
    port,
    path,
    servername: host,
    ca: listening.certificate,
    agent: false as const,
    headers,
  };
  return new Promise((resolve) => {
    https
      .get(options, (answer) => {
        void text(answer).then((body) => {
          const code = /<Code>(\w+)<|"innererror":\{"code":"(\w+)"/.exec(body);
          const { statusCode = 0 } = answer;
          resolve(statusCode === 200 ? "200" : `${statusCode} ${code?.[1] ?? code?.[2] ?? body}`);
        });
      })
      .on("error", () => resolve("cut"));
  });
}

/** What account and vault answer whoever is at a place. */
async function answers(place?: string): Promise<[string, string]> {
  const entrance =
    place === undefined ? listening : await listening.entrance(vantageCalled(cloud.cloud, place));
  return Promise.all([
    ask(
      entrance,
      "stshop.blob.core.windows.net",
      "/things?restype=container&comp=list",
      "https://storage.azure.com",
    ),
    ask(entrance, "kv-shop.vault.azure.net", "/secrets?api-version=7.6", "https://vault.azure.net"),
  ]);
}

const REFUSED = ["403 AuthorizationFailure", "403 ForbiddenByFirewall"];
const CLOSED = ["403 AuthorizationFailure", "403 ForbiddenByConnection"];

test("who says nothing is on the Internet, and a service without rules answers everybody who finds a way out", async () => {
  expect(await answers()).toEqual(["200", "200"]);
  expect(await answers("inside/neighbours")).toEqual(["200", "200"]);
  expect(await answers("apart/closed")).toEqual(["cut", "cut"]);
});

test("rules for addresses admit those, but nobody an account cannot see: a subnet of its own region", async () => {
  const { ipAddress } = cloud.cloud.get(armKey(OUTBOUND))!.outputs as { ipAddress: string };
  rule("Enabled", `${ipAddress}/31`);
  expect(await answers(ipAddress)).toEqual(["200", "200"]);
  expect(await answers("198.51.100.1")).toEqual(REFUSED);
  expect(await answers("apart/led-out")).toEqual(["200", "200"]);
  expect(await answers("inside/neighbours")).toEqual(["403 AuthorizationFailure", "200"]);
  // A service endpoint takes its address from a subnet.
  expect(await answers("apart/known")).toEqual(REFUSED);
});

test("rules for subnets admit those that have the service's endpoint", async () => {
  const subnet = (name: string) => `${idOf("Network/virtualNetworks/apart")}/subnets/${name}`;
  rule("Enabled", undefined, subnet("known"));
  expect([await answers("apart/known"), await answers("apart/led-out")]).toEqual([["200", "200"], REFUSED]);
  rule("Enabled", undefined, subnet("led-out"));
  expect(await answers("apart/led-out")).toEqual(REFUSED);
});

test("without public access a service answers private endpoints alone, where a zone leads to them", async () => {
  rule("Disabled", "198.51.100.1");
  expect([await answers(), await answers("198.51.100.1"), await answers("apart/known")]).toEqual([
    CLOSED,
    CLOSED,
    CLOSED,
  ]);
  const kinds = [
    ["blob", "privatelink.blob.core.windows.net", "Storage/storageAccounts/stshop"],
    ["vault", "privatelink.vaultcore.azure.net", "KeyVault/vaults/kv-shop"],
  ] as const;
  const link = (zone: string, network: string): void =>
    make("privatedns:VirtualNetworkLink", {
      ...{ privateZoneName: zone, virtualNetworkLinkName: network, location: "Global" },
      virtualNetwork: { id: idOf(`Network/virtualNetworks/${network}`) },
    });
  for (const [group, zone, service] of kinds) {
    make("privatedns:PrivateZone", { privateZoneName: zone, location: "Global" });
    make("network:PrivateEndpoint", {
      privateEndpointName: `pe-${group}`,
      subnet: { id: `${idOf("Network/virtualNetworks/inside")}/subnets/nodes` },
      privateLinkServiceConnections: [
        { name: group, privateLinkServiceId: idOf(service), groupIds: [group] },
      ],
    });
  }
  expect(await answers("inside/neighbours")).toEqual(CLOSED);
  for (const [, zone] of kinds) link(zone, "inside");
  // The zone leads nowhere before it has the endpoint's record.
  expect(await answers("inside/nodes")).toEqual(["cut", "cut"]);
  for (const [group, zone] of kinds)
    make("network:PrivateDnsZoneGroup", {
      ...{ privateEndpointName: `pe-${group}`, privateDnsZoneGroupName: "default" },
      privateDnsZoneConfigs: [{ name: group, privateDnsZoneId: idOf(`Network/privateDnsZones/${zone}`) }],
    });
  expect([await answers("inside/nodes"), await answers("inside/neighbours")]).toEqual([
    ["200", "200"],
    ["200", "200"],
  ]);
  // Another network's names lead to an address that is not its own.
  for (const [, zone] of kinds) link(zone, "apart");
  expect(await answers("apart/led-out")).toEqual(["cut", "cut"]);
});

test("a place is called by an address or a subnet, and nothing else", () => {
  expect(() => vantageCalled(cloud.cloud, "nowhere/else")).toThrow(
    'found "nowhere/else"; allowed: an IPv4 address, inside/nodes, apart/closed, apart/led-out, inside/neighbours, apart/known',
  );
});
