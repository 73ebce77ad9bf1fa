import { PLACES, roleOf } from "../../../stacks/roles";
import type { StackConfig } from "../../../stacks/schema";

/** Places of the program whose region is not lost. */
export const present = (config: StackConfig) =>
  PLACES.filter((place) => !["lost", undefined].includes(roleOf(config, place)));

/** The same expectations below a path. */
export const nested = (prefix: string, paths: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(paths).map(([path, expected]) => [`${prefix}.${path}`, expected]));

/** What holds data or secrets: each behind private links, and locked. */
export const GUARDED = [
  "keyvault:Vault",
  "storage:StorageAccount",
  "dbforpostgresql:Server",
  "containerregistry:Registry",
] as const;

/** How many database servers there are. */
export const servers = (config: StackConfig): number =>
  config.database.replica !== undefined && present(config).length > 1 ? 2 : 1;
