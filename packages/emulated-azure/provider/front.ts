import { setTimeout as wait } from "node:timers/promises";
import { Attempt, Fault, Faults, MAX_RETRIES } from "../faults";
import { CloudEvent, Hooks } from "../hooks";
import { CloudError } from "../model/types";
import { NO_REFUSALS, type Refusals } from "./limits";

/** One operation, for transcripts and for proofs that something happened once. */
export interface JournalEntry extends Attempt {
  readonly urn: string;
  /** Whether the cloud did it, whatever the engine was told. */
  readonly effective: boolean;
  /** How it ended: `done`, the service's refusal, or `unanswered`. */
  readonly result: string;
}

/** The service did what was asked, and the provider did not wait for the end. */
export class Incomplete extends Error {
  constructor(
    readonly reason: string,
    readonly outcome: unknown,
  ) {
    super(reason);
  }
}

export interface FrontOptions {
  readonly faults: Faults;
  /** Milliseconds an emulated second of Retry-After lasts; default 10. */
  readonly secondMs?: number;
  /**
   * Milliseconds a resource that admits one operation at a time stays busy; default 4. Longer than the time between
   * two operations the engine starts together, so that a missing dependency shows.
   */
  readonly busyMs?: number;
  /** Who is told what happened, before it counts as done; nobody unless said otherwise. */
  readonly hooks?: Hooks;
  /** What it refuses beyond what the vendors describe; nothing unless given. */
  readonly refusals?: Refusals;
}

/** How one operation is performed beside what it does. */
export interface Performing {
  /**
   * Who repeats a throttled request: the `front`, as the SDK inside a provider does, or the `caller`, who is answered
   * 429; default `front`.
   */
  readonly retries?: "front" | "caller";
}

const RETRY_AFTER_SECONDS = 2;

const tooMany = (): CloudError =>
  new CloudError(429, "TooManyRequests", "too many requests", RETRY_AFTER_SECONDS);

/** The way into the emulated cloud: faults, throttling, and servers that do one thing at a time. */
export class Front {
  readonly journal: JournalEntry[] = [];
  private readonly busy = new Map<string, string>();

  constructor(private readonly options: FrontOptions) {}

  get refusals(): Refusals {
    return this.options.refusals ?? NO_REFUSALS;
  }

  /** Tells whoever runs something behind a resource. */
  async tell(event: CloudEvent): Promise<void> {
    await this.options.hooks?.emit(event);
  }

  /** Seconds whoever asks is told to wait while every request is throttled; undefined while none is. */
  get throttledFor(): number | undefined {
    return this.options.faults.standing.has("throttled") ? RETRY_AFTER_SECONDS : undefined;
  }

  /** What keeps an operation from being answered at all, if anything does. */
  unreachable(attempt: Attempt): string | undefined {
    return this.options.faults.unreachable(attempt);
  }

  /** Whether a request vanishes on its way: neither an answer comes back nor a refusal. */
  swallows(attempt: Attempt): boolean {
    return this.options.faults.swallows(attempt);
  }

  /**
   * Performs one operation.
   * @param serialisedBy Key of what admits only one operation at a time, e.g. a database server.
   * @throws CloudError when the service refuses; Incomplete when the provider gave up waiting.
   */
  async perform<T>(
    attempt: Attempt & { readonly urn: string },
    serialisedBy: string | undefined,
    action: () => T | Promise<T>,
    performing: Performing = {},
  ): Promise<T> {
    const entry = { ...attempt, effective: false, result: "unanswered" };
    this.journal.push(entry);
    const noted = async (): Promise<T> => {
      const result = await action();
      entry.effective = true;
      return result;
    };
    try {
      const result = await this.attempt(attempt, serialisedBy, noted, performing);
      entry.result = "done";
      return result;
    } catch (error) {
      entry.result = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  private async attempt<T>(
    attempt: Attempt,
    serialisedBy: string | undefined,
    action: () => Promise<T>,
    { retries = "front" }: Performing,
  ): Promise<T> {
    const fault = this.options.faults.strike(attempt);
    if (fault?.effect === "refuse") {
      throw new CloudError(
        500,
        "InternalServerError",
        `${attempt.name} could not be processed; try again later`,
      );
    }
    if (this.throttledFor !== undefined) {
      if (retries === "caller") throw tooMany();
      await this.throttle(MAX_RETRIES + 1);
    }
    if (fault?.effect === "throttle") {
      if (retries === "caller") this.refuseThrottled(fault);
      await this.throttle(fault.times ?? 2);
    }
    const result = await this.exclusively(attempt, serialisedBy, action);
    if (fault?.effect === "hang") return new Promise<T>(() => undefined);
    if (fault?.effect === "timeout") {
      throw new Incomplete(`${attempt.operation} of ${attempt.name} did not end in time`, result);
    }
    return result;
  }

  private refuseThrottled(fault: Fault): never {
    const { times = 2 } = fault;
    if (times > 1) this.options.faults.add({ ...fault, nth: 1, times: times - 1 });
    throw tooMany();
  }

  private async throttle(times: number): Promise<void> {
    for (let answers = 1; answers <= times; answers++) {
      if (answers > MAX_RETRIES) {
        throw new CloudError(
          429,
          "TooManyRequests",
          `too many requests; Retry-After: ${RETRY_AFTER_SECONDS}; gave up after ${MAX_RETRIES} retries`,
        );
      }
      await wait(RETRY_AFTER_SECONDS * (this.options.secondMs ?? 10));
    }
  }

  private async exclusively<T>(
    attempt: Attempt,
    key: string | undefined,
    action: () => Promise<T>,
  ): Promise<T> {
    if (key === undefined || attempt.operation === "read") return action();
    const other = this.options.faults.standing.has("busy") ? "maintenance of Azure's" : this.busy.get(key);
    if (other !== undefined) {
      throw new CloudError(
        409,
        "ServerIsBusy",
        `cannot ${attempt.operation} ${attempt.name}: ${key} is busy with ${other}; only one operation at a time is allowed`,
      );
    }
    this.busy.set(key, `${attempt.operation} of ${attempt.name}`);
    try {
      const result = await action();
      await wait(this.options.busyMs ?? 4);
      return result;
    } finally {
      this.busy.delete(key);
    }
  }
}
