// The page of a lost region, walked over the plan: what each of its steps touches is there without the lost region.
import path from "node:path";
import { readRunbooks } from "../../apps/tools/docs/runbook";
import { platformOf, type RegionFacts } from "../../apps/operations/platform";
import { customRole, ROLES, roleOf, VERB_RIGHTS, type VerbName } from "../../apps/operations/rights";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { SITES } from "../../stacks/sites";
import { planStack } from "../support/plan";

const ROOT = path.join(__dirname, "../..");
const STACK = "prod";
const PLATFORM = platformOf(ROOT, STACK);
const MODEL = sandboxModel();
const page = readRunbooks(ROOT).find(({ id }) => id === "region-loss")!;

type Resource = Awaited<ReturnType<typeof planStack>>["resources"][number];
const nameOf = ({ urn }: Resource): string => urn.split("::").at(-1) ?? "";
const inputs = (resource: Resource) => resource.inputs as Record<string, any>;

/** Whether a resource stands in a region: its location, or the folder of the region it was made in. */
const standsIn =
  ({ place, location }: RegionFacts) =>
  (resource: Resource): boolean =>
    inputs(resource).location === location || nameOf(resource).startsWith(`forma3d-${STACK}-${place}-`);

/** Kubernetes kinds that run, or that what runs stands on. */
const IN_CLUSTER =
  /^kubernetes:.*:(Deployment|CronJob|Service|ServiceAccount|NetworkPolicy|SecretProviderClass|PodDisruptionBudget|ConfigMap|Namespace|Role|RoleBinding|PriorityClass)$/;

/** What the jobs of an update stand on; the logins of both regions were made by the one before the loss. */
const OF_AN_UPDATE = / (migration|roles(-[0-9a-f]+)?)$/;

/** What a region's cluster, vault and identities hold, each by a name that is the same in both regions. */
function holdings(resources: readonly Resource[], region: RegionFacts): string[] {
  return resources.filter(standsIn(region)).flatMap((resource) => {
    const { type } = resource;
    const of = inputs(resource);
    if (IN_CLUSTER.test(type)) return [`${type.split(":").at(-1)} ${of.metadata.name}`];
    if (type === "azure-native:keyvault:Secret") return [`secret ${of.secretName}`];
    if (type === "azure-native:managedidentity:FederatedIdentityCredential")
      return [`federation of ${of.subject}`];
    if (type === "azure-native:storage:BlobContainer") return [`container ${of.containerName}`];
    if (type === "azure-native:privatedns:PrivateZone") return [`zone ${of.privateZoneName}`];
    if (type === "azure-native:authorization:RoleAssignment")
      return [
        `right: ${String(of.description).replaceAll(`-${region.code}`, "").replaceAll(region.code, "")}`,
      ];
    return [];
  });
}

/** What the commands of the page touch and is not there; empty when no step needs what is lost. */
function missing(resources: readonly Resource[], lost: RegionFacts, other: RegionFacts): string[] {
  const left = resources.filter((resource) => !standsIn(lost)(resource));
  const has = (type: string, fits: (of: Record<string, any>) => boolean): boolean =>
    left.some((resource) => resource.type === `azure-native:${type}` && fits(inputs(resource)));
  const accounts = (names: readonly { url: string }[]): number =>
    names.filter(({ url }) =>
      has("storage:StorageAccount", (of) => url === `https://${of.accountName}.blob.core.windows.net`),
    ).length;
  const needs: Record<string, boolean> = {
    "the server that is promoted": has("dbforpostgresql:Server", (of) => of.serverName === other.server),
    "an address of it in its own region": has(
      "network:PrivateEndpoint",
      (of) =>
        of.location === other.location &&
        String(of.privateLinkServiceConnections[0].privateLinkServiceId).endsWith(
          `/flexibleServers/${other.server}`,
        ),
    ),
    "the cluster": has("containerservice:ManagedCluster", (of) => of.resourceName === other.cluster),
    "nodes for the workloads": has(
      "containerservice:AgentPool",
      (of) => String(of.resourceName) === other.cluster && of.maxCount > 0,
    ),
    "a vault": has("keyvault:Vault", (of) => of.vaultName === other.vault),
    "an account of backups": accounts(PLATFORM.backupAccounts) >= 1,
    "most accounts of the record of who serves":
      accounts(PLATFORM.servingPlaces) > PLATFORM.servingPlaces.length / 2,
    images:
      has("containerregistry:Registry", (of) => of.location === other.location) ||
      has("containerregistry:Replication", (of) => of.location === other.location),
    "the page outside": has("app:ContainerApp", (of) => of.containerAppName === PLATFORM.statusPage.app),
    "the edge": has("cdn:Profile", (of) => of.profileName === PLATFORM.edge.profile),
    // Azure changes nothing in a group whose own region is lost; contain and reopen switch its endpoint.
    "the edge's group": has(
      "resources:ResourceGroup",
      (of) => of.resourceGroupName === PLATFORM.edge.resourceGroup,
    ),
    ...Object.fromEntries(
      SITES.map((site) => [
        `an origin of ${site}`,
        has(
          "cdn:AFDOrigin",
          (of) =>
            of.originHostHeader === PLATFORM.hosts[site] &&
            of.enabledState === "Enabled" &&
            of.sharedPrivateLinkResource.privateLinkLocation === other.location,
        ),
      ]),
    ),
  };
  const there = new Set(holdings(left, other));
  return [
    ...Object.entries(needs).flatMap(([what, is]) => (is ? [] : [what])),
    ...holdings(resources, lost).filter((one) => !there.has(one) && !OF_AN_UPDATE.test(one)),
  ];
}

const [primary, secondary] = PLATFORM.regions as [RegionFacts, RegionFacts];
const SERVES_ELSEWHERE = { "regions.primary.role": "standby", "regions.secondary.role": "serving" };
const BOTH_WAYS: [lost: RegionFacts, other: RegionFacts, config: Record<string, unknown>][] = [
  [primary, secondary, {}],
  [secondary, primary, SERVES_ELSEWHERE],
];

test.each(BOTH_WAYS.map((way) => [way[0].location, way] as const))(
  "without %s everything the page's commands touch is there",
  async (_, [lost, other, config]) => {
    const { resources } = await planStack(STACK, { resolve: true, config });
    expect(missing(resources, lost, other)).toEqual([]);
  },
);

test("whatever of it a change takes away is missed by name", async () => {
  const { resources } = await planStack(STACK, { resolve: true });
  const without = (fits: (resource: Resource) => boolean): string[] =>
    missing(
      resources.filter((resource) => !fits(resource)),
      primary,
      secondary,
    );
  const called = (pattern: RegExp) => (resource: Resource) => pattern.test(nameOf(resource));
  expect(without(called(/database-replica$/))).toEqual(["the server that is promoted"]);
  expect(without(called(/secondary-to-replica-server-endpoint$/))).toEqual([
    "an address of it in its own region",
  ]);
  expect(without(called(/serving-witness$/))).toEqual(["most accounts of the record of who serves"]);
  expect(without(called(/registry-registry$/))).toEqual(["images"]);
  expect(without(called(/edge-api-northeurope-origin$/))).toEqual(["an origin of api"]);
  expect(without(called(/secondary-vault-session-secret$/))).toEqual(["secret session-secret"]);
  expect(without(called(/secondary-gateway-deployment$/))).toEqual(["Deployment gateway"]);
  expect(without(called(/secondary-federation-api$/))).toEqual([
    "federation of system:serviceaccount:forma3d:api",
  ]);
  expect(without(called(/secondary-cluster-on-images$/))).toEqual([
    expect.stringMatching(/^right: cluster aks-forma3d-prod uses its images$/),
  ]);
});

/** An adoption makes servers in both regions, so nobody types it before the lost one is back. */
const TYPED_WHILE_LOST = (Object.keys(VERB_RIGHTS) as VerbName[]).filter((verb) => verb !== "pitr --adopt");

/**
 * What verbs ask the resource manager for and may not have without a region: it answers for no resource whose group lies there,
 * wherever the resource itself stands
 * (https://learn.microsoft.com/azure/azure-resource-manager/management/overview#resource-group-location-alignment). What of two
 * regions' own is the lost one's is not asked for; of everything there is another.
 */
function unmanaged(resources: readonly Resource[], lost: RegionFacts, other: RegionFacts): string[] {
  const groups = new Map(
    resources
      .filter(({ type }) => type === "azure-native:resources:ResourceGroup")
      .map((group) => [inputs(group).resourceGroupName, inputs(group).location]),
  );
  // The endpoint of a pair is below the server that writes, whichever it was made below.
  const groupOf = (resource: Resource): string =>
    resource.type.endsWith(":VirtualEndpoint") ? other.resourceGroup : inputs(resource).resourceGroupName;
  const armType = ({ type }: Resource): string =>
    type.startsWith("azure-native:") ? (MODEL.resource(type).armType ?? "") : "";
  return TYPED_WHILE_LOST.flatMap((verb) =>
    VERB_RIGHTS[verb]
      .filter(({ data }) => !data)
      .flatMap(({ action }) => {
        const asked = new RegExp(`^${action.replace(/\/\w+$/, "").replaceAll("*", ".*")}$`, "i");
        const all = resources.filter((resource) => asked.test(armType(resource)));
        const left = all.filter((resource) => !standsIn(lost)(resource));
        if (all.length > 0 && left.length === 0) return [`${verb}: ${action}: none is left`];
        return left
          .filter((resource) => groups.get(groupOf(resource)) === lost.location)
          .map((resource) => `${verb}: ${action}: ${nameOf(resource)} lies in a group there`);
      }),
  );
}

test.each([
  [primary.location, primary, secondary],
  [secondary.location, secondary, primary],
])("without %s no command asks for anything in a group that lies there", async (_, lost, other) => {
  const { resources } = await planStack(STACK, { resolve: true });
  expect(unmanaged(resources, lost, other)).toEqual([]);
});

test("a group that lies in the lost region, and what stands there alone, are named with the command that wants them", async () => {
  const { resources } = await planStack(STACK, { resolve: true });
  const moved = (name: RegExp): Resource[] =>
    resources.map((resource) =>
      name.test(nameOf(resource))
        ? { ...resource, inputs: { ...inputs(resource), location: primary.location } }
        : resource,
    );
  const endpoint = `forma3d-${STACK}-edge-endpoint`;
  expect(unmanaged(moved(/-global-group$/), primary, secondary)).toEqual(
    expect.arrayContaining(
      ["contain", "reopen"].map(
        (verb) => `${verb}: Microsoft.Cdn/profiles/afdEndpoints/write: ${endpoint} lies in a group there`,
      ),
    ),
  );
  expect(unmanaged(moved(/-outside-status-app$/), primary, secondary)).toEqual([
    "announce: Microsoft.App/containerApps/read: none is left",
    "announce: Microsoft.App/containerApps/write: none is left",
  ]);
});

test("each step is one verb that one role may type, reads no state, and changes nothing at the edge", () => {
  const commands = page.steps.flatMap(({ command }) => (command === undefined ? [] : [command]));
  const verbs = commands.map(
    (command) => /^npm run -s operations -- ([a-z]+) "\$ENVIRONMENT"/.exec(command)?.[1],
  );
  expect(verbs).toEqual(["status", "failover", "failover", "announce"]);
  for (const verb of verbs as VerbName[]) {
    expect([verb, roleOf(verb)]).toEqual([verb, "operator"]);
    const actions = VERB_RIGHTS[verb].map(({ action }) => action);
    // Nothing has to travel to the edge, nobody needs a right that is given then, and nothing is deleted.
    expect(
      actions.filter((action) =>
        /^Microsoft\.(Cdn|Authorization)\/.*(write|delete|action)$|\/delete$/.test(action),
      ),
    ).toEqual([]);
  }
  expect(ROLES.operator.verbs).toEqual(expect.arrayContaining(verbs as string[]));
  // A role of a region's group would be lost with it.
  expect(customRole("operator", PLATFORM).AssignableScopes).toEqual([
    `/subscriptions/${PLATFORM.subscriptionId}`,
  ]);
  // Names come from the stack file; a person states the environment, and when the alert came.
  const stated = new Set(
    commands.flatMap((command) => [...command.matchAll(/\$(\w+)/g)].map(([, name]) => name)),
  );
  expect([...stated].sort()).toEqual(["ALERT_TIME", "ENVIRONMENT", "REGION_SECONDARY"]);
  expect(Object.keys(page.inputs ?? {})).toEqual(["ALERT_TIME"]);
});
