import { NOTHING } from "../../../packages/isolation/derive";
import { fingerprint } from "./values";

/** Two environments that no stack file knows, so that what is read does not change with those. */
export const INVENTORY = {
  environments: [
    {
      ...NOTHING,
      name: "live1",
      isProd: true,
      stacks: ["shop/live1"],
      subscriptionIds: ["11111111-2222-4333-8444-555555555555"],
      tenantIds: ["99999999-2222-4333-8444-555555555555"],
      resourceGroups: ["rg-shop-live1"],
      servers: ["psql-shop-live1"],
      virtualEndpoints: ["shop-live1-db"],
      vaults: ["kv-shop-live1"],
      storageAccounts: ["stshoplive1"],
      clusters: ["aks-shop-live1"],
      clusterDnsPrefixes: ["shop-live1-aks"],
      identities: ["id-shop-live1-api"],
      resources: ["shop.live1/edge"],
      hostNames: ["db.shop.example"],
      publicHostNames: ["shop.example"],
      cidrs: ["10.20.0.0/16"],
      managementGroups: ["mg-live"],
      deployments: ["live1"],
      repositories: ["acme/shop"],
      secretHashes: [fingerprint("salt", "correct-horse-battery")],
    },
    {
      ...NOTHING,
      name: "trial",
      isProd: false,
      stacks: ["shop/trial"],
      subscriptionIds: ["66666666-2222-4333-8444-555555555555"],
      servers: ["psql-shop-trial"],
      vaults: ["kv-shop-trial"],
      storageAccounts: ["stshoptrial"],
      clusters: ["aks-shop-trial"],
      clusterDnsPrefixes: ["shop-trial-aks"],
      privateDnsZones: ["trial.internal"],
      cidrs: ["10.30.0.0/16"],
    },
  ],
  shared: [],
};
