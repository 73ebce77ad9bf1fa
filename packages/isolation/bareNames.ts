/** Letters and digits. */
const KINDS = 36;

/** Number of a letter or digit, 0 to 35; negative for any other character. */
function kindOf(code: number): number {
  if (code >= 97 && code <= 122) return code - 97;
  return code >= 48 && code <= 57 ? code - 22 : -1;
}

/** Number of the beginning of a name at a place; each three letters and digits have one of their own. */
const beginningOf = (text: string, at: number): number =>
  (kindOf(text.charCodeAt(at)) * KINDS + kindOf(text.charCodeAt(at + 1))) * KINDS +
  kindOf(text.charCodeAt(at + 2));

/**
 * Names of letters and digits, at least three of them, and where they stand in a text of nothing else. Every text that is judged is
 * looked through for all of them: the three characters most of its places begin with rule all names out at once.
 */
export class BareNames {
  private readonly byBeginning = new Map<number, string[]>();
  /** Whether a name has a beginning, by its number: nearly every place is told by this alone. */
  private readonly begins = new Uint8Array(KINDS ** 3);
  /** Length of the shortest. */
  readonly shortest: number;

  constructor(names: Iterable<string>) {
    let shortest = Infinity;
    for (const name of names) {
      shortest = Math.min(shortest, name.length);
      const beginning = beginningOf(name, 0);
      this.begins[beginning] = 1;
      this.byBeginning.set(beginning, [...(this.byBeginning.get(beginning) ?? []), name]);
    }
    this.shortest = shortest;
  }

  /** @param text of letters and digits only, in lower case */
  in(text: string): { readonly name: string; readonly at: number }[] {
    const found: { name: string; at: number }[] = [];
    let beginning = beginningOf(text, 0);
    for (let at = 0; at + this.shortest <= text.length; at++) {
      if (this.begins[beginning] === 1) {
        for (const name of this.byBeginning.get(beginning) ?? [])
          if (text.startsWith(name, at)) found.push({ name, at });
      }
      beginning = (beginning % (KINDS * KINDS)) * KINDS + kindOf(text.charCodeAt(at + 3));
    }
    return found;
  }
}
