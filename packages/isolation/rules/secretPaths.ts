import type { Cursor } from "../read";
import type { Context, ResourceView, Violation } from "../rule";
import { watchOf } from "../context";
import { kubernetesObjects } from "../objects";
import { allPlaces, mayHold } from "../places";
import { otherEnvironment } from "../environmentWords";
import { resourceRule } from "./metadata";

/** Properties that hold the path of a secret in a store, by the kinds that have them. */
const PATHS: readonly (readonly [RegExp, RegExp])[] = [
  [
    /(?:External|Push)Secret$/,
    /\.(?:remoteRef\.(?:key|property|remoteKey)|extract\.(?:key|property)|find\.path|find\.name\.regexp|match\.remoteRef\.remoteKey|find\.tags\.[\w-]+)$/,
  ],
  [
    /^(?:Cluster)?SecretStore$/,
    /\.(?:path|folder|prefix|projectID|environmentSlug|environment|config|project|vault\.namespace|webhook\.(?:url|body))$/,
  ],
  [/^Vault(?:Static|Dynamic|PKI)Secret$/, /\.(?:path|mount|role)$/],
  [/^HCPVaultSecretsApp$/, /\.appName$/],
  [/^Vault(?:Connection|Auth)$/, /\.(?:namespace|mount|role|headers\W+[\w-]+\W*)$/],
  [/^Component$/, /^spec\.metadata\.value$/],
  [/^SecretProviderClass$/, /\.(?:objects|secretPath|roleName|vaultRole)$/],
  [/TriggerAuthentication$/, /\.(?:path|secretName|name|key|role|mount)$/],
];
const VAULT_ANNOTATION =
  /^(?:[\w.-]+\.)?(?:vault\.hashicorp\.com|vault\.security\.banzaicloud\.io|(?:1password|doppler|infisical|akeyless|conjur|cyberark|avp)\.\w+(?:\.\w+)?)\//;

/** Texts that stand for a secret of a store wherever they are written: Bank-Vaults, vals, the plugin of Argo CD, Vault's own templates. */
const INLINE =
  /(?:^|[\s"'=])(?:>>)?vault:[\w./-]+#|\bref\+[a-z0-9]+:\/\/|<path:[^>]+>|\b(?:with\s+)?secret\s+"[^"]+"|\bop:\/\/[\w ./-]+|\barn:aws[\w-]*:(?:ssm|secretsmanager):[^\s"']+|\b(?:gcp|sm|gsm|gcpsm|aws-?sm|aws-?ssm|azkv|akv|conjur|akeyless):\/\/[^\s"']+|\bprojects\/[\w-]+\/secrets\/[\w-]+|\{\{-?\s*(?:with\s+|range\s+)?(?:key|keyOrDefault|ls|safeLs|tree)\s+"[^"]+"/;

/** A part of each: what spares nearly all texts, every image by its digest and every address of a port too, the search for all. */
const MAY_BE_INLINE = ["://", '"', "/secrets/", "vault:", "<path:", "arn:aws"];

const isInlineIn = (text: string): boolean =>
  MAY_BE_INLINE.some((part) => text.includes(part)) && INLINE.test(text);

function pathPlaces(object: Cursor, kind: string): Cursor[] {
  const pattern = PATHS.find(([kinds]) => kinds.test(kind))?.[1];
  const mayHoldPaths = mayHold(object.value, (at, key) =>
    typeof at === "string" ? isInlineIn(at) || (key !== undefined && VAULT_ANNOTATION.test(key)) : false,
  );
  if (!pattern && !mayHoldPaths) return [];
  return [...allPlaces(object)].flatMap((place) => {
    const annotations = place
      .at("annotations")
      .entries()
      .filter(([key]) => VAULT_ANNOTATION.test(key))
      .map(([, value]) => value);
    const isPath =
      pattern !== undefined &&
      place.text !== undefined &&
      /(?:^|\.)spec\b/.test(place.path) &&
      // A Secret of the cluster is judged by name and namespace.
      !/secretTargetRef|secretRef|secretKeyRef/i.test(place.path) &&
      pattern.test(place.path.replace(/\[\d+\]/g, ""));
    const isInline = place.text !== undefined && isInlineIn(place.text) && !annotations.includes(place);
    return isPath || isInline ? [place, ...annotations] : annotations;
  });
}

function strayPaths(resource: ResourceView, context: Context): Violation[] {
  const own = watchOf(context).perimeter.environment;
  const others = context.inventory.environments.flatMap(({ name }) => (name === own ? [] : [name]));
  return kubernetesObjects(resource).flatMap(({ kind, object }) =>
    pathPlaces(object, kind)
      .filter((place) => place.text !== undefined && otherEnvironment(place.text, others) !== undefined)
      .map(({ path }) => ({
        path,
        message:
          "is a path of a secret store that names another environment; read only from this stack's own",
      })),
  );
}

/** One store may hold the secrets of several environments, told apart by their paths alone. */
export const secretPathRule = resourceRule({
  id: "ISO-059",
  name: "own-secret-paths",
  title: "Outside prod, secrets are read under the stack's own paths",
  description:
    "No path of a secret in a store (External Secrets, Vault and its agent, CSI, KEDA, Dapr, and references such as `vault:…#key`, `ref+vault://…` or a parameter's name in another cloud in any text) has a part that is another environment's name or a word for production.",
  why: "A shared Vault or parameter store hands out production's password to whoever asks for its path; the plan shows the path and nothing else.",
  remediation: "Name the path of this stack's own secrets, or use its own vault.",
  url: "https://external-secrets.io/latest/guides/multi-tenancy/",
  appliesTo: "nonProd",
  mcsb: ["IM-8"],
  check: strayPaths,
});
