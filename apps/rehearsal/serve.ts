import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { emulatedCloud, EmulatedCloud } from "../../packages/emulated-azure/cloud";
import { Fault, Faults } from "../../packages/emulated-azure/faults";
import { Addresses, type LeadsTo } from "../../packages/emulated-azure/addresses";
import { Authority } from "../../packages/emulated-azure/certificates";
import { Machine, type Image, type PodBehaviour } from "../../packages/emulated-azure/kubernetes";
import { Listening, listen } from "../../packages/emulated-azure/listen";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { settle } from "../../packages/emulated-azure/model/azure/consequences";
import { subscriptionsOf } from "../../packages/emulated-azure/arm/subscriptions";
import type { Vantage } from "../../packages/emulated-azure/network/vantage";
import { putRealBehind, type Real } from "../../packages/emulated-azure/real";
import { Page, servePage } from "../../packages/emulated-azure/page";
import { Caller } from "../../packages/emulated-azure/provider/caller";
import { serveProviders } from "../../packages/emulated-azure/provider/server";
import { valueAt } from "../../packages/emulated-azure/model/paths";
import { grantCustom, type CustomRole } from "../../packages/emulated-azure/rights/custom";
import { grant } from "../../packages/emulated-azure/rights/grant";
import type { Principal } from "../../packages/emulated-azure/rights/directory";
import { CloudStore } from "../../packages/emulated-azure/store/cloud";
import { psqlCommands } from "./psqlCommands";
import { startSupervised, temporaryDirectory } from "../../packages/local-servers/supervised";
import { UsageError } from "../../packages/command/errors";
import { projectRoot } from "../../packages/command/root";
import { planStack } from "../../packages/offline-engine/planner";
import { ARM_REFUSALS } from "../../policies/arm/armLimits";

/** Who signs in to a served cloud, and the roles each holds in every subscription of it (docs/deploying.md, step 6). */
const PRINCIPALS: Readonly<Record<string, readonly string[]>> = {
  owner: [
    "Owner",
    "Key Vault Secrets Officer",
    "Storage Blob Data Contributor",
    "Azure Kubernetes Service RBAC Cluster Admin",
  ],
  deploy: [
    "Contributor",
    "Role Based Access Control Administrator",
    "Locks Contributor",
    "Azure Kubernetes Service RBAC Cluster Admin",
  ],
  preview: ["Reader", "Azure Kubernetes Service RBAC Reader"],
  stranger: [],
};

/** A stack could not be brought up. The message says why. */
export class NotServed extends UsageError {}

/**
 * The cloud a planned stack would have left after its first update.
 * @param project Folder of the Pulumi project; this one unless given.
 * @throws NotServed, UsageError
 */
export async function plannedStore(
  stack: string,
  seed: string,
  project = projectRoot(__dirname),
): Promise<CloudStore> {
  const plan = await planStack(project, stack, { resolve: true });
  const errors = plan.deployment.diagnostics.filter(({ severity }) => severity === "error");
  if (plan.refused || errors.length > 0) {
    throw new NotServed(
      `stack ${stack} has no plan: ${errors[0]?.message ?? "its configuration is refused"}`,
    );
  }
  const store = new CloudStore(seed, plan.deployment.cloud.all());
  settle(store, plan.model);
  return store;
}

/** Makes the principals known and gives each its roles; an operator, who holds no built-in one, where there are roles for one. */
function addPrincipals(
  cloud: EmulatedCloud,
  ofOperator: readonly CustomRole[],
  objectIds: Readonly<Record<string, string | undefined>>,
): Record<string, Principal> {
  const add = (displayName: string, groups: readonly string[] = []): Principal => {
    const objectId = objectIds[displayName];
    const secret = randomBytes(24).toString("base64url");
    return cloud.directory.add({ displayName, secret, groups, ...(objectId && { objectId }) });
  };
  const made = Object.entries(PRINCIPALS).map(([displayName, roles]) => {
    const principal = add(displayName);
    for (const subscription of subscriptionsOf(cloud))
      for (const role of roles)
        grant(cloud.cloud, { principal, role, scope: `/subscriptions/${subscription}` });
    return [displayName, principal] as const;
  });
  if (ofOperator.length === 0) return Object.fromEntries(made);
  const operator = add("operator", administratorsOf(cloud));
  for (const role of ofOperator) grantCustom(cloud.cloud, operator, role);
  return { operator, ...Object.fromEntries(made) };
}

/** The groups that administer the clusters as they are planned, to which the plan gives what verbs need of blobs. */
export const administratorsOf = ({ cloud }: EmulatedCloud): string[] => [
  ...new Set(
    [...cloud.ofType("azure-native:containerservice:ManagedCluster")].flatMap(
      ({ inputs }) => (valueAt(inputs, "aadProfile.adminGroupObjectIDs") as string[] | undefined) ?? [],
    ),
  ),
];

/** A cloud with all its fronts open. */
export interface Served {
  readonly cloud: EmulatedCloud;
  readonly principals: Readonly<Record<string, Principal>>;
  readonly listening: Listening;
  readonly page: Page;
  /** What runs behind it; undefined when only the model was asked for. */
  readonly real: Real | undefined;
  /** Value of `PULUMI_DEBUG_PROVIDERS` for an engine that runs as a principal. */
  attach(principal: string): string;
  /** Folder of the certificate and of the clients' own settings; gone after {@link stop}. */
  readonly home: string;
  /** Settings that point `az`, and anything that heeds HTTPS_PROXY, at the cloud. */
  readonly environment: Readonly<Record<string, string>>;
  /** File that points `kubectl` at the clusters as a principal; undefined without {@link real} ones. */
  kubeconfig(principal: string): string | undefined;
  stop(): Promise<void>;
}

export interface ServeOptions {
  readonly faults?: readonly Fault[];
  /** Starts real servers behind what has a data plane; default false. */
  readonly real?: boolean;
  /** What runs in the pods of a cluster, by its name; every pod just gets ready unless given. */
  readonly pods?: (cluster: string) => PodBehaviour;
  /** Signs every certificate; one of its own unless given. */
  readonly authority?: Authority;
  /** What runs on this machine in place of an image, in every cluster's pods; instead of {@link pods}. */
  readonly images?: (image: string) => Image | undefined;
  /** What `operator` holds, and nothing beside it but what the plan gives the administrators' group; nobody is called so without. */
  readonly operator?: readonly CustomRole[];
  /** Object ids of principals, by name, whom the stack file names and the plan gives rights; made up for the others. */
  readonly objectIds?: Readonly<Record<string, string | undefined>>;
  /** Where requests come from unless an entrance of {@link Served.listening} says otherwise; see `ListenOptions`. */
  readonly from?: Vantage;
  /** Names beside the cloud's that pods reach: of each the ports it is asked at, and the port of loopback that answers. */
  readonly others?: Readonly<Record<string, Readonly<Record<number, number>>>>;
}

/**
 * Opens every front of a cloud on free ports of the loopback.
 * @throws NotRunError when a program that is to run behind it is not installed
 */
export async function serveCloud(store: CloudStore, options: ServeOptions = {}): Promise<Served> {
  const faults = new Faults();
  for (const fault of options.faults ?? []) faults.add(fault);
  const model = sandboxModel();
  const cloud = emulatedCloud(model, { store, faults, refusals: ARM_REFUSALS });
  const principals = addPrincipals(cloud, options.operator ?? [], options.objectIds ?? {});
  // Known once it listens, which is before any pod asks.
  let leadsTo: LeadsTo = () => undefined;
  const { authority = await Authority.create() } = options;
  const addresses = new Addresses((host, port) => options.others?.[host]?.[port] ?? leadsTo(host, port));
  for (const [host, ports] of Object.entries(options.others ?? {}))
    await addresses.add(host, Object.keys(ports).map(Number));
  const machine =
    options.images &&
    (await Machine.open({ cloud, certificate: authority.certificate, addresses, images: options.images }));
  const real = options.real
    ? await putRealBehind(cloud, { authority, pods: machine ? () => machine : options.pods })
    : undefined;
  const [listening, page, providers] = await Promise.all([
    listen(cloud, { ...(real && { real }), ...(options.from && { from: options.from }) }),
    servePage(cloud, () => (real ? psqlCommands(cloud, real) : [])),
    Promise.all(
      Object.entries(principals).map(async ([name, principal]) => {
        const caller = new Caller(() => principal, cloud.rights, model, store);
        return [name, await serveProviders(model, store, cloud.front, caller)] as const;
      }),
    ),
  ]);
  leadsTo = listening.portOf;
  // Gone with this process, however it ends.
  const keeper = await startSupervised({
    directory: temporaryDirectory("served"),
    stopSignal: "KILL",
    command: ["sleep", "1000000"],
  });
  const home = keeper.directory;
  const certificate = path.join(home, "ca.pem");
  fs.writeFileSync(certificate, listening.certificate);
  const kubeconfigOf = (name: string): string => path.join(home, `kubeconfig-${name}`);
  if (real)
    for (const [name, principal] of Object.entries(principals))
      fs.writeFileSync(kubeconfigOf(name), real.clusters.kubeconfig(principal), { mode: 0o600 });
  return {
    cloud,
    principals,
    listening,
    page,
    real,
    attach: (name) => new Map(providers).get(name)?.attach ?? "",
    home,
    environment: {
      HTTPS_PROXY: listening.proxy,
      NO_PROXY: "localhost,127.0.0.1",
      REQUESTS_CA_BUNDLE: certificate,
      NODE_EXTRA_CA_CERTS: certificate,
      AZURE_CONFIG_DIR: path.join(home, "azure"),
      AZURE_CORE_COLLECT_TELEMETRY: "no",
      AZURE_CORE_LOGIN_EXPERIENCE_V2: "off",
    },
    kubeconfig: (name) => (real ? kubeconfigOf(name) : undefined),
    stop: async () => {
      for (const [, one] of providers) one.stop();
      await Promise.all([listening.stop(), page.stop(), real?.close()]);
      await Promise.all([machine?.close(), addresses.close()]);
      await keeper.stop();
    },
  };
}
