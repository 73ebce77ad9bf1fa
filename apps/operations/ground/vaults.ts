import { SecretClient, type SecretClientOptions } from "@azure/keyvault-secrets";
import type { TokenCredential } from "@azure/identity";
import { lacksRight, statusOf } from "../frame/errors";
import { patience, REQUEST_MS } from "./patience";
import type { SecretRecord, VaultsGround } from "./types";

/** The vaults' own API: it answers in the platform's networks only. @param milliseconds longest one request may take */
export function keyVaults(
  credential: TokenCredential,
  options: SecretClientOptions = {},
  milliseconds = REQUEST_MS,
): VaultsGround {
  const clients = new Map<string, SecretClient>();
  const client = (vault: string): SecretClient => {
    const known = clients.get(vault);
    if (known) return known;
    const made = new SecretClient(`https://${vault}.vault.azure.net`, credential, {
      ...options,
      additionalPolicies: [...(options.additionalPolicies ?? []), patience(milliseconds)],
    });
    clients.set(vault, made);
    return made;
  };
  return {
    async list(vault) {
      const records = new Map<string, SecretRecord>();
      const all = client(vault).listPropertiesOfSecrets();
      for await (const { name, enabled = true, expiresOn: expires, tags = {} } of said(vault, all))
        records.set(name, { enabled, expires, tags });
      return records;
    },
    async read(vault, secret) {
      try {
        const { value = "", properties } = await client(vault).getSecret(secret);
        const { contentType, expiresOn: expires, tags = {} } = properties;
        return { value, contentType, expires, tags };
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    },
    async write(vault, secret, { value, contentType, expires: expiresOn, tags }) {
      await client(vault).setSecret(secret, value, { contentType, expiresOn, tags });
    },
  };
}

/** A list whose refusal names the right that lacks; the client's own names its status alone. */
async function* said<T>(vault: string, all: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* all;
  } catch (error) {
    if (!lacksRight(error)) throw error;
    throw Object.assign(
      new Error(
        `${vault}: its secrets cannot be listed: Caller is not authorized to perform 'Microsoft.KeyVault/vaults/secrets/readMetadata/action'`,
        { cause: error },
      ),
      { statusCode: 403 },
    );
  }
}
