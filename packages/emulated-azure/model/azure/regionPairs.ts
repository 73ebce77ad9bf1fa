/**
 * Regions Azure pairs (https://learn.microsoft.com/azure/reliability/cross-region-replication-azure). A storage account
 * keeps its copy in the pair of its region.
 */
const PAIRS: readonly (readonly [string, string])[] = [
  ["australiacentral", "australiacentral2"],
  ["australiaeast", "australiasoutheast"],
  ["canadacentral", "canadaeast"],
  ["centralindia", "southindia"],
  ["eastasia", "southeastasia"],
  ["japaneast", "japanwest"],
  ["koreacentral", "koreasouth"],
  ["southafricanorth", "southafricawest"],
  ["uaenorth", "uaecentral"],
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

/** Regions without a pair, or the pair of one that has another (https://learn.microsoft.com/azure/reliability/regions-list). */
const UNPAIRED: readonly string[] = [
  "austriaeast",
  "belgiumcentral",
  "brazilsouth",
  "brazilsoutheast",
  "chilecentral",
  "indonesiacentral",
  "israelcentral",
  "italynorth",
  "malaysiawest",
  "mexicocentral",
  "newzealandnorth",
  "polandcentral",
  "qatarcentral",
  "spaincentral",
  "westindia",
  "westus3",
];

/** Names of the regions this cloud has. */
export const REGIONS: readonly string[] = [...PAIRS.flat(), ...UNPAIRED].sort();

/** A region's name as ARM compares it: `West Europe` is `westeurope`. */
export function regionName(location: string): string {
  return location.toLowerCase().replaceAll(" ", "");
}

/** The pair of a region; undefined for one that has none, or that this table lacks. */
export function pairedRegion(region: string): string | undefined {
  const wanted = regionName(region);
  const pair = PAIRS.find((one) => one.includes(wanted));
  return pair?.find((one) => one !== wanted);
}
