/**
 * What each verb can be asked, and the shape of its function. The command line is built on these; so are the
 * drill and the tests.
 */
import type { RunContext } from "./context";
import type { Skip } from "./leaveOut";
import type { Provision } from "./postgres/provision";
import type { Masking } from "./postgres/restoreTask";
import type { Wanted } from "./selection";
import type { Settings } from "./settings";
import type { Outage } from "./store/outage";
import type { Level, Manifest, StatusEntry, Tier } from "./types";

export interface BackupOptions {
  /** Databases to dump; none: the one `DATABASE_URL` names. */
  databases?: string[];
  /** Every database of the server that may be connected to, templates and Azure's own excluded. */
  all?: boolean;
  /** Default daily. */
  tier?: Tier;
}

/** One database of a run: with several, one that fails does not stop the others. */
export type BackupOutcome =
  | {
      database: string;
      /** As it stands in the first target that holds it. */
      manifest: Manifest;
      /** Targets that hold it. */
      targets: string[];
      /** Targets that should and do not. */
      outages: Outage[];
    }
  | { database: string; error: Error };

/** Which backup is meant. */
export type BackupSelector =
  | { id: string }
  | { latest: true; database?: string }
  /** The newest whose snapshot is not younger than this instant. */
  | { at: Date; database?: string }
  /** A random one whose snapshot is at most this old. */
  | { randomWithinSeconds: number; database?: string };

export interface Assertion {
  id: string;
  /** One statement returning one boolean. `current_setting('recovery.snapshot_at')` is the snapshot's instant. */
  sql: string;
}

export interface VerifyOptions {
  backup: BackupSelector;
  /** Last level to climb to. Default L6; below L4 the backup does not count as verified. */
  through?: Level;
  assertions?: Assertion[];
  /** Default two hours. */
  timeoutSeconds?: number;
  /** Target whose copy is proved; default the best of those that hold it. */
  target?: string;
  /** False: the report is returned but not stored beside the backup. Default true. */
  record?: boolean;
}

export interface RestoreOptions {
  backup: BackupSelector;
  /** Database to restore into; new, or existing and empty. */
  to: string;
  /** Target the backup is read from; default the best of those that hold it. */
  target?: string;
  /** Takes the place of an existing database; must equal `to`. The previous content is kept under another name. */
  replace?: string;
  /** Only this part of the backup, into a database of its own. */
  only?: Wanted;
  /**
   * With `only`: into the tables of a database that is in use, whose name this is, as typed; must equal `to`. All of it
   * happens or none.
   */
  inPlace?: string;
  /** Objects of the backup to do without, by name. */
  skip?: readonly Skip[];
  /** Masks personal data on the way to the server. */
  masking?: Masking;
  /** Makes roles the backup names and the server lacks, without login: on a server made anew nobody else has yet. */
  createRoles?: boolean;
  /** On a throwaway server: makes extensions. What else only a superuser may create is left out there. */
  provision?: Provision;
  /** Called between polls of a rehydration; tests advance their clock here. */
  wait?: (milliseconds: number) => Promise<void>;
}

export interface DiffOptions {
  id: string;
  /** Database that is compared; default the one that was backed up. */
  database?: string;
  /** Only these tables, as `schema.table`. */
  tables?: readonly string[];
  /** Target the backup is read from. */
  target?: string;
}

export interface PruneOptions {
  /** Default true: nothing is deleted. */
  dryRun?: boolean;
  database?: string;
  /** Only in this target. */
  target?: string;
}

export interface CopyOptions {
  /** Only this backup. */
  id?: string;
  /** Targets by name. */
  to?: string;
  from?: string;
  database?: string;
}

export interface ListOptions {
  database?: string;
  /** Only what this target holds. */
  target?: string;
  tier?: Tier;
}

export type RunStatus = (
  settings: Settings,
  options: { database?: string; target?: string; maxAgeSeconds?: number; maxVerifiedAgeSeconds?: number },
  context: RunContext,
) => Promise<StatusEntry[]>;
