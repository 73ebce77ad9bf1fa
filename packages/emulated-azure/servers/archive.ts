import fs from "node:fs";
import path from "node:path";
import type { Home } from "./home";
import { Instance, type Settings } from "./instance";
import { waitFor } from "../../programs/waiting";

export interface BaseBackup {
  folder: string;
  /** From here on the archive can bring back any moment. */
  completed: Date;
}

const ARCHIVED_SECONDS = 30;

/** The automated backups of one server: base backups, and its log as it goes. They live and die with the server. */
export class BackupArchive {
  readonly backups: BaseBackup[] = [];

  private constructor(
    private readonly home: Home,
    private readonly log: string,
  ) {}

  static create(home: Home, server: string): BackupArchive {
    return new BackupArchive(home, home.directory(`${server}-archive`));
  }

  /** What an instance has to be told to archive here. */
  get settings(): Settings {
    // Renamed last, so that a segment is there as a whole or not at all.
    return { archive_command: `cp %p "${this.log}/.%f" && mv "${this.log}/.%f" "${this.log}/%f"` };
  }

  /** Takes a base backup. */
  async backUp(instance: Instance): Promise<void> {
    if (instance.port === undefined) throw new Error("the server does not run");
    const copy = await Instance.copyOf(this.home, "backup", instance.port);
    const [row] = await instance.query<{ now: Date }>("SELECT clock_timestamp() AS now");
    this.backups.push({ folder: copy.dataDir, completed: row?.now ?? new Date() });
  }

  /** Closes the segment under way and waits until it is here. */
  async complete(instance: Instance): Promise<void> {
    // Recovery to a moment ends at a transaction after it: on a quiet server this one.
    await instance.query("SELECT pg_current_xact_id()");
    const [closed] = await instance.query<{ file: string }>(
      "SELECT pg_walfile_name(pg_switch_wal()) AS file",
    );
    const file = path.join(this.log, closed?.file ?? "");
    if (!(await waitFor(() => fs.existsSync(file), ARCHIVED_SECONDS, 20)))
      throw new Error(`the log was not archived within ${ARCHIVED_SECONDS} s`);
  }

  /** The newest base backup that was complete at that moment, or of all when none is given. */
  before(moment?: Date): BaseBackup | undefined {
    return this.backups.filter(({ completed }) => !moment || completed <= moment).at(-1);
  }

  /** Settings of an instance that brings back a moment from here, or all there is. */
  recovery(moment?: Date): Settings {
    return {
      restore_command: `cp "${this.log}/%f" "%p"`,
      // The configuration file is read before abbreviations of time zones are known, "Z" among them.
      ...(moment && {
        recovery_target_time: moment.toISOString().replace("Z", "+00"),
        recovery_target_action: "promote",
      }),
    };
  }

  delete(): void {
    for (const folder of [this.log, ...this.backups.map(({ folder: backup }) => backup)])
      fs.rmSync(folder, { recursive: true, force: true });
    this.backups.length = 0;
  }
}
