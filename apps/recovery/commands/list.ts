import type { Command } from "commander";
import { ExitCode, messageOf } from "../../../packages/command/errors";
import { formatBytes } from "../progress";
import type { ListOptions } from "../options";
import { parseTierOption } from "../parse";
import { table, type RunVerb } from "../runner";
import type { Settings } from "../settings";
import { eachParallel, isVerified, readManifest } from "../store/catalogue";
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
        const { documents, unread } = options.json
          ? await documentsOf(backups, context.progress.note)
          : { documents: [], unread: 0 };
        return {
          document: documents,
          text: backups.length > 0 ? describe(backups) : "no backups\n",
          exitCode: damaged.length + outages.length + unread > 0 ? ExitCode.failed : ExitCode.ok,
        };
      }),
    );
}

/** The whole manifests, in the order of the backups; `unread` counts those that could not be read a second time. */
async function documentsOf(
  backups: readonly FleetEntry[],
  note: (message: string) => void,
): Promise<{ documents: object[]; unread: number }> {
  const found: object[][] = [];
  let unread = 0;
  await eachParallel([...backups.entries()], async ([index, backup]) => {
    found[index] = await documentOf(backup).catch((error: unknown) => {
      unread++;
      note(messageOf(error));
      return [];
    });
  });
  return { documents: found.flat(), unread };
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
