import { z } from "zod";
import { FailedError, messageOf } from "../../../packages/command/errors";
import { READINESS_HOURS, type Preceding } from "./preceding";
import type { EvidenceStore } from "./store";

const checkSchema = z.object({
  /** Name of the check, e.g. `replication`. */
  id: z.string(),
  /** `NOT_RUN`: it could not be asked. */
  status: z.enum(["PASS", "FAIL", "NOT_RUN"]),
  /** What was found, or why nothing was. */
  text: z.string(),
  /** What to do unless it passed. */
  todo: z.string().optional(),
});
export type ReadinessCheck = z.infer<typeof checkSchema>;

const readinessSchema = z.object({
  stack: z.string(),
  at: z.iso.datetime(),
  checks: z.array(checkSchema).min(1),
});

/** What the readiness checks of a platform found (`npm run operations -- preflight`), as it is kept beside reports of drills. */
export type Readiness = z.infer<typeof readinessSchema>;

const folderOf = (environment: string): string => `readiness/${environment}/`;

/** Keeps what was found, under a name that sorts by its moment. @returns the name @throws FailedError when it is taken */
export async function keepReadiness(
  store: EvidenceStore,
  environment: string,
  readiness: Readiness,
): Promise<string> {
  const name = `${folderOf(environment)}${readiness.at.replace(/\D/g, "").slice(0, 17)}.json`;
  const bytes = Buffer.from(`${JSON.stringify(readiness, null, 2)}\n`);
  if (!(await store.create(name, bytes, "application/json")))
    throw new FailedError(`${name} exists already in ${store.place}`);
  return name;
}

/** The newest that is kept; undefined when none is. @throws FailedError naming one that cannot be read */
export async function newestReadiness(
  store: EvidenceStore,
  environment: string,
): Promise<Readiness | undefined> {
  const name = (await store.list(folderOf(environment))).at(-1);
  if (name === undefined) return undefined;
  try {
    return readinessSchema.parse(JSON.parse((await store.read(name)).toString("utf8")));
  } catch (error) {
    throw new FailedError(`${name} in ${store.place} is no record of readiness: ${messageOf(error)}`);
  }
}

/** What is on record of an environment's readiness at a moment. Never throws: a drill goes on without. */
export async function readinessBefore(
  store: EvidenceStore,
  environment: string,
  now: Date,
): Promise<Preceding> {
  const nothing = { passed: false, at: null, ageSeconds: null, open: [] };
  try {
    const found = await newestReadiness(store, environment);
    if (!found) return nothing;
    const ageSeconds = (now.getTime() - Date.parse(found.at)) / 1000;
    const open = found.checks.filter(({ status }) => status !== "PASS").map(({ id }) => id);
    const passed = open.length === 0 && ageSeconds <= READINESS_HOURS * 3600;
    return { passed, at: found.at, ageSeconds, open };
  } catch (error) {
    return { ...nothing, reason: messageOf(error) };
  }
}
