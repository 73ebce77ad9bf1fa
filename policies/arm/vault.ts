import { VAULT, VAULT_SECRET } from "../../packages/isolation/kinds";
import { fault, ifPresent, must, mustBeText, mustBeWithin, mustExist } from "../../packages/isolation/read";
import type { ArmLimit } from "./limit";

const irreversible: ArmLimit = {
  id: "ARM-030",
  name: "vault-irreversible-settings",
  title: "Purge protection and soft delete are on or unsaid, never off",
  description:
    "enablePurgeProtection and enableSoftDelete are true or left out, the retention is 7 to 90 days, and the SKU family is A.",
  why: "Azure rejects false for both; a vault that ever had them keeps them.",
  remediation:
    "Send true, or leave the property out. In environments that are rebuilt, change the name's suffix.",
  url: "https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview",
  risks: ["R08", "R10"],
  types: [VAULT],
  check: (vault) => {
    const properties = vault.at("properties");
    const neverFalse = ["enablePurgeProtection", "enableSoftDelete"].flatMap((key) =>
      ifPresent(properties.at(key), (cursor) =>
        must(cursor, (value) => value === true, "be true or left out: Azure accepts no false"),
      ),
    );
    return [
      ...neverFalse,
      ...ifPresent(properties.at("softDeleteRetentionInDays"), (days) => mustBeWithin(days, 7, 90, "days")),
      ...mustBeText(properties.at("sku", "family"), "A"),
      ...mustExist(properties.at("tenantId")),
    ];
  },
};

const secret: ArmLimit = {
  id: "ARM-031",
  name: "vault-secret-shape",
  title: "A secret has a legal name and its dates in the SDK's own properties",
  description:
    "The name has letters, digits and hyphens only; dates are attributes.expires and attributes.notBefore in Unix seconds, not exp and nbf.",
  why: "Azure rejects the name, and the SDK drops exp and nbf without a word: the secret would never expire.",
  remediation: "Use attributes.expires with seconds, not milliseconds.",
  url: "https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates",
  risks: ["R08", "R12"],
  types: [VAULT_SECRET],
  check: (resource) => {
    const attributes = resource.at("properties", "attributes");
    return [
      ...must(
        resource.at("secretName"),
        (value) => typeof value === "string" && /^[0-9A-Za-z-]{1,127}$/.test(value),
        "be 1 to 127 letters, digits and hyphens",
      ),
      ...[
        ["exp", "expires"],
        ["nbf", "notBefore"],
      ].flatMap(([wrong = "", right = ""]) =>
        attributes.at(wrong).present
          ? fault(attributes.at(wrong), `must be called ${right} here, or it has no effect`)
          : [],
      ),
      // Four thousand years in seconds: a larger number is a date in milliseconds.
      ...["expires", "notBefore"].flatMap((key) =>
        ifPresent(attributes.at(key), (date) => mustBeWithin(date, 1, 1e11, "seconds since 1970")),
      ),
    ];
  },
};

export const VAULT_LIMITS: readonly ArmLimit[] = [irreversible, secret];
