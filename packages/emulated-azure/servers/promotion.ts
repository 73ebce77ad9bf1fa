import { ServiceError } from "./errors";
import { replayed } from "./follow";
import type { DatabaseServer } from "./server";

export interface Promotion {
  /** "Switchover": the pair changes places. "Standalone": the replica leaves the pair. */
  mode: "Switchover" | "Standalone";
  /** "Planned": only when the source answers, and nothing is lost. "Forced": at once; what the replica lacks is lost. */
  option: "Planned" | "Forced";
}

/**
 * Opens a replica for writing. `changePlaces` is called in the moment it takes writes.
 * @throws ServiceError `PromotionNotPossible` when a planned one cannot keep its promise; the pair is as it was
 */
export async function promote(
  replica: DatabaseServer,
  source: DatabaseServer,
  { mode, option }: Promotion,
  changePlaces: () => void,
): Promise<void> {
  if (option === "Planned") {
    if (source.lost || source.state !== "Ready")
      throw new ServiceError(
        "PromotionNotPossible",
        `${source.name} does not answer: a planned promotion needs it`,
      );
    await source.settled();
    if (mode === "Switchover") await handOver(replica, source);
    else await catchUp(replica, source);
  }
  await replica.openAsPrimary();
  changePlaces();
  // Its own backups begin here: none of the source's are the new primary's.
  replica.inBackground(() => replica.archive.backUp(replica.instance));
  if (mode === "Standalone") return;
  if (source.lost) source.demotedBy = replica;
  else source.inBackground(() => demote(source, replica));
}

/** The source ends in order: its log's very last entry reaches the replica before it is gone. */
async function handOver(replica: DatabaseServer, source: DatabaseServer): Promise<void> {
  try {
    source.front.lead(undefined);
    await catchUp(replica, source);
  } catch (error) {
    source.leadNames();
    throw error;
  }
  await source.halt("fast");
}

async function catchUp(replica: DatabaseServer, source: DatabaseServer): Promise<void> {
  const [now] = await source.instance.query<{ lsn: string }>("SELECT pg_current_wal_flush_lsn() AS lsn");
  await replayed(replica.instance, now?.lsn ?? "0/0").catch((error: unknown) => {
    throw new ServiceError("PromotionNotPossible", error instanceof Error ? error.message : String(error));
  });
}

async function demote(server: DatabaseServer, primary: DatabaseServer): Promise<void> {
  await server.disableStandby();
  await server.halt("immediate");
  server.source = primary;
  await server.start();
}
