/**
 * Regions Azure pairs (https://learn.microsoft.com/azure/reliability/cross-region-replication-azure). A storage account
 * keeps its copy in the pair of its region.
 */
const PAIRS: readonly (readonly [string, string])[] = [
  ["westeurope", "northeurope"],
  ["francecentral", "francesouth"],
  ["germanywestcentral", "germanynorth"],
  ["norwayeast", "norwaywest"],
  ["swedencentral", "swedensouth"],
  ["switzerlandnorth", "switzerlandwest"],
  ["uksouth", "ukwest"],
  ["eastus", "westus"],
  ["eastus2", "centralus"],
  ["northcentralus", "southcentralus"],
  ["westus2", "westcentralus"],
];

/** Names of the regions this cloud has. */
export const REGIONS: readonly string[] = PAIRS.flat().sort();

/** The pair of a region; undefined for one that has none, or that this table lacks. */
export function pairedRegion(region: string): string | undefined {
  const wanted = region.toLowerCase().replaceAll(" ", "");
  const pair = PAIRS.find((one) => one.includes(wanted));
  return pair?.find((one) => one !== wanted);
}
