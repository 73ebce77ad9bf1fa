import { SECRET_CATALOG } from "../../infra/secrets/secretCatalogue";
import { RECORDER_RIGHTS } from "../../infra/data/places";
import { serverParameters } from "../../infra/data/serverParameters";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { differences, matches } from "../../packages/emulated-azure/model/paths";
import type { Tree } from "../../packages/emulated-azure/model/types";
import { readStacks } from "../../stacks/files";
import { planStack, PlanView } from "../support/plan";
import path from "node:path";

const CONFIG = readStacks(path.join(__dirname, "../.."));
const SERVER = "azure-native:dbforpostgresql:Server";

let prod: PlanView;
let staging: PlanView;
beforeAll(async () => {
  [prod, staging] = await Promise.all([
    planStack("prod", { resolve: true }),
    planStack("staging", { resolve: true }),
  ]);
}, 180_000);

type Inputs = Record<string, any>;
const inputs = (plan: PlanView, type: string, name?: string): Inputs => plan.one(type, name).inputs as Inputs;
const name = (urn: string): string => urn.split("::").at(-1) ?? "";

describe("database", () => {
  test("prod can be restored to any second of the last 35 days, from the paired region too", () => {
    expect(inputs(prod, SERVER, "database-primary").backup).toEqual({
      backupRetentionDays: 35,
      geoRedundantBackup: "Enabled",
    });
  });

  test("the primary survives the loss of a zone in prod, and exercises failover in staging", () => {
    expect(inputs(prod, SERVER, "database-primary").highAvailability).toEqual({
      mode: "ZoneRedundant",
      standbyAvailabilityZone: "2",
    });
    expect(inputs(prod, SERVER, "database-primary").availabilityZone).toBe("1");
    expect(inputs(staging, SERVER, "database-primary").highAvailability.mode).toBe("SameZone");
  });

  test("prod has an asynchronous replica in the second region that can take over: same version, size and disk, no standby, no backups", () => {
    const primary = inputs(prod, SERVER, "database-primary");
    const replica = inputs(prod, SERVER, "database-replica");
    expect([primary.location, replica.location]).toEqual(["westeurope", "northeurope"]);
    expect([replica.sku, replica.storage]).toEqual([primary.sku, primary.storage]);
    expect(replica.sourceServerResourceId).toMatch(/flexibleServers\/psql-forma3d-prod-weu$/);
    for (const key of [
      "createMode",
      "administratorLogin",
      "administratorLoginPassword",
      "authConfig",
      "version",
    ]) {
      expect([key, replica[key]]).toEqual([key, undefined]);
    }
    expect(replica.highAvailability?.mode ?? "Disabled").toBe("Disabled");
    expect(replica.backup?.geoRedundantBackup ?? "Disabled").toBe("Disabled");
    expect(staging.ofType(SERVER)).toHaveLength(1);
  });

  test("createMode Replica is sent only in the deployment that creates the replica", async () => {
    const bootstrap = await planStack("prod", {
      config: { "database.replica.bootstrap": true },
      resolve: true,
    });
    expect(inputs(bootstrap, SERVER, "database-replica").createMode).toBe("Replica");
  }, 180_000);

  test("clients connect to the virtual endpoint, which leads to the replica for reads", () => {
    const endpoint = inputs(prod, "azure-native:dbforpostgresql:VirtualEndpoint");
    expect(endpoint).toMatchObject({
      virtualEndpointName: "forma3d-prod-db",
      endpointType: "ReadWrite",
      serverName: "psql-forma3d-prod-weu",
      members: ["psql-forma3d-prod-neu"],
    });
    expect(prod.outputs.database).toMatchObject({
      writerHost: "forma3d-prod-db.writer.postgres.database.azure.com",
      readerHost: "forma3d-prod-db.reader.postgres.database.azure.com",
      ports: { pooled: 6432, direct: 5432 },
    });
  });

  test("version, disk, networking and authentication are what was decided", () => {
    expect(inputs(prod, SERVER, "database-primary")).toMatchObject({
      version: "17",
      sku: { name: "Standard_D4ds_v5", tier: "GeneralPurpose" },
      network: { publicNetworkAccess: "Disabled" },
      authConfig: {
        activeDirectoryAuth: "Enabled",
        passwordAuth: "Enabled",
        tenantId: CONFIG.prod?.azure.tenantId,
      },
      maintenanceWindow: { customWindow: "Enabled", dayOfWeek: 0, startHour: 1, startMinute: 0 },
      administratorLoginPassword: "[secret]",
    });
    expect(prod.ofType("azure-native:dbforpostgresql:AdministratorsMicrosoftEntra")).toHaveLength(1);
  });

  test("the disk grows by itself on both servers", () => {
    for (const server of prod.ofType(SERVER)) {
      expect((server.inputs as Inputs).storage).toEqual({
        storageSizeGB: 128,
        autoGrow: "Enabled",
        type: "Premium_LRS",
      });
    }
  });

  test("TLS 1.2 is the least, the pooler is on, and every parameter is a user's override", () => {
    const parameters = new Map(
      prod
        .ofType("azure-native:dbforpostgresql:Configuration", "database-primary")
        .map(({ inputs: i }) => [(i as Inputs).configurationName as string, i as Inputs]),
    );
    expect([...parameters.values()].every(({ source }) => source === "user-override")).toBe(true);
    for (const [parameter, value] of Object.entries({
      require_secure_transport: "on",
      ssl_min_protocol_version: "TLSv1.2",
      "pgbouncer.enabled": "true",
      "pgbouncer.pool_mode": "transaction",
      "pgbouncer.max_prepared_statements": "100",
      log_connections: "on",
      "pg_qs.query_capture_mode": "top",
      "metrics.pgbouncer_diagnostics": "on",
    })) {
      expect([parameter, parameters.get(parameter)?.value]).toEqual([parameter, value]);
    }
    expect(parameters.size).toBe(serverParameters(CONFIG.prod?.database.pool, {}).length);
  });

  test("everything on the two servers is one chain, so that Azure never answers ServerIsBusy", () => {
    const chain = prod.resources.filter(({ type }) => /^azure-native:dbforpostgresql:/.test(type));
    const within = new Set(chain.map(({ urn }) => urn));
    const after = new Map(
      chain.map(({ urn, dependencies }) => [urn, dependencies.filter((d) => within.has(d))]),
    );
    // Follows dependencies from the end: a chain visits every link, one before the other.
    const depth = new Map<string, number>();
    const visit = (urn: string): number => {
      const known = depth.get(urn);
      if (known !== undefined) return known;
      const value = 1 + Math.max(0, ...(after.get(urn) ?? []).map(visit));
      depth.set(urn, value);
      return value;
    };
    chain.forEach(({ urn }) => visit(urn));
    expect([...depth.values()].sort((a, b) => a - b)).toEqual(chain.map((_, index) => index + 1));
    const order = [...depth].sort((a, b) => a[1] - b[1]).map(([urn]) => name(urn));
    const place = (part: string): number => order.findIndex((link) => link.endsWith(part));
    expect(place("database-primary-pgbouncer-enabled")).toBeLessThan(
      place("database-primary-pgbouncer-pool-mode"),
    );
    expect(place("database-primary")).toBe(0);
    expect(place("database-endpoint")).toBe(order.length - 1);
  });

  test("what Azure changes by itself, or takes only once, is never sent back", () => {
    for (const server of prod.ofType(SERVER)) {
      expect(server.options?.ignoreChanges).toEqual([
        "availabilityZone",
        "highAvailability.standbyAvailabilityZone",
        "storage.storageSizeGB",
        "sourceServerResourceId",
        "pointInTimeUTC",
        "replicationRole",
      ]);
    }
    expect(prod.one("azure-native:dbforpostgresql:VirtualEndpoint").options?.ignoreChanges).toEqual([
      "members",
    ]);
  });
});

describe("protection", () => {
  const DATA = [
    SERVER,
    "azure-native:dbforpostgresql:Database",
    "azure-native:dbforpostgresql:VirtualEndpoint",
    "azure-native:storage:StorageAccount",
    "azure-native:storage:BlobContainer",
    "azure-native:keyvault:Vault",
    "azure-native:operationalinsights:Workspace",
    "azure-native:monitor:AzureMonitorWorkspace",
  ];

  test("nothing else the emulated clouds know to hold data is declared", () => {
    const model = sandboxModel();
    const types = [...prod.resources, ...staging.resources].map(({ type }) => type);
    const cloud = types.filter((type) => !/^(pulumi|forma3d):/.test(type));
    const holding = [...new Set(cloud)].filter((type) => model.resource(type).holdsData);
    expect(holding.length).toBeGreaterThan(5);
    expect(holding.filter((type) => !DATA.includes(type))).toEqual([]);
  });

  test("what holds data is protected and retained, in both stacks", () => {
    for (const plan of [prod, staging]) {
      const data = plan.resources.filter(({ type }) => DATA.includes(type));
      expect(data.length).toBeGreaterThan(6);
      for (const { urn, protect, options } of data) {
        expect([urn, protect, options?.retainOnDelete]).toEqual([urn, true, true]);
      }
    }
  });

  test("servers, accounts, vaults and the registry are locked against deletion; no DNS zone ever is", () => {
    const locks = prod
      .ofType("azure-native:authorization:ManagementLockByScope")
      .map(({ inputs: i }) => i as Inputs);
    expect(locks.every(({ level }) => level === "CanNotDelete")).toBe(true);
    expect(locks.map(({ scope }) => (scope as string).split("/").slice(-2).join("/")).sort()).toEqual([
      "flexibleServers/psql-forma3d-prod-neu",
      "flexibleServers/psql-forma3d-prod-weu",
      "registries/crforma3dprod",
      "storageAccounts/stforma3dprodbkpneu",
      "storageAccounts/stforma3dprodbkpweu",
      "storageAccounts/stforma3dprodwitswc",
      "vaults/kv-forma3d-prod-neu",
      "vaults/kv-forma3d-prod-weu",
    ]);
  });

  test("an environment that is torn down loses locks and protection by one value", async () => {
    const bare = await planStack("staging", { config: { protectData: false }, resolve: true });
    expect(bare.ofType("azure-native:authorization:ManagementLockByScope")).toEqual([]);
    expect(bare.resources.filter(({ protect }) => protect)).toEqual([]);
  }, 180_000);

  test("nothing that holds data has a public address", () => {
    for (const account of prod.ofType("azure-native:storage:StorageAccount")) {
      expect(account.inputs).toMatchObject({
        publicNetworkAccess: "Disabled",
        networkRuleSet: { defaultAction: "Deny" },
      });
    }
    for (const vault of prod.ofType("azure-native:keyvault:Vault")) {
      expect((vault.inputs as Inputs).properties).toMatchObject({
        publicNetworkAccess: "disabled",
        networkAcls: { defaultAction: "Deny" },
      });
    }
    for (const server of prod.ofType(SERVER))
      expect((server.inputs as Inputs).network.publicNetworkAccess).toBe("Disabled");
  });
});

describe("storage", () => {
  const PLACES = ["primary", "secondary"];

  test("both environments have an account in each of two regions, each over three zones, with no keys and no copy to fail over to", () => {
    const accounts = (plan: PlanView) =>
      plan
        .ofType("azure-native:storage:StorageAccount")
        .map(({ inputs: i }) => i as Inputs)
        .map(({ accountName, location, resourceGroupName, sku }) => [
          accountName as string,
          location as string,
          resourceGroupName as string,
          sku.name as string,
        ]);
    expect(accounts(prod)).toEqual([
      // No backups: the third place that says which region serves.
      ["stforma3dprodwitswc", "swedencentral", "rg-forma3d-prod-global", "Standard_ZRS"],
      ["stforma3dprodbkpweu", "westeurope", "rg-forma3d-prod-weu", "Standard_ZRS"],
      ["stforma3dprodbkpneu", "northeurope", "rg-forma3d-prod-neu", "Standard_ZRS"],
    ]);
    // A second region that is added later finds its group and its account.
    expect(accounts(staging)).toEqual([
      ["stforma3dstgbkpneua1", "northeurope", "rg-forma3d-stg-neu", "Standard_ZRS"],
      ["stforma3dstgbkpweua1", "westeurope", "rg-forma3d-stg-weu", "Standard_ZRS"],
    ]);
    for (const account of prod.ofType("azure-native:storage:StorageAccount")) {
      expect(account.inputs).toMatchObject({
        allowSharedKeyAccess: false,
        allowBlobPublicAccess: false,
        minimumTlsVersion: "TLS1_2",
        enableHttpsTrafficOnly: true,
        allowCrossTenantReplication: false,
      });
    }
    for (const place of PLACES) {
      expect(
        inputs(prod, "azure-native:storage:BlobServiceProperties", `${place}-backups-blobs`),
      ).toMatchObject({
        isVersioningEnabled: true,
        deleteRetentionPolicy: { enabled: true, days: 30, allowPermanentDelete: false },
        containerDeleteRetentionPolicy: { enabled: true, days: 30 },
      });
    }
  });

  test("in each account hourly backups live 7 days, daily 30, weekly 35, monthly a year, evidence and incidents three, and nobody can end them sooner", () => {
    for (const place of PLACES) {
      const policies = prod
        .ofType("azure-native:storage:BlobContainerImmutabilityPolicy", `${place}-backups`)
        .map(({ inputs: i }) => i as Inputs);
      expect(
        Object.fromEntries(policies.map((p) => [p.containerName, p.immutabilityPeriodSinceCreationInDays])),
      ).toEqual({
        "backups-hourly": 7,
        "backups-daily": 30,
        "backups-weekly": 35,
        "backups-monthly": 365,
        evidence: 1096,
        incidents: 1096,
      });
    }
  });

  test("the lifecycle moves what is old to colder tiers and deletes nothing in prod", () => {
    for (const place of PLACES) {
      const { rules } = inputs(prod, "azure-native:storage:ManagementPolicy", `${place}-backups`).policy as {
        rules: Inputs[];
      };
      const days = (count: number) => ({ daysAfterModificationGreaterThan: count });
      expect(Object.fromEntries(rules.map((rule) => [rule.name, rule.definition.actions.baseBlob]))).toEqual({
        "backups-hourly": { tierToCool: days(1) },
        "backups-weekly": { tierToCool: days(1) },
        "backups-monthly": { tierToCool: days(1), tierToCold: days(31) },
        evidence: { tierToCool: days(30), tierToCold: days(120) },
        incidents: { tierToCool: days(90), tierToCold: days(365) },
      });
      expect(JSON.stringify(rules)).not.toContain("Archive");
    }
  });

  test("each account logs to the workspace and raises its own alerts", () => {
    for (const place of PLACES) {
      const account = prod.one("azure-native:storage:StorageAccount", `${place}-backups`);
      const id = (account.inputs as Inputs).accountName as string;
      const logged = prod
        .ofType("azure-native:monitor:DiagnosticSetting", `${place}-backups`)
        .map(({ inputs: i }) => (i as Inputs).resourceUri as string);
      expect(logged).toEqual([expect.stringContaining(`/storageAccounts/${id}/blobServices/default`)]);
      const alerts = prod
        .ofType("azure-native:monitor:MetricAlert")
        .filter(({ inputs: i }) => JSON.stringify((i as Inputs).scopes).includes(`/storageAccounts/${id}"`));
      expect(alerts).toHaveLength(2);
    }
  });

  test("staging's lifecycle ends incident records and nothing else: backups end only with a verified successor", () => {
    for (const place of PLACES) {
      const { rules } = inputs(staging, "azure-native:storage:ManagementPolicy", `${place}-backups`)
        .policy as { rules: Inputs[] };
      const ended = rules.flatMap((rule) => {
        const age = rule.definition.actions.baseBlob?.delete?.daysAfterModificationGreaterThan as unknown;
        return age === undefined ? [] : [[rule.name, age]];
      });
      expect(ended).toEqual([["incidents", 90]]);
    }
  });

  test("each region's gateway reads in all three places who serves, and only operators say so, who cannot unsay it", () => {
    const places = ["northeurope", "swedencentral", "westeurope"];
    const containers = prod
      .ofType("azure-native:storage:BlobContainer")
      .map(({ inputs: i }) => i as Inputs)
      .filter(({ containerName }) => containerName === "serving");
    expect(containers.map(({ accountName }) => accountName as string).sort()).toEqual([
      "stforma3dprodbkpneu",
      "stforma3dprodbkpweu",
      "stforma3dprodwitswc",
    ]);
    const grants = prod.ofType("azure-native:authorization:RoleAssignment", "prod-serving-");
    const expected = ["primary", "secondary"].flatMap((region) =>
      ["reads", "writes"].flatMap((kind) =>
        places.map((place) => `forma3d-prod-serving-${region}-${kind}-${place}`),
      ),
    );
    // Whoever fails over is a person, of the group that administers the clusters.
    const people = places.map((place) => `forma3d-prod-serving-operators-1-writes-${place}`);
    // What deploys asks whether an operation holds its lease, which lies there too.
    const deployer = places.map((place) => `forma3d-prod-serving-deployer-reads-${place}`);
    expect(grants.map(({ urn }) => urn.split("::").at(-1)).sort()).toEqual(
      [...expected, ...people, ...deployer].sort(),
    );
    for (const one of deployer)
      expect(inputs(prod, "azure-native:authorization:RoleAssignment", one)).toMatchObject({
        principalId: CONFIG["prod"]!.controlPlane.deployObjectId,
        principalType: "ServicePrincipal",
        roleDefinitionId: expect.stringMatching(/\/2a2b9908-6ea1-4ae2-8e65-a410df84e7d1$/),
      });
    // Where there is one region, it lies among the incidents of that one's account; nothing else of it is read.
    expect(
      staging
        .ofType("azure-native:authorization:RoleAssignment")
        .map(({ inputs: i }) => i as Inputs)
        .filter(({ principalId }) => principalId === CONFIG["staging"]!.controlPlane.deployObjectId)
        .map(({ scope }) => (scope as string).split("/storageAccounts/")[1]),
    ).toEqual([
      expect.stringMatching(/^stforma3dstgbkpneu\w*\/blobServices\/default\/containers\/incidents$/),
    ]);
    const [group] = CONFIG["prod"]!.cluster.adminGroupObjectIds;
    for (const one of people)
      expect(inputs(prod, "azure-native:authorization:RoleAssignment", one)).toMatchObject({
        principalId: group,
        principalType: "Group",
      });
    for (const { inputs: grant } of grants) expect((grant as Inputs).scope).toMatch(/\/containers\/serving$/);
    const role = inputs(prod, "azure-native:authorization:RoleDefinition", "serving-recorder");
    // Exactly what the verb asks for (test/operations/rights.test.ts), and nothing of Azure's management.
    expect(role.permissions).toEqual([{ actions: [], dataActions: RECORDER_RIGHTS }]);
    expect(RECORDER_RIGHTS.map((right) => right.split("/").at(-1))).toEqual(["read", "write"]);
    expect(staging.ofType("azure-native:authorization:RoleAssignment", "serving-")).toEqual([]);
  });

  test("the backup job can write and not delete; only prune can delete, and it cannot read the database", () => {
    const role = inputs(prod, "azure-native:authorization:RoleDefinition", "writer");
    expect(JSON.stringify(role.permissions)).not.toMatch(/delete/i);
    expect(role.permissions[0].dataActions).toContain(
      "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
    );
    const grants = prod
      .ofType("azure-native:authorization:RoleAssignment", "backup-access")
      .map(({ urn, inputs: i }) => [name(urn), (i as Inputs).roleDefinitionId as string] as const);
    const pruner = inputs(prod, "azure-native:authorization:RoleDefinition", "pruner");
    const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
    // Of a version, too: with versioning on, deleting a blob only makes one.
    expect(pruner.permissions[0].dataActions).toEqual(
      ["read", "write", "delete", "deleteBlobVersion/action"].map((right) => `${blobs}/${right}`),
    );
    const deleting = grants.filter(([, id]) => !id.endsWith("2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"));
    const writerId = prod.one("azure-native:authorization:RoleDefinition", "writer").inputs as Inputs;
    expect(
      deleting
        .filter(([, id]) => !id.endsWith(writerId.roleDefinitionId as string))
        .map(([n]) => n.includes("-prune-")),
    ).toEqual(Array(16).fill(true));
    // Whichever region serves, its identities reach either account, so that no right is given in a disaster.
    expect(
      grants
        .map(([n]) => n)
        .filter((n) => n.includes("-backup-primary-") || n.includes("-backup-secondary-")),
    ).toHaveLength(16);
    // People look at what is there, and write where incidents are kept; they delete nothing.
    expect(
      grants
        .filter(([n]) => n.includes("-operators-"))
        .map(([n, id]) => [n, id.endsWith("2a2b9908-6ea1-4ae2-8e65-a410df84e7d1")]),
    ).toEqual(
      ["primary", "secondary"].flatMap((account) =>
        ["daily", "evidence", "hourly", "incidents", "monthly", "weekly"].map((container) => [
          `forma3d-prod-backup-access-operators-1-${account}-${container}`,
          container !== "incidents",
        ]),
      ),
    );
    // The one secret that what deletes may have is the key to a bucket, whose objects are locked.
    expect(SECRET_CATALOG.filter(({ readers, only }) => readers.includes("prune") && only !== "s3")).toEqual(
      [],
    );
  });
});

describe("vault and secrets", () => {
  test("prod has a vault in each region: RBAC, purge protection, 90 days of recovery", () => {
    const vaults = prod.ofType("azure-native:keyvault:Vault").map(({ inputs: i }) => i as Inputs);
    expect(vaults.map(({ location }) => location as string).sort()).toEqual(["northeurope", "westeurope"]);
    for (const { properties } of vaults) {
      expect(properties).toMatchObject({
        enableRbacAuthorization: true,
        enablePurgeProtection: true,
        enableSoftDelete: true,
        softDeleteRetentionInDays: 90,
      });
    }
  });

  test("every managed secret is in every vault with expiry, content type and no readable value; external ones are not", () => {
    const managed = SECRET_CATALOG.filter(({ source }) => source !== "external");
    const vault = CONFIG.prod?.vault;
    for (const place of ["primary", "secondary"]) {
      const secrets = prod
        .ofType("azure-native:keyvault:Secret", `${place}-vault`)
        .map(({ inputs: i }) => i as Inputs);
      expect(secrets.map(({ secretName }) => secretName as string).sort()).toEqual(
        managed.map((entry) => entry.name).sort(),
      );
      for (const secret of secrets) {
        const entry = managed.find(({ name: n }) => n === secret.secretName);
        expect(secret.properties).toEqual({
          value: "[secret]",
          contentType: entry?.contentType,
          attributes: {
            enabled: true,
            expires:
              Date.parse(
                entry?.encryptionKey ? (vault?.tokenEncryptionKeys[0] ?? "") : (vault?.secretsIssued ?? ""),
              ) /
                1000 +
              Math.min(entry?.rotationDays ?? 0, CONFIG.prod?.vault.secretRotationDays ?? 0) * 86_400,
          },
        });
      }
    }
  });

  test("the key of stored tokens outlives every issue of secrets; a new one is added beside it, and only then may it go", async () => {
    const RANDOM = "random:index/randomBytes:RandomBytes";
    const plan = (config: Record<string, unknown>) => planStack("prod", { config, resolve: true });
    const keys = (view: PlanView) =>
      view
        .ofType(RANDOM, "token-encryption-key")
        .map(({ urn, protect, inputs: i }) => [name(urn), protect, i]);
    const used = (view: PlanView) =>
      Object.fromEntries(
        ["shopify-token-encryption-key", "shopify-token-encryption-key-previous"].map((secret) => [
          secret,
          view
            .ofType("azure-native:keyvault:Secret", "primary-vault")
            .find(({ inputs: i }) => (i as Inputs).secretName === secret)
            ?.propertyDependencies.properties?.map(name)
            .filter((source) => source.includes("token-encryption-key")),
        ]),
      );
    const key = (day: string) => `forma3d-prod-secrets-token-encryption-key-${day}`;
    const [first] = keys(prod);
    expect(first).toEqual([key("2026-11-01"), true, { keepers: { issued: "2026-11-01" }, length: 32 }]);
    expect(keys(await plan({ "vault.secretsIssued": "2027-01-15" }))).toEqual([first]);
    expect(used(prod)).toEqual({
      "shopify-token-encryption-key": [key("2026-11-01")],
      "shopify-token-encryption-key-previous": [key("2026-11-01")],
    });

    const both = await plan({ "vault.tokenEncryptionKeys": ["2027-04-01", "2026-11-01"] });
    expect(keys(both).map(([urn, protect]) => [urn, protect])).toEqual([
      [key("2026-11-01"), false],
      [key("2027-04-01"), true],
    ]);
    expect(used(both)).toEqual({
      "shopify-token-encryption-key": [key("2027-04-01")],
      "shopify-token-encryption-key-previous": [key("2026-11-01")],
    });
  }, 180_000);

  test("a missing secret is named with the command that sets it, and a plan goes on without it", () => {
    const text = prod.diagnostics.map(({ message }) => message).join("\n");
    expect(text).toContain(
      "pulumi config set --stack prod --secret --path 'forma3d:secretValues.smtp-password'",
    );
    expect(prod.errors).toEqual([]);
  });

  test("no value of a secret stands anywhere in the plan", () => {
    const text = JSON.stringify(prod.resources);
    expect(text).not.toMatch(/postgresql:\/\/[^"[]*:[^"[]+@/);
    for (const password of prod.ofType("random:index/randomPassword:RandomPassword")) {
      expect(JSON.stringify(password.inputs)).toContain("2026-11-01");
    }
  });

  test("a reader is granted single secrets, in its own region's vault, and nobody the whole vault", () => {
    const grants = prod
      .ofType("azure-native:authorization:RoleAssignment", "-vault-")
      .map(({ inputs: i }) => i as Inputs);
    const readers = SECRET_CATALOG.filter(({ only }) => !only).reduce(
      (sum, { readers: r }) => sum + r.length,
      0,
    );
    expect(grants).toHaveLength(2 * readers);
    for (const { scope, roleDefinitionId } of grants) {
      expect(scope).toMatch(/\/vaults\/kv-[a-z0-9-]+\/secrets\/[a-z0-9-]+$/);
      expect(roleDefinitionId).toMatch(/4633458b-17de-408a-b874-0445c86b69e6$/);
    }
  });

  test("names of role assignments are the same at every deployment and never repeat", async () => {
    const names = prod
      .ofType("azure-native:authorization:RoleAssignment")
      .map(({ inputs: i }) => (i as Inputs).roleAssignmentName as string);
    expect(new Set(names).size).toBe(names.length);
    const again = await planStack("prod", { resolve: true, config: { logRetentionDays: 91 } });
    expect(
      again
        .ofType("azure-native:authorization:RoleAssignment")
        .map(({ inputs: i }) => (i as Inputs).roleAssignmentName as string),
    ).toEqual(names);
  }, 180_000);
});

describe("network", () => {
  test("every region resolves every private service by itself: zones linked to its own network, endpoints for both servers, both vaults, both accounts of backups and the registry", () => {
    const links = prod
      .ofType("azure-native:privatedns:VirtualNetworkLink")
      .map(({ inputs: i }) => i as Inputs);
    for (const [region, vnet] of [
      ["weu", "vnet-forma3d-prod-weu"],
      ["neu", "vnet-forma3d-prod-neu"],
    ] as const) {
      const own = links.filter(({ resourceGroupName }) => resourceGroupName === `rg-forma3d-prod-${region}`);
      expect(own.map(({ privateZoneName }) => privateZoneName as string).sort()).toEqual([
        "privatelink.azurecr.io",
        "privatelink.blob.core.windows.net",
        "privatelink.postgres.database.azure.com",
        "privatelink.vaultcore.azure.net",
      ]);
      for (const { virtualNetwork } of own) expect(virtualNetwork.id).toMatch(new RegExp(`/${vnet}$`));
      const endpoints = prod
        .ofType("azure-native:network:PrivateEndpoint")
        .map(({ inputs: i }) => i as Inputs)
        .filter(({ resourceGroupName }) => resourceGroupName === `rg-forma3d-prod-${region}`);
      expect(
        endpoints
          .flatMap(({ privateLinkServiceConnections }) =>
            (privateLinkServiceConnections as Inputs[]).map(
              ({ privateLinkServiceId, groupIds }) =>
                `${(privateLinkServiceId as string).split("/").at(-1)} ${(groupIds as string[])[0]}`,
            ),
          )
          .sort(),
      ).toEqual([
        "crforma3dprod registry",
        "kv-forma3d-prod-neu vault",
        "kv-forma3d-prod-weu vault",
        "psql-forma3d-prod-neu postgresqlServer",
        "psql-forma3d-prod-weu postgresqlServer",
        "stforma3dprodbkpneu blob",
        "stforma3dprodbkpweu blob",
        "stforma3dprodwitswc blob",
      ]);
    }
  });

  test("subnets leave only through the NAT gateway, and only nodes reach the endpoints", () => {
    for (const subnet of prod.ofType("azure-native:network:Subnet")) {
      expect((subnet.inputs as Inputs).defaultOutboundAccess).toBe(false);
    }
    const { securityRules } = inputs(
      prod,
      "azure-native:network:NetworkSecurityGroup",
      "primary-network-endpoints",
    );
    expect(
      (securityRules as Inputs[]).map(({ access, sourceAddressPrefix, destinationPortRanges, priority }) => [
        priority,
        access,
        sourceAddressPrefix,
        destinationPortRanges,
      ]),
    ).toEqual([
      [100, "Allow", "10.10.0.0/20", ["443", "5432", "6432"]],
      [4000, "Deny", "*", undefined],
    ]);
  });
});

/** What the replica is sent only while it writes: test/infra/cluster.test.ts says what that is. */
function withoutWriterOnly(server: string, { ...inputs }: Inputs): Inputs {
  if (!server.endsWith("-database-replica")) return inputs;
  for (const key of ["administratorLoginPassword", "backup", "createMode", "maintenanceWindow"])
    delete inputs[key];
  return inputs;
}

describe("regional failover", () => {
  test("of a lost region everything but what runs in its cluster stays declared as it was", async () => {
    const clusters = (plan: PlanView) =>
      plan
        .ofType("azure-native:containerservice:ManagedCluster")
        .map(({ inputs: i }) => (i as Inputs).location as string);
    expect(clusters(prod).sort()).toEqual(["northeurope", "westeurope"]);
    const failed = await planStack("prod", {
      resolve: true,
      config: {
        "regions.primary.role": "lost",
        "regions.secondary.role": "serving",
      },
    });
    expect(failed.errors).toEqual([]);
    expect(clusters(failed).sort()).toEqual(["northeurope", "westeurope"]);
    const deployments = failed.ofType("kubernetes:apps/v1:Deployment").map(({ urn }) => name(urn));
    expect(deployments.length).toBeGreaterThan(2);
    expect(deployments.every((n) => n.includes("secondary"))).toBe(true);
    const declared = (plan: PlanView) =>
      plan.resources
        .map(({ type, urn }) => [type, name(urn)] as const)
        .filter(([type, n]) => type.startsWith("azure-native:") && n.includes("prod-primary-"));
    expect(declared(failed)).toEqual(declared(prod));
    const sent = ({ resources }: PlanView) =>
      resources
        .filter(({ type, urn }) => type.startsWith("azure-native:") && name(urn).includes("prod-primary-"))
        .map(({ urn, inputs: i }) => [name(urn), JSON.stringify(i)]);
    expect(sent(failed)).toEqual(sent(prod));
    // Rights take minutes to be known everywhere, and whoever fails over may give none.
    const rights = (plan: PlanView) =>
      plan.ofType("azure-native:authorization:RoleAssignment").map(({ urn, inputs: i }) => [urn, i]);
    expect(rights(failed)).toEqual(rights(prod));
    const data = (plan: PlanView) =>
      plan.resources
        .filter(({ protect }) => protect)
        .map(({ urn, inputs: i }) => [urn, JSON.stringify(withoutWriterOnly(name(urn), i as Inputs))])
        .sort();
    expect(data(failed)).toEqual(data(prod));
  }, 180_000);

  test("nor is anything sent to a region that stood by when it was lost", async () => {
    const lost = await planStack("prod", { resolve: true, config: { "regions.secondary.role": "lost" } });
    expect(lost.errors).toEqual([]);
    const there = ({ resources }: PlanView) =>
      new Map(
        resources
          // Alerts, logs and what is global stand there too: nothing of Azure may change at all.
          .filter(({ type }) => type.startsWith("azure-native:"))
          .map((one) => [name(one.urn), one] as const),
      );
    const [before, after] = [there(prod), there(lost)];
    expect([...after.keys()]).toEqual([...before.keys()]);
    const sent = [...after].flatMap(([own, { inputs: now, options }]) => {
      const ignored = (options as { ignoreChanges?: string[] }).ignoreChanges ?? [];
      return differences(before.get(own)!.inputs as Tree, now as Tree)
        .filter((at) => !ignored.some((one) => one === "*" || matches(at, one)))
        .map((at) => `${own} ${at}`);
    });
    expect(sent).toEqual([]);
    // What only the lost region could say is not asked: all of these groups is the state's, and the policies see whom they tell.
    const groups = (plan: PlanView) =>
      plan.ofType("azure-native:monitor:ActionGroup").map(({ inputs: i, options }) => ({
        names: ((i as { logicAppReceivers?: { name: string }[] }).logicAppReceivers ?? []).map(
          (one) => one.name,
        ),
        ignored: (options as { ignoreChanges?: string[] }).ignoreChanges ?? [],
      }));
    expect(groups(prod).flatMap(({ names }) => names).length).toBeGreaterThan(0);
    expect(groups(lost)).toEqual(groups(prod).map(({ names }) => ({ names, ignored: ["*"] })));
  }, 180_000);
});
