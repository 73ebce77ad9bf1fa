import type { ServerConnection } from "./connection";
import { ReadApart } from "./readApart";
import { relayRows } from "./rowRelay";
import type { Snapshot } from "./snapshot";
import type { Reading } from "./tableReaders";

/** Where the rows of a dump come from. */
export interface DumpSource {
  /** What pg_dump connects to. */
  server: ServerConnection;
  /** Tables that it does not read. */
  apart?: ReadApart;
  /** Resolves when nobody can empty or rewrite one of those any more. */
  locked(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The server itself; or a relay before it where rows are to be cut, or several sessions read large tables.
 * @throws FailedError when the server cannot be reached
 */
export async function openSource(
  server: ServerConnection,
  { name, large, longRowBytes, server: { encoding } }: Snapshot,
  reading: Pick<Reading, "jobs" | "lockWaitMs" | "signal" | "onFailure">,
): Promise<DumpSource> {
  const apart = reading.jobs > 1 && large.length > 0 ? new ReadApart(large) : undefined;
  const locked = () => apart?.locked() ?? Promise.resolve();
  if (!apart && longRowBytes === undefined) return { server, locked, close: () => Promise.resolve() };
  const relay = await relayRows(server, { longRowBytes, answered: apart?.answered });
  apart?.open(server, { ...reading, snapshot: name, encoding });
  const close = async () => {
    relay.close();
    await apart?.close();
  };
  return { server: relay.server, apart, locked, close };
}
