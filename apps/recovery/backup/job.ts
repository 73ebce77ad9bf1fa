import type { Client } from "pg";
import type { RunContext } from "../context";
import type { Program } from "../../../packages/programs/postgres";
import type { Settings } from "../settings";
import type { Place } from "../store/fleet";
import type { Outage } from "../store/outage";
import type { Tier } from "../types";

/** What the backups of all databases of one run have in common. */
export interface Job {
  settings: Settings;
  context: RunContext;
  /** Targets that keep this tier and answered. */
  places: Place[];
  /** Targets that keep it and did not. */
  outages: Outage[];
  tier: Tier;
  programs: { pgDump: Program; zstd: Program };
  /** The session in which the one database was asked for, for its backup. */
  session?: Client;
  memoryBytes: number;
}
