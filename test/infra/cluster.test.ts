import fc from "../support/property";
import { evaluate } from "@marcbachmann/cel-js";
import { load } from "js-yaml";
import { repositoryOf } from "../../infra/cluster/imageChecks";
import { regionSubnets } from "../../infra/network/addressing";
import { WEBHOOK_PATHS } from "../../infra/edge/webhookPaths";
import { kubeloginKubeconfig } from "../../infra/cluster/kubeconfig";
import { loadBalancerAddress } from "../../infra/kubernetes/exposure";
import { maintenanceWindow, Weekday, weeklyHours } from "../../packages/azure-facts/maintenance";
import { nodeDisk } from "../../infra/cluster/nodeDisk";
import { PlanView, planStack } from "../support/plan";

const TYPES = {
  cluster: "azure-native:containerservice:ManagedCluster",
  pool: "azure-native:containerservice:AgentPool",
  window: "azure-native:containerservice:MaintenanceConfiguration",
  role: "azure-native:authorization:RoleAssignment",
  diagnostics: "azure-native:monitor:DiagnosticSetting",
  origin: "azure-native:cdn:AFDOrigin",
  originGroup: "azure-native:cdn:AFDOriginGroup",
  route: "azure-native:cdn:Route",
  firewall: "azure-native:frontdoor:Policy",
};

/** Names of the resources one depends on. */
const waitsFor = (plan: PlanView, type: string, name: string) =>
  plan.one(type, name).dependencies.map((urn) => urn.split("::").at(-1));

const inputs = (plan: PlanView, type: string, name?: string): any => plan.one(type, name).inputs;

/** Plans take seconds each, and longer beside other tests. */
const PLANS_MS = 300_000;
const FAILED_OVER = {
  "regions.primary.role": "standby",
  "regions.secondary.role": "serving",
  "database.replica.highAvailability": "SameZone",
};

let prod: PlanView;
let staging: PlanView;
/** After a regional failover: the second region computes, and its database accepts writes. */
let failedOver: PlanView;

beforeAll(async () => {
  prod = await planStack("prod", { resolve: true });
  staging = await planStack("staging", { resolve: true });
  failedOver = await planStack("prod", { resolve: true, config: FAILED_OVER });
}, PLANS_MS);

describe("pods are admitted", () => {
  const POLICY = "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy";
  const views = (): [string, PlanView][] => [
    ["prod", prod],
    ["staging", staging],
    ["after a failover", failedOver],
  ];
  const specOf = (view: PlanView): any => (view.ofType(POLICY)[0] as any).inputs.spec;
  /** What the API server would say of a pod: whether it is admitted, and the message if not. */
  const judge = (spec: any, containers: string[], initContainers?: string[]) => {
    const container = (image: string) => ({ image });
    const object = {
      spec: {
        containers: containers.map(container),
        ...(initContainers && { initContainers: initContainers.map(container) }),
      },
    };
    const variables = Object.fromEntries(
      spec.variables.map(({ name, expression }: any) => [name, evaluate(expression, { object })]),
    );
    const [{ expression, messageExpression }] = spec.validations;
    return [evaluate(expression, { variables }), evaluate(messageExpression, { variables })];
  };
  /** Images of every pod a plan declares, wherever its template stands. */
  const imagesOf = (value: any): string[] => {
    if (typeof value !== "object" || value === null) return [];
    const own = ["containers", "initContainers"].flatMap((key) =>
      Array.isArray(value[key])
        ? value[key].flatMap(({ image }: any) => (image ? [image as string] : []))
        : [],
    );
    return [...own, ...Object.values(value).flatMap(imagesOf)];
  };

  test("in every cluster that computes, in the platform's namespace, by the API server itself, which fails closed", () => {
    for (const [name, view] of views()) {
      const policies = view.ofType(POLICY).filter(({ type }) => type === POLICY);
      const bindings = view.ofType(`${POLICY}Binding`);
      const namespaces = view.ofType("kubernetes:core/v1:Namespace");
      expect([name, policies.length, bindings.length]).toEqual([name, namespaces.length, namespaces.length]);
      for (const { inputs: policy } of policies as any[]) {
        expect(policy.spec.failurePolicy).toBe("Fail");
        expect(policy.spec.matchConstraints.resourceRules).toEqual([
          { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["pods"] },
        ]);
      }
      for (const { inputs: binding } of bindings as any[]) {
        expect(binding.spec.validationActions).toEqual(["Deny", "Audit"]);
        expect(binding.spec.matchResources.namespaceSelector.matchLabels).toEqual({
          "kubernetes.io/metadata.name": "forma3d",
        });
      }
    }
  });

  test("when their images are the platform's own, every one that is planned among them", () => {
    for (const [name, view] of views()) {
      const images = view.resources
        .filter(({ type }) => type.startsWith("kubernetes:"))
        .flatMap(({ inputs: object }) => imagesOf(object));
      expect(images.length).toBeGreaterThan(10);
      const spec = specOf(view);
      expect([name, images.filter((image) => judge(spec, [image])[0] !== true)]).toEqual([name, []]);
    }
  });

  test("and no other: by a tag, from elsewhere, or with a name that only begins like one", () => {
    const digest = `sha256:${"a".repeat(64)}`;
    const spec = specOf(prod);
    const api = "crforma3dprod.azurecr.io/ghcr.io/forma3d/api";
    const own = `${api}@${digest}`;
    expect(judge(spec, [own, `${api}:1.2@${digest}`], [own])[0]).toBe(true);
    for (const wrong of [
      `${api}:latest`,
      api,
      `${api}-evil@${digest}`,
      `${api}/evil@${digest}`,
      `crforma3dprod.azurecr.io/ghcr.io/forma3d@${digest}`,
      `docker.io/library/${api}@${digest}`,
      // Where it is published: not by way of what somebody imported on purpose.
      `ghcr.io/forma3d/api@${digest}`,
      "busybox",
      "",
    ]) {
      expect([wrong, judge(spec, [own, wrong])[0]]).toEqual([wrong, false]);
      expect([wrong, judge(spec, [own], [wrong])[0]]).toEqual([wrong, false]);
    }
    expect(judge(spec, ["busybox"])[1]).toMatch(
      /^images must be pinned by digest and come from .*ghcr.io\/forma3d\/api, .*; found busybox$/,
    );
  });

  test.each(["ghcr.io/forma3d/api:1.2", "ghcr.io/forma3d/api", `api@sha256:${"A".repeat(64)}`])(
    "%s is no image whose repository could be admitted",
    (image) => {
      expect(() => repositoryOf(image)).toThrow(`image ${image}: allowed: <repository>@sha256:<digest>`);
    },
  );
});

describe("images", () => {
  const REGISTRY = "azure-native:containerregistry:Registry";
  /** Images of everything that runs in a cluster. */
  const podImages = (view: PlanView) =>
    view.resources
      .filter(({ type }) => type.startsWith("kubernetes:"))
      .flatMap(({ inputs: i }) => JSON.stringify(i).match(/"image":"[^"]+"/g) ?? [])
      .map((text) => text.slice('"image":"'.length, -1));
  const ending = (text: unknown) => String(text).split("/").at(-1);

  test("come from a registry of the environment's own, with a copy in every region, closed to who has not signed in", () => {
    for (const [view, name, copies] of [
      [prod, "crforma3dprod", ["westeurope"]],
      [staging, "crforma3dstga1", []],
    ] as const) {
      const registry = view.one(REGISTRY);
      expect(registry).toMatchObject({ protect: true, options: { retainOnDelete: true } });
      expect(registry.inputs).toMatchObject({
        registryName: name,
        location: "northeurope",
        sku: { name: "Premium" },
        adminUserEnabled: false,
        anonymousPullEnabled: false,
        networkRuleSet: {
          defaultAction: "Deny",
          ipRules: [{ iPAddressOrRange: "203.0.113.16/29", action: "Allow" }],
        },
        policies: { retentionPolicy: { status: "disabled" } },
        zoneRedundancy: "Enabled",
      });
      expect(
        view
          .ofType("azure-native:containerregistry:Replication")
          .map(({ inputs: i }: any) => [i.replicationName, i.location, i.registryName, i.zoneRedundancy]),
      ).toEqual(copies.map((place) => [place, place, name, "Enabled"]));
      expect(
        view
          .ofType("azure-native:authorization:ManagementLockByScope", "registry")
          .map(({ inputs: i }: any) => [i.level, ending(i.scope)]),
      ).toEqual([["CanNotDelete", name]]);
      for (const image of podImages(view)) expect(image).toMatch(new RegExp(`^${name}\\.azurecr\\.io/`));
      expect(podImages(view).length).toBeGreaterThan(10);
    }
  });

  test("are there for the nodes of every region before they pull: the right, the name, the way there", () => {
    for (const view of [prod, failedOver]) {
      for (const [place, region] of [
        ["primary", "weu"],
        ["secondary", "neu"],
      ] as const) {
        const right = view.one(TYPES.role, `${place}-cluster-on-images`);
        expect(ending(right.inputs["scope"])).toBe("crforma3dprod");
        // https://learn.microsoft.com/azure/role-based-access-control/built-in-roles: AcrPull.
        expect(ending(right.inputs["roleDefinitionId"])).toBe("7f951dda-4ed3-4680-a7ca-43fe172d538d");
        expect(right.propertyDependencies["principalId"]).toEqual([
          expect.stringMatching(`forma3d-prod-${place}-identities-kubelet$`),
        ]);
        expect(waitsFor(view, TYPES.cluster, place)).toContain(`forma3d-prod-${place}-cluster-on-images`);
        const way = view.one("azure-native:network:PrivateEndpoint", `${place}-to-registry`);
        expect(way.inputs).toMatchObject({ privateEndpointName: `pe-registry-${region}` });
      }
      // Azure writes the names of the copies that are there; the second way waits for the first.
      const ways = ["primary", "secondary"].map((place) =>
        waitsFor(view, "forma3d:network:PrivateEndpoint", `${place}-to-registry`),
      );
      expect(ways[0]).toContain("forma3d-prod-registry-westeurope");
      expect(ways[1]).toContain("forma3d-prod-primary-to-registry-records");
      // The first pod of a region that serves: the job that makes the roles, for which everything else waits.
      const place = view === prod ? "primary" : "secondary";
      expect(waitsFor(view, "kubernetes:batch/v1:Job", `${place}-roles`)).toContain(
        `forma3d-prod-${place}-to-registry-records`,
      );
    }
  });

  test("of the page that watches from outside come from where they are published: it must not need what it watches", () => {
    const app: any = prod.one("azure-native:app:ContainerApp").inputs;
    expect(JSON.stringify(app)).toMatch(/"image":"ghcr\.io\/twin\/gatus@sha256:/);
  });

  test(
    "come straight from where they are published where an owner wants no registry",
    async () => {
      const view = await planStack("staging", { resolve: true, config: { "registry.enabled": false } });
      expect(view.errors).toEqual([]);
      expect(view.ofType(REGISTRY)).toEqual([]);
      expect(view.ofType(TYPES.role, "on-images")).toEqual([]);
      expect(JSON.stringify(view.resources)).not.toContain("azurecr");
      expect(new Set(podImages(view).map((image) => image.split("/")[0]))).toEqual(
        new Set(["docker.io", "ghcr.io", "quay.io"]),
      );
    },
    PLANS_MS,
  );
});

describe("the subscription", () => {
  const budget = "azure-native:consumption:Budget";
  const plans = (view: PlanView) =>
    Object.fromEntries(
      view.resources
        .filter(({ type }) => type === "azure-native:security:Pricing")
        .map(({ inputs: plan }: any) => [plan.pricingName, plan.pricingTier]),
    );

  test("has a budget that people are told of before it is spent", () => {
    const { amount, notifications, scope, timePeriod } = inputs(prod, budget);
    expect([amount, scope, timePeriod.startDate]).toEqual([
      6000,
      "/subscriptions/8d2f5c1e-6b0a-4f53-9a57-1c9e3b7d4a10",
      "2026-12-01T00:00:00Z",
    ]);
    // Azure changes no beginning, and two may not have one name.
    expect(prod.one(budget).options).toMatchObject({
      replaceOnChanges: ["timePeriod.startDate"],
      deleteBeforeReplace: true,
    });
    expect(Object.values<any>(notifications).map((one) => [one.thresholdType, one.threshold])).toEqual([
      ["Forecasted", 110],
      ["Actual", 100],
      ["Actual", 80],
    ]);
    for (const one of Object.values<any>(notifications))
      expect(one).toMatchObject({ enabled: true, contactEmails: ["oncall@forma3d.com"] });
  });

  test("has every plan of Defender on or off, as its file says, and the sensor where it pays for it", () => {
    const on = ["Containers", "KeyVaults", "Arm"];
    const all = ["Arm", "Containers", "KeyVaults", "OpenSourceRelationalDatabases", "StorageAccounts"];
    expect(plans(prod)).toEqual(
      Object.fromEntries(all.map((plan) => [plan, on.includes(plan) ? "Standard" : "Free"])),
    );
    expect(plans(staging)).toEqual(
      Object.fromEntries(all.map((plan) => [plan, plan === "Arm" ? "Standard" : "Free"])),
    );
    for (const place of ["primary", "secondary"])
      expect(inputs(prod, TYPES.cluster, place).securityProfile.defender.securityMonitoring).toEqual({
        enabled: true,
      });
    expect(inputs(staging, TYPES.cluster).securityProfile).not.toHaveProperty("defender");
  });

  test("takes in no more logs in a day than its file says", () => {
    expect(inputs(prod, "azure-native:operationalinsights:Workspace").workspaceCapping).toEqual({
      dailyQuotaGb: 5,
    });
  });

  test("gives the clusters' policy add-on something to enforce, in every region", () => {
    for (const place of ["primary", "secondary"]) {
      const assignment = inputs(prod, "azure-native:authorization:PolicyAssignment", `${place}-baseline`);
      expect(assignment).toMatchObject({
        enforcementMode: "Default",
        parameters: { effect: { value: "deny" } },
        policyDefinitionId: expect.stringMatching(
          /policySetDefinitions\/a8640138-9b0a-4a28-b8cb-1666c838647d$/,
        ),
      });
      expect(assignment.scope).toMatch(/\/resourceGroups\/rg-forma3d-prod-(weu|neu)$/);
      expect(assignment.parameters.excludedNamespaces.value).not.toContain("forma3d");
    }
  });
});

describe("cluster", () => {
  test("prod has an SLA, three zones, and nodes kept for cluster services", () => {
    const cluster = inputs(prod, TYPES.cluster, "primary");
    expect(cluster).toMatchObject({
      resourceName: "aks-forma3d-prod-weu",
      location: "westeurope",
      kubernetesVersion: "1.35",
      sku: { name: "Base", tier: "Standard" },
      supportPlan: "KubernetesOfficial",
    });
    expect(cluster.agentPoolProfiles).toEqual([
      expect.objectContaining({
        name: "system",
        mode: "System",
        count: 3,
        vmSize: "Standard_D2ds_v5",
        availabilityZones: ["1", "2", "3"],
        nodeTaints: ["CriticalAddonsOnly=true:NoSchedule"],
        osDiskType: "Ephemeral",
        osDiskSizeGB: 64,
        upgradeSettings: { maxSurge: "33%", drainTimeoutInMinutes: 30 },
      }),
    ]);
  });

  test("applications have an autoscaled pool of their own, whose count the autoscaler keeps", () => {
    expect(inputs(prod, TYPES.pool, "primary")).toMatchObject({
      agentPoolName: "apps",
      mode: "User",
      vmSize: "Standard_D4ds_v5",
      enableAutoScaling: true,
      minCount: 3,
      maxCount: 9,
      availabilityZones: ["1", "2", "3"],
      osDiskType: "Ephemeral",
      osDiskSizeGB: 128,
      enableNodePublicIP: false,
    });
    expect(prod.one(TYPES.pool, "primary").options.ignoreChanges).toEqual(["count"]);
  });

  test("pools Azure lists back never lead to an order to delete them", () => {
    expect(prod.one(TYPES.cluster, "primary").options.ignoreChanges).toEqual(["agentPoolProfiles"]);
  });

  test("nobody enters but by Entra, from known addresses, the nodes' own included", () => {
    const cluster = inputs(prod, TYPES.cluster, "primary");
    expect(cluster.disableLocalAccounts).toBe(true);
    expect(cluster.aadProfile).toMatchObject({ managed: true, enableAzureRBAC: true });
    expect(cluster.aadProfile.adminGroupObjectIDs).toEqual(["0c7d2e9f-8a41-4b3c-b5d6-2f1e0a9c8b74"]);
    const { authorizedIPRanges, disableRunCommand } = cluster.apiServerAccessProfile;
    expect(disableRunCommand).toBe(true);
    expect(authorizedIPRanges[0]).toBe("203.0.113.16/29");
    // Its own nodes, and the other region, whose readiness check asks every cluster.
    for (const address of authorizedIPRanges.slice(1)) expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+\/32$/);
    expect(new Set(authorizedIPRanges).size).toBe(3);
    expect(authorizedIPRanges).toHaveLength(3);
  });

  test("networking is the overlay with cilium, outbound from one address that stands in all zones", () => {
    expect(inputs(prod, TYPES.cluster, "primary").networkProfile).toEqual({
      networkPlugin: "azure",
      networkPluginMode: "overlay",
      networkDataplane: "cilium",
      networkPolicy: "cilium",
      podCidr: "10.128.0.0/15",
      serviceCidr: "10.11.0.0/20",
      dnsServiceIP: "10.11.0.10",
      loadBalancerSku: "standard",
      outboundType: "loadBalancer",
      loadBalancerProfile: {
        outboundIPs: {
          publicIPs: [{ id: expect.stringMatching(/publicIPAddresses\/pip-forma3d-prod-weu-outbound$/) }],
        },
        // 64,000 ports over 3 + 9 nodes and the 1 + 3 of an upgrade.
        allocatedOutboundPorts: 4_000,
        idleTimeoutInMinutes: 10,
        backendPoolType: "NodeIPConfiguration",
      },
    });
    // Nothing on the way out stands in one zone: no gateway, and an address of every zone.
    for (const place of ["primary", "secondary"]) {
      expect(inputs(prod, "azure-native:network:PublicIPAddress", place).zones).toEqual(["1", "2", "3"]);
      expect(inputs(prod, TYPES.cluster, place).networkProfile.outboundType).toBe("loadBalancer");
    }
    expect(prod.resources.filter(({ type }) => type.includes("NatGateway"))).toEqual([]);
    const subnet = inputs(prod, "azure-native:network:Subnet", "primary-network-nodes");
    expect(subnet).not.toHaveProperty("natGateway");
    expect(subnet.defaultOutboundAccess).toBe(false);
  });

  test("pods have identities of their own, and rotated secrets reach them", () => {
    const cluster = inputs(prod, TYPES.cluster, "primary");
    expect(cluster.oidcIssuerProfile).toEqual({ enabled: true });
    expect(cluster.securityProfile.workloadIdentity).toEqual({ enabled: true });
    expect(cluster.securityProfile.imageCleaner).toEqual({ enabled: true, intervalHours: 120 });
    expect(cluster.securityProfile).not.toHaveProperty("nodeRestriction");
    expect(cluster.addonProfiles.azureKeyvaultSecretsProvider).toEqual({
      enabled: true,
      config: { enableSecretRotation: "true", rotationPollInterval: "2m" },
    });
    expect(cluster.addonProfiles.azurepolicy.enabled).toBe(true);
  });

  test("it upgrades itself, inside the window only", () => {
    expect(inputs(prod, TYPES.cluster, "primary").autoUpgradeProfile).toEqual({
      upgradeChannel: "patch",
      nodeOSUpgradeChannel: "NodeImage",
    });
    const window = {
      durationHours: 4,
      schedule: { weekly: { dayOfWeek: "Saturday", intervalWeeks: 1 } },
      startTime: "21:00",
      utcOffset: "+00:00",
    };
    const windows = Object.fromEntries(
      prod
        .ofType(TYPES.window, "primary")
        .map(({ inputs: { configName, maintenanceWindow, timeInWeek } }) => [
          configName,
          maintenanceWindow ?? timeInWeek,
        ]),
    );
    expect(windows).toEqual({
      default: [
        { day: "Saturday", hourSlots: [21, 22, 23] },
        { day: "Sunday", hourSlots: [0] },
      ],
      aksManagedAutoUpgradeSchedule: window,
      aksManagedNodeOSUpgradeSchedule: window,
    });
  });

  test("its pool and its windows are made one after the other, as it takes one change at a time", () => {
    const part = (noun: string) => `forma3d-prod-primary-cluster-${noun}`;
    const chain = ["apps", "release-window", "kubernetes-window", "node-image-window"].map(part);
    chain.slice(1).forEach((name, i) => expect(waitsFor(prod, TYPES.window, name)).toContain(chain[i]));
  });

  test("its identity has its rights before it is created, and no more than it uses", () => {
    const rights = waitsFor(prod, TYPES.cluster, "primary-cluster-cluster").filter((name) =>
      name?.startsWith("forma3d-prod-primary-cluster-on-"),
    );
    expect(rights).toEqual([
      "forma3d-prod-primary-cluster-on-images",
      "forma3d-prod-primary-cluster-on-kubelet-identity",
      "forma3d-prod-primary-cluster-on-nodes-subnet",
      "forma3d-prod-primary-cluster-on-outbound-address",
      "forma3d-prod-primary-cluster-on-private-link-subnet",
    ]);
    expect(inputs(prod, TYPES.role, "primary-cluster-on-nodes-subnet").scope).toMatch(/\/subnets\/nodes$/);
    expect(inputs(prod, TYPES.cluster, "primary").identity.type).toBe("UserAssigned");
    expect(inputs(prod, TYPES.cluster, "primary").identityProfile.kubeletidentity.resourceId).toMatch(
      /id-forma3d-prod-weu-kubelet$/,
    );
  });

  test("metrics and logs leave it: managed Prometheus, container logs with their rule, the control plane's audit", () => {
    const cluster = inputs(prod, TYPES.cluster, "primary");
    expect(cluster.azureMonitorProfile.metrics.enabled).toBe(true);
    expect(cluster.addonProfiles.omsagent).toMatchObject({ enabled: true, config: { useAADAuth: "true" } });
    const rule = inputs(prod, "azure-native:monitor:DataCollectionRule", "primary-cluster-insights");
    expect(rule.dataSources.extensions[0].streams).toEqual(rule.dataFlows[0].streams);
    expect(
      inputs(prod, "azure-native:monitor:DataCollectionRuleAssociation", "primary-cluster-insights")
        .resourceUri,
    ).toMatch(/managedClusters\/aks-forma3d-prod-weu$/);
    const workspace = inputs(prod, "azure-native:operationalinsights:Workspace");
    expect([rule.location, workspace.location]).toEqual(["northeurope", "northeurope"]);
    expect(
      inputs(prod, TYPES.diagnostics, "primary-cluster-diagnostics").logs.map((log: any) => log.category),
    ).toEqual(["kube-audit-admin", "guard", "cluster-autoscaler", "kube-controller-manager"]);
  });

  test("staging is the same cluster, smaller", () => {
    const cluster = inputs(staging, TYPES.cluster);
    expect(cluster.sku.tier).toBe("Free");
    expect(cluster.agentPoolProfiles[0]).toMatchObject({ count: 1, availabilityZones: [] });
    expect(inputs(staging, TYPES.pool)).toMatchObject({ minCount: 1, maxCount: 3, osDiskSizeGB: 64 });
    expect(Object.keys(cluster).sort()).toEqual(Object.keys(inputs(prod, TYPES.cluster, "primary")).sort());
  });

  test("what a failover has to change does not stand in the region that is lost", () => {
    const groups = failedOver.ofType("azure-native:resources:ResourceGroup").map((group) => group.inputs);
    const inPrimary = groups.filter(({ location }: any) => location === "westeurope");
    expect(inPrimary.map((group: any) => group.resourceGroupName)).toEqual(["rg-forma3d-prod-weu"]);
    const elsewhere = failedOver.resources.filter(
      ({ inputs: { resourceGroupName, location } }: any) =>
        resourceGroupName !== "rg-forma3d-prod-weu" && location === "westeurope",
    );
    // The registry's copy there is the same before and after.
    const copy = "forma3d-prod-registry-westeurope";
    expect(elsewhere.map(({ urn }) => urn.split("::").at(-1))).toEqual([copy]);
    expect(failedOver.one("azure-native:containerregistry:Replication").inputs).toEqual(
      prod.one("azure-native:containerregistry:Replication").inputs,
    );
  });

  test("what only a writer may be sent follows the writer, and the other server is left alone", () => {
    const type = "azure-native:dbforpostgresql:Server";
    const options = (plan: PlanView, name: string) => plan.one(type, name).options.ignoreChanges;
    const writerOnly = ["administratorLoginPassword", "backup", "highAvailability", "maintenanceWindow"];
    const before = inputs(prod, type, "database-replica");
    expect([...writerOnly, "createMode"].filter((key) => key in before)).toEqual([]);
    const after = inputs(failedOver, type, "database-replica");
    expect(after).toMatchObject({
      createMode: "Update",
      administratorLoginPassword: inputs(prod, type, "database-primary").administratorLoginPassword,
      backup: { backupRetentionDays: 35, geoRedundantBackup: "Disabled" },
      maintenanceWindow: inputs(prod, type, "database-primary").maintenanceWindow,
      highAvailability: { mode: "SameZone" },
    });
    // A login would replace the server, and the point of its birth is Azure's.
    expect(after).not.toHaveProperty("administratorLogin");
    expect(options(failedOver, "database-replica")).toEqual(options(prod, "database-replica"));
    expect(options(failedOver, "database-primary")).toEqual(["*"]);
    expect(options(prod, "database-primary")).not.toContain("*");
  });

  test(
    "copies of backups are asked for of the server that was made by itself, whoever serves",
    async () => {
      const anew = { "database.generation": 2, "database.geoBackupOf": "secondary" };
      const copies = async (config: Record<string, unknown>, name: string) =>
        inputs(
          await planStack("prod", { resolve: true, config }),
          "azure-native:dbforpostgresql:Server",
          name,
        ).backup.geoRedundantBackup;
      expect(await copies({ ...FAILED_OVER, ...anew }, "database-replica")).toBe("Enabled");
      // At home again it is written to what was made as a replica.
      expect(await copies(anew, "database-primary")).toBe("Disabled");
    },
    PLANS_MS,
  );

  test("what works with backups waits for its rights, and what is reached privately for the names", () => {
    for (const plan of [prod, staging]) {
      const rights = plan.ofType(TYPES.role, "backup-access").map(({ urn }) => urn);
      expect(rights.length).toBeGreaterThan(5);
      for (const [type, name] of [
        ["forma3d:recovery:BackupJobs", "primary-recovery"],
        ["forma3d:workload:Workload", "primary-metrics"],
      ] as const) {
        expect(plan.one(type, name).dependencies).toEqual(expect.arrayContaining(rights));
      }
    }
    for (const [service, zone] of [
      ["primary-server", "database"],
      ["primary-backups", "blob"],
      ["secondary-backups", "blob"],
      ["primary-vault", "vault"],
    ] as const) {
      for (const region of ["primary", "secondary"]) {
        expect(waitsFor(prod, "forma3d:network:PrivateEndpoint", `prod-${region}-to-${service}`)).toContain(
          `forma3d-prod-${region}-network-${zone}-zone-link`,
        );
      }
    }
  });

  test("a region that stands by has the same cluster, with no node for applications until pods ask for one", () => {
    for (const plan of [prod, failedOver]) {
      expect(plan.ofType(TYPES.cluster).map((cluster) => cluster.inputs.location)).toEqual([
        "westeurope",
        "northeurope",
      ]);
    }
    const shape = (plan: PlanView, place: string) => {
      const cluster = inputs(plan, TYPES.cluster, place);
      const { minCount, maxCount, vmSize, tags } = inputs(plan, TYPES.pool, `${place}-cluster-apps`);
      const [system] = cluster.agentPoolProfiles;
      return {
        system: system.count,
        minCount,
        maxCount,
        vmSize,
        role: tags.regionRole,
      };
    };
    const common = { maxCount: 9, vmSize: "Standard_D4ds_v5" };
    const serving = { ...common, system: 3, minCount: 3, role: undefined };
    const standby = { ...common, system: 3, minCount: 0, role: "standby" };
    expect([shape(prod, "primary"), shape(prod, "secondary")]).toEqual([serving, standby]);
    expect([shape(failedOver, "primary"), shape(failedOver, "secondary")]).toEqual([standby, serving]);
  });

  test(
    "a first preview works while the kubeconfig cannot be known yet",
    async () => {
      const first = await planStack("prod");
      expect(first.errors).toEqual([]);
      // Unknown and secret both: the SDK says so since 3.276, and what is not known yet is never printed later either.
      for (const plan of [first, prod])
        expect(plan.one("pulumi:providers:kubernetes", "primary").inputs.kubeconfig).toBe("[secret]");
      const unknown = (plan: typeof first) => JSON.stringify(plan.resources).includes('"[unknown]"');
      expect([unknown(first), unknown(prod)]).toEqual([true, false]);
    },
    PLANS_MS,
  );
});

describe("cluster: parts", () => {
  test.each([
    ["Standard_D2ds_v5", "Ephemeral", 64],
    ["Standard_D4ds_v5", "Ephemeral", 128],
    ["Standard_D4ads_v5", "Ephemeral", 128],
    ["Standard_E8ds_v4", "Ephemeral", 128],
    ["Standard_D4s_v5", "Managed", 128],
    ["Standard_D4ds_v6", "Managed", 128],
    ["Standard_B2s", "Managed", 128],
  ])("a node of size %s has a disk that fits it", (size, osDiskType, osDiskSizeGB) => {
    expect(nodeDisk(size)).toEqual({ osDiskType, osDiskSizeGB });
  });

  test("a window's hours are the same hours in both of Azure's notations", () => {
    const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    const window = fc.record({
      dayOfWeek: fc.constantFrom(...(days as Weekday[])),
      startHour: fc.integer({ min: 0, max: 23 }),
    });
    fc.assert(
      fc.property(window, fc.integer({ min: 4, max: 24 }), (weekly, hours) => {
        const slots = weeklyHours(weekly, hours).flatMap(({ day, hourSlots }) =>
          hourSlots.map((hour) => days.indexOf(day) * 24 + hour),
        );
        const start = days.indexOf(weekly.dayOfWeek) * 24 + weekly.startHour;
        expect(slots).toEqual(Array.from({ length: hours }, (_, hour) => (start + hour) % 168));
        expect(maintenanceWindow(weekly, hours)).toMatchObject({
          durationHours: hours,
          startTime: `${String(weekly.startHour).padStart(2, "0")}:00`,
        });
      }),
    );
  });

  test("the kubeconfig signs in as whoever runs the program and holds no credential", () => {
    const azure = JSON.stringify({
      clusters: [
        { name: "aks", cluster: { server: "https://aks.example:443", "certificate-authority-data": "Q0E=" } },
      ],
      users: [{ name: "someone", user: { token: "of-a-person" } }],
    });
    const made = kubeloginKubeconfig(azure, "workloadidentity");
    expect(made).not.toContain("of-a-person");
    const config = load(made) as any;
    expect(config.clusters[0].cluster).toEqual({
      server: "https://aks.example:443",
      "certificate-authority-data": "Q0E=",
    });
    expect(config["current-context"]).toBe("aks");
    expect(config.contexts).toEqual([{ name: "aks", context: { cluster: "aks", user: "deploy" } }]);
    expect(config.users[0].user.exec).toMatchObject({
      command: "kubelogin",
      args: [
        "get-token",
        "--server-id",
        "6dae42f8-4368-4678-94ff-3960e28e3630",
        "--login",
        "workloadidentity",
      ],
      interactiveMode: "Never",
    });
    expect(() => kubeloginKubeconfig("clusters: []", "azurecli")).toThrow("names no cluster");
  });

  test("load balancers have fixed addresses at the end of the nodes' subnet", () => {
    const { nodes } = regionSubnets("10.10.0.0/16");
    expect([0, 1, 15].map((index) => loadBalancerAddress(nodes, index))).toEqual([
      "10.10.15.239",
      "10.10.15.240",
      "10.10.15.254",
    ]);
    expect(() => loadBalancerAddress(nodes, 16)).toThrow("only 0-15");
  });
});

describe("edge", () => {
  test("every site has private origins, probed every 30 seconds where they say they are ready", () => {
    for (const [site, path] of [
      ["api", "/health/ready"],
      ["dashboard", "/"],
    ] as const) {
      expect(inputs(prod, TYPES.originGroup, `${site}-origins`)).toMatchObject({
        healthProbeSettings: {
          probePath: path,
          probeIntervalInSeconds: 30,
          probeProtocol: "Http",
          probeRequestType: "GET",
        },
        loadBalancingSettings: { sampleSize: 4, successfulSamplesRequired: 3 },
      });
    }
    expect(inputs(prod, TYPES.origin, "api-westeurope")).toMatchObject({
      hostName: "10.10.15.239",
      originHostHeader: "api.forma3d.com",
      priority: 1,
      sharedPrivateLinkResource: {
        privateLinkLocation: "westeurope",
        privateLink: {
          id: "/subscriptions/8d2f5c1e-6b0a-4f53-9a57-1c9e3b7d4a10/resourceGroups/rg-forma3d-prod-weu-nodes/providers/Microsoft.Network/privateLinkServices/pls-forma3d-prod-weu-api",
        },
      },
    });
  });

  test("an origin is exactly the load balancer and Private Link Service of its region's Service", () => {
    for (const region of ["primary", "secondary"] as const) {
      const location = region === "primary" ? "westeurope" : "northeurope";
      for (const site of ["api", "dashboard"]) {
        const origin = inputs(failedOver, TYPES.origin, `${site}-${location}`);
        const { annotations } = inputs(
          failedOver,
          "kubernetes:core/v1:Service",
          `${region}-${site}-service`,
        ).metadata;
        const prefix = "service.beta.kubernetes.io/azure";
        expect(annotations[`${prefix}-load-balancer-ipv4`]).toBe(origin.hostName);
        // The cluster's cloud provider makes the service among its nodes, and approvals are looked for there.
        const nodes = failedOver
          .ofType(TYPES.cluster)
          .map((one) => one.inputs as any)
          .find((one) => one.location === location).nodeResourceGroup;
        expect(origin.sharedPrivateLinkResource.privateLink.id.split("/").slice(3)).toEqual([
          ...["resourceGroups", nodes, "providers", "Microsoft.Network"],
          ...["privateLinkServices", annotations[`${prefix}-pls-name`]],
        ]);
      }
    }
    const addresses = failedOver.ofType(TYPES.origin).map((origin) => origin.inputs.hostName);
    expect(new Set(addresses).size).toBe(4);
  });

  test("both regions are origins, in an order that no failover changes", () => {
    for (const plan of [prod, failedOver]) {
      const priority = (region: string) => inputs(plan, TYPES.origin, `api-${region}`).priority;
      expect([priority("westeurope"), priority("northeurope")]).toEqual([1, 2]);
    }
  });

  test("a route waits for its origins, and origins for the services behind them", () => {
    expect(waitsFor(failedOver, TYPES.route, "api-route")).toEqual(
      expect.arrayContaining([
        "forma3d-prod-edge-api-westeurope-origin",
        "forma3d-prod-edge-api-northeurope-origin",
      ]),
    );
    const edge = failedOver.one("forma3d:edge:Edge");
    expect(edge.dependencies.map((urn) => urn.split("::").at(-1))).toEqual(
      expect.arrayContaining([
        "forma3d-prod-primary-api-service",
        "forma3d-prod-primary-dashboard-service",
        "forma3d-prod-secondary-api-service",
        "forma3d-prod-secondary-dashboard-service",
      ]),
    );
  });

  test("visitors get HTTPS on the public names only, with managed certificates", () => {
    for (const route of prod.ofType(TYPES.route)) {
      expect(route.inputs).toMatchObject({
        httpsRedirect: "Enabled",
        linkToDefaultDomain: "Disabled",
        patternsToMatch: ["/*"],
      });
    }
    const domains = prod.ofType("azure-native:cdn:AFDCustomDomain");
    expect(domains.map(({ inputs: { hostName, tlsSettings } }) => [hostName, tlsSettings])).toEqual([
      ["api.forma3d.com", { certificateType: "ManagedCertificate", minimumTlsVersion: "TLS12" }],
      ["app.forma3d.com", { certificateType: "ManagedCertificate", minimumTlsVersion: "TLS12" }],
    ]);
  });

  test("the firewall has the profile's tier, both rule sets, and stands before every name", () => {
    const firewall = inputs(prod, TYPES.firewall);
    expect(firewall.sku.name).toBe("Premium_AzureFrontDoor");
    expect(inputs(prod, "azure-native:cdn:Profile").sku.name).toBe("Premium_AzureFrontDoor");
    expect(firewall.policySettings).toMatchObject({ mode: "Prevention", enabledState: "Enabled" });
    expect(firewall.managedRules.managedRuleSets).toEqual([
      { ruleSetType: "Microsoft_DefaultRuleSet", ruleSetVersion: "2.1", ruleSetAction: "Block" },
      { ruleSetType: "Microsoft_BotManagerRuleSet", ruleSetVersion: "1.1" },
    ]);
    const { parameters } = inputs(prod, "azure-native:cdn:SecurityPolicy");
    expect(parameters.associations).toHaveLength(1);
    expect(parameters.associations[0].domains).toHaveLength(2);
  });

  test("clients and webhooks have limits of their own, and neither rule lets anything pass the others", () => {
    const rules = inputs(prod, TYPES.firewall).customRules.rules;
    expect(
      rules.map((rule: any) => [
        rule.name,
        rule.ruleType,
        rule.rateLimitThreshold,
        rule.rateLimitDurationInMinutes,
        rule.matchConditions[0].negateCondition,
        rule.action,
      ]),
    ).toEqual([
      ["RateLimitWebhooks", "RateLimitRule", 6000, 1, false, "Block"],
      ["RateLimitClients", "RateLimitRule", 600, 1, true, "Block"],
    ]);
    for (const rule of rules) {
      expect(rule.groupBy).toEqual([{ variableName: "SocketAddr" }]);
      expect(rule.matchConditions[0].matchValue).toEqual([WEBHOOK_PATHS]);
    }
  });

  test.each([
    ["/webhooks/shopify", true],
    ["/api/webhooks/sendcloud?id=1", true],
    ["/api/v1/webhooks", true],
    ["https://api.forma3d.com:443/webhooks/simplyprint", true],
    ["/orders?next=/webhooks/", false],
    ["https://api.forma3d.com/orders?next=https://x/webhooks/", false],
    ["/webhooksx", false],
    ["/orders/webhooks/", false],
  ])("%s is a webhook: %s", (url, expected) => {
    expect(new RegExp(WEBHOOK_PATHS).test(url)).toBe(expected);
  });

  test("whoever owns the domains is told the records to create", () => {
    expect(prod.outputs.edge).toMatchObject({
      dnsRecords: [
        { type: "CNAME", name: "api.forma3d.com" },
        { type: "TXT", name: "_dnsauth.api.forma3d.com" },
        { type: "CNAME", name: "app.forma3d.com" },
        { type: "TXT", name: "_dnsauth.app.forma3d.com" },
      ],
    });
  });
});
