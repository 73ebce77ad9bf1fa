import type { Ladder } from "./ladder";
import type { LeftOut } from "./leaveOut";
import {
  compareLargeObjects,
  compareSequences,
  compareTables,
  type TablesComparison,
} from "./postgres/compare";
import { compareExtensions, compareObjects } from "./postgres/compareInventory";
import { withClient } from "./postgres/connect";
import type { ServerConnection } from "./postgres/connection";
import type { Stages } from "./stages";
import type { Manifest, TableMatch } from "./types";

/**
 * Levels L3 and L4: what a restored database holds against what its manifest says.
 * @param place asked when a check runs; may throw when there is no restored database
 * @param options.begun comparison of the tables that began when their rows were in, while indexes were built
 * @returns every table that was compared
 */
export async function compareRestored(
  ladder: Ladder,
  stages: Stages,
  place: () => { server: ServerConnection; manifest: Manifest },
  options: {
    jobs: number;
    signal: AbortSignal;
    begun?: Promise<TablesComparison>;
    /** Whether only a part of the backup was restored, whose objects nobody has counted. */
    part?: boolean;
    /** What was left out on purpose. */
    leftOut?: readonly LeftOut[];
  },
): Promise<TableMatch[]> {
  const tables: TableMatch[] = [];
  if (!options.part) {
    await ladder.check("object-counts", "L3", "the objects of the snapshot", async () => {
      const { server, manifest } = place();
      return withClient(server, (client) => compareObjects(client, manifest.inventory, options.leftOut));
    });
    await ladder.check("extensions", "L3", "the extensions of the snapshot", async () => {
      const { server, manifest } = place();
      return withClient(server, (client) => compareExtensions(client, manifest.inventory, options.leftOut));
    });
  }
  await ladder.check("fingerprints", "L4", "every table's content", async () => {
    const { server, manifest } = place();
    const bytes = manifest.tables.reduce((sum, table) => sum + table.bytes, 0);
    const result = await stages.run(
      "compare",
      (onBytes) => options.begun ?? compareTables(server, manifest, { ...options, onBytes }),
      bytes,
    );
    tables.push(...result.tables);
    return { match: result.match, expected: result.expected, actual: result.actual };
  });
  await ladder.check("large-objects", "L4", "every large object's content", async () => {
    const { server, manifest } = place();
    return withClient(server, (client) => compareLargeObjects(client, manifest));
  });
  await ladder.check("sequences", "L4", "every sequence's position", async () => {
    const { server, manifest } = place();
    return withClient(server, (client) => compareSequences(client, manifest));
  });
  return tables;
}
