import { CONTAINER_NAMES } from "../../../infra/data/places";
import type { Platform } from "../platform";
import type { Environment, RecordsGround } from "./types";

/**
 * Backups, drills and incidents as the recovery runner's own readers see them. Stores come from the runner's settings
 * where they are set, else from the names the stack file gives.
 */
export function recordsOf(
  { environment, backupAccounts, targets }: Platform,
  env: Environment,
): RecordsGround {
  const chosen = env["BACKUP_TARGETS"] ?? env["BACKUP_STORE_URL"] ?? env["BACKUP_STORE_CONNECTION_STRING"];
  const derived = chosen
    ? {}
    : { BACKUP_TARGETS: JSON.stringify(backupAccounts.map((account) => ({ ...account, kind: "azure" }))) };
  const read = () => {
    return {
      ...Object.fromEntries(
        Object.entries(CONTAINER_NAMES).map(([kind, name]) => [
          `BACKUP_CONTAINER_${kind.toUpperCase()}`,
          name,
        ]),
      ),
      // As the runner's own jobs are told: a snapshot is as old as the schedule allows, plus the time the next takes.
      BACKUP_MAX_AGE: `${(2 * targets.rpoSeconds) / 60}m`,
      ...env,
      ...derived,
      ENVIRONMENT: environment,
    };
  };
  const evidence = async () => {
    const { loadSettings } = await import("../../recovery/settings");
    const { openEvidence } = await import("../../recovery/commands/evidence");
    return openEvidence(loadSettings(read(), ["store", "evidence"]));
  };
  return {
    async backups() {
      const { loadSettings } = await import("../../recovery/settings");
      const { runStatus } = await import("../../recovery/commands/status");
      const { silent } = await import("../../recovery/progress");
      const context = { progress: silent, signal: new AbortController().signal, now: () => new Date() };
      const entries = await runStatus(loadSettings(read(), ["store"]), {}, context);
      return entries.map(({ database, target, newest, newestVerified, problems }) => ({
        database,
        target,
        ...(newest && { newestSeconds: newest.ageSeconds }),
        ...(newestVerified && { verifiedSeconds: newestVerified.ageSeconds }),
        problems,
      }));
    },
    async lastReadiness() {
      const { newestReadiness } = await import("../../recovery/evidence/readiness");
      return newestReadiness(await evidence(), environment);
    },
    async keepReadiness(readiness) {
      const { keepReadiness } = await import("../../recovery/evidence/readiness");
      return keepReadiness(await evidence(), environment, readiness);
    },
    async lastDrill() {
      const { readReports } = await import("../../recovery/evidence/store");
      const { parseReport } = await import("../../recovery/evidence/chain");
      const last = (await readReports(await evidence(), environment)).at(-1);
      if (!last) return undefined;
      const { endedAt, verdict } = parseReport(last.bytes);
      return { endedAt: new Date(endedAt), verdict: verdict.overall };
    },
    async openIncidents() {
      const { latest, openStores } = await import("../../recovery/incident/store");
      const stores = await openStores(read());
      if (!stores.remote) throw new Error(stores.unreachable ?? "no store of incidents answers");
      return [...(await latest(stores)).values()]
        .filter(({ incident }) => !incident.resolvedAt)
        .map(({ incident: { id, severity, title, startedAt } }) => ({
          id,
          severity,
          title,
          startedAt: new Date(startedAt),
        }));
    },
  };
}
