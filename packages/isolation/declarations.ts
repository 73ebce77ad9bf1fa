import type { Declared } from "./perimeter";

/** A type whose resources get a host name from Azure, and where it is said. */
export interface Declaration {
  /** Module and name without API version, e.g. `sql:Server`. */
  readonly type: string;
  readonly kind: Declared;
  /** Properties that name the resource itself, never its parent. */
  readonly keys: readonly string[];
}

const declaration = (kind: Declared, types: string, ...keys: string[]): Declaration[] =>
  types.split(" ").map((type) => ({ type, kind, keys }));

/**
 * Every type whose host names {@link MANAGED_SUFFIXES} knows, old module names included
 * (https://www.pulumi.com/registry/packages/azure-native/api-docs/).
 */
const DECLARATIONS: ReadonlyMap<string, Declaration> = new Map(
  [
    ...declaration(
      "database",
      "dbforpostgresql:Server dbforpostgresql:SingleServer dbformysql:Server dbformysql:SingleServer dbformariadb:Server sql:Server",
      "serverName",
    ),
    ...declaration("database", "dbforpostgresql:VirtualEndpoint", "virtualEndpointName"),
    ...declaration("database", "dbforpostgresql:ServerGroupCluster dbforpostgresql:Cluster", "clusterName"),
    ...declaration("database", "horizondb:HorizonDbCluster", "clusterName"),
    ...declaration("database", "sql:ManagedInstance", "managedInstanceName"),
    ...declaration("database", "sql:FailoverGroup sql:InstanceFailoverGroup", "failoverGroupName"),
    ...declaration("database", "sql:ServerDnsAlias sql:ManagedServerDnsAlias", "dnsAliasName"),
    ...declaration("database", "redis:Redis cache:Redis", "name"),
    ...declaration("database", "redisenterprise:RedisEnterprise cache:RedisEnterprise", "clusterName"),
    ...declaration("database", "cosmosdb:DatabaseAccount documentdb:DatabaseAccount", "accountName"),
    ...declaration(
      "database",
      "cosmosdb:MongoCluster documentdb:MongoCluster mongocluster:MongoCluster",
      "mongoClusterName",
    ),
    ...declaration("database", "cosmosdb:CassandraCluster documentdb:CassandraCluster", "clusterName"),
    ...declaration("database", "search:Service", "searchServiceName"),
    ...declaration(
      "database",
      "servicebus:Namespace eventhub:Namespace relay:Namespace notificationhubs:Namespace",
      "namespaceName",
    ),
    ...declaration("database", "kusto:Cluster", "clusterName"),
    ...declaration("database", "eventgrid:Topic", "topicName"),
    ...declaration("database", "eventgrid:Domain", "domainName"),
    ...declaration("database", "eventgrid:Namespace", "namespaceName"),
    ...declaration("database", "signalrservice:SignalR webpubsub:WebPubSub", "resourceName"),
    ...declaration("database", "communication:CommunicationService", "communicationServiceName"),
    ...declaration("database", "batch:BatchAccount", "accountName"),
    ...declaration("host", "web:WebApp", "name"),
    ...declaration("host", "app:ContainerApp", "containerAppName"),
    ...declaration("host", "apimanagement:ApiManagementService", "serviceName"),
    ...declaration("host", "dashboard:Grafana", "workspaceName"),
    ...declaration("host", "cdn:AFDEndpoint", "endpointName"),
    ...declaration("host", "frontdoor:FrontDoor", "frontDoorName"),
    ...declaration("host", "monitor:AzureMonitorWorkspace", "azureMonitorWorkspaceName"),
    ...declaration(
      "host",
      "monitor:DataCollectionEndpoint insights:DataCollectionEndpoint",
      "dataCollectionEndpointName",
    ),
    ...declaration("vault", "keyvault:Vault", "vaultName"),
    ...declaration("vault", "appconfiguration:ConfigurationStore", "configStoreName"),
    ...declaration("vault", "keyvault:ManagedHsm", "name"),
    ...declaration("storage", "storage:StorageAccount", "accountName"),
    ...declaration(
      "cluster",
      "containerservice:ManagedCluster containerservice:Fleet",
      "dnsPrefix",
      "fqdnSubdomain",
    ),
    ...declaration("zone", "privatedns:PrivateZone network:PrivateZone", "privateZoneName"),
  ].map((entry) => [entry.type, entry]),
);

/**
 * Module and name of an azure-native type without package and API version: `storage:StorageAccount` for
 * `azure-native:storage:StorageAccount`, `azure-native:storage/v20240101:StorageAccount` and
 * `azure-native_storage_v20240101:storage:StorageAccount`. Undefined for types of other packages.
 */
export function azureType(type: string): string | undefined {
  const known = azureTypes.get(type);
  if (known !== undefined) return known ?? undefined;
  const short = shortAzureType(type);
  azureTypes.set(type, short ?? null);
  return short;
}

/** What was found of each type, null where it is none of Azure's: a program has few types and many resources. */
const azureTypes = new Map<string, string | null>();

function shortAzureType(type: string): string | undefined {
  const [name = "", module = "", kind = ""] = type.split(":");
  if (!/^azure-native(?:_|$)/.test(name) || kind === "") return undefined;
  const parts = module.split("/").filter((part) => !/^v\d{8}/.test(part));
  return `${parts[0] ?? ""}:${kind}`;
}

/** How a type declares a host name; undefined when it declares none. */
export function declarationOf(type: string): Declaration | undefined {
  const short = azureType(type);
  return short === undefined ? undefined : DECLARATIONS.get(short);
}
