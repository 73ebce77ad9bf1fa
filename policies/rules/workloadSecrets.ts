import { kubernetes } from "../../packages/isolation/kinds";
import { allContainers, objects, podsOf, WORKLOADS } from "./pods";
import { fault, type Cursor, type Outcome } from "../../packages/isolation/read";
import type { Rule } from "../../packages/isolation/rule";
import { resourceRule } from "./define";

/**
 * Names that promise a secret, unless they end in what only points to one. Sentry's DSN is none: browsers are given it
 * (https://docs.sentry.io/concepts/key-terms/dsn-explainer/).
 */
const SECRET_NAME =
  /(passw(or)?d|passphrase|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|routing[_-]?key|credential|connection[_-]?string|(^|(?<!sentry)[_-])dsn$|database[_-]?url)/i;
const POINTER_NAME =
  /[_-](file|path|dir|folder|mount|name|names|id|ids|class|provider|ref|version|header|ttl|days|hours|minutes|seconds|length|bytes|enabled|location)$/i;

/** A path, a reference to another variable, or a word that is no secret. */
const POINTER_VALUE = /^(\/[\w./-]*|\$\(\w+\)|true|false|none|\d{1,4}|)$/i;

/** Texts that are a secret whatever they are called. */
const SECRET_VALUES: readonly (readonly [RegExp, string])[] = [
  [/\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s/:@"']{0,200}:(?!\$|\*|<)[^\s/@"']{3,500}@/i, "a URL with a password"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, "a private key"],
  [/\bAccountKey=[A-Za-z0-9+/=]{20,}/i, "a storage account key"],
  [/\bSharedAccess(Key|Signature)=[^\s;]{8,}/i, "a shared access key"],
  [/[?&]sig=[A-Za-z0-9%+/=]{20,}/, "a shared access signature"],
  [/\bpassword\s*=\s*(?!\$|\*|<)[^\s;'"]{3,}/i, "a connection string with a password"],
  [/\bgh[pousr]_[A-Za-z0-9]{20,}/, "a GitHub token"],
  [/\bxox[baprs]-[A-Za-z0-9-]{10,}/, "a Slack token"],
  [/hooks\.slack\.com\/services\/[A-Za-z0-9/]{10,}/, "a Slack webhook"],
  [/\bshp(at|ca|pa|ss)_[A-Fa-f0-9]{20,}/, "a Shopify token"],
  [/\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/, "a signed token"],
];

function secretIn(text: string): string | undefined {
  return SECRET_VALUES.find(([pattern]) => pattern.test(text))?.[1];
}

/** Judges a named plain value. The value itself never appears in the message. */
function judge(name: string, value: Cursor): Outcome[] {
  if (!value.present) return [];
  const telling = SECRET_NAME.test(name) && !POINTER_NAME.test(name);
  if (value.unknown) return telling ? [{ path: value.path, unknown: true }] : [];
  const text = value.text ?? "";
  const kind = secretIn(text);
  if (kind !== undefined) return fault(value, `must not hold ${kind}; keep it in Key Vault and mount it`);
  return telling && !POINTER_VALUE.test(text)
    ? fault(value, "must not hold a secret in plain text; keep it in Key Vault and mount it")
    : [];
}

const environment = resourceRule(
  {
    id: "WRK-020",
    name: "pod-no-plain-secret",
    title: "No secret stands in a pod's specification",
    description:
      "Environment variables, commands and arguments hold no password, key, token or connection string in plain text.",
    why: "Whoever may list pods, read the state file or the log of the API server has the secret.",
    severity: "critical",
    framework: { cis: ["Kubernetes 5.4.1"], mcsb: ["IM-8"], waf: ["SE:09"], risks: ["R07", "R08"] },
    remediation:
      "Add the secret to infra/secrets/secretCatalogue.ts; the workload gets it through the vault.",
    url: "https://learn.microsoft.com/azure/aks/csi-secrets-store-driver",
    appliesTo: "any",
    types: [WORKLOADS],
  },
  (_, resource) =>
    podsOf(resource)
      .flatMap(({ spec }) => allContainers(spec))
      .flatMap((container) => [
        ...container
          .at("env")
          .items()
          .flatMap((variable) => judge(variable.at("name").text ?? "", variable.at("value"))),
        ...["command", "args"].flatMap((list) =>
          container
            .at(list)
            .items()
            .flatMap((argument) => judge("", argument)),
        ),
      ]),
);

const configuration = resourceRule(
  {
    id: "WRK-021",
    name: "configmap-no-secret",
    title: "No secret stands in a ConfigMap",
    description: "Keys and texts of ConfigMaps hold no password, key, token or connection string.",
    why: "ConfigMaps are not encrypted, and nearly everybody may read them.",
    severity: "critical",
    framework: { cis: ["Kubernetes 5.4.2"], mcsb: ["IM-8"], waf: ["SE:09"], risks: ["R07", "R08"] },
    remediation: "Move the value to Key Vault and mount it.",
    url: "https://kubernetes.io/docs/concepts/configuration/configmap/",
    appliesTo: "any",
    types: [kubernetes("ConfigMap")],
  },
  (_, resource) =>
    objects(resource).flatMap((object) =>
      object
        .at("data")
        .entries()
        .flatMap(([key, value]) => judge(key, value)),
    ),
);

export const SECRET_RULES: readonly Rule[] = [environment, configuration];
