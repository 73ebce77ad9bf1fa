import fs from "node:fs";
import { z } from "zod";
import { FailedError, UsageError } from "../../packages/command/errors";
import { createCommand, runCommand } from "../../packages/command/program";
import { projectRoot } from "../../packages/command/root";
import { STACK_TYPE } from "../../packages/wire/urn";
import { readStacks } from "../../stacks/files";
import { outputNames } from "../../stacks/outputNames";
import { REGION_ROLES } from "../../stacks/schema/azure";

const place = z.object({ server: z.string(), resourceGroup: z.string(), region: z.string() });
const account = z.object({
  account: z.string(),
  resourceGroup: z.string(),
  region: z.string(),
  blobEndpoint: z.string(),
});
const region = z.object({
  region: z.string(),
  role: z.enum(REGION_ROLES),
  resourceGroup: z.string(),
  vault: z.string(),
  cluster: z.string(),
  namespace: z.string(),
  privateLinkServices: z.object({ api: z.string(), dashboard: z.string() }),
});

/** The stack outputs the recovery tools and the runbooks rely on. */
export const outputsSchema = z.object({
  environment: z.string(),
  database: z.object({
    writerHost: z.string(),
    readerHost: z.string(),
    ports: z.object({ pooled: z.number(), direct: z.number() }),
    database: z.string(),
    virtualEndpoint: z.string(),
    primary: place,
    replica: place.optional(),
  }),
  storage: z.object({
    containers: z.object({
      hourly: z.string(),
      daily: z.string(),
      weekly: z.string(),
      monthly: z.string(),
      evidence: z.string(),
      incidents: z.string(),
    }),
    accounts: z.object({ primary: account, secondary: account }),
  }),
  regions: z.object({ primary: region, secondary: region.optional() }),
  edge: z.object({
    subscriptionId: z.string(),
    resourceGroup: z.string(),
    apiHost: z.string(),
    dashboardHost: z.string(),
    frontDoor: z.string(),
    frontDoorEndpoint: z.string(),
  }),
  objectives: z.object({ rpoMinutes: z.number(), rtoMinutes: z.number() }),
});

export type StackOutputs = z.infer<typeof outputsSchema>;

/**
 * Shell variables of a stack's outputs, as the runbooks' commands and the recovery runner use them. Names without an
 * ending, and `SERVER`, are of the region that serves; those with `_SECONDARY`, and `REPLICA`, of the other one: after a
 * failover a page is about the server it is read for.
 */
export function variables(outputs: StackOutputs): Record<string, string> {
  const { database, storage, regions, edge, objectives } = outputs;
  const { accounts, containers } = storage;
  const moved = regions.secondary?.role === "serving" ? regions.secondary : undefined;
  const [here, other] = moved ? [moved, regions.primary] : [regions.primary, regions.secondary];
  const [server, replica] =
    moved && database.replica ? [database.replica, database.primary] : [database.primary, database.replica];
  const [account, copy] = moved
    ? [accounts.secondary, accounts.primary]
    : [accounts.primary, accounts.secondary];
  const targets = [account, copy].map(({ region: name, blobEndpoint: url }) => ({
    name,
    kind: "azure",
    url,
  }));
  return {
    ENVIRONMENT: outputs.environment,
    SUBSCRIPTION: edge.subscriptionId,
    GLOBAL_RESOURCE_GROUP: edge.resourceGroup,
    API_HOST: edge.apiHost,
    /** Front Door names a custom domain after its host. */
    API_DOMAIN: edge.apiHost.replaceAll(".", "-"),
    DASHBOARD_HOST: edge.dashboardHost,
    FRONT_DOOR: edge.frontDoor,
    FRONT_DOOR_ENDPOINT: edge.frontDoorEndpoint,
    RESOURCE_GROUP: here.resourceGroup,
    REGION: here.region,
    VAULT: here.vault,
    CLUSTER: here.cluster,
    NAMESPACE: here.namespace,
    PRIVATE_LINK: here.privateLinkServices.api,
    SERVER: server.server,
    WRITER_HOST: database.writerHost,
    READER_HOST: database.readerHost,
    VIRTUAL_ENDPOINT: database.virtualEndpoint,
    DATABASE: database.database,
    GUARD_ALLOWED_HOSTS: database.writerHost,
    STORAGE_ACCOUNT: account.account,
    STORAGE_RESOURCE_GROUP: account.resourceGroup,
    STORAGE_ACCOUNT_SECONDARY: copy.account,
    STORAGE_RESOURCE_GROUP_SECONDARY: copy.resourceGroup,
    BACKUP_TARGETS: JSON.stringify(targets),
    BACKUP_CONTAINER_HOURLY: containers.hourly,
    BACKUP_CONTAINER_DAILY: containers.daily,
    BACKUP_CONTAINER_WEEKLY: containers.weekly,
    BACKUP_CONTAINER_MONTHLY: containers.monthly,
    BACKUP_CONTAINER_EVIDENCE: containers.evidence,
    BACKUP_CONTAINER_INCIDENTS: containers.incidents,
    RTO_TARGET: `${objectives.rtoMinutes}m`,
    RPO_TARGET: `${objectives.rpoMinutes}m`,
    ...(other && {
      RESOURCE_GROUP_SECONDARY: other.resourceGroup,
      REGION_SECONDARY: other.region,
      VAULT_SECONDARY: other.vault,
      CLUSTER_SECONDARY: other.cluster,
      PRIVATE_LINK_SECONDARY: other.privateLinkServices.api,
    }),
    ...(replica && { REPLICA: replica.server }),
  };
}

/** `export NAME='value'` lines a POSIX shell can evaluate. */
function exportLines(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join("");
}

/** Outputs of the stack resource in a plan or an exported state. */
function fromDocument(document: unknown): unknown {
  const exported = document as { deployment?: { resources?: unknown }; resources?: unknown };
  const resources = exported.deployment?.resources ?? exported.resources;
  if (!Array.isArray(resources)) return document;
  const stack = (resources as { type?: string; outputs?: unknown }[]).find(({ type }) => type === STACK_TYPE);
  return stack?.outputs;
}

function read(stack: string, file: string | undefined): unknown {
  if (file !== undefined) return fromDocument(JSON.parse(fs.readFileSync(file, "utf8")));
  const stacks = readStacks(projectRoot(__dirname));
  const config = stacks[stack];
  if (!config)
    throw new UsageError(`stack "${stack}" has no file; allowed: ${Object.keys(stacks).join(", ")}`);
  return outputNames(config);
}

/** What sets the names in a shell. A look-up that fails sets none, and none that is missing is taken for an empty one. */
export const setNames = (stack: string): string =>
  `set -o nounset; NAMES=$(npm run -s outputs -- ${stack}) && eval "$NAMES"`;

function print(stack: string, { from }: { from?: string }): void {
  const parsed = outputsSchema.safeParse(read(stack, from));
  if (!parsed.success) {
    const missing = parsed.error.issues.map((issue) => issue.path.join(".")).join(", ");
    throw new FailedError(`outputs of ${stack} lack ${missing}`);
  }
  process.stdout.write(exportLines(variables(parsed.data)));
}

export async function main(): Promise<void> {
  await runCommand(
    createCommand("outputs", `Prints a stack's names as shell variables: ${setNames("prod")}`, {
      0: "printed",
      1: "the file of --from lacks some",
    })
      .argument("<stack>", "environment, by its stack file; neither state nor cloud is asked")
      .option(
        "--from <file>",
        "read a plan (npm run plan -- <stack> --save file) or an exported state instead",
      )
      .action(print),
  );
}
