import type { Client } from "pg";
import type { Finding, Ladder } from "./ladder";
import type { LeftOut } from "./leaveOut";
import {
  compareLargeObjects,
  compareSequences,
  compareTables,
  type TablesComparison,
} from "./postgres/compare";
import { compareExtensions, compareObjects } from "./postgres/compareInventory";
import { Session } from "./postgres/connect";
import type { ServerConnection } from "./postgres/connection";
import type { Stages } from "./stages";
import type { Manifest, TableMatch } from "./types";

interface CompareOptions {
  jobs: number;
  signal: AbortSignal;
  /** Comparison of the tables that began when their rows were in, while indexes were built. */
  begun?: Promise<TablesComparison>;
  /** Whether only a part of the backup was restored, whose objects nobody has counted. */
  part?: boolean;
  /** What was left out on purpose. */
  leftOut?: readonly LeftOut[];
}

/**
 * Levels L3 and L4: what a restored database holds against what its manifest says.
 * @param place asked when a check runs; may throw when there is no restored database
 * @returns every table that was compared
 */
export async function compareRestored(
  ladder: Ladder,
  stages: Stages,
  place: () => { server: ServerConnection; manifest: Manifest },
  options: CompareOptions,
): Promise<TableMatch[]> {
  const session = new Session(() => place().server);
  try {
    return await compareAll(ladder, stages, place, session, options);
  } finally {
    await session.end();
  }
}

async function compareAll(
  ladder: Ladder,
  stages: Stages,
  place: () => { server: ServerConnection; manifest: Manifest },
  session: Session,
  options: CompareOptions,
): Promise<TableMatch[]> {
  const tables: TableMatch[] = [];
  const { leftOut } = options;
  const ask = (work: (client: Client, manifest: Manifest) => Promise<Finding>) => () =>
    session.use((client) => work(client, place().manifest));
  if (!options.part) {
    await ladder.check(
      "object-counts",
      "L3",
      "the objects of the snapshot",
      ask((client, { inventory }) => compareObjects(client, inventory, leftOut)),
    );
    await ladder.check(
      "extensions",
      "L3",
      "the extensions of the snapshot",
      ask((client, { inventory }) => compareExtensions(client, inventory, leftOut)),
    );
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
  await ladder.check("large-objects", "L4", "every large object's content", ask(compareLargeObjects));
  await ladder.check("sequences", "L4", "every sequence's position", ask(compareSequences));
  return tables;
}
