import { spawnSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { PassThrough, Readable } from "node:stream";
import * as k8s from "@kubernetes/client-node";
import { operations as typed } from "../../apps/operations/cli";
import { runVerb } from "../../apps/operations/commandLine";
import { answering } from "../../apps/operations/frame/answering";
import { firstBackup } from "../../apps/operations/failover/firstBackup";
import { notRun, passes } from "../../apps/operations/frame/errors";
import type { Verb } from "../../apps/operations/frame/operate";
import { kubernetes } from "../../apps/operations/ground/cluster";
import { signedIn } from "../../apps/operations/ground/credential";
import { postgres } from "../../apps/operations/ground/database";
import { throughTheEdge } from "../../apps/operations/ground/edge";
import { clustersByAzure } from "../../apps/operations/ground/clusterAccess";
import { clusterSignIn } from "../../apps/operations/ground/signIn";
import type { Ground } from "../../apps/operations/ground/types";
import { keyVaults } from "../../apps/operations/ground/vaults";
import { giveParameters, sameParameters } from "../../apps/operations/pitr/parameters";
import { judgeServing } from "../../apps/gates/serving";
import { lookUp } from "../../apps/operations/status/findings";
import { backups } from "../../apps/operations/status/records";
import { recordsOf } from "../../apps/operations/ground/records";
import { platformOf, type Platform } from "../../apps/operations/platform";
import { CONTAINER_NAMES } from "../../infra/data/places";
import { PEOPLE, ROLES } from "../../apps/operations/rights";
import { answerLines } from "../../apps/rehearsal/typedLines";
import { Api, kubeconfig, serveKubernetes } from "../../packages/emulated-azure/kubernetes";
import { selfSigned } from "../../packages/local-servers/certificate";

const ROOT = path.join(__dirname, "../..");

/** The program in this process. */
async function operations(args: string[], env: Record<string, string> = {}) {
  const before = process.env;
  process.env = { PATH: before.PATH, HOME: "/nonexistent", ...env };
  const printed = { stdout: "", stderr: "" };
  const catching = (["stdout", "stderr"] as const).map((name) =>
    jest.spyOn(process[name], "write").mockImplementation((text) => {
      printed[name] += String(text);
      return true;
    }),
  );
  try {
    await typed(args);
    return { ...printed, status: process.exitCode };
  } finally {
    catching.forEach((spy) => spy.mockRestore());
    process.env = before;
    process.exitCode = 0;
  }
}

/** One that knows no cluster. */
const KUBECONFIG = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "kubeconfig-")), "config");
fs.writeFileSync(KUBECONFIG, "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n");
afterAll(() => fs.rmSync(path.dirname(KUBECONFIG), { recursive: true }));

const LEASES = path.join(path.dirname(KUBECONFIG), "leases");
const url = { DATABASE_URL: "postgresql://chief:x@host/db" };

test.each([
  ["no stack", ["failover"], {}, 2, /missing required argument 'stack'|required option '--to/],
  [
    "a stack without a file",
    ["failover", "mars", "--to", "northeurope"],
    {},
    2,
    /stack "mars" has no file; allowed: .*prod, .*staging/,
  ],
  [
    "a region that is none",
    ["failover", "prod", "--to", "mars"],
    {},
    2,
    /--to mars: no region of prod; allowed: westeurope, northeurope/,
  ],
  [
    "both ways at once",
    ["failover", "prod", "--to", "northeurope", "--planned", "--forced"],
    {},
    2,
    /exclude each other/,
  ],
  [
    "a moment without a zone",
    ["failover", "prod", "--to", "northeurope", "--since", "2026-11-30T03:00"],
    {},
    2,
    /must be a moment with its zone/,
  ],
  [
    "seconds that are none",
    ["failover", "prod", "--to", "northeurope", "--accept-loss", "1h"],
    {},
    2,
    /whole number of seconds/,
  ],
  ["rotate without a name", ["rotate", "prod"], {}, 2, /name the secrets, or --all/],
  ["rotate all and a name", ["rotate", "prod", "session-secret", "--all"], {}, 2, /exclude each other/],
  ["a secret that is none", ["rotate", "prod", "mars"], {}, 2, /"mars" is no secret of the catalogue/],
  ["a switch that is none", ["maintenance", "prod", "half"], {}, 2, /must be "on" or "off"/],
  [
    "a pause that is none",
    ["maintenance", "prod", "on", "--retry-after", "0"],
    {},
    2,
    /whole minutes from 1 to 1440/,
  ],
  [
    "a moment of pitr without a zone",
    ["pitr", "prod", "--at", "2026-11-30T03:00"],
    {},
    2,
    /a moment with its zone/,
  ],
  ["pitr without a moment", ["pitr", "prod"], {}, 2, /give the moment with --at, or --drop/],
  [
    "pitr that drops and restores",
    ["pitr", "prod", "--drop", "--at", "2026-11-30T03:00:00Z"],
    {},
    2,
    /--drop goes alone/,
  ],
  [
    "announce hours that are none",
    ["announce", "prod", "--phase", "identified", "--service", "Database", "--hours", "x"],
    {},
    2,
    /whole hours from 1 to 72/,
  ],
  [
    "loss that is accepted, and nothing is adopted",
    ["pitr", "prod", "--at", "2026-11-30T03:00:00Z", "--accept-loss", "60"],
    {},
    2,
    /--accept-loss is for --adopt/,
  ],
  [
    "everything, and a moment of it",
    ["pitr", "prod", "--adopt", "--everything", "--at", "2026-11-30T03:00:00Z"],
    {},
    2,
    /--everything is for --adopt, and takes the place of --at/,
  ],
  [
    "everything beside the server that serves",
    ["pitr", "prod", "--everything"],
    {},
    2,
    /--everything is for --adopt/,
  ],
  [
    "everything, with a loss",
    ["pitr", "prod", "--adopt", "--everything", "--accept-loss", "60"],
    {},
    2,
    /--accept-loss is for --adopt --at/,
  ],
  [
    "rows back and all of it",
    ["pitr", "prod", "--at", "2026-11-30T03:00:00Z", "--adopt", "--extract", "orders"],
    {},
    2,
    /--adopt and --extract exclude each other/,
  ],
  [
    "announce without what its phase needs",
    ["announce", "prod", "--phase", "identified", "--service", "Database"],
    {},
    2,
    /identified: missing hours: give --hours/,
  ],
  [
    "an address of the database that is none",
    ["failover", "prod", "--to", "northeurope"],
    { DATABASE_URL: "host" },
    2,
    /DATABASE_URL is no address like postgresql:\/\/administrator:password@host\/postgres/,
  ],
  [
    "an address of the database that cannot be read, and is not shown",
    ["failover", "prod", "--to", "northeurope"],
    { DATABASE_URL: "postgresql://us er:not-to-be-shown#@ho st:99999/db" },
    2,
    /^error: DATABASE_URL is no address like [^\n]*\n$/,
  ],
  [
    "a file with the database's address that is none",
    ["failover", "prod", "--to", "northeurope"],
    { DATABASE_URL_FILE: path.dirname(KUBECONFIG) },
    2,
    /DATABASE_URL_FILE \S+ cannot be read: .*EISDIR/,
  ],
  [
    "a file of names that is none",
    ["failover", "prod", "--to", "northeurope"],
    { ...url, DATABASE_HOSTS_FILE: KUBECONFIG },
    2,
    /DATABASE_HOSTS_FILE: "apiVersion: v1[^\n]*" is not name=host:port/,
  ],
  [
    "a resource manager's address that is none",
    ["failover", "prod", "--to", "northeurope"],
    { ...url, AZURE_RESOURCE_MANAGER_URL: "management" },
    2,
    /AZURE_RESOURCE_MANAGER_URL is no address like https:\/\/management\.azure\.com/,
  ],
  [
    "a store of incidents that is none",
    ["failover", "prod", "--to", "northeurope"],
    { ...url, KUBECONFIG, INCIDENT_STORE_URL: "incidents" },
    2,
    /^error: INCIDENT_STORE_URL incidents is no store of incidents of prod; allowed: https:\/\/stforma3dprodbkpweu\.blob\.core\.windows\.net\/incidents, https:\/\/stforma3dprodbkpneu\.blob/,
  ],
  [
    "a store of incidents without its container",
    ["failover", "prod", "--to", "northeurope"],
    { ...url, KUBECONFIG, INCIDENT_STORE_URL: "https://stforma3dprodbkpweu.blob.core.windows.net/" },
    2,
    /INCIDENT_STORE_URL \S+ is no store of incidents of prod/,
  ],
  [
    "another environment's store of incidents, whose signature is not shown",
    ["announce", "prod", "--phase", "monitoring", "--service", "Database"],
    { INCIDENT_STORE_URL: "https://stforma3dstgbkpneu.blob.core.windows.net/incidents?sig=not-to-be-shown" },
    2,
    /INCIDENT_STORE_URL https:\/\/stforma3dstgbkpneu\.blob\.core\.windows\.net\/incidents is no store of incidents of prod/,
  ],
  [
    "a day that there is not",
    ["pitr", "prod", "--at", "2026-02-31T03:00:00Z"],
    {},
    2,
    /there is no day 2026-02-31/,
  ],
  [
    "an alert that is to come",
    ["failover", "prod", "--to", "northeurope", "--since", "2999-01-01T00:00:00Z", "--dry-run"],
    { ...url, KUBECONFIG },
    2,
    /--since 2999-01-01T00:00:00\.000Z: is to come/,
  ],
  [
    "an incident that is no name of a file",
    ["failover", "prod", "--to", "northeurope", "--incident", "../x", "--yes"],
    { ...url, KUBECONFIG },
    2,
    /^error: --incident \.\.\/x: 3-41 letters, digits, dots, hyphens or underscores\n$/,
  ],
  [
    "consent without whoever answers for it, told before anything is asked for",
    ["maintenance", "prod", "on", "--yes"],
    { KUBECONFIG },
    2,
    /^error: --yes needs --incident <id>: who answers for it must be on record\n$/,
  ],
  [
    "a phase that is none",
    ["announce", "prod", "--phase", "Monitoring", "--service", "Database"],
    {},
    2,
    /^error: --phase Monitoring: allowed: investigating, identified, monitoring, resolved\n$/,
  ],
  [
    "a lag of the log that is none",
    ["pitr", "prod", "--at", "2026-11-30T03:00:00Z"],
    { ...url, KUBECONFIG, RESTORE_LAG_SECONDS: "5m" },
    2,
    /^error: RESTORE_LAG_SECONDS: "5m" is no whole number of seconds\n$/,
  ],
  [
    "nobody who is signed in to Azure, in one sentence",
    ["maintenance", "prod", "on", "--journal", LEASES],
    { KUBECONFIG, HTTPS_PROXY: "http://127.0.0.1:9", AZURE_TOKEN_CREDENTIALS: "EnvironmentCredential" },
    3,
    /^error: the lease serving\/leases\/operations-prod cannot be taken in 2 of 3 accounts: westeurope, northeurope, swedencentral: nobody is signed in to Azure: az login, or the settings of a workload identity; `operations reach` opens the way to them, --no-lease goes on without it\n$/,
  ],
  [
    "a folder of journals that is a file",
    ["failover", "prod", "--to", "northeurope", "--journal", KUBECONFIG],
    { ...url, KUBECONFIG },
    2,
    /--journal \S+: nothing can be kept there: it is no folder/,
  ],
  [
    "a place of a name that is none",
    ["failover", "prod", "--to", "northeurope"],
    { ...url, KUBECONFIG: KUBECONFIG, DATABASE_HOSTS: "shop" },
    2,
    /DATABASE_HOSTS: "shop" is not name=host:port/,
  ],
  [
    "a kubeconfig without the cluster",
    ["maintenance", "prod", "on", "--no-lease"],
    { KUBECONFIG: KUBECONFIG },
    3,
    /the kubeconfig has no context aks-forma3d-prod-weu; get it: az aks get-credentials --name aks-forma3d-prod-weu/,
  ],
  ["no way to the clusters", ["maintenance", "prod", "on"], {}, 2, /KUBECONFIG is not set/],
  ["contain without a database", ["contain", "prod"], {}, 2, /DATABASE_URL is not set/],
  ["no way to the database", ["failover", "prod", "--to", "northeurope"], {}, 2, /DATABASE_URL is not set/],
  [
    "a kubeconfig that is not there",
    ["failover", "prod", "--to", "northeurope"],
    { ...url, KUBECONFIG: "/nonexistent" },
    3,
    /KUBECONFIG \/nonexistent cannot be read/,
  ],
] as [string, string[], Record<string, string>, number, RegExp][])(
  "%s",
  async (_name, args, env, status, message) => {
    const result = await operations(args, env);
    expect(result.stderr).toMatch(message);
    expect([result.status, result.stdout]).toEqual([status, ""]);
    expect(result.stderr).not.toContain("not-to-be-shown");
    expect(result.stderr).not.toMatch(/\n\s+at /);
  },
);

test.each([
  ["no JSON", "{", /--values: standard input is not one JSON document/],
  ["no values", "[1]", /--values: expected one JSON object of secret names and values/],
  ["a secret that is none", '{"mars":"not-to-be-shown"}', /--values: no secret mars\n/],
])("rotate --values from standard input: %s", async (_name, input, message) => {
  const own = Object.getOwnPropertyDescriptor(process, "stdin")!;
  Object.defineProperty(process, "stdin", { value: Readable.from([input]), configurable: true });
  try {
    const { stderr, status, stdout } = await operations(["rotate", "prod", "--all", "--values"]);
    expect([status, stdout, stderr]).toEqual([2, "", expect.stringMatching(message)]);
    expect(stderr).not.toContain("not-to-be-shown");
  } finally {
    Object.defineProperty(process, "stdin", own);
  }
});

test("as a program of its own: --json gives one document on failure too", () => {
  const args = [
    "packages/command/run.mjs",
    "apps/operations/cli.ts",
    "failover",
    "prod",
    "--to",
    "northeurope",
    "--json",
  ];
  const { stdout, status } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: "utf8",
    env: { PATH: process.env.PATH },
  });
  expect([status, JSON.parse(stdout)]).toEqual([
    2,
    { error: { exitCode: 2, message: expect.stringMatching(/DATABASE_URL/) } },
  ]);
});

test.each([
  [["failover", "prod"], /^required option '--to <region>' not specified$/],
  [["failover", "prod", "--to", "northeurope", "--frob"], /^unknown option '--frob'$/],
  [["pitr", "prod", "--at", "noon"], /must be a moment with its zone/],
  [["pitr", "prod"], /^give the moment with --at/],
  [["mars"], /^unknown command 'mars'$/],
])("--json gives one document for a command line that is wrong, too: %j", async (args, message) => {
  const { stdout, status } = await operations([...args, "--json"]);
  expect([status, JSON.parse(stdout)]).toEqual([
    2,
    { error: { exitCode: 2, message: expect.stringMatching(message) } },
  ]);
});

test("commands to be typed stand on lines of their own, whole on a narrow terminal", async () => {
  const command = `  npm run -s operations -- record prod ${"'regions.primary.role=standby' ".repeat(4)}`;
  const before = process.env.COLUMNS;
  process.env.COLUMNS = "60";
  const said: string[] = [];
  const spy = jest
    .spyOn(process.stderr, "write")
    .mockImplementation((text) => Boolean(said.push(String(text))));
  try {
    await answering({}, (say) => {
      say(`one line that is longer than the terminal is wide, so that it goes on in the next\nof two`);
      say(command);
      return Promise.resolve({});
    });
  } finally {
    spy.mockRestore();
    process.env.COLUMNS = before;
    if (before === undefined) delete process.env.COLUMNS;
  }
  expect(said.join("")).toMatch(
    /^ +\d\.\d s {2}one line that[^\n]*\n( {10,}[^\n]+\n)+ {10}of two\n {2}npm run/,
  );
  expect(said.at(-1)).toBe(`${command}\n`);
});

test("the question before an update: what cannot be asked is a finding, and hides no contradiction of who serves", async () => {
  const platform = platformOf(ROOT, "prod");
  const down = () => Promise.reject(new Error("region westeurope does not answer"));
  const none = () => Promise.resolve([]);
  const ground = {
    resources: {
      get: (id: string) => {
        if (/virtualendpoints/.test(id)) return down();
        return Promise.resolve({
          properties: { replicationRole: /-neu/.test(id) ? "Primary" : "AsyncReplica" },
        });
      },
    },
    cluster: () => ({ deployments: none, services: none, find: () => Promise.resolve(undefined) }),
  } as unknown as Ground;
  const asked = (leased: () => Promise<boolean>) => judgeServing(platform, ground, leased);
  const { findings } = await asked(() => Promise.reject(new Error("0 of 3 accounts answer")));
  expect(findings).toEqual([
    expect.stringMatching(
      /^forma3d:regions.primary.role is serving, and psql-forma3d-prod-weu follows another/,
    ),
    expect.stringMatching(
      /^forma3d:regions.secondary.role is standby, and psql-forma3d-prod-neu is the primary/,
    ),
    expect.stringMatching(/^the virtual endpoint cannot be asked: .*region westeurope does not answer/),
    "the lease of the operations cannot be asked: 0 of 3 accounts answer",
  ]);
  expect((await asked(() => Promise.resolve(true))).findings).toContain(
    "an operation holds the lease: wait until it has ended",
  );
  expect((await asked(() => Promise.resolve(false))).findings).toHaveLength(3);
});

test.each(PEOPLE.flatMap((role) => ROLES[role].verbs.map((verb) => [verb, role] as const)))(
  "%s: --help tells that whoever types it holds the role %s",
  async (verb, role) => {
    const { stdout } = await operations([verb.split(" ")[0]!, "--help"]);
    expect(stdout.replace(/\s+/g, " ")).toContain(`"Forma3D ${role} <stack>"`);
  },
);

test("--help tells settings and exit codes", async () => {
  const { stdout, status } = await operations(["failover", "--help"]);
  expect([status, stdout]).toEqual([
    0,
    expect.stringMatching(/--accept-loss[\s\S]*KUBECONFIG[\s\S]*another run holds the lease/),
  ]);
});

test("status of a platform nobody can reach says why for every line, on one screen, and fails", async () => {
  const { stdout, stderr, status } = await operations(["status", "staging", "--journal", "/nonexistent"], {
    AZURE_RESOURCE_MANAGER_URL: "https://127.0.0.1:9",
  });
  expect([status, stderr]).toEqual([1, expect.not.stringMatching(/error:/)]);
  const lines = stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^staging: \d+ want attention \(!\), \d+ could not be looked up \(\?\)$/);
  for (const line of lines.slice(1)) expect(line).toMatch(/^( {2}|[!?] )[a-z ]+ {2}\S/);
  expect(stdout).toMatch(/\? serving +unknown: DATABASE_URL is not set/);
  expect(stdout).toMatch(/\? switches +unknown: aks-[\w-]+ does not answer: KUBECONFIG is not set/);
}, 180_000);

test("a session with a cluster that ends between two steps is begun anew; one that cannot be is told in one line", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sign-in-"));
  const files = selfSigned(folder);
  const certificate = fs.readFileSync(files.certificate, "utf8");
  const valid = new Set<string>();
  const front = await serveKubernetes(
    new Api(),
    {
      authenticate: (token) => (valid.has(token) ? { name: "who", groups: [] } : undefined),
      forbids: () => undefined,
    },
    { certificate, key: fs.readFileSync(files.key, "utf8") },
  );
  let [given, signedIn, now] = [0, 0, 0];
  const signIn = clusterSignIn(
    () => {
      signedIn += 1;
      // As @azure/identity does, each keeps what it was given until that is old.
      const token = `token-${++given}`;
      if (given < 4) valid.add(token);
      return { getToken: () => Promise.resolve({ token, expiresOnTimestamp: now + 3_600_000 }) };
    },
    () => now,
  );
  const config = new k8s.KubeConfig();
  // What somebody fetched yesterday.
  config.loadFromString(kubeconfig({ name: "shop", url: front.url, certificate }, "of-yesterday"));
  const cluster = kubernetes(config, k8s, "shop", signIn);
  try {
    expect(await cluster.deployments("shop")).toEqual([]);
    expect(await cluster.cronJobs("shop")).toEqual([]);
    expect(signedIn).toBe(1);
    valid.clear();
    expect(await cluster.deployments("shop")).toEqual([]);
    expect(signedIn).toBe(2);
    now += 3_500_000;
    expect(await cluster.deployments("shop")).toEqual([]);
    expect(signedIn).toBe(2);
    valid.clear();
    expect(await cluster.services("shop")).toEqual([]);
    valid.clear();
    await expect(cluster.deployments("shop")).rejects.toThrow(
      /^the sign-in to shop has ended: sign in to Azure again, and type the same command$/,
    );
  } finally {
    await front.close();
    fs.rmSync(folder, { recursive: true });
  }
});

test("a region that swallows what it is asked, and refuses nothing: each request ends by itself, and says who is silent", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "swallows-"));
  const files = selfSigned(folder);
  const certificate = fs.readFileSync(files.certificate, "utf8");
  // It takes the call and greets, as a load balancer in front of what is gone does, and never says a word of its own.
  const server = https.createServer({ cert: certificate, key: fs.readFileSync(files.key) }, () => undefined);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = `https://localhost:${(server.address() as AddressInfo).port}`;
  const config = new k8s.KubeConfig();
  config.loadFromString(kubeconfig({ name: "shop", url: address, certificate }, "token"));
  const vaults = keyVaults(
    { getToken: () => Promise.resolve({ token: "token", expiresOnTimestamp: Date.now() + 3_600_000 }) },
    {
      tlsOptions: { ca: certificate },
      additionalPolicies: [
        {
          position: "perRetry",
          policy: {
            name: "here",
            sendRequest: (request, next) => {
              request.url = request.url.replace(/^https:\/\/[^/]+/, address);
              return next(request);
            },
          },
        },
      ],
    },
    200,
  );
  try {
    const silent = kubernetes(config, k8s, "shop", undefined, 0.2).deployments("shop");
    const error = await silent.catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      message: expect.stringMatching(/due to timeout/),
    });
    expect(passes(error)).toBe(true);
    await expect(vaults.read("kv", "secret")).rejects.toThrow(/aborted/);
  } finally {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    fs.rmSync(folder, { recursive: true });
  }
});

test("of two places of backups one never answers: status names it, and does not take it for empty", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "here-"));
  for (const container of Object.values(CONTAINER_NAMES)) fs.mkdirSync(path.join(folder, container));
  const calls: net.Socket[] = [];
  const silent = net.createServer((call) => calls.push(call));
  await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
  const { port } = silent.address() as AddressInfo;
  const connectionString = `DefaultEndpointsProtocol=http;AccountName=away;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:${port}/away;`;
  const platform = { environment: "shop", targets: { rpoSeconds: 3600 } } as Platform;
  const records = recordsOf(platform, {
    BACKUP_TARGETS: JSON.stringify([
      { name: "here", kind: "folder", path: folder },
      { name: "away", kind: "azure", connectionString },
    ]),
  });
  try {
    const [found] = await lookUp({ backups: backups(platform, { records } as Ground) });
    expect(found).toEqual({
      id: "backups",
      state: "unknown",
      text: expect.stringMatching(/^unknown: away: container "[^"]*" at 127[^ ]*: no answer within 15 s$/),
    });
  } finally {
    for (const call of calls) call.destroy();
    await new Promise((closed) => silent.close(closed));
    fs.rmSync(folder, { recursive: true });
  }
});

test("a region that begins to swallow right behind its answer: the answer is had, and nobody waits for a goodbye", async () => {
  const message = (type: string, body: Buffer = Buffer.alloc(0)) =>
    Buffer.concat([Buffer.from(type), Buffer.from([0, 0, 0, body.length + 4]), body]);
  const ready = message("Z", Buffer.from("I"));
  // A database server by its protocol; allowHalfOpen: what is swallowed is not even hung up on.
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.once("data", () => {
      socket.write(Buffer.concat([message("R", Buffer.alloc(4)), ready]));
      socket.once("data", () => {
        socket.write(Buffer.concat([message("C", Buffer.from("SELECT 0\0")), ready]));
        socket.removeAllListeners("data").pause();
      });
    });
    sockets.push(socket);
  });
  const sockets: net.Socket[] = [];
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const database = postgres(`postgresql://chief:x@127.0.0.1:${port}/db`);
  try {
    await expect(database.query("127.0.0.1", "SELECT 1")).resolves.toEqual([]);
    await expect(database.login("127.0.0.1", { user: "api", password: "x", database: "db" })).resolves.toBe(
      true,
    );
  } finally {
    sockets.forEach((socket) => socket.destroy());
    await new Promise((closed) => server.close(closed));
  }
});

test("a sign-in that nobody answers ends by itself", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "az-"));
  fs.writeFileSync(path.join(folder, "az"), "#!/bin/sh\nexec sleep 600\n", { mode: 0o755 });
  const before = process.env;
  process.env = { PATH: `${folder}:/usr/bin:/bin` };
  try {
    await expect(signedIn(200).getToken("https://management.azure.com/.default")).rejects.toThrow(
      /authentication failed/,
    );
  } finally {
    process.env = before;
    fs.rmSync(folder, { recursive: true });
  }
});

test("a public name that stops in the middle of its answer is waited for no longer than any other", async () => {
  const server = http.createServer((_request, response) => void response.writeHead(200).write("half of"));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const here = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    for (const leads of [() => here, () => undefined])
      await expect(throughTheEdge(`http://${here}/health`, leads, 200)).rejects.toThrow(/abort/i);
  } finally {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
});

test.each([
  ["mars", {}, "no region has the cluster mars"],
  ["aks-forma3d-prod-weu", { kubeconfigs: [] }, "Azure gives no address of aks-forma3d-prod-weu"],
  [
    "aks-forma3d-prod-weu",
    { kubeconfigs: [{ value: Buffer.from("clusters: []").toString("base64") }] },
    "what Azure gives of aks-forma3d-prod-weu names no cluster",
  ],
])("a cluster by Azure's word, %s, %j: it says what lacks", async (name, answer, message) => {
  const resources = { ask: () => Promise.resolve(answer) } as unknown as Ground["resources"];
  const clusters = clustersByAzure(
    platformOf(ROOT, "prod"),
    resources,
    clusterSignIn(() => ({ getToken: () => Promise.resolve(null) })),
  );
  await expect(clusters(name).deployments("shop")).rejects.toMatchObject({ exitCode: 3, message });
});

test.each([
  ["pitr-adopt", "pitr --adopt", "adopter"],
  ["maintenance-on", "maintenance", "operator"],
])("whoever lacks a right is told the role of the verb that was typed: %s", async (name, typedAs, role) => {
  const stderr = jest.spyOn(process.stderr, "write").mockReturnValue(true);
  const refusal = notRun("kv cannot be read", Object.assign(new Error("Forbidden"), { statusCode: 403 }));
  const verb = { name, exclusive: "prod", plan: () => Promise.reject(refusal) } as unknown as Verb;
  try {
    await runVerb("prod", { lease: false, dryRun: true, journal: LEASES }, [], () => verb);
    expect([process.exitCode, stderr.mock.calls.join("").replace(/\s+/g, " ")]).toEqual([
      3,
      expect.stringMatching(
        `^error: kv cannot be read; the role of ${typedAs} is "Forma3D ${role} prod": activate it, and give it a few minutes`,
      ),
    ]);
  } finally {
    stderr.mockRestore();
    process.exitCode = 0;
  }
});

test("what is typed to a practice is answered until quit, and an input that stays open is read no further", async () => {
  const [input, heard] = [new PassThrough(), [] as string[]];
  input.write("orders\n\n back westeurope \nquit\nlose westeurope\n");
  await answerLines(input, (line) => Promise.resolve(void heard.push(line)));
  expect([heard, input.destroyed]).toEqual([["orders", "back westeurope"], true]);
});

test("the first backup of a server that serves: one for each time it began to, however often it is typed", async () => {
  const jobs = new Map<string, string>();
  let timeline = 2;
  const ground = {
    database: { query: () => Promise.resolve([{ timeline }]) },
    cluster: () => ({
      job: (_: string, name: string) => Promise.resolve(jobs.get(name)),
      runCronJob: (_: string, __: string, name: string) => Promise.resolve(void jobs.set(name, "complete")),
    }),
  } as unknown as Ground;
  const platform = { namespace: "shop", writerHost: "writer" } as Platform;
  const incident = `INC-${"long".repeat(9)}`;
  const typed = async () => {
    const step = firstBackup(platform, ground, { cluster: "aks" }, incident);
    const found = (await step.done()) === true;
    if (!found) await step.run(new AbortController().signal);
    return [found, await step.done()];
  };
  expect([await typed(), await typed()]).toEqual([
    [false, true],
    [true, true],
  ]);
  timeline = 4;
  expect(await typed()).toEqual([false, true]);
  expect([...jobs.keys()].map((name) => name.length <= 63)).toEqual([true, true]);
  // One that fails is named, with how to read why; typed again, another follows it.
  timeline = 5;
  const step = firstBackup(platform, ground, { cluster: "aks" }, incident);
  await step.run(new AbortController().signal);
  const [failing] = [...jobs.keys()].slice(-1);
  jobs.set(failing!, "failed");
  await expect(step.done()).rejects.toMatchObject({
    exitCode: 1,
    message: `job ${failing} failed: kubectl logs --namespace shop job/${failing}`,
  });
  expect(await typed()).toEqual([false, true]);
});

test("the replica of an adopted server gets what was set on that, the pooler too: after a failover pods come by it", async () => {
  const set = new Map<string, Map<string, string>>([
    ["source", new Map(Object.entries({ "pgbouncer.enabled": "true", work_mem: "8192" }))],
    ["replica", new Map(Object.entries({ work_mem: "8192" }))],
  ]);
  const restart = jest.fn(() => Promise.resolve());
  const ground = {
    resources: {
      list: (at: string) =>
        Promise.resolve(
          ["pgbouncer.enabled", "work_mem", "jit"].map((name) => {
            const value = set.get(at.split("/")[0]!)!.get(name);
            const source = value === undefined ? "system-default" : "user-override";
            return { name, properties: { value: value ?? "off", source, isConfigPendingRestart: false } };
          }),
        ),
      put: (id: string, _version: string, { properties }: { properties: { value: string } }) => {
        const [server, , name] = id.split("/") as [string, string, string];
        return Promise.resolve(void set.get(server)!.set(name, properties.value));
      },
    },
    servers: { restart },
  } as unknown as Ground;
  expect(await sameParameters(ground, "source", "replica")).toBe("pgbouncer.enabled differ");
  const to = { id: "replica", resourceGroup: "rg", server: "replica" };
  await giveParameters(ground, "source", to, new AbortController().signal);
  expect(await sameParameters(ground, "source", "replica")).toBe(true);
  expect([set.get("replica")!.has("jit"), restart.mock.calls]).toEqual([false, []]);
});
