import type { Command } from "commander";
import { ExitCode } from "../../../packages/command/errors";
import { readTarget, type MismatchCount } from "../exporter/reading";
import { table, type RunVerb } from "../runner";
import type { Settings } from "../settings";
import { isVerified } from "../store/catalogue";
import { backupContainers } from "../store/containers";
import { askAll, openTargets } from "../store/fleet";
import type { Outage } from "../store/outage";
import type { Tier } from "../types";

/** What one target's manifests say of one tier. */
export interface CatalogueSummary {
  target: string;
  tier: Tier;
  container: string;
  backups: number;
  proved: number;
  newest: string | null;
  damagedManifests: number;
  /** Manifests whose archive is not there, or has another size. */
  missingArchives: number;
  /** Archives nobody describes: of a run that was killed, or whose manifest was lost. */
  archivesWithoutManifest: number;
}

/**
 * Builds each target's catalogue from nothing but its manifests, and holds it against the archives that are stored. There is
 * no index that could be lost; manifests that are lost in one target come back from another with `copy`.
 */
export async function runCatalogue(
  settings: Settings,
  options: { target?: string },
): Promise<{ summaries: CatalogueSummary[]; outages: Outage[] }> {
  const { answers, outages } = await askAll(await openTargets(settings, options.target), readTarget);
  const summaries = answers.flatMap(({ place, answer: { catalogue, mismatches } }) =>
    backupContainers(place.settings).flatMap(({ container, tiers }) =>
      tiers.map((tier): CatalogueSummary => {
        const own = catalogue.filter((entry) => entry.tier === tier);
        const found = (kind: MismatchCount["kind"]) =>
          mismatches.find((one) => one.tier === tier && one.kind === kind)?.count ?? 0;
        return {
          target: place.name,
          tier,
          container,
          backups: own.length,
          proved: own.filter(isVerified).length,
          newest: own[0]?.id ?? null,
          damagedManifests: found("damaged-manifest"),
          missingArchives: found("missing-archive"),
          archivesWithoutManifest: found("archive-without-manifest"),
        };
      }),
    ),
  );
  return { summaries, outages };
}

const isSound = (one: CatalogueSummary) =>
  one.damagedManifests + one.missingArchives + one.archivesWithoutManifest === 0;

export function registerCatalogue(program: Command, runVerb: RunVerb): void {
  program
    .command("catalogue")
    .description(
      "build each target's catalogue from its manifests alone, and compare it with the stored archives",
    )
    .option("--target <name>", "only this target")
    .option("--json", "print one JSON array, an entry per target and tier")
    .action((options: { target?: string; json?: boolean }) =>
      runVerb("catalogue", options, ["store"], async (settings, context) => {
        const { summaries, outages } = await runCatalogue(settings, options);
        for (const { target, error } of outages)
          context.progress.note(`target ${target} does not answer: ${error.message}`);
        const sound = outages.length === 0 && summaries.every(isSound);
        return {
          document: summaries,
          text: describe(summaries),
          exitCode: sound ? ExitCode.ok : ExitCode.failed,
        };
      }),
    );
}

function describe(summaries: readonly CatalogueSummary[]): string {
  const rows = summaries.map((one) => [
    one.target,
    one.tier,
    String(one.backups),
    String(one.proved),
    one.newest ?? "-",
    [
      ...(one.damagedManifests > 0 ? [`${one.damagedManifests} damaged manifests`] : []),
      ...(one.missingArchives > 0 ? [`${one.missingArchives} archives missing`] : []),
      ...(one.archivesWithoutManifest > 0
        ? [
            `${one.archivesWithoutManifest} archives without a manifest: copy brings back those another target has`,
          ]
        : []),
    ].join("; ") || "as it should be",
  ]);
  return table(["TARGET", "TIER", "BACKUPS", "PROVED", "NEWEST", "STATE"], rows);
}
