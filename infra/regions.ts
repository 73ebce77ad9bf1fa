/**
 * Azure regions this platform may be placed in. All lie in the EU, the EEA, the UK or Switzerland, so that
 * personal data stays where the GDPR or an adequacy decision covers it.
 *
 * `pair` is the region Azure copies geo-redundant storage and database backups to; it is fixed by Microsoft
 * (https://learn.microsoft.com/azure/reliability/regions-paired). `zones` says whether the region has
 * availability zones. `code` is the short form used in resource names.
 */
export const REGIONS = {
  westeurope: { code: "weu", pair: "northeurope", zones: true },
  northeurope: { code: "neu", pair: "westeurope", zones: true },
  francecentral: { code: "frc", pair: "francesouth", zones: true },
  francesouth: { code: "frs", pair: "francecentral", zones: false },
  germanywestcentral: { code: "gwc", pair: "germanynorth", zones: true },
  germanynorth: { code: "gno", pair: "germanywestcentral", zones: false },
  norwayeast: { code: "noe", pair: "norwaywest", zones: true },
  norwaywest: { code: "now", pair: "norwayeast", zones: false },
  swedencentral: { code: "swc", pair: "swedensouth", zones: true },
  swedensouth: { code: "sws", pair: "swedencentral", zones: false },
  switzerlandnorth: { code: "szn", pair: "switzerlandwest", zones: true },
  switzerlandwest: { code: "szw", pair: "switzerlandnorth", zones: false },
  uksouth: { code: "uks", pair: "ukwest", zones: true },
  ukwest: { code: "ukw", pair: "uksouth", zones: false },
} as const;

export type Region = keyof typeof REGIONS;

export const REGION_NAMES = Object.keys(REGIONS) as [Region, ...Region[]];
