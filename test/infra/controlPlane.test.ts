import fs from "node:fs";
import path from "node:path";
import { projectRoot } from "../../packages/command/root";
import { PlanView, planStack } from "../support/plan";

const ROOT = projectRoot(__dirname);
const ACCOUNT = "azure-native:storage:StorageAccount";
const VAULT = "azure-native:keyvault:Vault";

type Inputs = Record<string, any>;
const all = (plan: PlanView, type: string): Inputs[] =>
  plan.ofType(type).map(({ inputs }) => inputs as Inputs);

let prod: PlanView;
let staging: PlanView;

beforeAll(async () => {
  const root = path.join(ROOT, "control");
  prod = await planStack("prod", { root, resolve: true });
  staging = await planStack("staging", { root, resolve: true });
}, 180_000);

test("an environment is deployed from a region that does not serve, and from another if that is lost", () => {
  for (const [plan, short, suffix] of [
    [prod, "prod", ""],
    [staging, "stg", "a1"],
  ] as const) {
    expect(plan.errors).toEqual([]);
    expect(
      all(plan, ACCOUNT).map(({ accountName, location, sku }) => [accountName, location, sku.name]),
    ).toEqual([
      [`stforma3d${short}ctlweu${suffix}`, "westeurope", "Standard_ZRS"],
      [`stforma3d${short}ctlneu${suffix}`, "northeurope", "Standard_ZRS"],
    ]);
  }
  expect(prod.outputs).toMatchObject({
    state: { account: "stforma3dprodctlneu", vault: "kv-forma3d-prod-cneu" },
    copy: { account: "stforma3dprodctlweu", vault: "kv-forma3d-prod-cweu" },
  });
});

test("the state can be brought back, is reached from listed addresses only, and nobody deletes it by mistake", () => {
  for (const account of all(prod, ACCOUNT)) {
    expect(account).toMatchObject({
      allowSharedKeyAccess: false,
      allowBlobPublicAccess: false,
      networkRuleSet: {
        defaultAction: "Deny",
        bypass: "None",
        ipRules: [{ iPAddressOrRange: "203.0.113.16/29" }],
      },
    });
  }
  for (const service of all(prod, "azure-native:storage:BlobServiceProperties")) {
    expect(service).toMatchObject({
      isVersioningEnabled: true,
      deleteRetentionPolicy: { enabled: true, days: 90, allowPermanentDelete: false },
    });
  }
  for (const { properties } of all(prod, VAULT)) {
    expect(properties).toMatchObject({
      enableRbacAuthorization: true,
      enablePurgeProtection: true,
      networkAcls: { defaultAction: "Deny", bypass: "None", ipRules: [{ value: "203.0.113.16/29" }] },
    });
  }
  const keys = all(prod, "azure-native:keyvault:Key");
  expect(keys.map(({ vaultName }) => vaultName).sort()).toEqual([
    "kv-forma3d-prod-cneu",
    "kv-forma3d-prod-cweu",
  ]);
  for (const { properties } of keys) {
    expect(properties).toMatchObject({ kty: "RSA", keySize: 3072 });
    expect(properties.attributes?.exp).toBeUndefined();
  }
  const locks = all(prod, "azure-native:authorization:ManagementLockByScope");
  expect(locks.map(({ scope, level }) => [scope.split("/").at(-1), level]).sort()).toEqual([
    ["kv-forma3d-prod-cneu", "CanNotDelete"],
    ["kv-forma3d-prod-cweu", "CanNotDelete"],
    ["stforma3dprodctlneu", "CanNotDelete"],
    ["stforma3dprodctlweu", "CanNotDelete"],
  ]);
  for (const type of [ACCOUNT, VAULT, "azure-native:keyvault:Key", "azure-native:storage:BlobContainer"])
    for (const { protect } of prod.ofType(type)) expect(protect).toBe(true);
  expect(all(prod, "azure-native:monitor:DiagnosticSetting")).toHaveLength(4);
});

test("each identity is one GitHub environment's, and may do with the state what it is for", () => {
  const credentials = all(prod, "azure-native:managedidentity:FederatedIdentityCredential");
  expect(credentials.map(({ resourceName, subject }) => [resourceName, subject]).sort()).toEqual([
    ["id-forma3d-prod-copy", "repo:forma3d/platform:environment:prod-copy"],
    ["id-forma3d-prod-deploy", "repo:forma3d/platform:environment:prod"],
    ["id-forma3d-prod-preview", "repo:forma3d/platform:environment:prod-preview"],
    ["id-forma3d-prod-read", "repo:forma3d/platform:environment:prod-read"],
  ]);
  const rights = prod
    .ofType("azure-native:authorization:RoleAssignment")
    .map(({ urn }) => urn.split("::").at(-1)?.replace("forma3d-prod-control-", ""));
  expect(rights.sort()).toEqual([
    "copy-copy-keyVaultCryptoUser",
    "copy-copy-storageBlobDataContributor",
    "copy-deploy-keyVaultCryptoUser",
    "copy-deploy-storageBlobDataContributor",
    "copy-preview-keyVaultCryptoUser",
    "copy-preview-storageBlobDataReader",
    "copy-read-keyVaultCryptoUser",
    "copy-read-storageBlobDataReader",
    "home-copy-keyVaultCryptoUser",
    "home-copy-storageBlobDataReader",
    "home-deploy-keyVaultCryptoUser",
    "home-deploy-storageBlobDataContributor",
    "home-preview-keyVaultCryptoUser",
    "home-preview-storageBlobDataReader",
    "home-read-keyVaultCryptoUser",
    "home-read-storageBlobDataReader",
  ]);
});

test("no page makes an account that has to be failed over", () => {
  const pages = (fs.readdirSync(path.join(ROOT, "docs"), { recursive: true }) as string[]).filter((name) =>
    name.endsWith(".md"),
  );
  for (const page of pages)
    expect([page, fs.readFileSync(path.join(ROOT, "docs", page), "utf8")]).toEqual([
      page,
      expect.not.stringMatching(/--sku Standard_RAGRS|storage account failover/),
    ]);
});
