import type { Command } from "commander";
import type { RunContext } from "../context";
import { ExitCode, messageOf } from "../../../packages/command/errors";
import { formatBytes } from "../progress";
import type { ListOptions } from "../options";
import { parseTierOption } from "../parse";
import { table, type RunVerb } from "../runner";
import type { Settings } from "../settings";
import { isVerified, readManifest } from "../store/catalogue";
import { bestOf, openTargets, readFleet, type FleetEntry } from "../store/fleet";
import type { Outage } from "../store/outage";
import type { CatalogueEntry, Tier } from "../types";

/** The catalogues of all targets as one, newest first, entries with a damaged manifest included. */
export async function runList(
  settings: Settings,
  options: ListOptions,
): Promise<{ backups: FleetEntry[]; outages: Outage[] }> {
  const { backups, outages } = await readFleet(await openTargets(settings, options.target));
  const wanted = backups.filter(
    ({ database, held }) =>
      (!options.database || database === options.database) &&
      (!options.tier || held.some(({ entry }) => entry.tier === options.tier)),
  );
  return { backups: wanted, outages };
}

export function registerList(program: Command, runVerb: RunVerb): void {
  program
    .command("list")
    .description(
      "print the catalogue of backups, newest first; a damaged manifest or a target that does not answer makes it fail",
    )
    .option("--database <name>", "only backups of this database")
    .option("--tier <tier>", "only backups of this tier", parseTierOption)
    .option("--target <name>", "only what this target holds")
    .option("--json", "print the manifests as one JSON array")
    .action((options: ListOptions & { tier?: Tier; json?: boolean }) =>
      runVerb("list", options, ["store"], async (settings, context) => {
        const { backups, outages } = await runList(settings, options);
        for (const { target, error } of outages)
          context.progress.note(`target ${target} does not answer: ${error.message}`);
        const damaged = backups.flatMap(({ held }) => held).filter(({ entry }) => !entry.manifest);
        for (const { place, entry } of damaged)
          context.progress.note(
            `damaged backup ${entry.id} in target ${place.name}: ${entry.problem ?? "unreadable"}`,
          );
        const exitCode = damaged.length + outages.length > 0 ? ExitCode.failed : ExitCode.ok;
        if (options.json)
          return { document: [], documents: documentsOf(backups, exitCode, context), text: "", exitCode };
        return {
          document: [],
          text: backups.length > 0 ? describe(backups) : "no backups\n",
          exitCode,
        };
      }),
    );
}

/** Manifests that are read while others are printed. */
const AHEAD = 4;

/**
 * The whole manifests, in the order of the backups; those that cannot be read a second time are named.
 * @param exitCode of what was found out before
 */
async function* documentsOf(
  backups: readonly FleetEntry[],
  exitCode: ExitCode,
  { progress, signal }: RunContext,
): AsyncGenerator<object, ExitCode> {
  let code = exitCode;
  const read = (backup: FleetEntry) =>
    documentOf(backup).catch((error: unknown) => {
      code = ExitCode.failed;
      progress.note(messageOf(error));
      return [];
    });
  const reading = backups.slice(0, AHEAD).map(read);
  for (let next = AHEAD; ; next += 1) {
    const documents = await reading.shift();
    if (documents === undefined) return code;
    signal.throwIfAborted();
    yield* documents;
    const backup = backups[next];
    if (backup) reading.push(read(backup));
  }
}

async function documentOf(backup: FleetEntry): Promise<object[]> {
  const { place, entry } = bestOf(backup);
  if (!entry.manifest) return [];
  const manifest = await readManifest(place.store, place.settings, entry);
  const targets = backup.held.map(({ place, entry }) => ({
    name: place.name,
    container: entry.container,
    damaged: !entry.manifest,
    verification: entry.verification,
  }));
  return [{ ...manifest, verification: entry.verification, targets }];
}

function describe(backups: FleetEntry[]): string {
  return table(
    ["ID", "DATABASE", "TIER", "SNAPSHOT", "STORED", "TABLES", "TARGETS", "STATE"],
    backups.map((backup) => {
      const { entry } = bestOf(backup);
      return [
        entry.id,
        entry.database,
        entry.tier,
        entry.manifest?.snapshotAt ?? "-",
        entry.manifest ? formatBytes(entry.manifest.storedBytes) : "-",
        String(entry.manifest?.tableCount ?? "-"),
        backup.held.map(({ place }) => place.name).join(","),
        state(entry),
      ];
    }),
  );
}

function state(entry: CatalogueEntry): string {
  if (!entry.manifest) return "DAMAGED";
  if (isVerified(entry)) return `verified ${entry.verification?.at ?? ""}`;
  if (entry.verification?.verdict === "FAIL") return `FAILED ${entry.verification.at}`;
  return "not verified";
}
