import { randomBytes, randomInt } from "node:crypto";
import type { SecretEntry } from "../../../infra/secrets/secretCatalogue";
import { expiry } from "../../../infra/secrets/secretLife";
import { notRun, messageOf, passes } from "../frame/errors";
import type { Ground, SecretView } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { entriesOf, type Unit } from "./units";

/** Tags of a version: by which incident it was rotated, and when. */
export const ROTATION = "forma3d-rotation";
export const ROTATED_AT = "forma3d-rotated-at";

/** Versions by region and secret. */
export type Values = ReadonlyMap<string, SecretView>;

export const keyOf = ({ code }: Pick<RegionFacts, "code">, secret: string): string => `${code}/${secret}`;

/**
 * What the vaults of some regions hold of a unit.
 * @throws OperationError when one cannot be read: then nothing could be rolled back
 */
export async function readValues(
  platform: Platform,
  ground: Ground,
  unit: Unit,
  regions: readonly RegionFacts[],
): Promise<Values> {
  const values = new Map<string, SecretView>();
  for (const region of regions)
    for (const { name } of entriesOf(unit, platform.regions)) {
      const found = await ground.vaults.read(region.vault, name).catch((error: unknown) => {
        throw notRun(
          `${region.vault}: ${name} cannot be read (${messageOf(error)}); it could not be rolled back${instead(regions, region, error)}`,
          error,
        );
      });
      if (!found) throw notRun(`${region.vault} has no secret ${name}; an update puts it there`);
      values.set(keyOf(region, name), found);
    }
  return values;
}

/** What is left to whoever finds a vault silent, because its region is lost, while there is another one. */
const instead = (regions: readonly RegionFacts[], { location }: RegionFacts, error: unknown): string =>
  regions.length > 1 && passes(error) ? `; --without ${location} leaves a lost region alone` : "";

export async function writeValues(platform: Platform, ground: Ground, values: Values): Promise<void> {
  for (const region of platform.regions)
    for (const [key, value] of values)
      if (key.startsWith(`${region.code}/`))
        await ground.vaults.write(region.vault, key.slice(region.code.length + 1), value);
}

/** Versions of today with other values: what a password stands in follows it. */
export function renewed(
  { regions, secretRotationDays }: Platform,
  unit: Unit,
  old: Values,
  incident: string,
  now: Date,
  fresh: (region: RegionFacts, entry: SecretEntry) => string,
): Values {
  const values = new Map<string, SecretView>();
  const today = now.toISOString().slice(0, 10);
  for (const region of regions)
    for (const entry of entriesOf(unit, regions)) {
      const before = old.get(keyOf(region, entry.name));
      // A region that was left out keeps what it has.
      if (before === undefined) continue;
      const days = Math.min(entry.rotationDays, secretRotationDays);
      values.set(keyOf(region, entry.name), {
        value: fresh(region, entry),
        contentType: before.contentType ?? entry.contentType,
        expires: new Date(expiry(today, days) * 1000),
        tags: { ...before.tags, [ROTATION]: incident, [ROTATED_AT]: now.toISOString() },
      });
    }
  return values;
}

/** A connection string with another password. */
export function withPassword(url: string, password: string): string {
  const changed = new URL(url);
  changed.password = encodeURIComponent(password);
  return changed.toString();
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** A value as the program itself makes it: random bytes, or 32 letters and digits, because they stand in addresses. */
export function generated({ randomBytes: bytes }: Pick<SecretEntry, "randomBytes">): string {
  if (bytes !== undefined) return randomBytes(bytes).toString("base64");
  return Array.from({ length: 32 }, () => LETTERS[randomInt(LETTERS.length)]).join("");
}
