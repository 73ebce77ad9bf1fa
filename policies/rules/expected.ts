import type { Cursor } from "../../packages/isolation/read";
import { UNKNOWN, type Value } from "../../packages/isolation/rule";

/** Something a value must be, beyond being one certain value. */
export class Bound {
  /** In a list or map that is shown, as its own words. */
  toJSON(): string {
    return this.says;
  }

  constructor(
    /** Completes "must be …". */
    readonly says: string,
    readonly holds: (value: Value | undefined) => boolean,
  ) {}
}

const amount = (value: Value | undefined): number => {
  const [, number = "", unit = ""] =
    typeof value === "string" ? (/^(\d+(?:\.\d+)?)(s|m|h|d|Mi|Gi|Ti|%)?$/.exec(value) ?? []) : [];
  const factors: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400, Gi: 1024, Ti: 1024 ** 2 };
  if (typeof value === "number") return value;
  return number === "" ? NaN : Number(number) * (factors[unit] ?? 1);
};

/** A number, or a text of one with its unit (`30s`, `5m`, `1Gi`, `2Ti`), no smaller than this one. */
export const atLeast = (least: number | string): Bound =>
  new Bound(`at least ${least}`, (value) => amount(value) >= amount(least));

export const atMost = (most: number | string): Bound =>
  new Bound(`at most ${most}`, (value) => amount(value) <= amount(most));

export const between = (least: number, most: number): Bound =>
  new Bound(`${least} to ${most}`, (value) => amount(value) >= least && amount(value) <= most);

export const oneOf = (...values: readonly (string | number | boolean)[]): Bound =>
  new Bound(values.map((value) => JSON.stringify(value)).join(" or "), (value) =>
    (values as readonly (Value | undefined)[]).includes(value),
  );

/** There, and neither an empty text nor an empty list or map. */
export const GIVEN = new Bound("given", (value) => {
  if (value === undefined || value === null || value === "") return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
});

/** Off, which is also what leaving it out means. */
export const OFF = new Bound("off", (value) => value === undefined || value === null || value === false);

const isEmpty = (value: Value | undefined): boolean =>
  value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0);

/** Left out, or an empty list or map. */
export const NONE = new Bound("nothing", isEmpty);

/** Left out, empty, or a list of some of these and no others. */
export const noneBut = (...members: readonly unknown[]): Bound =>
  new Bound(`nothing but ${members.map((member) => JSON.stringify(member)).join(", ")}`, (value) =>
    Array.isArray(value)
      ? (value as readonly Value[]).every((own) => members.some((member) => says(own, member)))
      : isEmpty(value),
  );

/** A list that has all of these, in any order, or a map that has these entries. */
export const holding = (...members: readonly unknown[]): Bound =>
  new Bound(`a list with ${members.map((member) => JSON.stringify(member)).join(", ")}`, (value) =>
    Array.isArray(value)
      ? members.every((member) => (value as readonly Value[]).some((own) => says(own, member)))
      : false,
  );

/** A list that has none of these. */
export const lacking = (...members: readonly unknown[]): Bound =>
  new Bound(`a list without ${members.map((member) => JSON.stringify(member)).join(", ")}`, (value) =>
    Array.isArray(value)
      ? !(value as readonly Value[]).some(
          (own) => own !== UNKNOWN && members.some((member) => says(own, member)),
        )
      : true,
  );

/** A text with this in it. */
export const containing = (part: string): Bound =>
  new Bound(`a text with ${part}`, (value) => typeof value === "string" && value.includes(part));

/** A text that ends so, in whatever case: Azure writes ids in several. */
export const endingWith = (end: string): Bound =>
  new Bound(
    `a text that ends with ${end}`,
    (value) => typeof value === "string" && value.toLowerCase().endsWith(end.toLowerCase()),
  );

/** A list of exactly so many members. */
export const listOf = (length: number): Bound =>
  new Bound(`a list of ${length}`, (value) => Array.isArray(value) && value.length === length);

/** A list of so many members or more. */
export const atLeastOf = (least: number): Bound =>
  new Bound(`a list of ${least} or more`, (value) => Array.isArray(value) && value.length >= least);

/** A list whose members that have this key are all as said. */
export const everyWith = (key: string, member: unknown): Bound =>
  new Bound(`a list whose members with ${key} say ${JSON.stringify(member)}`, (value) =>
    Array.isArray(value)
      ? (value as readonly Value[])
          .filter((own) => typeof own === "object" && own !== null && key in own)
          .every((own) => says(own, member))
      : false,
  );

/** Any of several descriptions. */
export const either = (...descriptions: readonly unknown[]): Bound =>
  new Bound(descriptions.map((one) => JSON.stringify(one)).join(" or "), (value) =>
    descriptions.some((one) => says(value, one)),
  );

/** Address blocks, none of which is every address, unless private ones are taken out of it. */
export const NARROW = new Bound("an address block, or every address but private ones", (value) => {
  const { cidr, except } = (value ?? {}) as { cidr?: Value; except?: Value };
  return typeof cidr !== "string" || !/\/0$/.test(cidr) || Array.isArray(except);
});

/** Whether a value says what is expected. A map may have more than is said; an unknown value may be it. */
export function says(found: Value | undefined, expected: unknown): boolean {
  if (found === UNKNOWN) return true;
  if (expected instanceof Bound) return expected.holds(found);
  if (typeof expected !== "object" || expected === null) return found === expected;
  if (typeof found !== "object" || found === null) return false;
  if (Array.isArray(expected)) {
    return (
      Array.isArray(found) &&
      found.length === expected.length &&
      expected.every((one, index) => says((found as readonly Value[])[index], one))
    );
  }
  return Object.entries(expected).every(([key, one]) => says((found as Record<string, Value>)[key], one));
}

/** How an expectation is named in a message; nothing for lists and maps, whose key says where they stand. */
export function plain(expected: unknown): string {
  if (expected instanceof Bound) return `: ${expected.says}`;
  return typeof expected === "object" ? "" : `: ${JSON.stringify(expected)}`;
}

const STEP = /\["([^"]+)"\]|\[\]|[^.[\]]+/g;

/**
 * Places a path leads to: `a.b` one, `a[].b` one for each member of the list, `a["x.y"]` one below a key with dots. A list
 * nobody knows is itself the place.
 */
export function placesAt(start: Cursor, path: string): Cursor[] {
  return [...path.matchAll(STEP)].reduce<Cursor[]>(
    (places, [step, quoted]) =>
      places.flatMap((place) => {
        if (step !== "[]") return [place.at(quoted ?? step)];
        return place.unknown ? [place] : place.items();
      }),
    [start],
  );
}
