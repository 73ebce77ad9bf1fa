/**
 * Azure regions this platform may be placed in. All lie in the EU, the EEA, the UK or Switzerland, so that
 * personal data stays where the GDPR or an adequacy decision covers it.
 *
 * `pair` is the region Azure copies geo-redundant storage and database backups to; it is fixed by Microsoft
 * (https://learn.microsoft.com/azure/reliability/regions-paired). `zones` says whether the region has
 * availability zones. `code` is the short form used in resource names, `displayName` what Azure's
 * service health calls the region.
 */
export const REGIONS = {
  westeurope: { code: "weu", displayName: "West Europe", pair: "northeurope", zones: true },
  northeurope: { code: "neu", displayName: "North Europe", pair: "westeurope", zones: true },
  francecentral: { code: "frc", displayName: "France Central", pair: "francesouth", zones: true },
  francesouth: { code: "frs", displayName: "France South", pair: "francecentral", zones: false },
  germanywestcentral: { code: "gwc", displayName: "Germany West Central", pair: "germanynorth", zones: true },
  germanynorth: { code: "gno", displayName: "Germany North", pair: "germanywestcentral", zones: false },
  norwayeast: { code: "noe", displayName: "Norway East", pair: "norwaywest", zones: true },
  norwaywest: { code: "now", displayName: "Norway West", pair: "norwayeast", zones: false },
  swedencentral: { code: "swc", displayName: "Sweden Central", pair: "swedensouth", zones: true },
  swedensouth: { code: "sws", displayName: "Sweden South", pair: "swedencentral", zones: false },
  switzerlandnorth: { code: "szn", displayName: "Switzerland North", pair: "switzerlandwest", zones: true },
  switzerlandwest: { code: "szw", displayName: "Switzerland West", pair: "switzerlandnorth", zones: false },
  uksouth: { code: "uks", displayName: "UK South", pair: "ukwest", zones: true },
  ukwest: { code: "ukw", displayName: "UK West", pair: "uksouth", zones: false },
} as const;

export type Region = keyof typeof REGIONS;

export const REGION_NAMES = Object.keys(REGIONS) as [Region, ...Region[]];

/**
 * Regions Azure opens to a subscription only on request, for those who recover there from the loss of its pair
 * (https://learn.microsoft.com/azure/reliability/regions-list).
 */
export const RESTRICTED_REGIONS: readonly Region[] = [
  "francesouth",
  "germanynorth",
  "norwaywest",
  "swedensouth",
  "switzerlandwest",
];
