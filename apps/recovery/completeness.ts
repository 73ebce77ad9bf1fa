import { FailedError } from "../../packages/command/errors";
import type { ArchiveContent } from "./postgres/archive";
import type { Snapshot } from "./postgres/snapshot";

/** The database was changed while it was being dumped, as a migration does; another snapshot may be whole. */
export class Unsettled extends FailedError {}

/**
 * What a server says of a table, a column or a schema that a snapshot shows and that is no more, and to one of two that
 * waited for each other.
 */
const GONE = /does not exist|cache lookup failed|could not open relation with OID|deadlock detected/;

/** The same error, as one that another snapshot may not meet when it tells of something that went under this one. */
export function unlessGone(error: FailedError): FailedError {
  return !(error instanceof Unsettled) && GONE.test(error.message) ? new Unsettled(error.message) : error;
}

/** The snapshot is blind to rows that are there: a table was emptied or written anew under it. */
class Rewritten extends Unsettled {
  constructor(tables: readonly string[]) {
    const named = tables.slice(0, 5).join(", ");
    const more = tables.length > 5 ? ` and ${tables.length - 5} more` : "";
    super(
      `${named}${more} was truncated or rewritten while the snapshot was taken, which would miss its rows`,
    );
  }
}

/** @throws Rewritten when rows that are there are hidden from the snapshot */
export async function requireUnchanged(snapshot: Snapshot): Promise<void> {
  const tables = await snapshot.rewritten();
  if (tables.length > 0) throw new Rewritten(tables);
}

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
