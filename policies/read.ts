import { UNKNOWN, type Context, type Tree, type Value, type Violation } from "./rule";

/** What a check found: a broken promise, or a value it needed and could not know. */
export type Outcome =
  | { readonly path: string; readonly message: string; readonly level?: "advisory" }
  | { readonly path: string; readonly unknown: true };

const PLAIN_KEY = /^[A-Za-z_$][\w$]*$/;

/**
 * A place in a property tree. Going further down never throws: below an unknown everything is unknown, below
 * anything else that has no such child everything is absent (`undefined`).
 */
export class Cursor {
  constructor(
    readonly value: Value | undefined,
    /** E.g. `spec.template.spec.containers[0].image`; empty at the root. */
    readonly path: string = "",
    /** A patch states only what it changes, so what it does not state is no omission. */
    readonly partial: boolean = false,
  ) {}

  at(...keys: (string | number)[]): Cursor {
    return keys.reduce<Cursor>((cursor, key) => cursor.child(key), this);
  }

  private child(key: string | number): Cursor {
    const path =
      typeof key === "number"
        ? `${this.path}[${key}]`
        : PLAIN_KEY.test(key)
          ? this.path + (this.path ? "." : "") + key
          : `${this.path}[${JSON.stringify(key)}]`;
    return new Cursor(this.peek(key), path, this.partial);
  }

  private peek(key: string | number): Value | undefined {
    const { value } = this;
    if (value === UNKNOWN) return UNKNOWN;
    if (Array.isArray(value)) return typeof key === "number" ? (value as readonly Value[])[key] : undefined;
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    return (value as Tree)[key];
  }

  /** Whether there is a value, known or not. */
  get present(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  get unknown(): boolean {
    return this.value === UNKNOWN;
  }

  /** The string here, or undefined. */
  get text(): string | undefined {
    return typeof this.value === "string" ? this.value : undefined;
  }

  /** The number here, or undefined. */
  get number(): number | undefined {
    return typeof this.value === "number" ? this.value : undefined;
  }

  /** Elements of the list here; none when it is no list or unknown. */
  items(): Cursor[] {
    return Array.isArray(this.value) ? this.value.map((_, index) => this.at(index)) : [];
  }

  /** Strings of the list here. */
  texts(): string[] {
    return this.items().flatMap((item) => item.text ?? []);
  }

  /** Entries of the map here; none when it is no map or unknown. */
  entries(): [string, Cursor][] {
    const { value } = this;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
    return Object.keys(value).map((key) => [key, this.at(key)]);
  }
}

/** How a value is named in a message. Never used for what could be secret. */
function show(value: Value | undefined): string {
  if (value === undefined || value === null) return "absent";
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  return typeof value === "object" ? "a map" : String(value);
}

/** Demands something of a value: `allowed` completes the sentence "must …". */
export function must(
  cursor: Cursor,
  holds: (value: Value | undefined) => boolean,
  allowed: string,
): Outcome[] {
  if (cursor.unknown) return [{ path: cursor.path, unknown: true }];
  if (cursor.partial && !cursor.present) return [];
  return holds(cursor.value)
    ? []
    : [{ path: cursor.path, message: `must ${allowed}, but is ${show(cursor.value)}` }];
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
  const bounds = most === Infinity ? `at least ${least}` : `${least} to ${most}`;
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

/** A plain finding. */
export function fault(cursor: Cursor, message: string): Outcome[] {
  return [{ path: cursor.path, message }];
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

/** Turns outcomes into violations: a value that stays unknown is a hint in a preview and a refusal in an update. */
export function settle(outcomes: readonly Outcome[], context: Context, urn?: string): Violation[] {
  return outcomes.map((outcome): Violation => {
    const where = { path: outcome.path, ...(urn !== undefined && { urn }) };
    if (!("unknown" in outcome)) {
      return { ...where, message: outcome.message, ...(outcome.level && { level: outcome.level }) };
    }
    return context.isDryRun
      ? { ...where, message: UNKNOWN_AT_PREVIEW, level: "advisory" }
      : { ...where, message: UNKNOWN_AT_UPDATE };
  });
}
