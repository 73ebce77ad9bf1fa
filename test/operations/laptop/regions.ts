import type { Platform, RegionFacts } from "../../../apps/operations/platform";
import type { Api, KubernetesFront } from "../../../packages/emulated-azure/kubernetes";
import { kindNamed } from "../../../packages/emulated-azure/kubernetes/kinds";

export const ADMINISTRATOR = { login: "chief", password: "not-a-real-one-0" };
/** Password of every role before it is rotated. */
export const OLD = "not-a-real-one-1";
/** Name of the Secret the driver keeps for the api. */
export const SYNCED = "api-1";
export const NAMESPACE = "shop";
export const ENDPOINT = "shop-db";
const SUFFIX = "postgres.database.azure.com";
export const WRITER = `${ENDPOINT}.writer.${SUFFIX}`;

const region = (place: RegionFacts["place"], location: string, code: string): RegionFacts => ({
  place,
  location,
  code,
  resourceGroup: `rg-shop-${code}`,
  server: `psql-shop-${code}`,
  serverHost: `psql-shop-${code}.${SUFFIX}`,
  cluster: `aks-shop-${code}`,
  vault: `kv-shop-${code}`,
  virtualNetwork: `vnet-shop-${code}`,
  edgeCidr: "127.0.0.0/8",
  role: place === "primary" ? "serving" : "standby",
});
export const WEST = region("primary", "westeurope", "weu");
export const NORTH = region("secondary", "northeurope", "neu");
/** A third region: the witness of who serves, and what is global. */
export const WITNESS = "swedencentral";

/** Everything of one region that is lost together: servers, cluster, and what its pods do. */
export interface Place {
  facts: RegionFacts;
  api: Api;
  front: KubernetesFront;
  lost: boolean;
  /** When its api last wrote. */
  wrote: number;
  /** Port of the maintenance page's nginx, while a pod of it runs. */
  page?: number;
}

const WRITING_MS = 2500;

/** Whether a region's api wrote within the last seconds, as a probe would find it. */
export const writes = ({ wrote }: Place): boolean => Date.now() - wrote < WRITING_MS;

/** Spec of an object of a cluster. */
export function specOf<T>({ api }: Place, apiVersion: string, kind: string, name: string): T | undefined {
  return api.objects.find(kindNamed(apiVersion, kind)!, NAMESPACE, name)?.spec as T | undefined;
}

/** Values of a Secret of a cluster; none when it is not there. */
export function secretOf({ api }: Place, name: string): Record<string, string> {
  const stored = api.objects.find(kindNamed("v1", "Secret")!, NAMESPACE, name);
  return Object.fromEntries(
    Object.entries((stored?.["data"] ?? {}) as Record<string, string>).map(([key, value]) => [
      key,
      Buffer.from(value, "base64").toString(),
    ]),
  );
}

/** The environment as the verbs know it, its public names at a port of this machine. */
export const platformAt = (port: number): Platform => ({
  stack: "shop",
  environment: "shop",
  subscriptionId: "11111111-2222-4333-8444-555555555555",
  tenantId: "11111111-2222-4333-8444-666666666666",
  regions: [WEST, NORTH],
  namespace: NAMESPACE,
  writerHost: WRITER,
  database: "postgres",
  databaseBackup: { retentionDays: 35, geoRedundant: true },
  sites: [`http://127.0.0.1:${port}/health/ready`, `http://127.0.0.1:${port}/`],
  entries: [`http://127.0.0.1:${port}/webhooks`, `http://127.0.0.1:${port}/`],
  hosts: { api: `http://127.0.0.1:${port}`, dashboard: `http://127.0.0.1:${port}` },
  edge: { resourceGroup: "rg-shop-global", profile: "afd-shop", endpoint: "fde-shop" },
  frontImage: "nginx",
  statusPage: {
    resourceGroup: "rg-shop-status",
    app: "ca-shop-status",
    page: {
      environment: "shop",
      targets: { api: "https://api.example", dashboard: "https://shop.example" },
      maintenance: { weekly: [], announced: [] },
      incidents: [],
    },
  },
  backupAccounts: [],
  servingPlaces: [],
  partnerCallSeconds: 15,
  restoreLagSeconds: 0,
  vmSizes: ["Standard_D4ds_v5"],
  images: ["registry.example/shop/api@sha256:1"],
  coresAtWork: 18,
  secretFeatures: ["encryption"],
  secretRotationDays: 180,
  targets: { rpoSeconds: 3600, rtoSeconds: 14_400 },
});
