import type { Command } from "commander";
import { ExitCode } from "../errors";
import { formatBytes } from "../progress";
import type { RunList } from "../options";
import { parseTierOption } from "../parse";
import { exitCodeHelp, runVerb, table } from "../runner";
import { isVerified, readCatalogue } from "../store/catalogue";
import { BlobStore } from "../store/client";
import type { CatalogueEntry, Tier } from "../types";

/** The catalogue, newest first, entries with a damaged manifest included. */
export const runList: RunList = async (settings, options) => {
  const catalogue = await readCatalogue(await BlobStore.open(settings), settings);
  return catalogue.filter(
    (entry) =>
      (!options.database || entry.database === options.database) &&
      (!options.tier || entry.tier === options.tier),
  );
};

export function registerList(program: Command): void {
  program
    .command("list")
    .description("print the catalogue of backups, newest first; a damaged manifest makes it fail")
    .option("--database <name>", "only backups of this database")
    .option("--tier <tier>", "only daily or only monthly backups", parseTierOption)
    .option("--json", "print the manifests as one JSON array")
    .addHelpText("after", exitCodeHelp)
    .action((options: { database?: string; tier?: Tier; json?: boolean }) =>
      runVerb("list", options, ["store"], async (settings, context) => {
        const entries = await runList(settings, { database: options.database, tier: options.tier }, context);
        const damaged = entries.filter(({ manifest }) => !manifest);
        for (const { id, problem } of damaged)
          context.progress.note(`damaged backup ${id}: ${problem ?? "unreadable"}`);
        return {
          document: entries.flatMap(({ manifest, verification }) =>
            manifest ? [{ ...manifest, verification }] : [],
          ),
          text: entries.length > 0 ? describe(entries) : "no backups\n",
          exitCode: damaged.length > 0 ? ExitCode.failed : ExitCode.ok,
        };
      }),
    );
}

function describe(entries: CatalogueEntry[]): string {
  return table(
    ["ID", "DATABASE", "TIER", "SNAPSHOT", "STORED", "TABLES", "STATE"],
    entries.map((entry) => [
      entry.id,
      entry.database,
      entry.tier,
      entry.manifest?.snapshotAt ?? "-",
      entry.manifest ? formatBytes(entry.manifest.storedBytes) : "-",
      String(entry.manifest?.tables.length ?? "-"),
      state(entry),
    ]),
  );
}

function state(entry: CatalogueEntry): string {
  if (!entry.manifest) return "DAMAGED";
  if (isVerified(entry)) return `verified ${entry.verification?.at ?? ""}`;
  if (entry.verification?.verdict === "FAIL") return `FAILED ${entry.verification.at}`;
  return "not verified";
}
