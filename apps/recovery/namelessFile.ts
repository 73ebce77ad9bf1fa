import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { randomBytes } from "node:crypto";
import path from "node:path";

/**
 * A temporary file without a name: nothing written to it is left on the disk when this process ends, however it ends;
 * killed while it loses its name, it leaves an empty file. It is reached, by this process and those it starts, through
 * `path`. Only Linux can do that; elsewhere it has a name until it is closed.
 */
export interface NamelessFile {
  readonly descriptor: number;
  readonly path: string;
  close(): void;
}

/** @throws NodeJS.ErrnoException when the folder cannot be written to */
export function openNameless(folder: string, purpose: string): NamelessFile {
  const name = path.join(folder, `recovery-${purpose}-${randomBytes(6).toString("hex")}`);
  const descriptor = openSync(name, "wx+", 0o600);
  const nameless = `/proc/${process.pid}/fd/${descriptor}`;
  const hasName = !existsSync(nameless);
  if (!hasName) rmSync(name);
  let open = true;
  return {
    descriptor,
    path: hasName ? name : nameless,
    close() {
      if (!open) return;
      open = false;
      closeSync(descriptor);
      if (hasName) rmSync(name, { force: true });
    },
  };
}
