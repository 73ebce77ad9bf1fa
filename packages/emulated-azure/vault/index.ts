/** The vaults of an emulated cloud, as their own hosts answer for them. */
export { answerVault, VAULT_HOST } from "./front";
export { keepVersions } from "./secrets";
