import { open } from "node:fs/promises";
import type { ArchiveFile } from "../archiveFile";
import { BLOCK_HEADER_BYTES } from "./copyIn";
import { NEWLINE, ROW_HEADER_BYTES } from "./rows";
import { isEndMarker, type TocEntry } from "./toc";

const READ_BYTES = 512 * 1024;

/** The rows of one entry, each as COPY text with its line feed, whole: the longest one is in memory, twice for a moment. */
export async function* wholeRows(archive: ArchiveFile, entry: TocEntry): AsyncGenerator<Buffer> {
  const file = await open(archive.path, "r");
  try {
    let position = (await archive.whenBegun(entry)) + BLOCK_HEADER_BYTES;
    let rest = Buffer.alloc(0);
    /** What there is of a row that is not all there. */
    let pieces: Buffer[] = [];
    /** Bytes to come of the chunk that has begun. */
    let left = 0;
    for (;;) {
      await archive.whenBeyond(position);
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position);
      position += bytesRead;
      const data = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      let at = 0;
      for (;;) {
        if (left === 0) {
          if (at + ROW_HEADER_BYTES > data.length) break;
          left = data.readUInt32LE(at + 1);
          const ended = left === 0 || isEndMarker(data, at + ROW_HEADER_BYTES, left, data.length);
          if (ended === true) return;
          if (ended === undefined) {
            left = 0;
            break;
          }
          at += ROW_HEADER_BYTES;
        }
        const piece = data.subarray(at, at + left);
        at += piece.length;
        left -= piece.length;
        pieces.push(piece);
        if (left > 0) break;
        // A chunk is a row, or a piece of a long one.
        if (piece.at(-1) !== NEWLINE) continue;
        yield pieces.length === 1 ? piece : Buffer.concat(pieces);
        pieces = [];
      }
      rest = Buffer.from(data.subarray(at));
    }
  } finally {
    await file.close();
  }
}
