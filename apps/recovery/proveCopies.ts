import { createHash } from "node:crypto";
import type { RunContext } from "./context";
import { encode, seal } from "./document";
import type { Settings } from "./settings";
import { readManifest, writeReport } from "./store/catalogue";
import { openTargets, readFleet, recoveryError, type FleetEntry } from "./store/fleet";
import type { CheckResult, Manifest, VerifyReport } from "./types";

type Held = FleetEntry["held"][number];

/** What became of one more copy of a backup that was proved. */
export interface CopyProof {
  target: string;
  verdict: "PASS" | "FAIL" | "NOT_RUN";
  found: string;
}

/**
 * A backup that was proved in one target is proved in every other that holds the very same bytes: each copy is read to
 * its end, and where size, digest and manifest are the same, the report counts for it, too, and is stored beside it.
 * @param report of the target that was restored from; only one that passed says anything about copies
 */
export async function proveCopies(
  settings: Settings,
  report: VerifyReport,
  context: RunContext,
): Promise<CopyProof[]> {
  if (report.verdict !== "PASS" || settings.targets.length < 2) return [];
  const { backups, outages } = await readFleet(await openTargets(settings));
  const held =
    backups.find(({ id, database }) => id === report.id && database === report.database)?.held ?? [];
  const proved = held.find(({ entry }) => entry.manifest?.digest === report.manifestDigest);
  const proofs: CopyProof[] = outages.map(({ target, error }) => ({
    target,
    verdict: "NOT_RUN",
    found: error.message,
  }));
  if (!proved) return proofs;
  let read: Promise<Manifest> | undefined;
  /** Read once for all its copies, and not before there is one. */
  const original = () => (read ??= wholeManifest(proved));
  for (const copy of held) {
    if (copy === proved) continue;
    context.signal.throwIfAborted();
    proofs.push(await proveCopy(copy, original, report, context));
  }
  return proofs;
}

async function proveCopy(
  { place, entry }: Held,
  original: () => Promise<Manifest>,
  report: VerifyReport,
  context: RunContext,
): Promise<CopyProof> {
  const target = place.name;
  const startedAt = context.now();
  let compared: { expected: string; actual: string };
  try {
    compared = await compare({ place, entry }, await original(), context.signal);
  } catch (error) {
    return { target, verdict: "NOT_RUN", found: recoveryError(error).message };
  }
  const { expected, actual } = compared;
  const match = actual === expected;
  const check: CheckResult = {
    id: "same-bytes",
    level: "L0",
    status: match ? "PASS" : "FAIL",
    expected,
    actual,
  };
  const endedAt = context.now();
  const { digest: _digest, ...rest } = report;
  const own = seal<Omit<VerifyReport, "digest">>({
    ...rest,
    verdict: check.status as "PASS" | "FAIL",
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    seconds: Math.max(0, (endedAt.getTime() - startedAt.getTime()) / 1000),
    manifestDigest: entry.manifest?.digest ?? null,
    checks: match ? [check, ...report.checks] : [check],
    tables: match ? report.tables : [],
  });
  await writeReport(place.store, entry.container, own);
  return { target, verdict: match ? "PASS" : "FAIL", found: actual };
}

/** What a copy should be, and what it is. @throws CommandError when it cannot be read */
async function compare(copy: Held, original: Manifest, signal: AbortSignal) {
  const expected = `${original.storedBytes} bytes, SHA-256 ${original.sha256}`;
  if (!copy.entry.manifest) return { expected, actual: copy.entry.problem ?? "no manifest" };
  const manifest = await wholeManifest(copy);
  if (withoutPlace(manifest) !== withoutPlace(original))
    return { expected, actual: "a manifest that differs" };
  return { expected, actual: await bytesOf(copy.place.store, manifest, signal) };
}

const wholeManifest = ({ place: { store, settings }, entry }: Held) => readManifest(store, settings, entry);

async function bytesOf(
  store: Held["place"]["store"],
  { archive }: Manifest,
  signal: AbortSignal,
): Promise<string> {
  const facts = await store.find(archive.container, archive.blob);
  if (!facts) return "no archive";
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const part of (await store.open(
    archive.container,
    archive.blob,
    signal,
  )) as AsyncIterable<Buffer>) {
    hash.update(part);
    bytes += part.length;
  }
  return `${bytes} bytes, SHA-256 ${hash.digest("hex")}`;
}

/** A manifest without what differs from target to target. */
function withoutPlace({ archive, digest: _digest, ...rest }: Manifest): string {
  return encode({ ...rest, archive: { ...archive, container: "" } });
}

export function describeCopy({ target, verdict, found }: CopyProof): string {
  return verdict === "PASS" ? `same bytes in ${target}: PASS\n` : `copy in ${target}: ${verdict}: ${found}\n`;
}
