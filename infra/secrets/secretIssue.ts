import { SECRET_CATALOG, SecretEntry } from "./secretCatalogue";

/** What decides the values of the managed secrets; none of it is secret. */
export interface SecretIssues {
  /** Day the secrets were issued (ISO date). */
  issued: string;
  /** Days of the keys that protect stored data, the newest first; one or two. */
  tokenEncryptionKeys: readonly string[];
  /** What connection strings lead to. */
  connection: { database: string; sslMode: string; restoredAt?: string };
}

/** Day an encryption key of the catalogue was made; with one key in use, it is also the previous one. */
export function encryptionKeyDay(
  place: NonNullable<SecretEntry["encryptionKey"]>,
  days: readonly string[],
): string {
  const [current, previous] = days;
  if (current === undefined) throw new Error("there is no encryption key: list the day of at least one");
  return place === "current" ? current : (previous ?? current);
}

/** Day a secret was issued, from which its life counts. */
export function issuedOn(
  entry: Pick<SecretEntry, "encryptionKey">,
  issues: Pick<SecretIssues, "issued" | "tokenEncryptionKeys">,
): string {
  return entry.encryptionKey
    ? encryptionKeyDay(entry.encryptionKey, issues.tokenEncryptionKeys)
    : issues.issued;
}

/**
 * Tells one value of a secret from the next without knowing it: the day it was issued and, for a connection string,
 * the database it leads to. What changes with it starts anew with the new value.
 */
export function secretIssue(issues: SecretIssues): (secret: string) => string {
  const { database, sslMode, restoredAt } = issues.connection;
  return (secret) => {
    const entry = SECRET_CATALOG.find(({ name }) => name === secret);
    if (!entry) throw new Error(`secret ${secret} is not in the catalogue`);
    const day = issuedOn(entry, issues);
    return entry.connection ? [day, database, sslMode, restoredAt ?? ""].join(" ") : day;
  };
}
