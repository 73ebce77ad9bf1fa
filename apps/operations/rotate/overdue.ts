import type { Ground } from "../ground/types";
import type { Platform } from "../platform";
import { entriesOf, UNITS } from "./units";
import { ROTATED_AT } from "./vaultValues";

/** Units with a value in some vault that was not rotated since a moment. */
export async function overdue({ regions }: Platform, ground: Ground, since: Date): Promise<string[]> {
  const old = await Promise.all(
    UNITS.map(async (unit) => {
      const values = await Promise.all(
        regions.flatMap(({ vault }) =>
          entriesOf(unit, regions).map(({ name }) => ground.vaults.read(vault, name)),
        ),
      );
      const fresh = values.every((value) => Date.parse(value?.tags[ROTATED_AT] ?? "") >= since.getTime());
      return fresh ? [] : [unit.id];
    }),
  );
  return old.flat();
}
