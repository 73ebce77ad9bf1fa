import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { BlockBlobClient, ContainerClient } from "@azure/storage-blob";
import { Laptop, type Ran } from "../../apps/rehearsal/laptop";
import type { Customer } from "../../apps/rehearsal/laptop/customer";
import { runScheduled } from "../../apps/rehearsal/laptop/runner";
import { valueIn } from "../../apps/rehearsal/laptop/vaultValue";
import { kindNamed } from "../../packages/emulated-azure/kubernetes/kinds";
import { grant } from "../../packages/emulated-azure/rights/grant";
import { root, run } from "../support/recoveryCli";

/*
 * Production as it is planned, served on this machine with its pods at work, and acted on by the commands an operator types: processes
 * of their own, by the stack's own file, with the rights they were given.
 */
jest.setTimeout(600_000);

/** Lease of somebody else, by its id. */
const OTHER = "0f6c1e52-6f0a-4a55-9a1d-2f6b8f7f3a10";

let laptop: Laptop;
let customer: Customer;

beforeAll(async () => {
  laptop = await Laptop.open("prod");
  customer = laptop.customer();
  await customer.places(5);
});
afterAll(() => laptop?.close());

const operations = (args: string[], incident: string, more: Parameters<Laptop["operations"]>[1] = {}) =>
  laptop.operations([...args, "--yes", "--incident", incident], more);
const well = (ran: Ran) =>
  expect({ code: ran.code, said: ran.code === 0 ? "" : ran.said }).toEqual({ code: 0, said: "" });
const failover = (to: string, incident: string) => operations(["failover", "prod", "--to", to], incident);

test("the readiness check of the cluster runs as its own identity, does what it must, and may do no more", async () => {
  const { served, platform } = laptop;
  const { cloud, real } = served;
  // Step 9 of docs/deploying.md: an owner gives the region's identity the one role; the plan gave it all else.
  const identity = cloud.directory
    .all()
    .find(({ displayName }) => displayName === "id-forma3d-prod-weu-preflight")!;
  const who = cloud.directory.add({ ...identity, secret: randomBytes(24).toString("base64url") });
  const held = [...cloud.cloud.all()].find(({ inputs }) => inputs["roleName"] === "Forma3D preflight prod")!;
  grant(cloud.cloud, {
    principal: who,
    role: held.inputs["roleDefinitionId"] as string,
    scope: `/subscriptions/${platform.subscriptionId}`,
  });
  // The very arguments, variables and file its CronJob has; the pod's secret is what the region's vault holds.
  const objects = real!.clusters.api("aks-forma3d-prod-weu")!.objects;
  const named = (kind: string, apiVersion: string, name: RegExp): any =>
    objects.list(kindNamed(apiVersion, kind)!).find(({ metadata }) => name.test(metadata.name))!;
  const [container] = named("CronJob", "batch/v1", /^readiness$/).spec.jobTemplate.spec.template.spec
    .containers;
  const folder = path.join(laptop.folder, "image");
  execFileSync(process.execPath, ["apps/operations/build.mjs", folder], { cwd: root });
  const file = named("ConfigMap", "v1", /^preflight-/).data as Record<string, string>;
  for (const [name, text] of Object.entries(file)) fs.writeFileSync(path.join(folder, name), text);
  const args = (container.args as string[]).map((one) =>
    one === "/tmp/readiness" ? path.join(folder, "journal") : one,
  );
  const { KUBECONFIG: _none, ...settings } = laptop.environment("owner", "westeurope");
  const ran = await run([path.join(folder, "operations.js"), ...args], {
    ...settings,
    PATH: "/nonexistent",
    HOME: folder,
    STACK_FOLDER: folder,
    DATABASE_URL: valueIn(served, platform.regions[0]!.vault, "database-monitoring-url"),
    AZURE_CLIENT_ID: who.appId,
    AZURE_CLIENT_SECRET: who.secret,
  });
  const { checks } = JSON.parse(ran.stdout) as { checks: { id: string; status: string; text: string }[] };
  const open = checks.filter(({ status }) => status !== "PASS");
  // What a laptop has not: registries with the example digests, public certificates, and backups yet. Nothing was refused for want
  // of a right.
  const lacking = ["images", "certificates", "backups"];
  expect(checks.filter(({ text }) => /authoriz|does not have|forbidden/i.test(text))).toEqual([]);
  expect(open.filter(({ id }) => !lacking.includes(id))).toEqual([]);
  expect(checks.map(({ id }) => id)).toEqual(
    expect.arrayContaining(["standby", "replication", "fences", "vaults"]),
  );
  // It is on record in both accounts, where exporter and drill look for it.
  for (const name of real!.storage.names.filter((one) => one.includes("bkp"))) {
    const container = new ContainerClient(real!.storage.get(name)!.addressOf("/evidence"));
    const kept: string[] = [];
    for await (const blob of container.listBlobsFlat({ prefix: "readiness/" })) kept.push(blob.name);
    expect([name, kept]).toEqual([name, [expect.stringMatching(/^readiness\/prod\/\d{17}\.json$/)]]);
  }
  // And no more: no value of a secret, no pod, no server, no blob taken away.
  const may = (action: string, scope: string, data: boolean) =>
    cloud.rights.may(who, { action, scope, data });
  const [west] = platform.regions;
  const group = `/subscriptions/${platform.subscriptionId}/resourceGroups/${west!.resourceGroup}/providers`;
  const cluster = `${group}/Microsoft.ContainerService/managedClusters/${west!.cluster}`;
  const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
  const account = `${group}/Microsoft.Storage/storageAccounts/${platform.backupAccounts[0]!.url.slice(8).split(".")[0]}`;
  const evidence = `${account}/blobServices/default/containers/evidence`;
  const daily = `${account}/blobServices/default/containers/backups-daily`;
  const asked = (action: string, scope: string, data = true): [string, boolean] => [
    action,
    may(action, scope, data),
  ];
  expect(
    [
      asked(`${blobs}/read`, daily),
      asked(`${blobs}/write`, evidence),
      asked(`${blobs}/write`, daily),
      asked(`${blobs}/delete`, evidence),
      asked(
        "Microsoft.KeyVault/vaults/secrets/getSecret/action",
        `${group}/Microsoft.KeyVault/vaults/${west!.vault}`,
      ),
      asked("Microsoft.ContainerService/managedClusters/apps/deployments/write", cluster),
      asked(
        "Microsoft.DBforPostgreSQL/flexibleServers/write",
        `${group}/Microsoft.DBforPostgreSQL/flexibleServers/${west!.server}`,
        false,
      ),
    ].map(([, yes]) => yes),
  ).toEqual([true, true, false, false, false, false, false]);
  const sql = await laptop.sql<{ may: boolean }>(
    "SELECT has_table_privilege('monitoring', 'orders', 'SELECT') AS may FROM pg_tables WHERE tablename = 'orders' LIMIT 1",
  );
  expect(sql.filter(({ may: reads }) => reads)).toEqual([]);
});

test("a backup job reaches both accounts by the endpoints of its own region, and neither without them", async () => {
  const { cloud } = laptop.served.cloud;
  const [west] = laptop.platform.regions;
  const made = await runScheduled(laptop, west!, "recovery-hourly");
  well(made);
  const [{ targets }] = JSON.parse(made.printed) as [{ targets: object[] }];
  expect(targets).toHaveLength(2);
  const endpoints = [...cloud.all()].filter(({ id }) => /\/pe-(primary|secondary)-backups-weu$/.test(id));
  expect(endpoints).toHaveLength(2);
  for (const { key } of endpoints) cloud.remove(key);
  const cut = await runScheduled(laptop, west!, "recovery-hourly");
  for (const endpoint of endpoints) cloud.put(endpoint);
  expect([cut.code, cut.said]).toEqual([1, expect.stringMatching(/container "\S+" at \S+: socket hang up/)]);
  well(await runScheduled(laptop, west!, "recovery-hourly"));
});

test("a region is lost while a customer orders: one command, and the other serves; back again without losing an order", async () => {
  await laptop.lose("westeurope");
  const lost = await failover("northeurope", "INC-lost");
  well(lost);
  expect(lost.document).toMatchObject({ mode: "forced", measured: { rtoMet: true, rpoMet: true } });
  await customer.places(5);
  const missing = await laptop.missing(customer);
  // Nothing from before the loss that was printed.
  const { decidedAt, measured } = lost.document as any;
  const told = Date.parse(decidedAt) - (measured.rpoSeconds + 1) * 1000;
  expect(missing.filter((id) => customer.confirmed.get(id)! < told)).toEqual([]);
  // Nobody has committed who serves: the pipeline refuses, in one line.
  const pipeline = { principal: "deploy" };
  const gate = await laptop.command("apps/gates/cli.ts", ["serving", "prod"], pipeline);
  expect(gate.code).toBe(1);
  expect(gate.printed).toMatch(
    /FOUND forma3d:regions.secondary.role is standby, and psql-forma3d-prod-neu is the primary: commit who serves, or fail over\n/,
  );
  await laptop.bringBack("westeurope");
  await customer.places(5);
  const back = await failover("westeurope", "INC-back");
  well(back);
  expect(back.document).toMatchObject({ mode: "planned", measured: { rpoSeconds: 0 } });
  await customer.places(5);
  expect(await laptop.missing(customer)).toEqual(missing);
  const home = await laptop.command("apps/gates/cli.ts", ["serving", "prod"], pipeline);
  expect(home.printed).toMatch(/serving of prod: clean/);
  // From where the pipeline's runner is, and not through the operator's pod, no account of the lease answers.
  const direct = await laptop.command("apps/gates/cli.ts", ["serving", "prod"], {
    ...pipeline,
    environment: { HTTPS_PROXY: laptop.served.listening.proxy },
  });
  expect([direct.code, direct.printed]).toEqual([
    1,
    expect.stringMatching(/^FOUND the lease of the operations cannot be asked: 0 of 3 accounts answer/m),
  ]);
});

test("behind reach every verb is typed as it is: by the pod alone it comes to database, vaults and accounts", async () => {
  const folder = path.join(laptop.folder, "reach");
  fs.mkdirSync(folder);
  const asked = path.join(folder, "asked");
  // Stands in for the cluster and its pod: what is to run there goes by the cloud's own names, which it alone is told of.
  fs.writeFileSync(
    path.join(folder, "kubectl"),
    `#!${process.execPath}
const fs = require("node:fs"), http = require("node:http");
const args = process.argv.slice(2), at = args.indexOf("--");
if (at < 0) process.exit(0);
const [program, , , host, port] = args.slice(at + 1);
if (program === "sh") { process.stdout.write(process.env.OF_THE_POD); process.exit(0); }
fs.appendFileSync(${JSON.stringify(asked)}, host + ":" + port + "\\n");
const by = new URL(process.env.OF_THE_POD_PROXY);
http.request({ host: by.hostname, port: by.port, method: "CONNECT", path: host + ":" + port }).on("connect", (_, socket, head) => {
  if (head.length > 0) socket.unshift(head);
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
  socket.on("close", () => process.exit(0));
}).end();
`,
    { mode: 0o755 },
  );
  const { DATABASE_URL = "", HTTPS_PROXY: OF_THE_POD_PROXY = "" } = laptop.environment();
  const typed = async (...verb: string[]) => {
    const command = [process.execPath, path.join(root, "packages/command/run.mjs"), "apps/operations/cli.ts"];
    const journal = ["--json", "--journal", path.join(folder, "journal")];
    const ran = await laptop.command(
      "apps/operations/cli.ts",
      ["reach", "prod", "--", ...command, ...verb, ...journal],
      {
        principal: "operators",
        environment: {
          PATH: `${folder}:${process.env["PATH"] ?? ""}`,
          OF_THE_POD: DATABASE_URL,
          OF_THE_POD_PROXY,
          // Who types is at a listed address, which the clusters answer and the accounts do not.
          HTTPS_PROXY: laptop.served.listening.proxy,
          ...{ DATABASE_URL: "", DATABASE_HOSTS_FILE: "" },
        },
      },
    );
    expect([verb, ran.code, ran.code === 0 ? "" : ran.said]).toEqual([verb, 0, ""]);
    return ran.document;
  };
  expect(await typed("failover", "prod", "--to", "northeurope", "--dry-run")).toMatchObject({ dryRun: true });
  await typed("maintenance", "prod", "on", "--yes", "--incident", "INC-reach");
  await typed("maintenance", "prod", "off", "--yes", "--incident", "INC-reach");
  const hosts = new Set(fs.readFileSync(asked, "utf8").trim().split("\n"));
  expect([...hosts].sort()).toEqual(
    expect.arrayContaining([
      "forma3d-prod-db.writer.postgres.database.azure.com:5432",
      ...laptop.platform.servingPlaces.map(({ url }) => `${new URL(url).hostname}:443`),
    ]),
  );
});

test("a restored server is adopted, by a command that was killed in the middle and typed again", async () => {
  const { databases, storage } = laptop.served.real!;
  await databases.settled();
  const [{ now }] = (await laptop.sql<{ now: Date }>("SELECT clock_timestamp() AS now")) as [{ now: Date }];
  await customer.places(3);
  // Another operator, on the real blob servers: neither a verb nor an update begins, by the rights the plan gives each.
  const others = laptop.platform.servingPlaces.slice(0, 2).map(({ url }) => {
    const account = storage.get(new URL(url).hostname.split(".")[0]!)!;
    return new BlockBlobClient(account.addressOf("/serving/leases/operations-prod"));
  });
  for (const blob of others) {
    await blob.upload("", 0, { conditions: { ifNoneMatch: "*" } }).catch(() => undefined);
    await blob.getBlobLeaseClient(OTHER).acquireLease(-1);
  }
  const kept = await operations(["maintenance", "prod", "on"], "INC-other");
  expect({ code: kept.code, said: kept.said }).toEqual({
    code: 4,
    said: expect.stringMatching(/another operator holds serving\/leases\/operations-prod; nothing was done/),
  });
  const gate = (principal = "deploy") =>
    laptop.command("apps/gates/cli.ts", ["serving", "prod"], { principal });
  const leased = await gate();
  expect(leased.printed).toMatch(/^FOUND an operation holds the lease: wait until it has ended$/m);
  // Who has no right to ask learns that, and does not take it for a free one.
  expect((await gate("preview")).printed).toMatch(
    /^FOUND the lease of the operations cannot be asked: 0 of 3 accounts answer, .*no right to it/m,
  );
  for (const blob of others) await blob.getBlobLeaseClient(OTHER).releaseLease();
  const args = ["pitr", "prod", "--at", now.toISOString(), "--adopt"];
  const killed = await operations(args, "INC-adopt", { killAt: /\d+\/\d+ fence: (?!is so)/ });
  expect(killed.code).toBeUndefined();
  const again = await operations(args, "INC-adopt");
  well(again);
  const { steps, measured, commit } = again.document as any;
  expect(steps.map(({ id }: { id: string }) => id)).toEqual([
    ...[
      "restore",
      "endpoint",
      "sign-in",
      "check",
      "parameters",
      "unlock",
      "fence",
      "logins",
      "point",
      "edge",
    ],
    ...["lock", "replica", "backup"],
  ]);
  expect(steps.find(({ id }: { id: string }) => id === "restore").how).toBe("found");
  expect(measured.rtoSeconds).toBeLessThan(laptop.platform.targets.rtoSeconds);
  expect(commit[1]).toMatch(
    /record prod 'database\.generation=2' 'database\.geoBackupOf=primary' 'database\.restoredAt=20/,
  );
  await customer.places(5);
  const endpoint = databases.virtualEndpoint("forma3d-prod-db");
  expect([endpoint.primary.name, endpoint.replica?.name]).toEqual([
    "psql-forma3d-prod-weu-g2",
    "psql-forma3d-prod-neu-g2",
  ]);
  // The old one is kept, and no workload of any region may log in to it.
  const left = await laptop
    .database()
    .query<{ role: string }>(
      "psql-forma3d-prod-weu.postgres.database.azure.com",
      "SELECT rolname AS role FROM pg_roles WHERE rolcanlogin AND rolname ~ '_(weu|neu)$'",
    );
  expect(left).toEqual([]);
  expect((await gate()).printed).toMatch(
    /^FOUND clients are led to psql-forma3d-prod-weu-g2, which the stack file does not name: commit database.generation$/m,
  );
  // Until the stack file names it, a failover would look at the wrong pair.
  const refusedOne = await failover("northeurope", "INC-wrong");
  expect(refusedOne.code).toBe(2);
  expect(refusedOne.said).toMatch(
    /leads to neither psql-forma3d-prod-weu nor psql-forma3d-prod-neu.*database.generation/,
  );
});
