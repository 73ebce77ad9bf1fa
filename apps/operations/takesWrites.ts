import type { Ground } from "./ground/types";

/** Whether whoever signs in there may write. Azure makes a server read-only whose disk is full; the administrator alone would not notice. */
export async function takesWrites({ database }: Ground, host: string): Promise<true | string> {
  // A transaction with an identity is a write, and leaves nothing behind.
  const [row] = await database.query<{ readOnly: string }>(
    host,
    `SELECT pg_current_xact_id(), current_setting('default_transaction_read_only') AS "readOnly"`,
  );
  return (
    row?.readOnly === "off" ||
    `${host} takes no writes: it is read-only, as Azure makes one whose disk is full`
  );
}
