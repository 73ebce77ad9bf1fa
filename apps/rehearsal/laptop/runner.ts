import { randomBytes } from "node:crypto";
import os from "node:os";
import path from "node:path";
import { kindNamed, type Kind } from "../../../packages/emulated-azure/kubernetes/kinds";
import { clientProgram, PRODUCTION_MAJOR } from "../../../packages/local-servers/postgresPrograms";
import { REGIONS } from "../../../infra/regions";
import type { RegionFacts } from "../../operations/platform";
import type { Container } from "./driver";
import { valueIn } from "./vaultValue";
import type { Laptop, Ran } from ".";

const CRON_JOB = kindNamed("batch/v1", "CronJob") as Kind;

/** What a scheduled job of a region's cluster runs. @throws Error when there is no such job */
function containerOf({ served }: Laptop, { cluster }: RegionFacts, job: string): Container {
  const found = served.real?.clusters
    .api(cluster)
    ?.objects.list(CRON_JOB)
    .find(({ metadata }) => metadata.name === job);
  const spec = found?.spec as
    { jobTemplate: { spec: { template: { spec: { containers: Container[] } } } } } | undefined;
  const [container] = spec?.jobTemplate.spec.template.spec.containers ?? [];
  if (!container) throw new Error(`${cluster} has no job ${job}`);
  return container;
}

/**
 * Runs a scheduled job of the recovery runner on this machine as its pod would: with its own arguments and variables, as the identity
 * the plan gives it; what it reads from the vault is the vault's. Names of Azure lead to what is served.
 * @param typed arguments in place of its own
 */
export function runScheduled(
  laptop: Laptop,
  region: RegionFacts,
  job: string,
  typed?: readonly string[],
): Promise<Ran> {
  const { served, platform } = laptop;
  const { directory } = served.cloud;
  const { name, args = [], env = [] } = containerOf(laptop, region, job);
  const displayName = `id-forma3d-${platform.stack}-${REGIONS[region.location as keyof typeof REGIONS].code}-${name}`;
  const identity = directory.all().find((one) => one.displayName === displayName);
  if (!identity) throw new Error(`nobody is called ${displayName}`);
  const who = identity.secret
    ? identity
    : directory.add({ ...identity, secret: randomBytes(24).toString("base64url") });
  const given = Object.fromEntries(
    env.flatMap(({ name: variable, value }) =>
      value === undefined || variable.endsWith("_FILE") ? [] : [[variable, value]],
    ),
  );
  const database = databaseUrl(laptop, region);
  return laptop.command("apps/recovery/cli.ts", typed ?? args, {
    region: region.location,
    environment: {
      ...given,
      // The programs of its image.
      PATH: `${path.dirname(clientProgram("pg_dump", PRODUCTION_MAJOR))}:${process.env["PATH"] ?? ""}`,
      ...(database && { DATABASE_URL: database }),
      // Not the laptop's own folder: a throwaway server may be somebody else's, who is not let in there.
      SCRATCH_DIR: os.tmpdir(),
      AZURE_CLIENT_ID: who.appId ?? "",
      AZURE_CLIENT_SECRET: who.secret ?? "",
    },
  });
}

/** The backup login's connection, by the name clients use: it leads to whoever writes. */
function databaseUrl({ served, platform }: Laptop, { vault }: RegionFacts): string {
  const url = new URL(valueIn(served, vault, "database-backup-url") ?? "postgresql://nobody@127.0.0.1/none");
  url.port = String(served.real?.databases.portOf(platform.writerHost, Number(url.port || 5432)) ?? 1);
  url.hostname = "127.0.0.1";
  return url.toString();
}
