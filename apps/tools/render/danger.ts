import { nameOf, typeOf } from "../../../packages/wire/urn";
import { GRAVITIES, type ResourceChange } from "./change";
import { shortType } from "./names";

/** What a person calls a type that holds data or guards it, what is missed most first: one of it, and several. */
const THINGS: Readonly<Record<string, readonly [one: string, several: string]>> = {
  "azure-native:dbforpostgresql:Server": ["database server", "database servers"],
  "azure-native:dbforpostgresql:Database": ["database", "databases"],
  "azure-native:dbforpostgresql:VirtualEndpoint": ["endpoint of the database", "endpoints of databases"],
  "azure-native:storage:StorageAccount": ["storage account", "storage accounts"],
  "azure-native:storage:BlobContainer": ["blob container", "blob containers"],
  "azure-native:storage:BlobContainerImmutabilityPolicy": [
    "lock on a container's retention",
    "locks on containers' retention",
  ],
  "azure-native:storage:BlobServiceProperties": ["storage account's blobs", "storage accounts' blobs"],
  "azure-native:storage:ManagementPolicy": ["lifecycle of blobs", "lifecycles of blobs"],
  "kubernetes:batch/v1:CronJob": ["job", "jobs"],
  "azure-native:containerservice:AgentPool": ["nodes", "pools of nodes"],
  "azure-native:containerservice:ManagedCluster": ["cluster", "clusters"],
  "azure-native:network:Subnet": ["subnet", "subnets"],
  "azure-native:network:VirtualNetwork": ["network", "networks"],
  "azure-native:keyvault:Vault": ["key vault", "key vaults"],
  "azure-native:containerregistry:Registry": ["image registry", "image registries"],
  "azure-native:operationalinsights:Workspace": ["workspace of logs", "workspaces of logs"],
  "azure-native:monitor:AzureMonitorWorkspace": ["workspace of metrics", "workspaces of metrics"],
  "random:index/randomBytes:RandomBytes": ["generated key", "generated keys"],
  "random:index/randomPassword:RandomPassword": ["generated password", "generated passwords"],
};

const placeOf = (at: number): number => (at < 0 ? Infinity : at);

/** Orders changes by what is lost with them, the gravest first; those of no danger come last. */
export function byGravity(one: ResourceChange, other: ResourceChange): number {
  const places = ({ gravity, urn }: ResourceChange): number[] =>
    gravity === undefined
      ? [Infinity]
      : [GRAVITIES.indexOf(gravity), placeOf(Object.keys(THINGS).indexOf(typeOf(urn)))];
  const [mine, theirs] = [places(one), places(other)];
  const at = mine.findIndex((place, index) => place !== theirs[index]);
  return at < 0 ? 0 : (mine[at] ?? 0) < (theirs[at] ?? 0) ? -1 : 1;
}

/** Names of one kind that are shown; the others are counted. */
const SHOWN_NAMES = 3;

/**
 * Changes that must not happen, as one would say them: a line each, and one for all of a kind that the same would
 * happen to, so that forty are still read.
 */
export function dangersInWords(changes: readonly ResourceChange[]): string[] {
  const groups = new Map<string, { type: string; what: string; names: string[] }>();
  for (const { urn, danger, properties } of [...changes].sort(byGravity)) {
    const type = typeOf(urn);
    const cause = properties.filter(({ replaces }) => replaces).map(({ path }) => path);
    const because = `${cause.join(" and ")} ${cause.length === 1 ? "changes" : "change"}`;
    const what =
      cause.length > 0 ? danger.replace("would be replaced", `would be replaced because ${because}`) : danger;
    const key = `${type}\0${what}`;
    const group = groups.get(key) ?? { type, what, names: [] };
    group.names.push(nameOf(urn));
    groups.set(key, group);
  }
  return [...groups.values()].map(({ type, what, names }) => {
    const [one, several] = THINGS[type] ?? [shortType(type), `times ${shortType(type)}`];
    const more = names.length - SHOWN_NAMES;
    const shown = names.slice(0, SHOWN_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
    return `${names.length === 1 ? one : `${names.length} ${several}`} ${shown}: ${what}`;
  });
}
