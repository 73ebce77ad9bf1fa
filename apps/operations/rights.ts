import { RECORDER_RIGHTS } from "../../infra/data/places";
import type { Platform } from "./platform";

/** One right, and what for. */
export interface Right {
  /** As Azure names it; `*` stands for any text. */
  action: string;
  /** Whether it is about data: objects of a cluster, secrets of a vault. */
  data?: true;
  /** Not everywhere: the deployment gives it to the group of operators on the containers of the record of who serves. */
  at?: "record";
  why: string;
}

/** A custom role as `az role definition create --role-definition` takes it. */
export interface RoleDefinitionFile {
  Name: string;
  Description: string;
  Actions: string[];
  DataActions: string[];
  NotDataActions?: string[];
  AssignableScopes: string[];
}

const server = (right: string, why: string): Right => ({
  action: `Microsoft.DBforPostgreSQL/${right}`,
  why,
});
const inCluster = (path: string, why: string): Right => ({
  action: `Microsoft.ContainerService/managedClusters/${path}`,
  data: true,
  why,
});
const secrets = (right: string, why: string): Right => ({
  action: `Microsoft.KeyVault/vaults/secrets/${right}/action`,
  data: true,
  why,
});
const azure = (action: string, why: string): Right => ({ action, why });

const SERVER = server("flexibleServers/read", "asks which server writes");
const SERVER_WAITED = server("locations/azureAsyncOperation/read", "waits until the server is changed");
const PODS_WANTED = inCluster("apps/deployments/read", "how many pods are wanted and ready");
const PODS = [PODS_WANTED, inCluster("apps/deployments/write", "starts and stops them, and restarts them")];
const CRON_JOBS = [
  inCluster("batch/cronjobs/read", "which jobs are on"),
  inCluster("batch/cronjobs/write", "switches them on and off"),
];
const FIRST_BACKUP = [
  inCluster("batch/jobs/read", "how the first backup ends"),
  inCluster("batch/jobs/write", "starts it"),
];
const ENTRY = [
  inCluster("services/read", "where the public names lead"),
  inCluster("services/write", "leads them aside, and back"),
];
const CONTAINED = inCluster("configmaps/read", "whether the platform is contained");
// How long a change takes is asked under a path of the service's own.
const EDGE = [
  azure("Microsoft.Cdn/*/read", "sees the edge, and waits until it is changed"),
  azure("Microsoft.Cdn/profiles/afdEndpoints/write", "switches it off and on"),
];

const ADDRESS = [
  azure("Microsoft.Network/privateEndpoints/read", "whether the server has an address"),
  azure("Microsoft.Network/privateEndpoints/write", "gives it one"),
  azure("Microsoft.Network/privateEndpoints/privateDnsZoneGroups/read", "whether it has a name"),
  azure("Microsoft.Network/privateEndpoints/privateDnsZoneGroups/write", "gives it one"),
  azure("Microsoft.Network/locations/*/read", "waits until the network is changed"),
];
const RECORD = RECORDER_RIGHTS.map((action): Right => {
  const why = action.endsWith("/read")
    ? "what each account says of who serves"
    : "says who serves from now on";
  return { action, data: true, at: "record", why };
});

/** Verbs of the command line that ask Azure for something. */
export type VerbName =
  | "status"
  | "preflight"
  | "failover"
  | "maintenance"
  | "contain"
  | "reopen"
  | "announce"
  | "pitr"
  | "pitr --adopt"
  | "rotate";

/**
 * What each verb asks for, no more and no less: `test/operations/rights.test.ts` types every verb as somebody who holds
 * these, has each refused in turn by its name, and finds none that nobody asks for; `pitr --adopt`, which needs a platform served
 * whole, is typed so in `killed.long.test.ts`.
 */
export const VERB_RIGHTS: Readonly<Record<VerbName, readonly Right[]>> = {
  status: [
    SERVER,
    PODS_WANTED,
    CONTAINED,
    inCluster("services/read", "where the public names lead"),
    azure("Microsoft.Cdn/*/read", "sees the edge"),
  ],
  preflight: [
    SERVER,
    PODS_WANTED,
    CONTAINED,
    inCluster("services/read", "or half of it: where the public names lead"),
    azure("Microsoft.Cdn/*/read", "sees the origins and their links"),
    azure("Microsoft.Resources/subscriptions/resourceGroups/read", "where the edge's group lies"),
    secrets("readMetadata", "which secrets there are, and when they end; no value"),
    azure("Microsoft.Compute/locations/usages/read", "whether the standby region has cores left"),
    azure("Microsoft.Compute/skus/read", "whether it offers the sizes"),
    azure("Microsoft.Authorization/roleDefinitions/read", "whether the operators' roles are as they must be"),
    azure("Microsoft.Authorization/roleAssignments/read", "whether somebody holds them"),
    azure("Microsoft.Authorization/roleEligibilityScheduleInstances/read", "or may take them"),
  ],
  failover: [
    SERVER,
    server("flexibleServers/write", "promotes the replica"),
    SERVER_WAITED,
    ...PODS,
    ...CRON_JOBS,
    CONTAINED,
    inCluster("services/read", "or half of it: where the public names lead"),
    ...FIRST_BACKUP,
    ...RECORD,
  ],
  maintenance: [
    ...PODS,
    inCluster("apps/deployments/delete", "takes the page away"),
    ...ENTRY,
    inCluster("services/delete", "takes the page's own way to the API away"),
    inCluster("configmaps/write", "brings the page"),
    inCluster("configmaps/delete", "takes it away"),
    inCluster("networking.k8s.io/networkpolicies/write", "lets the edge reach the page"),
    inCluster("networking.k8s.io/networkpolicies/delete", "no longer"),
  ],
  contain: [
    ...PODS,
    ...CRON_JOBS,
    ...ENTRY,
    CONTAINED,
    inCluster("configmaps/write", "says that it is"),
    inCluster("pods/read", "keeps their logs"),
    ...EDGE,
    azure("Microsoft.Insights/eventtypes/values/read", "keeps the activity log"),
  ],
  reopen: [
    ...PODS,
    ...CRON_JOBS,
    ...ENTRY,
    CONTAINED,
    inCluster("configmaps/delete", "says no longer that it is contained"),
    secrets("readMetadata", "which secrets are from before the containment; no value"),
    ...FIRST_BACKUP,
    ...EDGE,
  ],
  announce: [
    azure("Microsoft.App/containerApps/read", "where the status page is"),
    azure("Microsoft.App/containerApps/write", "gives it the message"),
  ],
  pitr: [
    SERVER,
    server("flexibleServers/virtualendpoints/read", "which server the names of the pair lead to"),
    server("flexibleServers/write", "makes a server beside the one that serves"),
    server("flexibleServers/delete", "takes it away; a lock keeps the platform's own"),
    SERVER_WAITED,
    ...ADDRESS,
    azure("Microsoft.Network/privateEndpoints/delete", "takes the address away"),
  ],
  "pitr --adopt": [
    SERVER,
    server("flexibleServers/write", "makes the server that is to serve, and its replica"),
    SERVER_WAITED,
    server("flexibleServers/configurations/read", "which parameters somebody set"),
    server("flexibleServers/configurations/write", "gives them to the new server"),
    server("flexibleServers/restart/action", "lets those that wait for it come into force"),
    server("locations/operationResults/read", "waits until it has restarted"),
    server("flexibleServers/virtualendpoints/read", "which server the names of the pair lead to"),
    server("flexibleServers/virtualendpoints/write", "leads them to the new one"),
    server("flexibleServers/virtualendpoints/delete", "takes them from the old one"),
    azure("Microsoft.Authorization/locks/read", "whether the old server is kept from being deleted"),
    azure("Microsoft.Authorization/locks/delete", "lets its endpoint move"),
    azure("Microsoft.Authorization/locks/write", "keeps it again"),
    ...ADDRESS,
    secrets("getSecret", "the logins' passwords of today"),
    PODS_WANTED,
    CONTAINED,
    inCluster("batch/cronjobs/read", "what the first backup is made from"),
    ...FIRST_BACKUP,
  ],
  rotate: [
    SERVER,
    server("flexibleServers/write", "gives the administrator a new password"),
    SERVER_WAITED,
    ...PODS,
    CONTAINED,
    inCluster("secrets/read", "whether the pods' Secret has the new value"),
    secrets("getSecret", "reads the value of before, to be able to go back"),
    secrets("setSecret", "writes the new one"),
  ],
};

/** What `az aks get-credentials` needs, before a verb is typed. */
const CREDENTIALS: readonly Right[] = [
  azure("Microsoft.ContainerService/managedClusters/read", "finds the cluster"),
  azure(
    "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action",
    "gets its address; the person signs in as themselves",
  ),
];

const JOINED = [
  azure("Microsoft.Network/virtualNetworks/subnets/join/action", "puts the address into its subnet"),
  azure("Microsoft.Network/privateDnsZones/join/action", "puts the name into its zone"),
];

/**
 * What Azure asks for beside the request itself, at what the request names (linked access checks); nothing here asks for them:
 * https://learn.microsoft.com/azure/private-link/rbac-permissions, https://learn.microsoft.com/azure/dns/dns-protect-private-zones-recordsets.
 */
const LINKED: Readonly<Partial<Record<VerbName, readonly Right[]>>> = {
  pitr: JOINED,
  "pitr --adopt": JOINED,
  announce: [azure("Microsoft.App/managedEnvironments/join/action", "leaves the page where it is")],
};

/**
 * What steps of the runbooks ask for that a person types beside the verbs: `test/cloud/runbooks.test.ts` types every step as
 * somebody who holds the roles, and finds none of these that no step asks for.
 */
export const STEP_RIGHTS: Readonly<Partial<Record<RoleName, readonly Right[]>>> = {
  operator: [
    azure("Microsoft.Insights/metrics/read", "sees load, connections, disks, what the edge answers"),
    azure("Microsoft.ResourceHealth/availabilityStatuses/read", "whether it is a failure of Azure's own"),
    azure(
      "Microsoft.Network/privateDnsZones/virtualNetworkLinks/read",
      "whether servers' names lead anywhere",
    ),
    azure("Microsoft.KeyVault/vaults/secrets/read", "when a secret was set and when it ends; no value"),
    azure("Microsoft.Resources/subscriptions/resourceGroups/read", "finds its way about"),
    azure("Microsoft.Network/privateLinkServices/read", "finds the links Front Door waits at"),
    azure("Microsoft.Network/privateLinkServices/privateEndpointConnections/read", "which of them wait"),
    azure(
      "Microsoft.Network/privateLinkServices/privateEndpointConnections/write",
      "lets Front Door in to a cluster that was made anew",
    ),
    azure(
      "Microsoft.Cdn/profiles/customDomains/refreshValidationToken/action",
      "has a certificate's validation begun anew",
    ),
  ],
  restorer: [azure("Microsoft.KeyVault/vaults/write", "brings a deleted vault back; gives nobody a right")],
};

/** What the Azure CLI asks for by itself around a step's own request, seen with 2.91; the same test finds each where `az` is. */
export const CLI_RIGHTS: Readonly<Partial<Record<RoleName, readonly Right[]>>> = {
  restorer: [
    server("flexibleServers/capabilities/read", "what a server may become"),
    server("checkNameAvailability/action", "whether a server's name is free"),
    azure("Microsoft.KeyVault/locations/deletedVaults/read", "finds the vault that was deleted"),
  ],
};

/**
 * Four roles, because what they could do in the wrong hands differs, and no more, because each has to be activated at
 * 03:00: whoever fails over and cuts off reads no secret and deletes no server; whoever restores may delete one; whoever
 * adopts takes a lock off, and so may delete none; whoever rotates reads every secret.
 */
export const ROLES = {
  operator: {
    verbs: ["status", "preflight", "failover", "maintenance", "contain", "reopen", "announce"],
    description: "Runs the platform in a disaster: reads no secret, deletes no data.",
  },
  restorer: {
    verbs: ["pitr"],
    description: "Restores the database beside the one that serves, and takes that away.",
  },
  adopter: {
    verbs: ["pitr --adopt"],
    description: "Lets a restored server take the place of the one that serves; deletes no server.",
  },
  rotator: { verbs: ["rotate"], description: "Gives secrets new values, and so reads them." },
  preflight: {
    verbs: ["preflight"],
    description: "Looks every day whether a failover would work; changes nothing.",
  },
} as const satisfies Readonly<Record<string, { verbs: readonly VerbName[]; description: string }>>;

export type RoleName = keyof typeof ROLES;

/** Name of a role as Azure and people know it. */
export const roleTitle = (role: RoleName, stack: string): string => `Forma3D ${role} ${stack}`;

/** The role that covers a verb. */
export const roleOf = (verb: VerbName): RoleName =>
  (Object.keys(ROLES) as RoleName[]).find((role) =>
    (ROLES[role].verbs as readonly VerbName[]).includes(verb),
  ) ?? "operator";

/** The roles people hold; what runs without one has `preflight`. */
export const PEOPLE = ["operator", "restorer", "adopter", "rotator"] as const satisfies readonly RoleName[];

/** Whoever runs without a person behind it gets the clusters' addresses by the same rights. */
export function customRole(
  role: RoleName,
  { stack, subscriptionId }: Pick<Platform, "stack" | "subscriptionId">,
): RoleDefinitionFile {
  const { verbs, description } = ROLES[role];
  const rights = [
    ...verbs.flatMap((verb: VerbName) => [...VERB_RIGHTS[verb], ...(LINKED[verb] ?? [])]),
    ...(STEP_RIGHTS[role] ?? []),
    ...(CLI_RIGHTS[role] ?? []),
    ...CREDENTIALS,
  ].filter(({ at }) => at === undefined);
  const actions = (data: boolean) => [
    ...new Set(rights.filter((right) => (right.data ?? false) === data).map(({ action }) => action)),
  ];
  return {
    Name: roleTitle(role, stack),
    Description: description,
    Actions: actions(false),
    DataActions: actions(true),
    AssignableScopes: [`/subscriptions/${subscriptionId}`],
  };
}
