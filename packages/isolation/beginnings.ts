/** One step of the names that begin alike: what they go on with, by character code. */
interface Step {
  readonly next: Map<number, Step>;
  isName: boolean;
}

/** A place in the names, reached by the characters before it. */
export type Place = Step;

/**
 * Names by how they begin. A text that is put together piece by piece is followed along them, and is no name's beginning any more as soon
 * as one character leads nowhere: no piece has to be joined to find that out.
 */
export class Beginnings {
  private readonly start: Step = { next: new Map(), isName: false };

  constructor(names: Iterable<string>) {
    for (const name of names) {
      let at = this.start;
      for (let index = 0; index < name.length; index++) {
        const code = name.charCodeAt(index);
        const next = at.next.get(code) ?? { next: new Map<number, Step>(), isName: false };
        at.next.set(code, next);
        at = next;
      }
      at.isName = true;
    }
  }

  /** Where a text leads, or the part of it up to `end`; undefined when no name goes on so. */
  follow(text: string, from: Place = this.start, end = text.length): Place | undefined {
    let at: Place | undefined = from;
    for (let index = 0; at && index < end; index++) at = at.next.get(text.charCodeAt(index));
    return at;
  }

  /** Whether a text of two characters and more is the beginning of a name and not the whole of it alone. */
  isBeginning(text: string): boolean {
    return text.length >= 2 && goesOn(this.follow(text));
  }
}

/** Whether a name goes on from a place. */
export const goesOn = (place: Place | undefined): place is Place =>
  place !== undefined && place.next.size > 0;

const known = new WeakMap<ReadonlySet<string>, Beginnings>();

/** The beginnings of some names, made once. */
export function beginningsOf(names: ReadonlySet<string>): Beginnings {
  let beginnings = known.get(names);
  if (!beginnings) known.set(names, (beginnings = new Beginnings(names)));
  return beginnings;
}
