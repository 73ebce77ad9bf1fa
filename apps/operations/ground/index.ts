import fs from "node:fs";
import { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import { DefaultAzureCredential, type TokenCredential } from "@azure/identity";
import { messageOf, notRun, refused } from "../frame/errors";
import type { Platform } from "../platform";
import { kubernetes } from "./cluster";
import { postgres, type Resolve } from "./database";
import { throughTheEdge } from "./edge";
import { flexibleServers } from "./servers";
import type { ClusterGround, Ground } from "./types";

/** Settings from the environment; a secret also from a file: DATABASE_URL_FILE. */
export const SETTING_HELP: Readonly<Record<string, string>> = {
  DATABASE_URL: "administrator's connection string, as the operator job has it; the host in it is replaced",
  KUBECONFIG: "file with a context per cluster, named as the cluster is (az aks get-credentials)",
  INCIDENT_STORE_URL:
    "container of the incident store that stands, for lease and journal; without it this machine's",
  AZURE_RESOURCE_MANAGER_URL: "another resource manager than Azure's, e.g. an emulated cloud's",
  DATABASE_HOSTS: "where host names lead that no DNS knows: name=host:port,…",
};

export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting, or the content of the file that `<NAME>_FILE` names. @throws OperationError when neither is there */
function required(env: Environment, name: string): string {
  const file = env[`${name}_FILE`];
  const value = env[name] ?? (file === undefined ? undefined : fs.readFileSync(file, "utf8").trim());
  if (!value) throw refused(`${name} is not set: ${SETTING_HELP[name] ?? ""}`);
  return value;
}

/** @throws OperationError for an entry that is not name=host:port */
export function hostsOf(text = ""): Resolve {
  const entries = text
    .split(",")
    .filter(Boolean)
    .map((entry) => {
      const [, name, host, port] = /^([^=]+)=([^:]+):(\d+)$/.exec(entry.trim()) ?? [];
      if (!name || !host) throw refused(`DATABASE_HOSTS: "${entry}" is not name=host:port`);
      return [name, { host, port: Number(port) }] as const;
    });
  const known = new Map(entries);
  return (name) => known.get(name);
}

/** The real world, as the environment gives access to it. */
export async function groundOf(platform: Platform, env: Environment): Promise<Ground> {
  const url = required(env, "DATABASE_URL");
  if (!/^postgres(ql)?:\/\//.test(url)) throw refused("DATABASE_URL is no postgresql:// address");
  const clusters = await clustersOf(required(env, "KUBECONFIG"));
  const endpoint = env["AZURE_RESOURCE_MANAGER_URL"];
  const credential: TokenCredential = new DefaultAzureCredential();
  const client = new PostgreSQLManagementFlexibleServerClient(credential, platform.subscriptionId, {
    ...(endpoint && { endpoint }),
    retryOptions: { maxRetries: 3 },
  });
  return {
    now: () => new Date(),
    database: postgres(url, hostsOf(env["DATABASE_HOSTS"])),
    servers: flexibleServers(client),
    cluster: clusters,
    edge: throughTheEdge,
  };
}

async function clustersOf(file: string): Promise<(name: string) => ClusterGround> {
  const library = await import("@kubernetes/client-node");
  const config = new library.KubeConfig();
  try {
    config.loadFromFile(file);
  } catch (error) {
    throw notRun(`KUBECONFIG ${file} cannot be read: ${messageOf(error)}`, error);
  }
  return (name) => kubernetes(config, library, name);
}
