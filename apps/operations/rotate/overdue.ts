import type { Ground, SecretRecord } from "../ground/types";
import type { Platform } from "../platform";
import { entriesOf, UNITS } from "./units";
import { ROTATED_AT } from "./vaultValues";

/** Units with a value in some vault that was not rotated since a moment. */
export async function overdue({ regions }: Platform, ground: Ground, since: Date): Promise<string[]> {
  const vaults = await Promise.all(regions.map(({ vault }) => ground.vaults.list(vault)));
  const fresh = (record: SecretRecord | undefined) =>
    Date.parse(record?.tags[ROTATED_AT] ?? "") >= since.getTime();
  return UNITS.filter((unit) =>
    vaults.some((records) => entriesOf(unit, regions).some(({ name }) => !fresh(records.get(name)))),
  ).map(({ id }) => id);
}
