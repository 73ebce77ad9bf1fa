import type { Connection, Submittable } from "pg";

/** Type byte of a message that carries rows. */
export const COPY_DATA = 0x64; // 'd'
/** Every message of the protocol: a type byte, then its length as a big-endian number that counts itself. */
export const LENGTH_BYTES = 4;

/** A COPY handed to pg, which calls back for messages that a COPY has no use for, too. */
export abstract class CopyQuery implements Submittable {
  abstract submit(connection: Connection): void;
  abstract handleError(error: Error): void;
  abstract handleReadyForQuery(): void;

  handleCommandComplete(): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
  handleCopyData(_message?: { chunk: Buffer }): void {}
}
