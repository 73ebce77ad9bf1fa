import fs from "node:fs";
import { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import { ResourceManagementClient } from "@azure/arm-resources";
import { messageOf, notRun, refused } from "../frame/errors";
import type { Platform } from "../platform";
import { certificateOf } from "./certificates";
import { kubernetes } from "./cluster";
import { clustersByAzure } from "./clusterAccess";
import { signedIn } from "./credential";
import { postgres, type Resolve } from "./database";
import { documentOf, throughTheEdge, type PublicName } from "./edge";
import { patience } from "./patience";
import { recordsOf } from "./records";
import { askRegistry, parseImage, registryToken } from "./registry";
import { resourceManager } from "./resources";
import { flexibleServers } from "./servers";
import { servingOf } from "./serving";
import { clusterSignIn, type SignIn } from "./signIn";
import type { ClusterGround, DatabaseGround, Environment, Ground } from "./types";
import { keyVaults } from "./vaults";

/** Settings from the environment; a secret also from a file: DATABASE_URL_FILE. */
export const SETTING_HELP: Readonly<Record<string, string>> = {
  DATABASE_URL: "administrator's connection string, as the operator job has it; the host in it is replaced",
  KUBECONFIG:
    "file with a context per cluster, named as the cluster is (az aks get-credentials): where they are; who asks is whoever is signed in to Azure",
  INCIDENT_STORE_URL: "one of the two containers of incidents, for the copy of the journal; both unless set",
  AZURE_RESOURCE_MANAGER_URL: "another resource manager than Azure's, e.g. an emulated cloud's",
  DATABASE_HOSTS:
    "where host names lead that no DNS knows: name=host:port,…; read anew from DATABASE_HOSTS_FILE",
  PUBLIC_HOSTS: "where the public names lead that no DNS knows, without TLS: name=host:port,…",
  RESTORE_LAG_SECONDS: "seconds of log another resource manager still has to archive; Azure's: 300",
  STACK_FOLDER: "folder of the stack files; this project's unless set",
  GITHUB_TOKEN: "may push branches and open pull requests; with GITHUB_REPOSITORY a verb opens its own",
  GITHUB_REPOSITORY: "owner/name of the repository that is deployed; GITHUB_API_URL for one elsewhere",
};

/** What a verb cannot begin without; whatever else it needs is asked for where it is needed. */
export type Need = "database" | "clusters";

/** A setting, or the content of the file that `<NAME>_FILE` names. @throws OperationError when neither is there */
function required(env: Environment, name: string): string {
  const file = env[`${name}_FILE`];
  const value = env[name] ?? (file === undefined ? undefined : fileOf(`${name}_FILE`, file).trim());
  if (!value) throw refused(`${name} is not set: ${SETTING_HELP[name] ?? ""}`);
  return value;
}

/** Text of the file a setting names. @throws OperationError when it cannot be read */
function fileOf(setting: string, file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    throw refused(`${setting} ${file} cannot be read: ${messageOf(error)}`);
  }
}

/** An address a setting gives, where it is one. @throws OperationError that does not repeat it: it may hold a secret */
export function addressOf(setting: string, text: string, protocols: RegExp, like: string): URL {
  const address = URL.canParse(text) ? new URL(text) : undefined;
  if (!address || !protocols.test(address.protocol) || address.hostname === "")
    throw refused(`${setting} is no address like ${like}`);
  return address;
}

/** @throws OperationError for an entry that is not name=host:port */
export function hostsOf(text = "", setting = "DATABASE_HOSTS"): Resolve {
  const entries = text
    .split(",")
    .filter(Boolean)
    .map((entry) => {
      const [, name, host, port] = /^([^=]+)=([^:]+):(\d+)$/.exec(entry.trim()) ?? [];
      if (!name || !host) throw refused(`${setting}: "${entry}" is not name=host:port`);
      return [name, { host, port: Number(port) }] as const;
    });
  const known = new Map(entries);
  return (name) => known.get(name);
}

/** Names of servers that are made meanwhile are in the file once they are there. */
function databaseHosts(env: Environment): Resolve {
  const file = env["DATABASE_HOSTS_FILE"];
  const fixed = hostsOf(env["DATABASE_HOSTS"]);
  // What is wrong with it is told before anything is asked for.
  if (file) hostsOf(fileOf("DATABASE_HOSTS_FILE", file), "DATABASE_HOSTS_FILE");
  return (name) =>
    fixed(name) ??
    (file ? hostsOf(fileOf("DATABASE_HOSTS_FILE", file), "DATABASE_HOSTS_FILE")(name) : undefined);
}

/** @throws OperationError for what is no whole number of seconds */
function restoreLag({ RESTORE_LAG_SECONDS: text }: Environment): { restoreLagSeconds?: number } {
  if (text === undefined) return {};
  if (!/^\d{1,5}$/.test(text)) throw refused(`RESTORE_LAG_SECONDS: "${text}" is no whole number of seconds`);
  return { restoreLagSeconds: Number(text) };
}

function publicNames(env: Environment): PublicName {
  const hosts = hostsOf(env["PUBLIC_HOSTS"], "PUBLIC_HOSTS");
  return (name) => {
    const to = hosts(name);
    return to && `${to.host}:${to.port}`;
  };
}

/**
 * The real world, as the environment gives access to it.
 * @param options `azureGivesClusters`: nobody is there who got a kubeconfig before, so that Azure is asked for the clusters' addresses
 * @throws OperationError when a need is not met
 */
export async function groundOf(
  platform: Platform,
  env: Environment,
  needs: readonly Need[] = ["database", "clusters"],
  { azureGivesClusters = false }: { azureGivesClusters?: boolean } = {},
): Promise<Ground> {
  const database = once(() => databaseOf(env));
  if (needs.includes("database")) database();
  const endpoint = env["AZURE_RESOURCE_MANAGER_URL"];
  if (endpoint !== undefined)
    addressOf("AZURE_RESOURCE_MANAGER_URL", endpoint, /^https?:$/, "https://management.azure.com");
  const leads = publicNames(env);
  const credential = signedIn();
  const options = {
    ...(endpoint && { endpoint }),
    retryOptions: { maxRetries: 3 },
    additionalPolicies: [patience()],
  };
  const resources = resourceManager(
    new ResourceManagementClient(credential, platform.subscriptionId, options),
    endpoint ? { endpoint } : {},
  );
  const signIn = clusterSignIn(() => signedIn());
  const clusters = azureGivesClusters
    ? clustersByAzure(platform, resources, signIn, env["HTTPS_PROXY"])
    : await clustersOf(env, signIn).catch((error: unknown) => {
        if (needs.includes("clusters")) throw error;
        return (): never => {
          throw error;
        };
      });
  return {
    now: () => new Date(),
    ...restoreLag(env),
    get database() {
      return database();
    },
    servers: flexibleServers(
      new PostgreSQLManagementFlexibleServerClient(credential, platform.subscriptionId, options),
    ),
    cluster: clusters,
    edge: (url) => throughTheEdge(url, leads),
    document: (url) => documentOf(url, leads),
    resources,
    vaults: keyVaults(credential),
    image: async (reference) => {
      const image = parseImage(reference);
      const answer = await askRegistry(image, registryToken(image, credential));
      return answer === "found" || answer;
    },
    certificate: certificateOf,
    records: recordsOf(platform, env),
    serving: servingOf(platform),
  };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function databaseOf(env: Environment): DatabaseGround {
  const url = required(env, "DATABASE_URL");
  addressOf("DATABASE_URL", url, /^postgres(ql)?:$/, "postgresql://administrator:password@host/postgres");
  return postgres(url, databaseHosts(env));
}

async function clustersOf(env: Environment, signIn: SignIn): Promise<(name: string) => ClusterGround> {
  const file = required(env, "KUBECONFIG");
  const library = await import("@kubernetes/client-node");
  const config = new library.KubeConfig();
  try {
    config.loadFromFile(file);
  } catch (error) {
    throw notRun(`KUBECONFIG ${file} cannot be read: ${messageOf(error)}`, error);
  }
  return (name) => kubernetes(config, library, name, signIn);
}
