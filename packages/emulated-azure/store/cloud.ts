import { Cloud, Stored } from "../model/types";

/** Everything a cloud holds at one moment. Entries are never changed in place, so a copy of the map is enough. */
export type Snapshot = ReadonlyMap<string, Stored>;

/** State of the emulated cloud that outlives an operation: it can be copied, put back and listed. */
export class CloudStore implements Cloud {
  private entries: Map<string, Stored>;

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
    this.entries.set(stored.key, stored);
  }

  remove(key: string): void {
    this.entries.delete(key);
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
  }
}
