/**
 * Major versions offered for new servers (https://learn.microsoft.com/azure/postgresql/configure-maintain/concepts-version-policy);
 * 14 was retired on 12 November 2026.
 */
export const POSTGRES_VERSIONS = ["15", "16", "17", "18"] as const;

/** Last day a major version is mended (https://www.postgresql.org/support/versioning); Azure retires it then. */
export const POSTGRES_ENDS: Readonly<Record<(typeof POSTGRES_VERSIONS)[number], string>> = {
  "15": "2027-11-11",
  "16": "2028-11-09",
  "17": "2029-11-08",
  "18": "2030-11-14",
};

export const SKU_TIERS = ["Burstable", "GeneralPurpose", "MemoryOptimized"] as const;

/** A compute size of a flexible server. */
export interface DatabaseSize {
  readonly tier: (typeof SKU_TIERS)[number];
  readonly vCores: number;
  readonly memoryGiB: number;
  /** Connections the server allows unless max_connections says otherwise. */
  readonly connections: number;
  /** AMD processors, which few regions have. */
  readonly amd: boolean;
  /** Version of its series; none of the B series, which every region has. */
  readonly version?: number;
}

/** Connections Azure keeps to itself of those a server allows. */
export const RESERVED_CONNECTIONS = 15;

const MOST_CONNECTIONS = 5000;

/** Connections grow with memory: 859 for 8 GiB, and no further than 5000. */
const connectionsFor = (gib: number): number => Math.min(MOST_CONNECTIONS, Math.floor((gib * 859.375) / 8));

const UP_TO_64 = [2, 4, 8, 16, 32, 48, 64];
const UP_TO_96 = [...UP_TO_64, 96];
const UP_TO_192 = [...UP_TO_96, 128, 192];
const with20 = (cores: readonly number[]): readonly number[] => [...cores, 20].sort((a, b) => a - b);

function series(
  tier: DatabaseSize["tier"],
  name: string,
  cores: readonly number[],
  gibPerCore: number,
): [string, DatabaseSize][] {
  return cores.map((vCores) => [
    name.replace("#", String(vCores)),
    {
      tier,
      vCores,
      memoryGiB: vCores * gibPerCore,
      connections: connectionsFor(vCores * gibPerCore),
      amd: /ads_/.test(name),
      version: Number(/_v(\d)$/.exec(name)?.[1]),
    },
  ]);
}

const burstable = (
  name: string,
  vCores: number,
  memoryGiB: number,
  connections: number,
): [string, DatabaseSize] => [name, { tier: "Burstable", vCores, memoryGiB, connections, amd: false }];

/**
 * Every compute size, by name, as of January 2026
 * (https://learn.microsoft.com/azure/postgresql/compute-storage/concepts-compute and .../configure-maintain/concepts-limits).
 */
export const DATABASE_SIZES: ReadonlyMap<string, DatabaseSize> = new Map([
  burstable("Standard_B1ms", 1, 2, 50),
  burstable("Standard_B2s", 2, 4, 429),
  burstable("Standard_B2ms", 2, 8, 859),
  burstable("Standard_B4ms", 4, 16, 1718),
  burstable("Standard_B8ms", 8, 32, 3437),
  burstable("Standard_B12ms", 12, 48, MOST_CONNECTIONS),
  burstable("Standard_B16ms", 16, 64, MOST_CONNECTIONS),
  burstable("Standard_B20ms", 20, 80, MOST_CONNECTIONS),
  ...series("GeneralPurpose", "Standard_D#s_v3", UP_TO_64, 4),
  ...series("GeneralPurpose", "Standard_D#ds_v4", UP_TO_64, 4),
  ...series("GeneralPurpose", "Standard_D#ds_v5", UP_TO_96, 4),
  ...series("GeneralPurpose", "Standard_D#ads_v5", UP_TO_96, 4),
  ...series("GeneralPurpose", "Standard_D#ds_v6", UP_TO_192, 4),
  ...series("GeneralPurpose", "Standard_D#ads_v6", UP_TO_96, 4),
  ...series("MemoryOptimized", "Standard_E#s_v3", UP_TO_64, 8),
  ...series("MemoryOptimized", "Standard_E#ds_v4", with20(UP_TO_64), 8),
  ...series("MemoryOptimized", "Standard_E#ds_v5", with20(UP_TO_96), 8),
  ...series("MemoryOptimized", "Standard_E#ads_v5", with20(UP_TO_96), 8),
  ...series("MemoryOptimized", "Standard_E#ds_v6", with20(UP_TO_192), 8),
  ...series("MemoryOptimized", "Standard_E#ads_v6", with20(UP_TO_96), 8),
]);

/** Their names, smallest of each series first. */
export const DATABASE_SKUS: readonly string[] = [...DATABASE_SIZES.keys()];

/**
 * Sizes of Premium SSD disks in GiB and the lowest performance tier each may have
 * (https://learn.microsoft.com/azure/postgresql/compute-storage/concepts-storage-premium-ssd).
 */
export const DISK_TIERS: Readonly<Record<number, number>> = {
  32: 4,
  64: 6,
  128: 10,
  256: 15,
  512: 20,
  1024: 30,
  2048: 40,
  4095: 50,
  4096: 50,
  8192: 60,
  16384: 70,
  32767: 80,
};

export const DISK_SIZES_GB = Object.keys(DISK_TIERS).map(Number);

/** Days point-in-time restore reaches back. */
export const BACKUP_DAYS = { min: 7, max: 35 } as const;

/**
 * Logins a new server refuses (https://learn.microsoft.com/azure/postgresql/security/security-access-control), and roles
 * PostgreSQL has of its own (https://www.postgresql.org/docs/current/sql-createrole.html).
 */
export const RESERVED_LOGINS =
  /^(none|pgbouncer|azure_superuser|azure_pg_admin|azuresu|admin|administrator|root|guest|public|postgres|current_role|current_user|session_user|pg_.*)$/i;

/** Databases every server has of its own, which none can be made over; of the last one PgBouncer answers itself. */
export const RESERVED_DATABASES = [
  "postgres",
  "azure_maintenance",
  "azure_sys",
  "template0",
  "template1",
  "pgbouncer",
] as const;

/** Facts of a compute size, whatever the case of its letters, as Azure takes it; undefined when it offers none. */
export function databaseSize(name: string | undefined): DatabaseSize | undefined {
  const known = DATABASE_SKUS.find((size) => size.toLowerCase() === name?.toLowerCase());
  return known === undefined ? undefined : DATABASE_SIZES.get(known);
}
