import { armRefusals, armRelations } from "../../policies/arm/armLimits";
import { UNKNOWN, type Tree } from "../../packages/isolation/rule";
import { ARM_RULES } from "../../policies/rules/arm";
import { stackWith } from "./rules/stack";

const SERVER = "azure-native:dbforpostgresql:Server";
const ACCOUNT = "azure-native:storage:StorageAccount";
const VAULT = "azure-native:keyvault:Vault";
const GRAFANA = "azure-native:dashboard:Grafana";

const propsOf = (name: string): Tree => {
  const found = stackWith("prod").resources.find((resource) => resource.name === name);
  if (!found) throw new Error(`the fixture has no resource called ${name}`);
  return found.props;
};

const texts = (refusals: ReturnType<typeof armRefusals>) =>
  refusals.map(({ path, message }) => `${path} ${message}`);

test("nothing of the good stack is refused", () => {
  for (const { type, props } of stackWith("prod").resources) expect(armRefusals(type, props)).toEqual([]);
});

test("the policy rules and the refusals are one list", () => {
  const inputs = {
    ...propsOf("primary"),
    backup: { backupRetentionDays: 36, geoRedundantBackup: "Enabled" },
  };
  const [refusal] = armRefusals(SERVER, inputs);
  expect(refusal).toEqual({
    limit: "postgres-backup-window",
    path: "backup.backupRetentionDays",
    message: "must be a whole number from 7 to 35, but is 36",
  });
  expect(ARM_RULES.map(({ name }) => name)).toContain(refusal?.limit);
});

test("an unknown value is refused by nobody", () => {
  const inputs = { ...propsOf("primary"), backup: { backupRetentionDays: UNKNOWN }, version: UNKNOWN };
  expect(armRefusals(SERVER, inputs as Tree)).toEqual([]);
});

test("a type Azure has no limit for is never refused", () => {
  expect(armRefusals("random:index/randomPassword:RandomPassword", { length: -1 })).toEqual([]);
});

test("a replica that was promoted has what a writer has, and still no copies of backups elsewhere", () => {
  const promoted = {
    ...propsOf("replica"),
    createMode: "Update",
    administratorLoginPassword: "not-a-real-password",
    highAvailability: { mode: "SameZone" },
    backup: { backupRetentionDays: 35, geoRedundantBackup: "Disabled" },
  };
  expect(armRefusals(SERVER, promoted, { before: propsOf("replica") })).toEqual([]);
  // Made by itself, it follows since a failover: a refresh finds its source, and nothing is sent to it.
  expect(armRefusals(SERVER, { ...promoted, createMode: "Default" }, { before: promoted })).toEqual([]);
  expect(texts(armRefusals(SERVER, { ...promoted, createMode: undefined as never }))).toEqual([
    'highAvailability.mode must be "Disabled", but is "SameZone"',
    "administratorLoginPassword must be left out of a replica, which inherits the administrator",
  ]);
});

describe("what depends on other resources", () => {
  const parameter = { configurationName: "pgbouncer.enabled", value: "true", source: "user-override" };
  const type = "azure-native:dbforpostgresql:Configuration";

  test("says which ones it has to be given", () => {
    expect(armRelations(type)).toMatchObject([{ as: "server", property: "serverName" }]);
    expect(armRelations("azure-native:cdn:SecurityPolicy").map(({ as }) => as)).toEqual([
      "profile",
      "firewall",
    ]);
  });

  test("is judged with them, and not without", () => {
    const burstable = { sku: { name: "Standard_B2s", tier: "Burstable" } };
    expect(armRefusals(type, parameter)).toEqual([]);
    expect(texts(armRefusals(type, parameter, { related: { server: burstable } }))).toEqual([
      "serverName must not be a Burstable server for pgbouncer.enabled",
    ]);
  });

  test("counts what is beside it", () => {
    const credential = propsOf("credential-one");
    const siblings = Array.from({ length: 20 }, (_, i) => ({
      ...credential,
      issuer: `https://oidc.example/s${i}`,
    }));
    expect(
      armRefusals("azure-native:managedidentity:FederatedIdentityCredential", credential, { siblings }),
    ).toEqual([
      expect.objectContaining({ message: "must not have more than 20 federated credentials, but has 21" }),
    ]);
  });
});

describe("a change Azure refuses although the provider plans an update", () => {
  const server = propsOf("primary");
  const changed = (type: string, before: Tree, change: Record<string, unknown>) =>
    texts(
      armRefusals(type, { ...before, ...change } as Tree, { before }).filter(
        ({ limit }) => limit === "unchangeable",
      ),
    );

  test.each([
    [
      "a disk that shrinks",
      { storage: { storageSizeGB: 64 } },
      "storage.storageSizeGB must be at least 128, but is 64: a disk never shrinks",
    ],
    [
      "another kind of disk",
      { storage: { storageSizeGB: 128, type: "PremiumV2_LRS" } },
      "storage.type cannot be changed: the kind of disk is chosen at creation",
    ],
    [
      "geo-redundancy turned off",
      { backup: { backupRetentionDays: 35, geoRedundantBackup: "Disabled" } },
      "backup.geoRedundantBackup cannot be changed: geo-redundancy is chosen at creation",
    ],
    [
      "another kind of standby",
      { highAvailability: { mode: "SameZone" } },
      "highAvailability.mode cannot be switched from ZoneRedundant to SameZone: turn it off first",
    ],
    ["an older version", { version: "16" }, "version must be at least 17, but is 16: versions only go up"],
    [
      "Burstable with a standby",
      { sku: { name: "Standard_B2s", tier: "Burstable" } },
      "sku.tier must not be Burstable while there is a standby",
    ],
  ])("%s", (_, change, message) => expect(changed(SERVER, server, change)).toEqual([message]));

  test("a server that moves into a subnet, or to a key of the customer's", () => {
    const before = {
      network: { delegatedSubnetResourceId: "/a" },
      dataEncryption: { type: "SystemManaged" },
    };
    const after = { network: { delegatedSubnetResourceId: "/b" }, dataEncryption: { type: "AzureKeyVault" } };
    expect(changed(SERVER, before, after)).toEqual([
      "network.delegatedSubnetResourceId cannot be changed: the subnet is chosen at creation",
      "dataEncryption.type cannot be changed: the kind of key is chosen at creation",
    ]);
  });

  test("an account between kinds of replication, and immutability of versions", () => {
    expect(changed(ACCOUNT, propsOf("account"), { sku: { name: "Standard_LRS" } })).toEqual([
      "sku.name cannot change between zone-redundant and other replication by an update",
    ]);
    const before = { immutableStorageWithVersioning: { enabled: true } };
    expect(changed(ACCOUNT, before, { immutableStorageWithVersioning: { enabled: false } })).toEqual([
      "immutableStorageWithVersioning.enabled cannot be changed: it is chosen at creation",
    ]);
  });

  test("a vault that forgets its promises", () => {
    const vault = propsOf("vault-westeurope");
    const properties = {
      ...(vault.properties as object),
      softDeleteRetentionInDays: 30,
      enablePurgeProtection: false,
    };
    expect(changed(VAULT, vault, { properties })).toEqual([
      "properties.softDeleteRetentionInDays cannot be changed: it is chosen at creation",
      "properties.enablePurgeProtection cannot be turned off again",
    ]);
  });

  test("a budget that begins on another day", () => {
    const from = (startDate: string) => ({ timePeriod: { startDate }, timeGrain: "Monthly" });
    const type = "azure-native:consumption:Budget";
    expect(changed(type, from("2026-12-01T00:00:00Z"), from("2027-01-01T00:00:00Z"))).toEqual([
      "timePeriod.startDate cannot be changed: a budget begins when it was made; delete it and make it anew",
    ]);
    expect(changed(type, from("2026-12-01T00:00:00Z"), { amount: 7000 })).toEqual([]);
  });

  test("Grafana that goes back, and what Azure raised it to is taken", () => {
    const raised = { properties: { grafanaMajorVersion: "13" } };
    expect(changed(GRAFANA, raised, propsOf("grafana"))).toEqual([
      "properties.grafanaMajorVersion must be at least 13, but is 12: an upgrade cannot be undone",
    ]);
    expect(changed(GRAFANA, propsOf("grafana"), raised)).toEqual([]);
  });

  test("Kubernetes that goes back, or leaves out a minor version", () => {
    const type = "azure-native:containerservice:ManagedCluster";
    const to = (kubernetesVersion: string) =>
      changed(type, { kubernetesVersion: "1.35" }, { kubernetesVersion });
    expect(to("1.34")).toEqual(["kubernetesVersion must be at least 1.35, but is 1.34: versions only go up"]);
    expect(to("1.37")).toEqual([
      "kubernetesVersion must be at most 1.36, but is 1.37: a minor version at a time",
    ]);
    expect([to("1.36"), to("1.35")]).toEqual([[], []]);
    const pool = "azure-native:containerservice:AgentPool";
    expect(changed(pool, { orchestratorVersion: "1.35" }, { orchestratorVersion: "1.34" })).toHaveLength(1);
    expect(changed(pool, { orchestratorVersion: "1.34" }, { orchestratorVersion: "1.36" })).toEqual([]);
  });

  test.each([
    [
      "a larger disk",
      { storage: { storageSizeGB: 256, type: "Premium_LRS", autoGrow: "Enabled", tier: "P15" } },
    ],
    ["a newer version", { version: "18" }],
    ["a longer retention", { backup: { backupRetentionDays: 35, geoRedundantBackup: "enabled" } }],
    [
      "a value that is not known yet",
      { storage: { storageSizeGB: UNKNOWN }, version: UNKNOWN, backup: UNKNOWN },
    ],
  ])("but not %s", (_, change) => expect(changed(SERVER, server, change)).toEqual([]));
});
