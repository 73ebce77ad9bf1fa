/** Plans of Microsoft Defender for Cloud for what the platform is made of, as a configuration names them. */
export const DEFENDER_PLANS = {
  containers: { pricingName: "Containers" },
  storage: { pricingName: "StorageAccounts", subPlan: "DefenderForStorageV2" },
  vaults: { pricingName: "KeyVaults", subPlan: "PerKeyVault" },
  databases: { pricingName: "OpenSourceRelationalDatabases" },
  resourceManager: { pricingName: "Arm", subPlan: "PerSubscription" },
} as const;

export type DefenderPlan = keyof typeof DEFENDER_PLANS;
