import { EmulatedCloud, emulatedCloud } from "../../packages/emulated-azure/cloud";
import { Listening, listen } from "../../packages/emulated-azure/listen";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { armKey } from "../../packages/emulated-azure/model/azure/arm";
import { textAt, treeAt } from "../../packages/emulated-azure/model/paths";
import { grant } from "../../packages/emulated-azure/rights/grant";
import { Secrets } from "../../packages/emulated-azure/vault/secrets";
import { request, signIn } from "./client";

/* What of a vault a container app or job names is fetched when either is made or changed, by an identity of its own. */
const SUBSCRIPTION = "/subscriptions/11111111-2222-4333-8444-555555555555";
const GROUP = `${SUBSCRIPTION}/resourceGroups/rg-shop`;
const PROVIDERS = `${GROUP}/providers`;
const IDENTITY = `${PROVIDERS}/Microsoft.ManagedIdentity/userAssignedIdentities/id-shop`;
const VAULT = `${PROVIDERS}/Microsoft.KeyVault/vaults/kv-shop`;
const ENVIRONMENT = `${PROVIDERS}/Microsoft.App/managedEnvironments/cae-shop`;
const location = "westeurope";

let cloud: EmulatedCloud;
let listening: Listening;
let token: string;

const put = async (id: string, version: string, body: object) => {
  const { status, body: answer } = await request(listening, "PUT", `${id}?api-version=${version}`, {
    token,
    body: JSON.stringify({ location, ...body }),
  });
  return [status, answer?.error?.code, answer?.error?.message] as const;
};

beforeAll(async () => {
  cloud = emulatedCloud(sandboxModel(), { retryAfter: 0 });
  listening = await listen(cloud);
  const owner = cloud.directory.add({ displayName: "owner", secret: "signs in" });
  grant(cloud.cloud, { principal: owner, role: "Owner", scope: SUBSCRIPTION });
  token = await signIn(cloud, listening, owner);
  await put(GROUP, "2021-04-01", {});
  await put(IDENTITY, "2024-11-30", {});
  const properties = { tenantId: cloud.directory.tenantId, sku: { family: "A", name: "standard" } };
  await put(VAULT, "2024-11-01", { properties });
  await put(ENVIRONMENT, "2025-07-01", { properties: {} });
});
afterAll(() => listening?.stop());

const KINDS = [
  ["jobs", "environmentId", { triggerType: "Manual", replicaTimeout: 60 }],
  ["containerApps", "managedEnvironmentId", {}],
] as const;

describe.each(KINDS)("of %s", (kind, environment, more) => {
  const write = (secret: string, identity = IDENTITY) =>
    put(`${PROVIDERS}/Microsoft.App/${kind}/shop`, "2025-07-01", {
      identity: { type: "SystemAssigned,UserAssigned", userAssignedIdentities: { [IDENTITY]: {} } },
      properties: {
        [environment]: ENVIRONMENT,
        configuration: {
          ...more,
          secrets: [
            { name: "key", keyVaultUrl: `https://kv-shop.vault.azure.net/secrets/${secret}`, identity },
          ],
        },
        template: { containers: [{ name: "shop", image: "shop" }] },
      },
    });
  const refusal = (identity = IDENTITY) => [
    400,
    "InvalidParameterValueInContainerTemplate",
    expect.stringContaining(`unable to fetch secret 'key' using Managed identity '${identity}'`),
  ];
  const vault = () => new Secrets(cloud, cloud.cloud.get(armKey(VAULT))!);

  test("one that is not there, or that the identity may not read, refuses the whole; each time it is written", async () => {
    const name = `key-of-${kind.toLowerCase()}`;
    expect(await write(name)).toEqual(refusal());
    await vault().set(name, { value: "not-a-real-one" });
    expect(await write(name)).toEqual(refusal());
    const objectId = textAt(cloud.cloud.get(armKey(IDENTITY))!.outputs, "principalId");
    const principal = { objectId, type: "ServicePrincipal" } as const;
    const right = { principal, role: "Key Vault Secrets User" };
    // Of another secret it opens nothing, and the system's own identity has none.
    grant(cloud.cloud, { ...right, scope: `${VAULT}/secrets/another` });
    expect(await write(name)).toEqual(refusal());
    const given = grant(cloud.cloud, { ...right, scope: `${VAULT}/secrets/${name}` });
    expect(await write(name, "system")).toEqual(refusal("system"));
    expect((await write(name))[0]).toBeLessThan(300);
    expect((await write(`${name}/0123456789abcdef0123456789abcdef`))[0]).toBeLessThan(300);

    await vault().set(name, { value: "" });
    expect(await write(name)).toEqual(refusal());
    await vault().set(name, { value: "not-a-real-one" });
    await vault().change(name, undefined, { attributes: { enabled: false } });
    expect(await write(name)).toEqual(refusal());
    await vault().change(name, undefined, { attributes: { enabled: true } });
    expect((await write(name))[0]).toBeLessThan(300);
    await vault().remove(name);
    expect(await write(name)).toEqual(refusal());
    await vault().recover(name);
    // From where the environment is, which is in no network and has no address of its own.
    const open = cloud.cloud.get(armKey(VAULT))!;
    const networkAcls = { defaultAction: "Deny", ipRules: [{ value: "203.0.113.0/24" }] };
    const properties = { ...treeAt(open.inputs, "properties"), networkAcls };
    cloud.cloud.put({ ...open, inputs: { ...open.inputs, properties } });
    expect(await write(name)).toEqual(refusal());
    cloud.cloud.put(open);
    expect((await write(name))[0]).toBeLessThan(300);
    cloud.cloud.remove(given.key);
    expect(await write(name)).toEqual(refusal());
  });
});
