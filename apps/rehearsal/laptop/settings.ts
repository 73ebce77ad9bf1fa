import fs from "node:fs";
import path from "node:path";
import type { Entrance } from "../../../packages/emulated-azure/listen";
import type { Platform } from "../../operations/platform";
import type { Served } from "../serve";
import type { PublicNames } from "./edge";
import { valueIn } from "./vaultValue";

const SUFFIX = "postgres.database.azure.com";
const LOOPBACK = "127.0.0.1";

/**
 * What `npm run operations` needs to act on a served platform as a principal.
 * @param entrance of the place its requests come from
 */
export function settingsOf(
  served: Served,
  platform: Platform,
  names: Pick<PublicNames, "hosts">,
  principal: string,
  { proxy }: Pick<Entrance, "proxy">,
): Record<string, string> {
  const { environment, cloud, principals, kubeconfig } = served;
  const who = principals[principal];
  if (!who) throw new Error(`nobody is called ${principal}`);
  return {
    ...environment,
    HTTPS_PROXY: proxy,
    AZURE_TENANT_ID: cloud.directory.tenantId,
    AZURE_CLIENT_ID: who.appId ?? "",
    AZURE_CLIENT_SECRET: who.secret ?? "",
    KUBECONFIG: kubeconfig(principal) ?? "",
    DATABASE_URL: administratorOf(served, platform),
    DATABASE_HOSTS_FILE: hostsFile(served),
    PUBLIC_HOSTS: names.hosts,
    RESTORE_LAG_SECONDS: "0",
  };
}

/** The administrator's connection string, as the vault of a region that answers has it. */
function administratorOf(served: Served, { regions }: Platform): string {
  for (const { vault, location } of regions) {
    if (served.cloud.losses.lost.has(location)) continue;
    const value = valueIn(served, vault, "database-admin-url");
    if (value !== undefined) return value;
  }
  return "";
}

/** A file that says at any moment where the database servers' names lead. */
function hostsFile(served: Served): string {
  const file = path.join(served.home, "database-hosts");
  // Whoever reads it at this moment reads the one or the other, and never half of one.
  const write = (): void => {
    fs.writeFileSync(`${file}.new`, databaseHosts(served));
    fs.renameSync(`${file}.new`, file);
  };
  if (!fs.existsSync(file)) {
    served.cloud.hooks.on(write);
    served.cloud.losses.on(write);
  }
  write();
  return file;
}

function databaseHosts({ real, cloud }: Served): string {
  if (!real) return "";
  const endpoints = [...cloud.cloud.all()]
    .filter(({ type }) => type === "azure-native:dbforpostgresql:VirtualEndpoint")
    .map(({ id }) => id.slice(id.lastIndexOf("/") + 1));
  const hosts = [
    ...real.databases.names.map((name) => `${name}.${SUFFIX}`),
    ...endpoints.flatMap((name) => [`${name}.writer.${SUFFIX}`, `${name}.reader.${SUFFIX}`]),
  ];
  return hosts
    .flatMap((host) => {
      const port = real.databases.portOf(host);
      return port === undefined ? [] : [`${host}=${LOOPBACK}:${port}`];
    })
    .join(",");
}
