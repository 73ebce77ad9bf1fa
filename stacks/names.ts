import { PlatformNames, platformNames } from "../infra/naming";
import { SecretIssues } from "../infra/secrets/secretIssue";
import { PRODUCT, StackConfig } from "./schema";

/** The part of a configuration that names derive from. */
export type Named = Pick<StackConfig, "shortName" | "nameSuffix" | "regions">;

/** Names of everything a stack owns. */
export function stackPlatformNames(config: Named): PlatformNames {
  return platformNames({ product: PRODUCT, ...config });
}

/** What decides the values of a stack's managed secrets. */
export function secretIssues({ vault, database }: Pick<StackConfig, "vault" | "database">): SecretIssues {
  const { applicationDatabase, sslMode, restoredAt } = database;
  return {
    issued: vault.secretsIssued,
    tokenEncryptionKeys: vault.tokenEncryptionKeys,
    connection: { database: applicationDatabase, sslMode, restoredAt },
  };
}
