import { CloudError } from "./model/types";

export const OPERATIONS = ["create", "read", "update", "delete"] as const;
export type Operation = (typeof OPERATIONS)[number];

/**
 * What goes wrong:
 * - `refuse`: the service answers 500 and does nothing;
 * - `timeout`: the service does it, but the provider gives up waiting and reports a half-made resource;
 * - `hang`: the service does it, and the answer never arrives, as when the engine is killed meanwhile;
 * - `throttle`: the service answers 429 with Retry-After, `times` times in a row.
 */
export const EFFECTS = ["refuse", "timeout", "hang", "throttle"] as const;
export type Effect = (typeof EFFECTS)[number];

/**
 * What goes on going wrong until it is switched off:
 * - `throttled`: every request at every front is refused until it is asked less, by 429 or what that front has for it;
 * - `busy`: whatever admits one operation at a time is busy with another (`ServerIsBusy`).
 */
export const STANDING = ["throttled", "busy"] as const;
export type Standing = (typeof STANDING)[number];

export interface Fault {
  readonly operation: Operation;
  /** Type token or the end of one, e.g. `dbforpostgresql:Server`; `*` for all. */
  readonly type: string;
  /** Logical name; absent for any. */
  readonly name?: string;
  /** Which matching operation it strikes, from 1; default 1. It strikes once. */
  readonly nth?: number;
  readonly effect: Effect;
  /** For `throttle`: how many answers in a row are 429. The provider gives up after {@link MAX_RETRIES}; default 2. */
  readonly times?: number;
}

/** How often the Azure SDK repeats a throttled request before it gives up. */
export const MAX_RETRIES = 3;

/** An operation on its way to the service. */
export interface Attempt {
  readonly operation: Operation;
  readonly type: string;
  /** Logical name. */
  readonly name: string;
  /** Key in the cloud, as far as it is known. */
  readonly key: string;
  /** Whether the service itself is asked, such as a vault for a secret, and not the resource manager. */
  readonly itself?: boolean;
}

interface Armed {
  readonly fault: Fault;
  seen: number;
}

interface Outage {
  readonly what: string;
  readonly covers: (attempt: Attempt) => boolean;
  readonly swallowed: boolean;
}

/** Faults that wait for their operation, and places that do not answer at all. */
export class Faults {
  /** What goes on going wrong at the moment. */
  readonly standing = new Set<Standing>();
  private armed: Armed[] = [];
  private outages: Outage[] = [];
  private listeners: ((fault: Fault, attempt: Attempt) => void)[] = [];

  add(fault: Fault): void {
    this.armed.push({ fault, seen: 0 });
  }

  /**
   * Makes everything unreachable that `covers` accepts, until {@link clear}.
   * @param swallowed what is sent there vanishes, and nobody is told
   */
  outage(what: string, covers: Outage["covers"], swallowed = false): void {
    this.outages.push({ what, covers, swallowed });
  }

  /** Ends the outages of one name; the others and armed faults stay. */
  endOutage(what: string): void {
    this.outages = this.outages.filter((one) => one.what !== what);
  }

  clear(): void {
    this.armed = [];
    this.standing.clear();
    this.outages = [];
    this.listeners = [];
  }

  /** Called at the moment a fault strikes. */
  onStrike(listener: (fault: Fault, attempt: Attempt) => void): void {
    this.listeners.push(listener);
  }

  /** Faults that have not struck. A rehearsal that ends with some did not rehearse what it meant to. */
  get waiting(): readonly Fault[] {
    return this.armed.map((one) => one.fault);
  }

  /** What does not answer and so keeps an operation from being tried at all. */
  unreachable(attempt: Attempt): string | undefined {
    return this.outages.find((one) => one.covers(attempt))?.what;
  }

  /** Whether it vanishes on its way to what does not answer. */
  swallows(attempt: Attempt): boolean {
    return this.outages.some(({ covers, swallowed }) => swallowed && covers(attempt));
  }

  /**
   * The fault this operation meets, if any.
   * @throws CloudError 503 in an outage.
   */
  strike(attempt: Attempt): Fault | undefined {
    const outage = this.unreachable(attempt);
    if (outage) throw new CloudError(503, "ServiceUnavailable", `${outage} does not answer`);
    for (const one of this.armed) {
      if (!matches(one.fault, attempt)) continue;
      one.seen += 1;
      if (one.seen < (one.fault.nth ?? 1)) continue;
      this.armed = this.armed.filter((other) => other !== one);
      for (const listener of this.listeners) listener(one.fault, attempt);
      return one.fault;
    }
    return undefined;
  }
}

function matches(fault: Fault, attempt: Attempt): boolean {
  return (
    fault.operation === attempt.operation &&
    (fault.type === "*" || attempt.type === fault.type || attempt.type.endsWith(`:${fault.type}`)) &&
    (fault.name === undefined || fault.name === attempt.name)
  );
}

/**
 * Reads a fault from one line: `<operation> <type>[#<nth>] <effect>`, e.g. `create dbforpostgresql:Server#1 timeout`.
 * @throws Error that names the part at fault and what is allowed.
 */
export function parseFault(text: string): Fault {
  const parts = text.trim().split(/\s+/);
  const [operation = "", target = "", effect = ""] = parts;
  if (parts.length !== 3) {
    throw new Error(`fault "${text}": expected "<operation> <type>[#<nth>] <effect>"`);
  }
  if (!includes(OPERATIONS, operation)) {
    throw new Error(`fault "${text}": operation is "${operation}"; allowed: ${OPERATIONS.join(", ")}`);
  }
  if (!includes(EFFECTS, effect)) {
    throw new Error(`fault "${text}": effect is "${effect}"; allowed: ${EFFECTS.join(", ")}`);
  }
  const [, type, nth] = /^([^#]+)(?:#([1-9]\d*))?$/.exec(target) ?? [];
  if (!type)
    throw new Error(`fault "${text}": type is "${target}"; allowed: * or a type token, then #1, #2, …`);
  return { operation, type, nth: nth ? Number(nth) : 1, effect };
}

function includes<T extends string>(allowed: readonly T[], text: string): text is T {
  return (allowed as readonly string[]).includes(text);
}
