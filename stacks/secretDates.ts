import { SECRET_CATALOG } from "../infra/secrets/secretCatalogue";
import { issuedOn } from "../infra/secrets/secretIssue";
import { expiry } from "../infra/secrets/secretLife";
import { secretIssues } from "./names";
import type { StackConfig } from "./schema";

/**
 * What a person should know about the dates of issue. Warnings, never errors: a date that has passed must not stop the
 * update that brings a lost region back.
 * @param today only its day counts, UTC.
 */
export function secretDateWarnings(config: Pick<StackConfig, "vault" | "database">, today: Date): string[] {
  const { vault } = config;
  const day = today.toISOString().slice(0, 10);
  const dates = [
    { key: "vault.secretsIssued", date: vault.secretsIssued },
    ...vault.tokenEncryptionKeys.map((date) => ({ key: "vault.tokenEncryptionKeys", date })),
  ];
  const early = dates
    .filter(({ date }) => date > day)
    .map(
      ({ key, date }) =>
        `${key}: ${date} is after today (${day}): nobody is told to rotate until its period has passed from then on; state the day of the update`,
    );
  const issues = secretIssues(config);
  const expired = SECRET_CATALOG.filter((entry) => {
    const life = Math.min(entry.rotationDays, vault.secretRotationDays);
    return entry.source !== "external" && expiry(issuedOn(entry, issues), life) * 1000 <= today.getTime();
  }).map(({ name }) => name);
  return expired.length === 0
    ? early
    : [
        ...early,
        `secrets past their longest life: ${expired.join(", ")}; rotate them (runbook credential-rotation)`,
      ];
}
