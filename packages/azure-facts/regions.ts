import type { DatabaseSize } from "./postgres";

/** Versions of the Intel and AMD series a region has for flexible servers; without Intel it takes no server at all. */
interface DatabaseOffer {
  readonly intel: readonly number[];
  readonly amd: readonly number[];
}

const NONE: DatabaseOffer = { intel: [], amd: [] };
const INTEL: DatabaseOffer = { intel: [3, 4, 5], amd: [] };
const INTEL_AND_AMD: DatabaseOffer = { ...INTEL, amd: [5] };

/**
 * What the regions of Europe have of flexible servers, as of 22 December 2025
 * (https://learn.microsoft.com/azure/postgresql/overview#azure-regions). Sweden South does not stand on that list.
 */
const DATABASE_OFFERS: ReadonlyMap<string, DatabaseOffer> = new Map(
  Object.entries({
    westeurope: INTEL,
    northeurope: INTEL,
    francecentral: INTEL,
    francesouth: INTEL,
    germanywestcentral: INTEL,
    germanynorth: INTEL,
    norwayeast: INTEL_AND_AMD,
    norwaywest: INTEL,
    swedencentral: INTEL,
    swedensouth: NONE,
    switzerlandnorth: INTEL,
    switzerlandwest: INTEL,
    uksouth: INTEL_AND_AMD,
    ukwest: INTEL_AND_AMD,
  }),
);

/** Whether a region takes flexible servers; true for one that is not in Europe, of which nothing is known here. */
export const takesDatabases = (region: string): boolean => DATABASE_OFFERS.get(region) !== NONE;

/**
 * Sizes a region lacks to which one belongs, such as "AMD sizes"; undefined where it has the size, takes no server, or
 * is not in Europe.
 */
export function sizesMissingIn(
  region: string,
  { amd, version }: Pick<DatabaseSize, "amd" | "version">,
): string | undefined {
  const offer = DATABASE_OFFERS.get(region);
  if (!offer || offer === NONE) return undefined;
  const versions = amd ? offer.amd : offer.intel;
  if (versions.length === 0) return "AMD sizes";
  return version === undefined || versions.includes(version)
    ? undefined
    : `${amd ? "AMD" : "Intel"} sizes of version ${version}`;
}

/**
 * Regions of Europe that spread a Grafana workspace over zones, as Azure named them in February 2026 when it refused one
 * elsewhere (https://github.com/MicrosoftDocs/azure-docs/pull/128186): fewer than have zones.
 */
export const GRAFANA_ZONE_REGIONS: readonly string[] = [
  "francecentral",
  "northeurope",
  "norwayeast",
  "uksouth",
];
