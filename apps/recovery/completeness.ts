import { FailedError } from "../../packages/command/errors";
import type { ArchiveContent } from "./postgres/archive";
import type { Snapshot } from "./postgres/snapshot";

/** The database was changed while it was being dumped, as a migration does; another snapshot may be whole. */
export class Unsettled extends FailedError {}

/**
 * What a server says of a table, a column or a schema that a snapshot shows and that is no more, pg_dump of a view, and the
 * server to one of two that waited for each other.
 */
const GONE =
  /does not exist|cache lookup failed|could not open relation with OID|deadlock detected|definition of view .* (returned no data|appears to be empty)/;

/** The same error, as one that another snapshot may not meet when it tells of something that went under this one. */
export function unlessGone(error: FailedError): FailedError {
  return !(error instanceof Unsettled) && GONE.test(error.message) ? new Unsettled(error.message) : error;
}

/** @throws Unsettled when the dump misses what the snapshot shows */
export async function requireUnchanged(snapshot: Snapshot): Promise<void> {
  const { rewritten, dropped } = await snapshot.missed();
  if (rewritten.length > 0)
    throw new Unsettled(
      `${some(rewritten)} was truncated or rewritten while the snapshot was taken, which would miss its rows`,
    );
  if (dropped.length > 0)
    throw new Unsettled(
      `${some(dropped)} was dropped while the snapshot was taken, which would miss its definition`,
    );
}

const some = (names: readonly string[]) =>
  names.slice(0, 5).join(", ") + (names.length > 5 ? ` and ${names.length - 5} more` : "");

/** @throws FailedError when the dump left out a table or a row of the snapshot */
export function requireComplete(
  snapshot: Snapshot,
  content: ArchiveContent,
  counts: ReadonlyMap<string, number>,
): void {
  const dumped = new Map(content.tables.map((table) => [`${table.schema}\0${table.table}`, table]));
  for (const [key, rows] of counts) {
    const table = dumped.get(key);
    const name = key.replace("\0", ".");
    if (!table) throw new FailedError(`the dump leaves out table ${name}`);
    if (table.rows !== rows) {
      throw new FailedError(`table ${name} has ${rows} rows in the snapshot and ${table.rows} in the dump`);
    }
  }
}
