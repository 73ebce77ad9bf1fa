import { BlobServiceClient, type ContainerClient } from "@azure/storage-blob";
import { randomBytes } from "node:crypto";
import { Client } from "pg";
import type { RunContext } from "../../recovery/context";
import { silent } from "../../recovery/progress";
import { loadSettings, type Settings } from "../../recovery/settings";
import { startAzurite, type LocalAzurite } from "../../sandbox/local/azurite";
import { startPostgres, type LocalPostgres } from "../../sandbox/local/postgres";

/** One set of containers nobody else uses, and the settings that name it. */
export interface LabStore {
  env: Record<string, string>;
  settings: Settings;
  daily: ContainerClient;
  monthly: ContainerClient;
  /** Names of all blobs, those without committed blocks included. */
  blobs(): Promise<string[]>;
}

/** A real PostgreSQL server and a real blob server for one test file. */
export interface Lab {
  postgres: LocalPostgres;
  azurite: LocalAzurite;
  /** Creates a database, runs SQL in it, and gives back a store whose default database it is. */
  store(database: string, extra?: Record<string, string>): Promise<LabStore>;
  createDatabase(name: string, options?: string): Promise<void>;
  sql<T extends object = Record<string, unknown>>(database: string, text: string): Promise<T[]>;
  stop(): Promise<void>;
}

export async function startLab(settings: Record<string, string> = {}): Promise<Lab> {
  const [postgres, azurite] = await Promise.all([startPostgres({ settings }), startAzurite()]);
  const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
  const sql = async <T extends object>(database: string, text: string): Promise<T[]> => {
    const client = new Client({ connectionString: postgres.urlOf(database) });
    await client.connect();
    try {
      const result = await client.query<T>(text);
      return (Array.isArray(result) ? (result as { rows: T[] }[]).at(-1)?.rows : result.rows) ?? [];
    } finally {
      await client.end();
    }
  };
  return {
    postgres,
    azurite,
    sql,
    createDatabase: async (name, options = "") => {
      await sql("postgres", `CREATE DATABASE "${name}" ${options}`);
    },
    async store(database, extra = {}) {
      const names = ["daily", "monthly", "evidence"].map(
        (kind) => `${kind}-${randomBytes(4).toString("hex")}`,
      );
      for (const name of names) await service.createContainer(name);
      const [daily = "", monthly = "", evidence = ""] = names;
      const env = {
        DATABASE_URL: postgres.urlOf(database),
        BACKUP_STORE_CONNECTION_STRING: azurite.connectionString,
        BACKUP_CONTAINER_DAILY: daily,
        BACKUP_CONTAINER_MONTHLY: monthly,
        BACKUP_CONTAINER_EVIDENCE: evidence,
        ENVIRONMENT: "test",
        ...extra,
      };
      return {
        env,
        settings: loadSettings(env, ["database", "store"]),
        daily: service.getContainerClient(daily),
        monthly: service.getContainerClient(monthly),
        async blobs() {
          const found: string[] = [];
          for (const name of names) {
            const list = service.getContainerClient(name).listBlobsFlat({ includeUncommitedBlobs: true });
            for await (const blob of list) found.push(blob.name);
          }
          return found;
        },
      };
    },
    async stop() {
      await Promise.all([postgres.stop(), azurite.stop()]);
    },
  };
}

export function labContext(overrides: Partial<RunContext> = {}): RunContext {
  return { progress: silent, signal: new AbortController().signal, now: () => new Date(), ...overrides };
}
