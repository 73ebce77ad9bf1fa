import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Platform } from "../../operations/platform";

const PAUSE_MS = 20;
const ANSWER_MS = 6_000;
/** Without a confirmed order, until it is given up: no limit of the platform's, and more than a busy machine takes. */
const STALLED_MS = 300_000;

/** When nothing was confirmed, from the last order before to the first after, in milliseconds of the epoch. */
export interface Outage {
  from: number;
  to: number;
}

/** Somebody who places one order after the other by the public name, and remembers which were confirmed and when. */
export class Customer {
  readonly confirmed = new Map<number, number>();
  /** Orders that got another answer than that they were placed. */
  failed = 0;
  private next = 1;
  private going = true;
  private readonly running: Promise<void>;

  constructor(
    private readonly platform: Platform,
    private readonly port: number,
  ) {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.going = false;
    await this.running;
  }

  /** Waits until this many more orders are confirmed. @throws Error when none is for too long */
  async places(count: number): Promise<void> {
    const wanted = this.confirmed.size + count;
    for (
      let [seen, since] = [this.confirmed.size, Date.now()];
      this.confirmed.size < wanted;
      await sleep(10)
    ) {
      if (this.confirmed.size > seen) [seen, since] = [this.confirmed.size, Date.now()];
      if (Date.now() - since > STALLED_MS)
        throw new Error(`no order was confirmed for ${STALLED_MS / 1000} s`);
    }
  }

  /** The longest time without a confirmed order since a moment. */
  outage(since = 0): Outage {
    const times = [...this.confirmed.values()].filter((at) => at >= since);
    let longest: Outage = { from: since, to: since };
    times.forEach((to, index) => {
      const from = times[index - 1] ?? to;
      if (to - from > longest.to - longest.from) longest = { from, to };
    });
    return longest;
  }

  private async run(): Promise<void> {
    while (this.going) {
      const id = this.next++;
      if (await this.place(id)) this.confirmed.set(id, Date.now());
      else this.failed += 1;
      await sleep(PAUSE_MS);
    }
  }

  private place(id: number): Promise<boolean> {
    return new Promise((resolve) => {
      const sent = http.request(
        {
          host: "127.0.0.1",
          port: this.port,
          method: "PUT",
          path: `/orders?id=${id}`,
          headers: { host: this.platform.hosts.api },
          signal: AbortSignal.timeout(ANSWER_MS),
        },
        (answer) => {
          answer.resume();
          answer.on("end", () => resolve(answer.statusCode === 201));
          answer.on("error", () => resolve(false));
        },
      );
      sent.on("error", () => resolve(false));
      sent.end();
    });
  }
}
