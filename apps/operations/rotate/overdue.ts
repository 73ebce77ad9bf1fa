import { messageOf, notRun } from "../frame/errors";
import type { Ground, SecretRecord } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { entriesOf, UNITS } from "./units";
import { ROTATED_AT } from "./vaultValues";

/**
 * Units with a value in a vault of these regions that was not rotated since a moment.
 * @throws OperationError when one does not answer
 */
export async function overdue(
  { regions: all }: Platform,
  regions: readonly RegionFacts[],
  ground: Ground,
  since: Date,
): Promise<string[]> {
  const vaults = await Promise.all(
    regions.map(({ vault }) =>
      ground.vaults.list(vault).catch((error: unknown) => {
        throw notRun(`${vault} cannot be asked how old its secrets are: ${messageOf(error)}`, error);
      }),
    ),
  );
  const fresh = (record: SecretRecord | undefined) =>
    Date.parse(record?.tags[ROTATED_AT] ?? "") >= since.getTime();
  return UNITS.filter((unit) =>
    vaults.some((records) => entriesOf(unit, all).some(({ name }) => !fresh(records.get(name)))),
  ).map(({ id }) => id);
}
