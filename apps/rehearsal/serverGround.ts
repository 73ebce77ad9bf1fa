import { BlobServiceClient } from "@azure/storage-blob";
import { databaseLogins, type LoginRegions } from "../../infra/data/databaseLogins";
import { rolesScript } from "../../infra/data/rolesScript";
import { messageOf, NotRunError } from "../../packages/command/errors";
import type { LocalAzurite } from "../../packages/local-servers/azurite";
import { startFlexibleServer, type FlexibleServer } from "../../packages/local-servers/flexibleServer";
import { loadDataset } from "../recovery/drill/dataset";
import type { ReplacedServer } from "../recovery/drill/ground";
import { withClient } from "../recovery/postgres/connect";
import { parseServerUrl } from "../recovery/postgres/connection";
import { loadSettings } from "../recovery/settings";

const CONTAINER = "hourly";

/**
 * A database server with its own log and automated backups, to be lost for good, and the one an update makes in its place (docs/runbooks/
 * database-restore.md): the roles, and an empty database. The hourly copies lie in an account apart.
 * @param started gets everything that must be stopped when the drill ends
 * @param home environment the backups are filed under, orders that are loaded, and the container of the daily backups
 * @throws NotRunError naming a program that is not installed
 */
export async function serverGround(
  started: { stop(): Promise<void> }[],
  { connectionString }: Pick<LocalAzurite, "connectionString">,
  regions: LoginRegions,
  home: { environment: string; orders: number; daily: string },
): Promise<ReplacedServer> {
  const roles = { script: rolesScript(regions), logins: databaseLogins(regions) };
  const start = async (): Promise<FlexibleServer> => {
    const server = await startFlexibleServer({ roles }).catch((error: unknown) => {
      throw new NotRunError(messageOf(error));
    });
    started.push(server);
    return server;
  };
  const old = await start();
  await BlobServiceClient.fromConnectionString(connectionString).createContainer(CONTAINER);
  const common = {
    ENVIRONMENT: home.environment,
    BACKUP_STORE_CONNECTION_STRING: connectionString,
    BACKUP_CONTAINER_DAILY: home.daily,
    BACKUP_CONTAINER_HOURLY: CONTAINER,
  };
  const connection = (role: string) => parseServerUrl(old.url(role));
  await withClient(connection("migration"), (client) => loadDataset(client, home.orders));
  return {
    lost: {
      settings: loadSettings({ ...common, DATABASE_URL: old.url("backup") }, ["database", "store"]),
      server: parseServerUrl(old.url(old.administrator, "postgres")),
      roles: {
        createDatabase: old.createDatabase.bind(old),
        migration: connection("migration"),
        api: connection("api"),
        backup: connection("backup"),
      },
      // Its folder goes with it: data, log and all that could be replayed.
      lose: () => old.stop(),
    },
    again: async () => {
      const fresh = await start();
      return {
        settings: loadSettings(
          {
            ...common,
            DATABASE_URL: fresh.url(fresh.administrator),
            PROBE_API_URL: fresh.url("api"),
            PROBE_MIGRATION_URL: fresh.url("migration"),
            PROBE_BACKUP_URL: fresh.url("backup"),
          },
          ["database", "store"],
        ),
        server: parseServerUrl(fresh.url(fresh.administrator, "postgres")),
      };
    },
  };
}
