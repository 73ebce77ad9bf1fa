import { runBackup } from "../../apps/recovery/commands/backup";
import type { BackupOptions, BackupOutcome } from "../../apps/recovery/options";
import type { Settings } from "../../apps/recovery/settings";
import { labContext } from "./recoveryLab";

/** A backup that was made. */
export type MadeBackup = Exclude<BackupOutcome, { error: Error }>;

/** Backs one database up and gives what came of it. @throws the backup's own error */
export async function makeBackup(settings: Settings, options: BackupOptions = {}): Promise<MadeBackup> {
  const [outcome] = await runBackup(settings, options, labContext());
  if (!outcome || "error" in outcome) throw outcome?.error ?? new Error("no outcome");
  return outcome;
}
