import { Cloud, Stored } from "../model/types";

/** Everything a cloud holds at one moment. Entries are never changed in place, so a copy of the map is enough. */
export type Snapshot = ReadonlyMap<string, Stored>;

/** State of the emulated cloud that outlives an operation: it can be copied, put back and listed. */
export class CloudStore implements Cloud {
  private entries: Map<string, Stored>;
  /** Keys by type, made when they are first asked for and kept from then on. */
  private types: Map<string, Set<string>> | undefined;

  constructor(
    readonly seed: string,
    entries: Iterable<Stored> = [],
  ) {
    this.entries = new Map([...entries].map((stored) => [stored.key, stored]));
  }

  get(key: string): Stored | undefined {
    return this.entries.get(key);
  }

  put(stored: Stored): void {
    const before = this.entries.get(stored.key);
    if (before && before.type !== stored.type) this.types?.get(before.type)?.delete(stored.key);
    this.entries.set(stored.key, stored);
    this.index(stored);
  }

  remove(key: string): void {
    const before = this.entries.get(key);
    if (before) this.types?.get(before.type)?.delete(key);
    this.entries.delete(key);
  }

  ofType(type: string): Stored[] {
    if (!this.types) {
      this.types = new Map();
      for (const stored of this.entries.values()) this.index(stored);
    }
    return [...(this.types.get(type) ?? [])].flatMap((key) => this.entries.get(key) ?? []);
  }

  private index({ type, key }: Stored): void {
    if (!this.types) return;
    const keys = this.types.get(type);
    if (keys) keys.add(key);
    else this.types.set(type, new Set([key]));
  }

  all(): Iterable<Stored> {
    return this.entries.values();
  }

  get size(): number {
    return this.entries.size;
  }

  snapshot(): Snapshot {
    return new Map(this.entries);
  }

  restore(snapshot: Snapshot): void {
    this.entries = new Map(snapshot);
    this.types = undefined;
  }
}
