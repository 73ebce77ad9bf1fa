import type { Platform } from "../platform";
import type { Environment } from ".";
import type { RecordsGround } from "./types";

/**
 * Backups, drills and incidents as the recovery runner's own readers see them. Stores come from the runner's settings
 * where they are set, else from the names the stack file gives.
 */
export function recordsOf({ environment, storageAccount }: Platform, env: Environment): RecordsGround {
  const chosen = env["BACKUP_TARGETS"] ?? env["BACKUP_STORE_URL"] ?? env["BACKUP_STORE_CONNECTION_STRING"];
  const derived = chosen ? {} : { BACKUP_STORE_URL: `https://${storageAccount}.blob.core.windows.net` };
  // What the containers are called is told by what declares them, which takes a second to load: not for verbs that do
  // not ask.
  const read = async () => {
    const { CONTAINER_NAMES } = await import("../../../infra/data/storage");
    return {
      BACKUP_CONTAINER_DAILY: CONTAINER_NAMES.daily,
      BACKUP_CONTAINER_MONTHLY: CONTAINER_NAMES.monthly,
      BACKUP_CONTAINER_EVIDENCE: CONTAINER_NAMES.evidence,
      BACKUP_CONTAINER_INCIDENTS: CONTAINER_NAMES.incidents,
      ...env,
      ...derived,
      ENVIRONMENT: environment,
    };
  };
  return {
    async backups() {
      const { loadSettings } = await import("../../recovery/settings");
      const { runStatus } = await import("../../recovery/commands/status");
      const { silent } = await import("../../recovery/progress");
      const context = { progress: silent, signal: new AbortController().signal, now: () => new Date() };
      const entries = await runStatus(loadSettings(await read(), ["store"]), {}, context);
      return entries.map(({ database, target, newest, newestVerified, problems }) => ({
        database,
        target,
        ...(newest && { newestSeconds: newest.ageSeconds }),
        ...(newestVerified && { verifiedSeconds: newestVerified.ageSeconds }),
        problems,
      }));
    },
    async lastDrill() {
      const { loadSettings } = await import("../../recovery/settings");
      const { openEvidence } = await import("../../recovery/commands/evidence");
      const { readReports } = await import("../../recovery/evidence/store");
      const { parseReport } = await import("../../recovery/evidence/chain");
      const store = await openEvidence(loadSettings(await read(), ["store", "evidence"]));
      const last = (await readReports(store, environment)).at(-1);
      if (!last) return undefined;
      const { endedAt, verdict } = parseReport(last.bytes);
      return { endedAt: new Date(endedAt), verdict: verdict.overall };
    },
    async openIncidents() {
      const { latest, openStores } = await import("../../recovery/incident/store");
      const stores = await openStores(await read());
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
