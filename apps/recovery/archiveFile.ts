import type { ArchiveToc, ScanListener } from "./postgres/archive";
import { quotedName, type TocEntry } from "./postgres/toc";

/**
 * An archive in a file that may still be growing: what reads it can begin before the last byte is there. Every wait
 * ends with an Error when the archive turns out to be damaged or its transfer breaks.
 */
export class ArchiveFile implements ScanListener {
  private readonly positions = new Map<number, number>();
  private contents: ArchiveToc | undefined;
  private written = 0;
  private whole = false;
  private failure: Error | undefined;
  private wake: () => void = () => undefined;
  private changed = this.nextChange();

  constructor(readonly path: string) {}

  /** Told by whoever scans the archive. */
  toc(contents: ArchiveToc): void {
    this.contents = contents;
    this.tell();
  }

  block(entry: TocEntry, position: number): void {
    this.positions.set(entry.dumpId, position);
    this.tell();
  }

  /** Told by whoever writes the file: that many bytes more can be read. */
  wrote(bytes: number): void {
    this.written += bytes;
    this.tell();
  }

  /** Told when every byte is in the file, positions in its table of contents included. */
  complete(): void {
    this.whole = true;
    this.tell();
  }

  fail(error: Error): void {
    if (this.whole) return;
    this.failure ??= error;
    this.tell();
  }

  /** The table of contents, once it is in the file. */
  whenListed(): Promise<ArchiveToc> {
    return this.until(() => this.contents);
  }

  /** Where the entry's data begin, once they do. */
  whenBegun(entry: TocEntry): Promise<number> {
    return this.until(() => {
      const position = this.positions.get(entry.dumpId);
      if (position === undefined && this.whole)
        throw new Error(`the archive has no data of ${quotedName(entry)}`);
      return position;
    });
  }

  /** Bytes that can be read, once they are more than these. */
  whenBeyond(position: number): Promise<number> {
    return this.until(() => {
      if (this.written > position) return this.written;
      if (this.whole) throw new Error(`the archive ends at byte ${this.written}`);
      return undefined;
    });
  }

  whenComplete(): Promise<void> {
    return this.until(() => this.whole || undefined).then(() => undefined);
  }

  private async until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      if (this.failure) throw this.failure;
      const found = look();
      if (found !== undefined) return found;
      await this.changed;
    }
  }

  private nextChange(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }

  private tell(): void {
    const { wake } = this;
    this.changed = this.nextChange();
    wake();
  }
}
