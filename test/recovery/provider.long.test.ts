import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { Client } from "pg";
import { loadDataset } from "../../apps/recovery/drill/dataset";
import { withClient } from "../../apps/recovery/postgres/connect";
import { parseServerUrl } from "../../apps/recovery/postgres/connection";
import { readRunbooks } from "../../apps/tools/docs/runbook";
import { startFlexibleServer, type FlexibleServer } from "../../packages/local-servers/flexibleServer";
import { startS3, type LocalS3 } from "../../packages/local-servers/s3";
import { cleanEnvironment, recovery, root } from "../support/recoveryCli";
import { startPlatformLab, type PlatformLab } from "../support/recoveryLab";
import { azureTarget, keyPair, s3Target, temporaryFiles } from "../support/targets";

// Servers of two providers and a restore: on a busy machine one of ten seconds takes minutes.
jest.setTimeout(600_000);

const files = temporaryFiles();
let azure: PlatformLab;
let s3: LocalS3;
let fresh: FlexibleServer;
beforeAll(async () => {
  // What is left elsewhere has an administrator who is no superuser, and none of the platform's roles.
  [azure, s3, fresh] = await Promise.all([startPlatformLab(), startS3(), startFlexibleServer()]);
});
afterAll(async () => {
  await Promise.all([azure?.stop(), s3?.stop(), fresh?.stop()]);
  files.remove();
});

const PAGE = fs.readFileSync(path.join(root, "docs/runbooks/provider-loss.md"), "utf8");

/** The page's blocks to type, in its order, up to the exercise; those for a pod of the lost cluster left out. */
function blocks(): string[] {
  const [steps = ""] = PAGE.split("\n## Rehearse");
  const all = [...steps.matchAll(/^```bash\n([^]*?)^```$/gm)].map(([, block = ""]) => block);
  return all.filter((block) => !block.startsWith("kubectl "));
}

/** Variables the page says are set by hand, other than those its names bring. */
const byHand = () => [...PAGE.matchAll(/`export ([A-Z_]+)=…`/g)].map(([, name = ""]) => name);

/** One shell in which lines are typed one after another; a failing one ends it. */
async function typed(lines: string[], env: Record<string, string>) {
  const child = spawn("bash", ["-e"], { cwd: root, env: cleanEnvironment(env) });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  child.stdin.end(lines.join("\n") + "\n");
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

/** Hours the page promises. */
function objective(kind: "RTO" | "RPO"): number {
  const [, number, unit = ""] = new RegExp(`\\*\\*${kind}\\*\\* (\\d+) (hour|minute)s?`).exec(PAGE) ?? [];
  return Number(number) * (unit === "hour" ? 3_600 : 60);
}

test("the provider is gone: what the page prints, typed, brings the orders back elsewhere within its objectives", async () => {
  const { server } = azure;
  await withClient(parseServerUrl(server.url("migration")), (client) => loadDataset(client, 3_000));
  await azure.sql(
    "forma3d",
    "create table public.written (at timestamptz primary key default clock_timestamp())",
  );
  const order = (url: string) =>
    withClient(parseServerUrl(url), (client: Client) =>
      client.query("insert into public.written default values"),
    );
  await order(server.url("api"));

  // Every hour, as in production: to both accounts and the bucket, sealed for the cluster and for the key on paper.
  const cluster = keyPair(files);
  const paper = keyPair(files);
  const bucket = (await s3Target("elsewhere", s3, files, { objectLock: "compliance" })) as {
    containers: Record<string, string>;
  };
  // One bucket holds all tiers.
  const containers = Object.fromEntries(
    Object.keys(bucket.containers).map((tier) => [tier, bucket.containers.hourly]),
  );
  const elsewhere = { ...bucket, containers };
  const accounts = [
    await azureTarget("westeurope", azure.azurite),
    await azureTarget("northeurope", azure.azurite),
  ];
  const backup = await recovery(["backup", "--tier", "hourly"], {
    ENVIRONMENT: "prod",
    DATABASE_URL: server.url("backup"),
    BACKUP_TARGETS: JSON.stringify([...accounts, elsewhere]),
    BACKUP_RECIPIENTS: `${cluster.recipient},${paper.recipient}`,
  });
  expect(backup).toMatchObject({ code: 0 });
  // Confirmed after the backup: what a loss of the provider loses.
  await order(server.url("api"));

  const [{ at: lostAt } = { at: new Date(0) }] = await server.sql<{ at: Date }>(
    server.administrator,
    "select clock_timestamp() as at",
  );
  await azure.stop();
  const began = Date.now();

  expect(byHand()).toEqual(["FRESH_DATABASE"]);
  const [names = "", ...commands] = blocks();
  expect(commands.length).toBeGreaterThan(0);
  const said = (name: string, value: string) => {
    // The page names every variable that is set here.
    expect(PAGE).toContain(name);
    return `export ${name}='${value}'`;
  };
  const run = await typed(
    [
      names,
      said("FRESH_DATABASE", "forma3d"),
      said("DATABASE_URL", fresh.url(fresh.administrator, "postgres")),
      said("BACKUP_TARGETS", JSON.stringify([elsewhere])),
      said("BACKUP_IDENTITY_FILE", paper.identityFile),
      ...commands,
    ],
    {},
  );
  expect({ code: run.code, stderr: run.code === 0 ? "" : run.stderr }).toEqual({ code: 0, stderr: "" });
  const step = readRunbooks(root)
    .find(({ id }) => id === "provider-loss")
    ?.steps.find(({ command }) => command !== undefined);
  expect(run.stdout + run.stderr).toContain(step?.prints ?? "nothing");

  // The last step: logins with new passwords, members of the roles that came back.
  for (const role of ["api", "migration", "backup"])
    await fresh.sql(
      fresh.administrator,
      `create role ${role}_new login password 'made-up-${role}' in role ${role}`,
      "postgres",
    );
  const url = (role: string) => {
    const made = new URL(fresh.url(fresh.administrator, "forma3d"));
    [made.username, made.password] = [`${role}_new`, `made-up-${role}`];
    return made.toString();
  };
  await order(url("api"));
  // Orders are accepted again: that is the end of the outage.
  const rtoSeconds = (Date.now() - began) / 1000;
  const back = await withClient(parseServerUrl(url("api")), async (client: Client) => {
    const { rows } = await client.query<{ at: Date; orders: number }>(
      "select min(at) as at, (select count(*)::int from public.orders) as orders from public.written",
    );
    return rows[0];
  });
  expect(back?.orders).toBe(3_000);
  const rpoSeconds = (lostAt.getTime() - (back?.at.getTime() ?? 0)) / 1000;
  process.stderr.write(
    `provider loss, typed: RTO ${rtoSeconds.toFixed(1)} s, RPO ${rpoSeconds.toFixed(1)} s\n`,
  );
  expect(rtoSeconds).toBeLessThan(objective("RTO"));
  expect(rpoSeconds).toBeGreaterThan(0);
  expect(rpoSeconds).toBeLessThan(objective("RPO"));
  // And it can be backed up again: whoever has the right reads everything.
  const again = await recovery(["backup", "--tier", "hourly"], {
    ENVIRONMENT: "prod",
    DATABASE_URL: url("backup"),
    BACKUP_TARGETS: JSON.stringify([elsewhere]),
    BACKUP_RECIPIENTS: paper.recipient,
  });
  expect({ code: again.code, stderr: again.code === 0 ? "" : again.stderr }).toEqual({ code: 0, stderr: "" });
  await withClient(parseServerUrl(url("migration")), (client: Client) =>
    client.query("set role migration; alter table public.written add note text"),
  );
});
