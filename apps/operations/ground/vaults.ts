import { SecretClient, type SecretClientOptions } from "@azure/keyvault-secrets";
import type { TokenCredential } from "@azure/identity";
import type { VaultsGround } from "./types";

/** The vaults' own API: it answers in the platform's networks only. */
export function keyVaults(credential: TokenCredential, options: SecretClientOptions = {}): VaultsGround {
  const clients = new Map<string, SecretClient>();
  const client = (vault: string): SecretClient => {
    const known = clients.get(vault);
    if (known) return known;
    const made = new SecretClient(`https://${vault}.vault.azure.net`, credential, options);
    clients.set(vault, made);
    return made;
  };
  return {
    async read(vault, secret) {
      try {
        const { value = "", properties } = await client(vault).getSecret(secret);
        const { contentType, expiresOn: expires, tags = {} } = properties;
        return { value, contentType, expires, tags };
      } catch (error) {
        if ((error as { statusCode?: number }).statusCode === 404) return undefined;
        throw error;
      }
    },
    async write(vault, secret, { value, contentType, expires: expiresOn, tags }) {
      await client(vault).setSecret(secret, value, { contentType, expiresOn, tags });
    },
  };
}
