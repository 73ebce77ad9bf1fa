import fs from "node:fs";
import path from "node:path";
import { JSON_SCHEMA, load } from "js-yaml";
import { z } from "zod";
import { backupAccounts, type PlatformNames, type RegionNames } from "../infra/naming";
import { parseAddress } from "../packages/isolation/addresses";
import { assembleInventory, type Extras, NOTHING, PROD_ENVIRONMENT } from "../packages/isolation/derive";
import { BELONGINGS, type EnvironmentInventory, type Inventory } from "../packages/isolation/inventory";
import { readStacks, stackPlatformNames } from "./files";
import { CONTROL_PROJECT, deploymentEnvironments, stackControlNames } from "./names";
import { ConfigError, fromZod, type Problem } from "./problems";
import { addressBlocks, PRODUCT, type StackConfig } from "./schema";

const name = z.string().min(3, "a name of at least 3 characters").max(260);
const stackName = z.string().regex(/^[\w.-]+\/[\w.-]+$/, "a stack as project/stack");
const LISTS: Partial<Record<(typeof BELONGINGS)[number], z.ZodType<string>>> = {
  subscriptionIds: z.guid("a GUID"),
  tenantIds: z.guid("a GUID"),
  clientIds: z.guid("a GUID"),
  principalIds: z.guid("a GUID"),
  issuers: z
    .string()
    .regex(
      /^[\w.-]+(?:\/[\w-]+){0,2}$/,
      "a host, and its path if it has one, without scheme, e.g. <region>.oic.prod-aks.azure.com/<tenant>/<id>",
    ),
  repositories: z.string().regex(/^[\w.-]+\/[\w.-]+$/, "a GitHub repository as owner/name"),
  cidrs: z.string().refine((text) => parseAddress(text) !== undefined, "an IPv4 block such as 10.20.0.0/16"),
  secretHashes: z
    .string()
    .regex(
      /^[^:]{8,}:[0-9a-f]{64}$/,
      "<salt of 8 characters or more>:<SHA-256 of salt and secret, 64 hex digits>",
    ),
};
const belongings = Object.fromEntries(
  BELONGINGS.map((key) => [key, z.array(LISTS[key] ?? name).optional()]),
) as Record<(typeof BELONGINGS)[number], z.ZodOptional<z.ZodArray<z.ZodType<string>>>>;

const DAY = 24 * 60 * 60 * 1000;

/** Who answers for an entry, why it is there, and the last day it holds, as for a waiver. */
const accountable = {
  reason: z.string().min(20, "a reason of at least 20 characters"),
  owner: z.email("an e-mail address"),
  expires: z.iso.date("a date such as 2026-01-31"),
};
/** Longest time an entry of the inventory may run: it is looked at again once a year. */
const MAX_ENTRY_DAYS = 366;

const extrasSchema = z.strictObject({
  types: z
    .array(
      z.strictObject({
        type: z
          .string()
          .regex(
            /^(?:azure-native|kubernetes|arm):[\w.]+[:/][\w/]+$/,
            "a type as ISO-058 names it, e.g. azure-native:quantum:Workspace",
          ),
        environments: z.array(z.string()).optional(),
        ...accountable,
      }),
    )
    .default([]),
  environments: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z][a-z0-9-]{1,39}$/, "2-40 lower-case letters, digits or hyphens"),
        isProd: z.boolean().optional(),
        stacks: z.array(stackName).optional(),
        ...accountable,
        ...belongings,
      }),
    )
    .default([]),
  shared: z
    .array(
      z.strictObject({
        stacks: z.array(stackName).optional(),
        stackReferences: z.array(stackName).optional(),
        ...accountable,
        ...belongings,
      }),
    )
    .default([]),
});

/**
 * A list file of the policies folder, checked.
 * @throws ConfigError when it is missing, no YAML or not of its schema
 */
export function readListFile<T>(root: string, file: string, schema: z.ZodType<T>): T {
  const source = `policies/${file}`;
  const location = path.join(root, "policies", file);
  if (!fs.existsSync(location)) {
    throw new ConfigError(source, [
      { path: [], found: undefined, allowed: "a file, even if its lists are empty" },
    ]);
  }
  let document: unknown;
  try {
    document = load(fs.readFileSync(location, "utf8"), { schema: JSON_SCHEMA }) ?? {};
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new ConfigError(source, [{ path: [], found: reason, allowed: "valid YAML" }]);
  }
  const result = schema.safeParse(document);
  if (!result.success) throw new ConfigError(source, fromZod(result.error, document, schema));
  return result.data;
}

function regionsOf(names: PlatformNames): RegionNames[] {
  return names.secondary ? [names.primary, names.secondary] : [names.primary];
}

function fromStackFile(stack: string, config: StackConfig): EnvironmentInventory {
  const names = stackPlatformNames(config);
  const regions = regionsOf(names);
  const control = stackControlNames(config);
  const homes = [control.home, control.copy];
  const { runners } = control;
  const kinds = Object.values(runners.purposes);
  return {
    ...NOTHING,
    name: config.environment,
    isProd: config.environment === PROD_ENVIRONMENT,
    stacks: [`${PRODUCT}/${stack}`, `${CONTROL_PROJECT}/${stack}`],
    subscriptionIds: [config.azure.subscriptionId],
    tenantIds: [config.azure.tenantId],
    resourceGroups: [
      ...new Set([
        names.globalResourceGroup,
        names.monitoringResourceGroup,
        names.statusResourceGroup,
        `rg-${control.prefix}`,
        runners.resourceGroup,
        ...homes.map(({ resourceGroup }) => resourceGroup),
        ...regions.flatMap(({ resourceGroup, nodeResourceGroup }) => [resourceGroup, nodeResourceGroup]),
        ...backupAccounts(names).map(({ resourceGroup }) => resourceGroup),
      ]),
    ],
    virtualNetworks: [...regions, runners].map(({ virtualNetwork }) => virtualNetwork),
    cidrs: addressBlocks(config).map(({ cidr }) => cidr),
    servers: regions.map(({ server }) => server),
    virtualEndpoints: [names.virtualEndpoint],
    publicHostNames: [config.edge.apiHostName, config.edge.dashboardHostName],
    resources: [
      names.frontDoor,
      names.frontDoorEndpoint,
      names.wafPolicy,
      names.logWorkspace,
      names.imageRegistry.registry,
      ...(config.recovery.s3 ? [config.recovery.s3.bucket] : []),
      ...homes.map(({ logWorkspace }) => logWorkspace),
      runners.natGateway,
      runners.outboundAddress,
      ...kinds.flatMap(({ environment, job, securityGroup }) => [environment, job, securityGroup]),
      names.monitorWorkspace,
      names.grafana,
      names.statusApp,
      names.statusAppEnvironment,
      ...regions.flatMap(
        ({ outboundAddress, nodesSecurityGroup, endpointsSecurityGroup, privateLinkServices }) => [
          outboundAddress,
          nodesSecurityGroup,
          endpointsSecurityGroup,
          ...Object.values(privateLinkServices),
        ],
      ),
    ],
    vaults: [...regions, ...homes].map(({ vault }) => vault),
    storageAccounts: [
      ...[...backupAccounts(names), ...homes].map(({ storageAccount }) => storageAccount),
      ...(names.servingWitness ? [names.servingWitness.storageAccount] : []),
    ],
    clusters: regions.map(({ cluster }) => cluster),
    clusterDnsPrefixes: regions.map(({ clusterDnsPrefix }) => clusterDnsPrefix),
    namePrefixes: [names.prefix],
    identities: [
      ...Object.values(control.identities),
      runners.identity,
      ...regions.flatMap(({ clusterIdentity, kubeletIdentity, identities }) => [
        clusterIdentity,
        kubeletIdentity,
        ...Object.values(identities),
      ]),
    ],
    repositories: [config.controlPlane.repository],
    deployments: Object.values(deploymentEnvironments(config.environment)),
    principalIds: [
      ...config.cluster.adminGroupObjectIds,
      ...(config.controlPlane.deployObjectId ? [config.controlPlane.deployObjectId] : []),
      ...config.database.entraAdministrators.map(({ objectId }) => objectId),
    ],
  };
}

/** The inventory of stack files, by the very code that names the resources, and what policies/inventory.yaml adds. */
export function deriveInventory(stacks: Readonly<Record<string, StackConfig>>, extras: Extras): Inventory {
  return assembleInventory(
    Object.entries(stacks).map(([stack, config]) => fromStackFile(stack, config)),
    extras,
  );
}

/**
 * The stack files of this product in a folder; none where the project is another one, whose stack files say other things and
 * whose inventory lists everything itself.
 * @throws ConfigError as {@link readStacks}
 */
export function readOwnStacks(root: string): ReturnType<typeof readStacks> {
  const file = path.join(root, "Pulumi.yaml");
  if (!fs.existsSync(file)) return readStacks(root);
  const project = load(fs.readFileSync(file, "utf8"), { schema: JSON_SCHEMA }) as {
    name?: unknown;
  } | null;
  return project?.name === PRODUCT ? readStacks(root) : {};
}

/**
 * The isolation inventory of the project in a folder.
 * @throws ConfigError when a stack file or policies/inventory.yaml is unreadable or malformed, Error when it is empty.
 */
export function readInventory(root: string, now = new Date()): Inventory {
  const extras = readListFile(root, "inventory.yaml", extrasSchema);
  const today = now.toISOString().slice(0, 10);
  const latest = new Date(now.getTime() + MAX_ENTRY_DAYS * DAY).toISOString().slice(0, 10);
  const problems = (["environments", "shared", "types"] as const).flatMap((list) =>
    extras[list].flatMap(({ expires }, index): Problem[] =>
      expires < today || expires > latest
        ? [
            {
              path: [list, index, "expires"],
              found: expires,
              allowed: `a date from today to ${latest}, a year ahead at most`,
            },
          ]
        : [],
    ),
  );
  if (problems.length > 0) throw new ConfigError("policies/inventory.yaml", problems);
  return { ...deriveInventory(readOwnStacks(root), extras), types: extras.types };
}
