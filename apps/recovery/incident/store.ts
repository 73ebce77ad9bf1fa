import { z } from "zod";
import { FailedError, messageOf, UsageError } from "../../../packages/command/errors";
import { sha256 } from "../evidence/chain";
import { type EvidenceStore, folderEvidence, storeEvidence } from "../evidence/store";
import { keepSecret } from "../redact";
import { openStore } from "../store/open";
import { parseTargets, type StoreAccess } from "../targets";
import { type Incident, incidentSchema } from "./record";

/** Where records go, and where they wait while that place cannot be reached. */
export interface IncidentStores {
  environment: string;
  /** Undefined when no store is set, or none could be reached. */
  remote?: EvidenceStore;
  /** Further places that answer: records may lie there from a time when the first did not. */
  others?: EvidenceStore[];
  /** Why there is no remote store. */
  unreachable?: string;
  local: EvidenceStore;
}

const settings = z.object({
  ENVIRONMENT: z
    .string({ error: "the environment's name, such as ENVIRONMENT=prod" })
    .regex(/^[a-z][a-z0-9-]{0,30}$/, "1-31 lower-case letters, digits and hyphens, starting with a letter"),
  BACKUP_STORE_URL: z.url({ protocol: /^https?$/, error: "an http(s) URL" }).optional(),
  BACKUP_STORE_CONNECTION_STRING: z.string().optional(),
  BACKUP_TARGETS: z.string().optional(),
  BACKUP_CONTAINER_INCIDENTS: z.string().optional(),
  BACKUP_CONTAINER_EVIDENCE: z.string().optional(),
  INCIDENT_DIR: z.string().default(".incidents"),
});

/** Settings `incident` reads, for its help. */
export const INCIDENT_SETTING_HELP: Readonly<Record<string, string>> = {
  ENVIRONMENT: "name of the environment the incidents are of",
  BACKUP_STORE_URL: "https://<account>.blob.core.windows.net, reached with workload identity or `az login`",
  BACKUP_STORE_CONNECTION_STRING: "instead of BACKUP_STORE_URL: an emulator's connection string",
  BACKUP_TARGETS:
    "instead of both: the list of backup targets; the first Azure account that answers keeps new records",
  BACKUP_CONTAINER_INCIDENTS: "container of incident records (default: BACKUP_CONTAINER_EVIDENCE)",
  INCIDENT_DIR: "folder where records wait while the store cannot be reached (default .incidents)",
};

/**
 * Opens the stores.
 * @throws UsageError listing every malformed setting.
 */
export async function openStores(env: NodeJS.ProcessEnv): Promise<IncidentStores> {
  const parsed = settings.safeParse(
    Object.fromEntries(Object.entries(env).filter(([, value]) => value !== "")),
  );
  if (!parsed.success) {
    throw new UsageError(
      parsed.error.issues.map((issue) => `${issue.path.join(".")}: expected ${issue.message}`),
    );
  }
  const value = parsed.data;
  const local = folderEvidence(value.INCIDENT_DIR);
  const container = value.BACKUP_CONTAINER_INCIDENTS ?? value.BACKUP_CONTAINER_EVIDENCE;
  const base = { environment: value.ENVIRONMENT, local };
  const places = placesOf(value);
  if (!container || places.length === 0) {
    return {
      ...base,
      unreachable: "no store is set (BACKUP_TARGETS or BACKUP_STORE_URL, and BACKUP_CONTAINER_INCIDENTS)",
    };
  }
  const problems: string[] = [];
  const reached: EvidenceStore[] = [];
  for (const place of places) {
    try {
      const store = await openStore({ store: place });
      await store.requireContainer(container);
      reached.push(storeEvidence(store, container));
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  const [remote, ...others] = reached;
  return remote ? { ...base, remote, others } : { ...base, unreachable: problems.join("; ") };
}

/** Accounts that can hold records, in the order in which they are asked. @throws UsageError for a malformed list */
function placesOf(value: z.infer<typeof settings>): StoreAccess[] {
  const {
    BACKUP_STORE_CONNECTION_STRING: connectionString,
    BACKUP_STORE_URL: url,
    BACKUP_TARGETS: list,
  } = value;
  keepSecret(/AccountKey=([^;]+)/i.exec(connectionString ?? "")?.[1]);
  if (list !== undefined) {
    const problems: string[] = [];
    const targets = parseTargets(list, {}, problems);
    if (problems.length > 0) throw new UsageError(problems);
    return targets.map(({ store }) => store).filter(({ kind }) => kind === "azure");
  }
  if (connectionString) return [{ kind: "azure", connectionString }];
  return url ? [{ kind: "azure", url }] : [];
}

function folder(environment: string): string {
  return `incidents/${environment}/`;
}

function documentName(incident: Pick<Incident, "environment" | "id" | "revision">): string {
  return `${folder(incident.environment)}${incident.id}/${String(incident.revision).padStart(4, "0")}.json`;
}

/** One stored revision and its bytes. */
interface Stored {
  incident: Incident;
  bytes: Buffer;
}

async function readAll(store: EvidenceStore, environment: string): Promise<Stored[]> {
  const listed = await store.list(folder(environment));
  // A folder lists one level, a container all of them.
  const nested = await Promise.all(
    listed.map(async (name) => (name.endsWith(".json") ? [name] : store.list(`${name}/`))),
  );
  const names = [...new Set(nested.flat())].filter((name) => name.endsWith(".json")).sort();
  return Promise.all(
    names.map(async (name) => {
      const bytes = await store.read(name);
      try {
        return { incident: incidentSchema.parse(JSON.parse(bytes.toString("utf8"))), bytes };
      } catch (error) {
        throw new FailedError(`${name} in ${store.place} is no incident record: ${messageOf(error)}`);
      }
    }),
  );
}

/** The newest revision of every incident of the environment, from both places. */
export async function latest(stores: IncidentStores): Promise<Map<string, Stored>> {
  const places = [...(stores.remote ? [stores.remote] : []), ...(stores.others ?? []), stores.local];
  const all = (await Promise.all(places.map((place) => readAll(place, stores.environment)))).flat();
  const newest = new Map<string, Stored>();
  for (const stored of all) {
    const known = newest.get(stored.incident.id);
    if (!known || known.incident.revision < stored.incident.revision) newest.set(stored.incident.id, stored);
  }
  return newest;
}

/** What became of a record. */
export interface Saved {
  incident: Incident;
  name: string;
  /** `stored`, or `local`: in the local folder, to be sent with the next `sync`. */
  where: "stored" | "local";
  place: string;
}

/** Saves a revision: in the store, or in the local folder when the store cannot be reached or fails. */
export async function save(stores: IncidentStores, incident: Incident): Promise<Saved> {
  const name = documentName(incident);
  const bytes = Buffer.from(`${JSON.stringify(incident, null, 2)}\n`);
  if (stores.remote) {
    try {
      if (!(await stores.remote.create(name, bytes, "application/json"))) {
        throw new UsageError(
          `${incident.id}: somebody else has just recorded revision ${incident.revision}; look at it and try again`,
        );
      }
      return { incident, name, where: "stored", place: stores.remote.place };
    } catch (error) {
      if (error instanceof UsageError) throw error;
      stores.unreachable = messageOf(error);
    }
  }
  if (!(await stores.local.create(name, bytes, "application/json"))) {
    throw new UsageError(`${incident.id}: revision ${incident.revision} is already in ${stores.local.place}`);
  }
  return { incident, name, where: "local", place: stores.local.place };
}

/** Sends what waits in the local folder to the store. The local copies stay. @returns names that were sent */
export async function sync(stores: IncidentStores): Promise<string[]> {
  if (!stores.remote) return [];
  const sent: string[] = [];
  for (const { incident, bytes } of await readAll(stores.local, stores.environment)) {
    const name = documentName(incident);
    if (await stores.remote.create(name, bytes, "application/json")) sent.push(name);
  }
  return sent;
}

/** The digest the next revision carries. */
export function digest(stored: Stored): string {
  return sha256(stored.bytes);
}
