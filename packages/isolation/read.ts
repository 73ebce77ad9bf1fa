import { UNKNOWN, type Context, type Tree, type Value, type Violation } from "./rule";

/** What a check found: a broken promise, or a value it needed and could not know. */
export type Outcome =
  | {
      readonly path: string;
      readonly message: string;
      /** Concluded from other values than the one at the path, so an unknown one among them makes it a guess. */
      readonly concluded?: true;
    }
  | { readonly path: string; readonly unknown: true };

/** An unknown value a check looked at: the resource it belongs to, and its path. */
export interface Consulted {
  readonly origin: string;
  readonly path: string;
}

/** What a check looked at; most look at nothing that is unknown, and need no map. */
interface Consultations {
  seen?: Map<string, Consulted>;
}

let consultations: Consultations | undefined;

/** Runs a check and tells which unknown values it looked at on the way. */
export function traced<T>(check: () => T): { result: T; consulted: Consulted[] } {
  const outer = consultations;
  const own: Consultations = {};
  consultations = own;
  try {
    return { result: check(), consulted: [...(own.seen?.values() ?? [])] };
  } finally {
    consultations = outer;
  }
}

function note({ origin, path }: Consulted): void {
  if (consultations) (consultations.seen ??= new Map()).set(`${origin} ${path}`, { origin, path });
}

const PLAIN_KEY = /^[A-Za-z_$][\w$]*$/;

function below(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  return PLAIN_KEY.test(key) ? path + (path ? "." : "") + key : `${path}[${JSON.stringify(key)}]`;
}

function childOf(raw: Value | undefined, key: string | number): Value | undefined {
  if (raw === UNKNOWN) return UNKNOWN;
  if (Array.isArray(raw)) return typeof key === "number" ? (raw as readonly Value[])[key] : undefined;
  if (typeof raw !== "object" || raw === null || !Object.hasOwn(raw, key)) return undefined;
  return (raw as Tree)[key];
}

/**
 * A place in a property tree. Going further down never throws: below an unknown everything is unknown, below
 * anything else that has no such child everything is absent (`undefined`).
 */
export class Cursor {
  constructor(
    private readonly raw: Value | undefined,
    /** The path; put together when it is asked for, which it is of few places. */
    private written?: string,
    /** A patch states only what it changes, so what it does not state is no omission. */
    readonly partial: boolean = false,
    /** URN of the resource the tree belongs to; empty when it is of none. */
    readonly origin: string = "",
    private readonly parent?: Cursor,
    private readonly key: string | number = "",
  ) {}

  /** E.g. `spec.template.spec.containers[0].image`; empty at the root. */
  get path(): string {
    const steps: (string | number)[] = [];
    let { written, key, parent } = this;
    // No recursion: a tree may be deeper than the call stack.
    while (written === undefined && parent) {
      steps.push(key);
      ({ written, key, parent } = parent);
    }
    return (this.written = steps.reduceRight<string>(below, written ?? ""));
  }

  /** The value here. Looking at an unknown one is noted, unlike asking whether it is {@link unknown}. */
  get value(): Value | undefined {
    if (this.raw === UNKNOWN && consultations) note(this);
    return this.raw;
  }

  at(...keys: (string | number)[]): Cursor {
    // No closure: rules take thousands of these steps for every pod.
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the first place is this one
    let place: Cursor = this;
    for (const key of keys) place = place.child(key);
    return place;
  }

  private child(key: string | number): Cursor {
    return new Cursor(childOf(this.raw, key), undefined, this.partial, this.origin, this, key);
  }

  /** Whether there is a value, known or not. Below an unknown value nobody knows: that is noted, and no is assumed. */
  get present(): boolean {
    if (this.parent?.unknown) return this.value === undefined;
    return this.raw !== undefined && this.raw !== null;
  }

  get unknown(): boolean {
    return this.raw === UNKNOWN;
  }

  /** The string here, or undefined. */
  get text(): string | undefined {
    const { value } = this;
    return typeof value === "string" ? value : undefined;
  }

  /** The number here, or undefined. */
  get number(): number | undefined {
    const { value } = this;
    return typeof value === "number" ? value : undefined;
  }

  /** Elements of the list here; none when it is no list or unknown. */
  items(): Cursor[] {
    const { value } = this;
    return Array.isArray(value) ? value.map((_, index) => this.child(index)) : [];
  }

  /** Strings of the list here. */
  texts(): string[] {
    return this.items().flatMap((item) => item.text ?? []);
  }

  /** Entries of the map here; none when it is no map or unknown. */
  entries(): [string, Cursor][] {
    const { value } = this;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
    return Object.keys(value).map((key) => [key, this.child(key)]);
  }
}

/** How a value is named in a message. Never used for what could be secret. */
function show(value: Value | undefined): string {
  if (value === undefined || value === null) return "absent";
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  return typeof value === "object" ? "a map" : String(value);
}

/**
 * Demands something of a value: `allowed` completes the sentence "must …". One that falls short while parts of it are
 * unknown may turn out as demanded.
 */
export function must(
  cursor: Cursor,
  holds: (value: Value | undefined) => boolean,
  allowed: string,
): Outcome[] {
  if (cursor.unknown) return [{ path: cursor.path, unknown: true }];
  if (cursor.partial && !cursor.present) return [];
  if (holds(cursor.value)) return [];
  const open = unknownIn(cursor);
  return open.length > 0
    ? open.map(({ path }) => ({ path, unknown: true }))
    : [{ path: cursor.path, message: `must ${allowed}, but is ${show(cursor.value)}` }];
}

/** Unknown parts of a value. */
function unknownIn(cursor: Cursor): Cursor[] {
  const open: Cursor[] = [];
  const pending = [cursor];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (next.unknown) open.push(next);
    else pending.push(...next.items(), ...next.entries().map(([, inner]) => inner));
  }
  return open.reverse();
}

/** Demands one of some values. */
export function mustBe(cursor: Cursor, ...allowed: (string | number | boolean)[]): Outcome[] {
  const list = allowed.map((value) => show(value)).join(" or ");
  return must(cursor, (value) => (allowed as (Value | undefined)[]).includes(value), `be ${list}`);
}

/** Demands one of some strings, whatever their case: Azure compares most of its enumerations that way. */
export function mustBeText(cursor: Cursor, ...allowed: string[]): Outcome[] {
  const wanted = allowed.map((text) => text.toLowerCase());
  return must(
    cursor,
    (value) => typeof value === "string" && wanted.includes(value.toLowerCase()),
    `be ${allowed.map((text) => show(text)).join(" or ")}`,
  );
}

/** Demands a number within bounds (inclusive). */
export function mustBeWithin(cursor: Cursor, least: number, most: number, unit = ""): Outcome[] {
  const isCeiling = least === 0 && unit !== "";
  const bounds =
    most === Infinity ? `at least ${least}` : isCeiling ? `at most ${most}` : `${least} to ${most}`;
  return must(
    cursor,
    (value) => typeof value === "number" && value >= least && value <= most,
    `be ${bounds}${unit && ` ${unit}`}`,
  );
}

/** Demands a list or map with something in it, or a non-empty string. */
export function mustExist(cursor: Cursor, allowed = "be set"): Outcome[] {
  return must(cursor, (value) => !isEmpty(value), allowed);
}

function isEmpty(value: Value | undefined): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** Like the others, but only for values that are there. */
export function ifPresent(cursor: Cursor, check: (cursor: Cursor) => Outcome[]): Outcome[] {
  return cursor.present ? check(cursor) : [];
}

/** A finding concluded from more than one value. */
export function fault({ path }: Pick<Cursor, "path">, message: string): Outcome[] {
  return [{ path, message, concluded: true }];
}

/**
 * Findings of a check that hangs on other values than those it finds fault with: an unknown one among them makes a
 * guess of each.
 */
export function given(check: () => Outcome[]): Outcome[] {
  const { result, consulted } = traced(check);
  if (consulted.length === 0) return result;
  for (const one of consulted) note(one);
  return result.map((outcome) => ("unknown" in outcome ? outcome : { ...outcome, concluded: true }));
}

/**
 * Applies a check when a value it hangs on has a certain property. An unknown value makes the outcome unknown.
 */
export function when(
  cursor: Cursor,
  holds: (value: Value | undefined) => boolean,
  check: () => Outcome[],
): Outcome[] {
  if (cursor.unknown) return [{ path: cursor.path, unknown: true }];
  return holds(cursor.value) ? check() : [];
}

/** Whether a value is a certain text, whatever its case. */
export function isText(...texts: string[]): (value: Value | undefined) => boolean {
  const wanted = texts.map((text) => text.toLowerCase());
  return (value) => typeof value === "string" && wanted.includes(value.toLowerCase());
}

export const UNKNOWN_AT_PREVIEW = "is not known before the update and will be judged then";
export const UNKNOWN_AT_UPDATE = "is still unknown during the update, and what cannot be judged is refused";

/**
 * Turns what a check found on one resource into violations. A value that stays unknown is a hint in a preview and
 * a refusal in an update; so is what was concluded with the help of one.
 */
export function settle(
  outcomes: readonly Outcome[],
  consulted: readonly Consulted[],
  context: Context,
  urn?: string,
): Violation[] {
  const isGuess = context.isDryRun && consulted.length > 0;
  return outcomes.map((outcome): Violation => {
    const where = { path: outcome.path, ...(urn !== undefined && { urn }) };
    if ("unknown" in outcome) return { ...where, ...unknownAt(context) };
    return { ...where, message: outcome.message, ...(isGuess && outcome.concluded && { level: "advisory" }) };
  });
}

/** Refusals for unknown values an update would otherwise have let pass; none in a preview, which has more to come. */
export function settleConsulted(
  consulted: readonly Consulted[],
  reported: readonly Violation[],
  context: Context,
): Violation[] {
  if (context.isDryRun) return [];
  const known = new Set(reported.map(({ urn, path }) => `${urn ?? ""} ${path}`));
  return consulted
    .filter(({ origin, path }) => !known.has(`${origin} ${path}`))
    .map(({ origin, path }) => ({ urn: origin, path, ...unknownAt(context) }));
}

function unknownAt({ isDryRun }: Context): Pick<Violation, "message" | "level"> {
  return isDryRun ? { message: UNKNOWN_AT_PREVIEW, level: "advisory" } : { message: UNKNOWN_AT_UPDATE };
}
