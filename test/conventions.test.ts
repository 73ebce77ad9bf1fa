import fs from "node:fs";
import path from "node:path";
import { REGIONS } from "../infra/regions";
import { readStacks, stackPlatformNames } from "../stacks/files";
import { planStack, PlanView } from "./support/plan";

type Inputs = Record<string, any>;

const CONFIG = readStacks(path.join(__dirname, ".."));
const STACKS = Object.keys(CONFIG);
const plans: Record<string, PlanView> = {};
beforeAll(async () => {
  for (const stack of STACKS) plans[stack] = await planStack(stack, { resolve: true });
}, 180_000);

const nameOf = (urn: string): string => urn.split("::").at(-1) ?? "";
const typeOf = (urn: string): string => (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";

/** Azure types that take no tags. */
const UNTAGGED =
  /:(?:RoleAssignment|RoleDefinition|ManagementLockByScope|DiagnosticSetting|Subnet|PrivateDnsZoneGroup|Database|Configuration|VirtualEndpoint|AdministratorsMicrosoftEntra|BlobContainer|BlobServiceProperties|BlobContainerImmutabilityPolicy|ManagementPolicy|FederatedIdentityCredential|AgentPool|MaintenanceConfiguration|DataCollectionRuleAssociation|AFDCustomDomain|AFDOrigin|AFDOriginGroup|Route|SecurityPolicy|DashboardDefinition|PolicyAssignment|Budget|Pricing)$/;

describe.each(STACKS)("%s", (stack) => {
  const plan = (): PlanView => plans[stack] as PlanView;
  const config = CONFIG[stack];
  const names = config && stackPlatformNames(config);

  test("plans without an error", () => {
    expect(plan().errors).toEqual([]);
  });

  test("everything hangs below a component, but for groups, providers and the stack", () => {
    for (const { urn, type, parent } of plan().resources) {
      if (/^pulumi:|:ResourceGroup$/.test(type) || type.startsWith("forma3d:")) continue;
      expect([urn, typeOf(parent ?? "").startsWith("forma3d:")]).toEqual([urn, true]);
    }
  });

  test("a child's name begins with its parent's", () => {
    for (const { urn, parent } of plan().resources) {
      if (!parent || typeOf(parent) === "pulumi:pulumi:Stack") continue;
      expect([urn, nameOf(urn).startsWith(`${nameOf(parent)}-`)]).toEqual([urn, true]);
    }
  });

  test("every name begins with the environment's prefix", () => {
    for (const { urn, type } of plan().resources) {
      if (type === "pulumi:pulumi:Stack") continue;
      expect([urn, nameOf(urn).startsWith(`${names?.prefix}-`)]).toEqual([urn, true]);
    }
  });

  test("every resource has an explicit provider, and no default provider exists", () => {
    for (const { urn, type, provider } of plan().resources) {
      if (/^(?:pulumi|forma3d):/.test(type)) {
        expect(nameOf(urn)).not.toMatch(/^default/);
        continue;
      }
      expect([urn, typeOf((provider ?? "").split("::").slice(0, 4).join("::"))]).toEqual([
        urn,
        `pulumi:providers:${type.split(":")[0]}`,
      ]);
      expect(provider).not.toContain("::default");
    }
  });

  test("the Azure provider pins this environment's subscription", () => {
    const providers = plan().ofType("pulumi:providers:azure-native");
    expect(providers.map(({ inputs }) => [inputs.subscriptionId, inputs.tenantId])).toEqual([
      [config?.azure.subscriptionId, config?.azure.tenantId],
    ]);
  });

  test("every Azure resource that takes tags has all of them", () => {
    const wanted = {
      product: "forma3d",
      environment: config?.environment,
      managedBy: "pulumi",
      ...config?.tags,
    };
    for (const { urn, type, inputs } of plan().resources) {
      if (!type.startsWith("azure-native:") || UNTAGGED.test(type)) continue;
      expect([urn, (inputs as Inputs).tags]).toEqual([urn, expect.objectContaining(wanted)]);
    }
  });

  test("every resource stands in one of the environment's regions", () => {
    const allowed = new Set(
      [
        config?.regions.primary.location,
        config?.regions.secondary?.location,
        config?.statusPage.outsideRegion,
        config?.serving.witness,
        "global",
      ].filter(Boolean),
    );
    for (const { urn, inputs } of plan().resources) {
      const { location } = inputs as Inputs;
      if (location !== undefined)
        expect([urn, allowed.has((location as string).toLowerCase())]).toEqual([urn, true]);
    }
    expect(Object.keys(REGIONS)).toContain(config?.regions.primary.location);
  });

  test("the page that tells customers stands in no region that serves, nor does its group", () => {
    const serving = [config?.regions.primary.location, config?.regions.secondary?.location];
    const page = plan().resources.filter(
      ({ inputs }) => (inputs as Inputs).resourceGroupName === names?.statusResourceGroup,
    );
    expect(page.map(({ type }) => type.split(":").at(-1)).sort()).toEqual([
      ...["ContainerApp", "ManagedEnvironment", "ResourceGroup"],
    ]);
    for (const { urn, inputs } of page)
      expect([urn, serving.includes((inputs as Inputs).location)]).toEqual([urn, false]);
  });

  test("names of Azure resources are unique within their type and group", () => {
    const seen = new Map<string, string>();
    for (const { urn, type, inputs } of plan().resources.filter((r) =>
      /^azure-native:.*:(?:Server|StorageAccount|Vault|ManagedCluster|VirtualNetwork)$/.test(r.type),
    )) {
      const name = ["serverName", "accountName", "vaultName", "resourceName", "virtualNetworkName"]
        .map((key) => (inputs as Inputs)[key] as string)
        .find(Boolean);
      const key = `${type}/${name}`;
      expect([urn, seen.get(key)]).toEqual([urn, undefined]);
      seen.set(key, urn);
    }
  });

  test("Kubernetes objects lie in the platform's namespaces and carry its labels", () => {
    for (const { urn, type, inputs } of plan().resources.filter(
      // A namespace, a priority and what is admitted are the whole cluster's.
      (r) =>
        r.type.startsWith("kubernetes:") &&
        !/:(Namespace|PriorityClass|ValidatingAdmissionPolicy\w*)$/.test(r.type),
    )) {
      const { metadata } = inputs as Inputs;
      expect([urn, [names?.namespace, "kube-system"].includes(metadata?.namespace as string)]).toEqual([
        urn,
        true,
      ]);
      expect([type, metadata?.name !== undefined]).toEqual([type, true]);
      expect([urn, metadata?.labels]).toEqual([
        urn,
        expect.objectContaining({
          "app.kubernetes.io/part-of": "forma3d",
          "app.kubernetes.io/managed-by": "pulumi",
        }),
      ]);
    }
  });
});

describe("the traps of Azure, by number", () => {
  const prod = (): PlanView => plans.prod as PlanView;
  const inputs = (type: string, name?: string): Inputs[] =>
    prod()
      .ofType(type, name)
      .map((r) => r.inputs as Inputs);
  const SERVER = "azure-native:dbforpostgresql:Server";

  test("1: what replaces the server is ignored or fixed, and the server is protected", () => {
    for (const { protect, options } of prod().ofType(SERVER)) {
      expect(protect).toBe(true);
      expect(options.ignoreChanges).toEqual(
        expect.arrayContaining(["availabilityZone", "sourceServerResourceId", "pointInTimeUTC"]),
      );
    }
  });

  test("2: geo-redundant backup is stated on the primary and absent from the replica", () => {
    expect(inputs(SERVER, "primary")[0]?.backup.geoRedundantBackup).toBe("Enabled");
    // The SDK sends its default for a replica too; Azure accepts only that.
    expect(inputs(SERVER, "replica")[0]?.backup?.geoRedundantBackup ?? "Disabled").toBe("Disabled");
  });

  test("3: the mode of high availability is configuration, with SameZone as the fallback", async () => {
    const fallback = await planStack("prod", {
      config: { "database.highAvailability": "SameZone" },
      resolve: true,
    });
    expect((fallback.one(SERVER, "primary").inputs as Inputs).highAvailability.mode).toBe("SameZone");
    expect(
      prod()
        .ofType(SERVER)
        .every(({ inputs: i }) => !/ads/.test((i as Inputs).sku.name as string)),
    ).toBe(true);
  }, 180_000);

  test("4: the replica sends no createMode, no standby and the primary's autogrow", () => {
    const [replica] = inputs(SERVER, "replica");
    expect([
      replica?.createMode,
      replica?.highAvailability?.mode ?? "Disabled",
      replica?.storage.autoGrow,
    ]).toEqual([undefined, "Disabled", "Enabled"]);
  });

  test("5: promotion is never an input, and the order of origins never changes", async () => {
    for (const server of inputs(SERVER)) expect(server.replica).toBeUndefined();
    const priorities = (plan: PlanView): Record<string, unknown> =>
      Object.fromEntries(
        plan
          .ofType("azure-native:cdn:AFDOrigin", "api")
          .map(({ urn, inputs: i }) => [
            /(westeurope|northeurope)-origin$/.exec(urn)?.[1] ?? urn,
            (i as Inputs).priority,
          ]),
      );
    const always = { westeurope: 1, northeurope: 2 };
    expect(priorities(prod())).toEqual(always);
    const both = { "regions.primary.role": "standby", "regions.secondary.role": "serving" };
    const switched = await planStack("prod", { config: both, resolve: true });
    expect(priorities(switched)).toEqual(always);
  });

  test("6: the region's recovery point rests on the replica; no backup waits in the archive tier", () => {
    expect(inputs(SERVER, "replica")).toHaveLength(1);
    expect(JSON.stringify(inputs("azure-native:storage:ManagementPolicy"))).not.toContain("tierToArchive");
  });

  test("7: nothing on a server is written while another thing on it is: every child waits for the one before", () => {
    const children = prod().resources.filter(
      ({ type }) => type.startsWith("azure-native:dbforpostgresql:") && type !== SERVER,
    );
    const first = children.filter(
      ({ dependencies }) => !dependencies.some((d) => children.some(({ urn }) => urn === d)),
    );
    // One on each server; everything else waits for another child.
    expect(first.map(({ urn }) => nameOf(urn)).sort()).toEqual([
      "forma3d-prod-database-application",
      "forma3d-prod-database-replica-require-secure-transport",
    ]);
  });

  test("8: zones have the names Azure resolves, and every network that needs one is linked", () => {
    expect(
      new Set(
        inputs("azure-native:privatedns:PrivateZone").map(({ privateZoneName }) => privateZoneName as string),
      ),
    ).toEqual(
      new Set([
        "privatelink.postgres.database.azure.com",
        "privatelink.vaultcore.azure.net",
        "privatelink.blob.core.windows.net",
        "privatelink.azurecr.io",
      ]),
    );
    const ends = ({ urn, inputs: i }: { urn: string; inputs: unknown }): string[] => [
      // A link's name is its network's and its zone's.
      nameOf(urn),
      ((i as Inputs).virtualNetwork.id as string).split("/").at(-1) ?? "",
      (i as Inputs).privateZoneName as string,
    ];
    const zones = {
      database: "postgres.database.azure.com",
      vault: "vaultcore.azure.net",
      blob: "blob.core.windows.net",
      registry: "azurecr.io",
    };
    expect(prod().ofType("azure-native:privatedns:VirtualNetworkLink").map(ends).sort()).toEqual(
      [["primary", "weu"] as const, ["secondary", "neu"] as const]
        .flatMap(([place, region]) =>
          Object.entries(zones).map(([zone, domain]) => [
            `forma3d-prod-${place}-network-${zone}-zone-link`,
            `vnet-forma3d-prod-${region}`,
            `privatelink.${domain}`,
          ]),
        )
        .sort(),
    );
  });

  test("9: the networking mode is the one that works across regions", () => {
    for (const { network } of inputs(SERVER)) expect(network).toEqual({ publicNetworkAccess: "Disabled" });
  });

  test("10: immutable containers have no lifecycle deletion, and versions age by creation", () => {
    const worm = new Set(
      inputs("azure-native:storage:BlobContainerImmutabilityPolicy").map(
        ({ containerName }) => containerName as string,
      ),
    );
    for (const rule of inputs("azure-native:storage:ManagementPolicy")[0]?.policy.rules as Inputs[]) {
      if (worm.has(rule.name as string)) expect(rule.definition.actions.baseBlob?.delete).toBeUndefined();
      expect(JSON.stringify(rule.definition.actions.version ?? {})).not.toContain("Modification");
    }
  });

  test("11: purge protection is true or absent, and secrets expire in the SDK's words", () => {
    for (const { properties } of inputs("azure-native:keyvault:Vault"))
      expect(properties.enablePurgeProtection).toBe(true);
    for (const { properties } of inputs("azure-native:keyvault:Secret"))
      expect(Object.keys(properties.attributes as object)).toEqual(["enabled", "expires"]);
    for (const { options } of prod().ofType("azure-native:keyvault:Secret"))
      expect(options.retainOnDelete).toBe(true);
  });

  test("12: the administrator's password is a secret", () => {
    expect(inputs(SERVER, "primary")[0]?.administratorLoginPassword).toBe("[secret]");
  });

  test("13: no preview-only property, string-typed rotation, user pools apart, credentials for each cluster's issuer", () => {
    const [cluster] = inputs("azure-native:containerservice:ManagedCluster");
    expect(cluster?.securityProfile?.nodeRestriction).toBeUndefined();
    expect(cluster?.addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation).toBe("true");
    expect((cluster?.agentPoolProfiles as Inputs[]).map(({ mode }) => mode as string)).toEqual(["System"]);
    expect(cluster?.autoUpgradeProfile).toMatchObject({ nodeOSUpgradeChannel: "NodeImage" });
    expect(cluster?.autoUpgradeProfile.upgradeChannel).toMatch(/^(?:patch|stable)$/);
    const issuers = prod()
      .ofType("azure-native:managedidentity:FederatedIdentityCredential")
      .map(({ inputs: i }) => (i as Inputs).issuer as string);
    const counts = new Map<string, number>();
    for (const issuer of issuers) counts.set(issuer, (counts.get(issuer) ?? 0) + 1);
    // Every workload of the one cluster has its twin in the other.
    expect(counts.size).toBe(2);
    expect(new Set(counts.values()).size).toBe(1);
  });

  test("14: a maintenance window, which Azure ignores in the creating call, has its own step after the first deployment", () => {
    expect(inputs(SERVER, "primary")[0]?.maintenanceWindow.customWindow).toBe("Enabled");
    expect(fs.readFileSync(path.join(__dirname, "../docs/deploying.md"), "utf8")).toMatch(
      /Maintenance window.*\n?.*ignores it in the call that creates/,
    );
  });

  test("15: no vault of Azure Backup is declared, so none of its traps is open", () => {
    expect(prod().resources.filter(({ type }) => type.startsWith("azure-native:dataprotection:"))).toEqual(
      [],
    );
  });

  test("16: liveness is a maximum, lag is the replica's, durations are ISO 8601", () => {
    const metrics = inputs("azure-native:monitor:MetricAlert");
    const criteria = (name: string): Inputs[] =>
      metrics
        .flatMap(({ criteria: c }) => c.allOf as Inputs[])
        .filter(({ metricName }) => metricName === name);
    expect([
      ...new Set(criteria("is_db_alive").map(({ timeAggregation }) => timeAggregation as string)),
    ]).toEqual(["Maximum"]);
    const lag = metrics.filter(({ criteria: c }) => JSON.stringify(c).includes("delay_in_seconds"));
    expect(lag.flatMap(({ scopes }) => scopes as string[]).map((scope) => scope.split("/").at(-1))).toEqual(
      lag.map(() => "psql-forma3d-prod-neu"),
    );
    expect(lag.length).toBeGreaterThan(0);
    const notified = [...metrics.map(({ actions }) => actions as Inputs[])];
    expect(notified.every((actions) => actions.length > 0 && actions.every((a) => a.actionGroupId))).toBe(
      true,
    );
    // A rule of the cluster without its association collects nothing, and no alert on it can fire.
    const associated = inputs("azure-native:monitor:DataCollectionRuleAssociation").map(
      ({ dataCollectionRuleId }) => (dataCollectionRuleId as string).split("/").at(-1),
    );
    // One rule forwards the metrics of every cluster.
    expect([...new Set(associated)].sort()).toEqual(
      inputs("azure-native:monitor:DataCollectionRule")
        .map(({ dataCollectionRuleName }) => dataCollectionRuleName as string)
        .sort(),
    );
    for (const group of inputs("azure-native:alertsmanagement:PrometheusRuleGroup")) {
      expect(group.interval).toMatch(/^PT\d+M$/);
      for (const rule of group.rules as Inputs[])
        if (rule.for !== undefined) expect(rule.for).toMatch(/^PT\d+[SMH]/);
      expect((group.rules as Inputs[]).length).toBeLessThanOrEqual(20);
    }
  });

  test("17: a class that speaks a preview version is one without a choice: the SDK carries one version of each", () => {
    const { resources } = JSON.parse(
      fs.readFileSync(path.join(__dirname, "../packages/emulated-azure/facts/azure.json"), "utf8"),
    ) as { resources: Record<string, { apiVersion?: string }> };
    const types = new Set(Object.values(plans).flatMap((plan) => plan.resources.map(({ type }) => type)));
    // docs/planning.md says what that means; another one is a decision, not an accident.
    expect([...types].filter((type) => resources[type]?.apiVersion?.endsWith("-preview")).sort()).toEqual([
      "azure-native:app:ContainerApp",
      "azure-native:app:ManagedEnvironment",
      "azure-native:authorization:RoleDefinition",
      "azure-native:containerregistry:Registry",
      "azure-native:containerregistry:Replication",
      "azure-native:dashboard:Dashboard",
      "azure-native:dashboard:DashboardDefinition",
      "azure-native:monitor:ActionGroup",
      "azure-native:monitor:DiagnosticSetting",
    ]);
  });

  test("18: origins are probed every 30 seconds, the firewall has the profile's tier, routes wait for origins", () => {
    for (const group of inputs("azure-native:cdn:AFDOriginGroup"))
      expect(group.healthProbeSettings.probeIntervalInSeconds).toBe(30);
    expect(inputs("azure-native:frontdoor:Policy")[0]?.sku.name).toBe(
      inputs("azure-native:cdn:Profile")[0]?.sku.name,
    );
    for (const route of prod().ofType("azure-native:cdn:Route"))
      expect(route.dependencies.some((d) => d.includes(":AFDOrigin::"))).toBe(true);
  });

  test("19: a replica in another region may take hours to create", () => {
    for (const { options } of prod().ofType(SERVER)) {
      expect(JSON.stringify(options.customTimeouts)).toMatch(/"create":"?(?:4h|14400)/);
    }
  });
});
