import type { ArchiveFile } from "../archiveFile";
import type { LooseConstraints } from "../leaveOut";
import type { MaskRules } from "../mask/rules";
import type { Manifest } from "../types";
import type { TablesComparison } from "./compare";
import type { RestoreProgram } from "./pgRestore";

export interface RestoreTask extends Omit<RestoreProgram, "file"> {
  archive: ArchiveFile;
  manifest: Manifest;
  /** Entries that are not restored. */
  leaveOut?: ReadonlySet<number>;
  /** Of those and of checks: what is made again for new rows only. */
  loose?: LooseConstraints;
  /** Whether to compare every table with the manifest. */
  compare: boolean;
  /** What stands between the archive and the server, where it is not to get what was backed up. */
  masking?: Masking;
}

/** Rules of a masked copy, and the secret that its values are made with. */
export interface Masking {
  rules: MaskRules;
  key: Buffer;
}

export interface RunningRestore {
  /** Settles when everything is restored, or with the first error when nothing works on it any more. */
  built: Promise<void>;
  /** Settles when every table was compared, too. */
  compared: Promise<TablesComparison>;
}
