import { open } from "node:fs/promises";
import type { ArchiveFile } from "../archiveFile";
import { BLOCK_HEADER_BYTES } from "./copyIn";
import { ROW_HEADER_BYTES } from "./rows";
import { isEndMarker, type TocEntry } from "./toc";

const READ_BYTES = 512 * 1024;

/** The rows of one entry, each as COPY text with its line feed, whole. */
export async function* wholeRows(archive: ArchiveFile, entry: TocEntry): AsyncGenerator<Buffer> {
  const file = await open(archive.path, "r");
  try {
    let position = (await archive.whenBegun(entry)) + BLOCK_HEADER_BYTES;
    let rest = Buffer.alloc(0);
    for (;;) {
      await archive.whenBeyond(position);
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position);
      position += bytesRead;
      rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      let at = 0;
      while (at + ROW_HEADER_BYTES <= rest.length) {
        const length = rest.readUInt32LE(at + 1);
        const start = at + ROW_HEADER_BYTES;
        if (length === 0) return;
        if (start + length > rest.length) break;
        if (isEndMarker(rest, start, length, rest.length)) return;
        yield rest.subarray(start, start + length);
        at = start + length;
      }
      rest = rest.subarray(at);
    }
  } finally {
    await file.close();
  }
}
