import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { messageOf } from "../../../packages/command/errors";
import { disconnect } from "../postgres/connect";
import { clientConfig, type ServerConnection } from "../postgres/connection";
import { waitFor } from "../../../packages/programs/waiting";

/** What the application had committed when it lost its database. */
export interface WorkDone {
  transactions: number;
  /** Server's instant of the newest marker whose commit was confirmed; null when there was none. */
  lastMarkerAt: Date | null;
  /** Why it stopped by itself, e.g. because its connection was ended; undefined when it was asked to stop. */
  endedBy?: string;
}

export interface Workload {
  /** Transactions confirmed so far. */
  readonly transactions: number;
  /** Server's instant of the newest confirmed marker; null before the first. */
  readonly lastMarkerAt: Date | null;
  /** Ends the workload; when its database has been lost already, tells what was confirmed before. */
  stop(): Promise<WorkDone>;
}

const PAUSE_MS = 20;

/**
 * Writes to the data set the way the application does, one small transaction after the other, each with a marker
 * row that carries the server's clock. Markers make loss countable: what was confirmed and is missing was lost.
 */
export async function startWorkload(server: ServerConnection): Promise<Workload> {
  const client = new Client(clientConfig(server));
  client.on("error", () => undefined);
  await client.connect();
  const done: WorkDone = { transactions: 0, lastMarkerAt: null };
  let stopped = false;
  const running = (async () => {
    try {
      while (!stopped) {
        done.lastMarkerAt = await transaction(client, done.transactions);
        done.transactions += 1;
        await sleep(PAUSE_MS);
      }
    } catch (error) {
      done.endedBy = messageOf(error);
    } finally {
      await disconnect(client);
    }
  })();
  return {
    get transactions() {
      return done.transactions;
    },
    get lastMarkerAt() {
      return done.lastMarkerAt;
    },
    async stop() {
      stopped = true;
      await running;
      return { ...done };
    },
  };
}

async function transaction(client: Client, n: number): Promise<Date> {
  await client.query("begin");
  await client.query(
    `with placed as (
       insert into orders (tenant, shop_reference, status, total, lines, placed_at)
       values ($1, $2, 'received', $3, '[{"sku": "P1", "quantity": 1}]', clock_timestamp()) returning id)
     insert into "PrintJob" ("orderId", model, grams) select id, '\\x00ff', 12.5 from placed`,
    [1 + (n % 12), `LIVE-${process.pid}-${Date.now()}-${n}`, 1000 + n],
  );
  await client.query("update orders set status = 'printing' where id = $1", [1 + (n % 1000)]);
  await client.query("delete from retry_queue where id = $1", [1 + n]);
  const { rows } = await client.query<{ at: Date }>(
    "insert into drill.marker (at) values (clock_timestamp()) returning at",
  );
  await client.query("commit");
  return rows[0]?.at ?? new Date(NaN);
}

/** Runs until at least this many transactions are confirmed. @throws Error when it ends or stalls before */
export async function untilBusy(workload: Workload, transactions: number, seconds = 20): Promise<void> {
  if (!(await waitFor(() => workload.transactions >= transactions, seconds, 25)))
    throw new Error(`the workload did not get to ${transactions} transactions in ${seconds} s`);
}

/** Newest marker in a restored database; null when it holds none, undefined when it has no marker table. */
export async function newestMarker(client: Client): Promise<Date | null | undefined> {
  const present = await client.query<{ present: boolean }>(
    "select to_regclass('drill.marker') is not null as present",
  );
  if (!present.rows[0]?.present) return undefined;
  const { rows } = await client.query<{ at: Date | null }>("select max(at) as at from drill.marker");
  return rows[0]?.at ?? null;
}
