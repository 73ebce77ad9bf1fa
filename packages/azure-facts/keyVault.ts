/**
 * Management API of vaults that lasts; older ones end on the day, for vaults that are there as for new ones
 * (https://learn.microsoft.com/azure/key-vault/general/migrate-api-version). Their data plane has versions of its own.
 */
export const KEY_VAULT_API = "2026-02-01";

/** Last day before older management APIs of vaults are gone. */
export const OLDER_KEY_VAULT_APIS_END = "2027-02-26";

/** Management API of vaults that `@pulumi/azure-native` speaks, in the version this project uses. */
export const SDK_KEY_VAULT_API = "2024-11-01";
