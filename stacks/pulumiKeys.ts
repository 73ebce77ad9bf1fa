import { CONFIG_SECRETS } from "../infra/secrets/secretCatalogue";
import type { Problem } from "./problems";
import { PRODUCT } from "./schema";

/** Key under which a stack file holds the encrypted values an operator set. */
export const SECRET_VALUES = "secretValues";

const BASE64 = /^[A-Za-z0-9+/]{40,}={0,2}$/;
/** A value as Pulumi's own cipher writes it: version, nonce of 12 bytes, text with its tag of 16. */
const CIPHERTEXT = /^v1:[A-Za-z0-9+/]{16}:[A-Za-z0-9+/]{22,}={0,2}$/;
const SALT = /^v1:[A-Za-z0-9+/]{10,}={0,2}:v1:[A-Za-z0-9+/]{16}:[A-Za-z0-9+/]{22,}={0,2}$/;
const KEY_VAULT =
  /^azurekeyvault:\/\/[a-z0-9-]{3,24}\.vault\.azure\.net\/keys\/[A-Za-z0-9-]+(\/[0-9a-f]{32})?$/;

/** What Pulumi itself keeps in a stack file, beside the values, and the form each has. */
const OF_PULUMI: Readonly<Record<string, { fits(text: string): boolean; allowed: string }>> = {
  secretsprovider: {
    fits: (text) => text === "passphrase" || KEY_VAULT.test(text),
    allowed:
      "passphrase, or azurekeyvault://<vault>.vault.azure.net/keys/<key>, as pulumi stack init writes it",
  },
  encryptedkey: {
    fits: (text) => BASE64.test(text),
    allowed: "the encrypted key as pulumi stack init writes it, base64",
  },
  encryptionsalt: {
    fits: (text) => SALT.test(text),
    allowed: "the salt as pulumi stack init writes it, v1:<salt>:v1:<nonce>:<ciphertext>",
  },
};
const KEYS = ["config", ...Object.keys(OF_PULUMI)];

/** Setting that keeps providers the program did not make from being made; see {@link DEFAULT_PROVIDERS_OFF}. */
export const DEFAULT_PROVIDERS = "pulumi:disable-default-providers";
/** No default provider at all. */
export const DEFAULT_PROVIDERS_OFF = ["*"];

/** Settings of Pulumi's own that may stand among the values. */
const SETTINGS = [DEFAULT_PROVIDERS];

/** Keys of the document around the values: one that nobody reads is a typing error, or brings in what no check sees. */
function keyProblems(document: object): Problem[] {
  return Object.entries(document).flatMap(([key, value]): Problem[] => {
    if (key === "config") return [];
    const known = Object.hasOwn(OF_PULUMI, key) ? OF_PULUMI[key] : undefined;
    if (known) {
      const fine = typeof value === "string" && known.fits(value);
      return fine ? [] : [{ path: [key], found: value, allowed: known.allowed }];
    }
    const allowed =
      key === "environment"
        ? "nothing: values imported from elsewhere are seen by no plan and no policy; write them below config"
        : `only ${KEYS.join(", ")}`;
    return [{ path: [key], found: value, allowed }];
  });
}

/** A key that is encrypted, and nothing that could decrypt it. */
function providerProblems(document: Readonly<Record<string, unknown>>, hasSecrets: boolean): Problem[] {
  const { secretsprovider, encryptedkey, encryptionsalt } = document;
  const vault = typeof secretsprovider === "string" && KEY_VAULT.test(secretsprovider);
  if (vault && encryptedkey === undefined) {
    return [
      { path: ["encryptedkey"], found: undefined, allowed: "the key pulumi stack init wrote beside it" },
    ];
  }
  if (hasSecrets && encryptedkey === undefined && encryptionsalt === undefined) {
    return [
      {
        path: ["encryptedkey"],
        found: undefined,
        allowed: "the key of the encrypted values, as pulumi stack init --secrets-provider writes it",
      },
    ];
  }
  return [];
}

/** A default provider takes its subscription from whoever runs the command, where no policy can see it. */
function settingProblems(config: Readonly<Record<string, unknown>>): Problem[] {
  const value = config[DEFAULT_PROVIDERS];
  const list = typeof value === "string" ? parseJson(value) : value;
  const off = JSON.stringify(list) === JSON.stringify(DEFAULT_PROVIDERS_OFF);
  return [
    ...Object.entries(config)
      .filter(([key]) => key.startsWith("pulumi:") && !SETTINGS.includes(key))
      .map(([key, found]) => ({ path: [key], found, allowed: `only ${SETTINGS.join(", ")}` })),
    ...(off
      ? []
      : [
          {
            path: [DEFAULT_PROVIDERS],
            found: value,
            allowed: `${JSON.stringify(DEFAULT_PROVIDERS_OFF)}: no default provider at all`,
          },
        ]),
  ];
}

/** What a text means as JSON, or the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function secretProblems(stack: string, value: unknown): Problem[] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [{ path: [`${PRODUCT}:${SECRET_VALUES}`], found: value, allowed: "a mapping of secret names" }];
  }
  return Object.entries(value).flatMap(([name, entry]): Problem[] => {
    const at = [`${PRODUCT}:${SECRET_VALUES}`, name];
    if (!CONFIG_SECRETS.includes(name)) {
      return [{ path: at, found: "an entry", allowed: `only ${CONFIG_SECRETS.join(", ")}` }];
    }
    const keys = typeof entry === "object" && entry !== null ? Object.keys(entry) : [];
    const encrypted = keys.length === 1 ? (entry as { secure?: unknown }).secure : undefined;
    const again = setSecretCommand(stack, name);
    if (encrypted === undefined)
      return [{ path: at, found: "a plain value", allowed: `an encrypted one: ${again}` }];
    const fine = typeof encrypted === "string" && (CIPHERTEXT.test(encrypted) || BASE64.test(encrypted));
    return fine
      ? []
      : [
          {
            path: [...at, "secure"],
            found: "text that is no ciphertext",
            allowed: `what this writes: ${again}`,
          },
        ];
  });
}

/** The command that gives a secret of source `config` its value, whichever stack is selected. */
export function setSecretCommand(stack: string, name: string): string {
  return `pulumi config set --stack ${stack} --secret --path '${PRODUCT}:${SECRET_VALUES}.${name}'`;
}

/** What is wrong with Pulumi's own keys and settings in a stack file. */
export function aroundProblems(
  document: Readonly<Record<string, unknown>>,
  config: Readonly<Record<string, unknown>>,
  hasSecrets: boolean,
): Problem[] {
  return [...keyProblems(document), ...providerProblems(document, hasSecrets), ...settingProblems(config)];
}

/** Everything wrong in a stack file beside the values of the platform itself. */
export function pulumiProblems(
  stack: string,
  document: Readonly<Record<string, unknown>>,
  config: Readonly<Record<string, unknown>>,
): Problem[] {
  const secrets = config[`${PRODUCT}:${SECRET_VALUES}`];
  const hasSecrets = typeof secrets === "object" && secrets !== null && Object.keys(secrets).length > 0;
  return [
    ...Object.entries(config)
      .filter(([key]) => !key.startsWith(`${PRODUCT}:`) && !key.startsWith("pulumi:"))
      .map(([key, value]) => ({
        path: [key],
        found: value,
        allowed: `keys of ${PRODUCT}: and pulumi: only; providers are pinned by the program`,
      })),
    ...aroundProblems(document, config, hasSecrets),
    ...secretProblems(stack, secrets),
  ];
}
