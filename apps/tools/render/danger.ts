import { nameOf, typeOf } from "../../../packages/wire/urn";
import type { ResourceChange } from "./diff";
import { shortType } from "./names";

/** What a person calls a type that holds data or guards it. */
const THINGS: Readonly<Record<string, string>> = {
  "azure-native:dbforpostgresql:Server": "database server",
  "azure-native:dbforpostgresql:Database": "database",
  "azure-native:storage:StorageAccount": "backup account",
  "azure-native:storage:BlobContainer": "container of backups",
  "azure-native:keyvault:Vault": "key vault",
  "azure-native:operationalinsights:Workspace": "workspace of logs",
  "azure-native:monitor:AzureMonitorWorkspace": "workspace of metrics",
};

/** A change that must not happen, as one would say it. */
export function dangerInWords({ urn, danger, properties }: ResourceChange): string {
  const type = typeOf(urn);
  const cause = properties.filter(({ replaces }) => replaces).map(({ path }) => path);
  const because =
    cause.length > 0 ? `, because ${cause.join(" and ")} ${cause.length === 1 ? "changes" : "change"}` : "";
  return `${THINGS[type] ?? shortType(type)} ${nameOf(urn)}: ${danger}${because}`;
}
