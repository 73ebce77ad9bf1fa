import fs from "node:fs";
import path from "node:path";

/** A resource that was being made when its engine ended. */
export interface Pending {
  readonly urn: string;
  readonly type: string;
  readonly parent: string;
  /** URN and id of the provider. */
  readonly provider: string;
}

/** A resource in the state. */
export interface Recorded {
  readonly urn: string;
  readonly type: string;
  readonly protect?: boolean;
}

/** The parts of a state that are looked at. */
export interface State {
  readonly resources?: readonly Recorded[];
  readonly pending_operations?: readonly {
    readonly type: string;
    readonly resource: Pending;
  }[];
}

/**
 * The state of a stack as it lies on the disk while its engine works; undefined while a part of it is half written. Beside
 * the file lie its attributes, which the engine's storage library writes in place, and without which it reads neither
 * (https://github.com/google/go-cloud/blob/master/blob/fileblob/attrs.go).
 * @param backend The folder the engine keeps its states in.
 */
export function stateOnDisk(backend: string, stack: string): State | undefined {
  const [file] = fs.globSync(`.pulumi/stacks/*/${stack}.json`, { cwd: backend });
  if (file === undefined) return undefined;
  try {
    const read = (name: string): unknown => JSON.parse(fs.readFileSync(path.join(backend, name), "utf8"));
    read(`${file}.attrs`);
    return (read(file) as { checkpoint: { latest?: State } }).checkpoint.latest ?? {};
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
