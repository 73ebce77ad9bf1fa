/**
 * Limits Azure puts on names
 * (https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules).
 */
export const NAME_RULES = {
  resourceGroup: { max: 90, pattern: /^[A-Za-z0-9._()-]*[A-Za-z0-9_()-]$/ },
  virtualNetwork: { max: 64, pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9_]$/ },
  postgresServer: { max: 63, pattern: /^[a-z0-9]+(-[a-z0-9]+)*$/ },
  virtualEndpoint: { max: 63, pattern: /^[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]$/ },
  vault: { max: 24, pattern: /^[A-Za-z](-?[A-Za-z0-9])+$/ },
  storageAccount: { max: 24, pattern: /^[a-z0-9]{3,24}$/ },
  containerRegistry: { max: 50, pattern: /^[A-Za-z0-9]{5,50}$/ },
  managedCluster: { max: 63, pattern: /^[A-Za-z0-9][A-Za-z0-9_-]*[A-Za-z0-9]$/ },
  identity: { max: 128, pattern: /^[A-Za-z0-9][A-Za-z0-9_-]{2,127}$/ },
  workspace: { max: 63, pattern: /^[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]$/ },
  actionGroup: { max: 260, pattern: /^[^:<>+/&%\\?|]*[^:<>+/&%\\?| .]$/ },
  // Front Door WAF policy names take no hyphens.
  wafPolicy: { max: 128, pattern: /^[A-Za-z][A-Za-z0-9]*$/ },
  frontDoor: { max: 90, pattern: /^[A-Za-z0-9]+(-*[A-Za-z0-9]+)*$/ },
  frontDoorEndpoint: { max: 46, pattern: /^[A-Za-z0-9]+(-*[A-Za-z0-9]+)*$/ },
  containerApp: { max: 32, pattern: /^[a-z]([a-z0-9-]*[a-z0-9])?$/ },
  grafana: { max: 23, pattern: /^[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]$/ },
} as const;

export type NamedKind = keyof typeof NAME_RULES;

/** What is wrong with a name for a kind of Azure resource; undefined when nothing is. */
export function nameProblem(kind: NamedKind, name: string): string | undefined {
  const { max, pattern } = NAME_RULES[kind];
  if (name.length > max) return `"${name}" has ${name.length} characters, ${kind} names have at most ${max}`;
  if (!pattern.test(name)) return `"${name}" does not match ${pattern.source}, the rule for ${kind} names`;
  return undefined;
}

/** Limits of tags (https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources). */
export const TAG_LIMITS = { count: 50, name: 512, value: 256, forbidden: /[<>%&\\?/]/ } as const;
