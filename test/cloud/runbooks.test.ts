import { execFile, execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { outputsSchema, variables } from "../../apps/operations/outputs";
import { serveCloud, Served } from "../../apps/rehearsal/serve";
import { readRunbooks, runsOnEmulatedAzure } from "../../apps/tools/docs/runbook";
import { loadCloud } from "../../packages/emulated-azure/store/file";
import { planStack } from "../support/plan";
import { request, signIn } from "./client";

const ROOT = path.join(__dirname, "../..");
/** The real program, where there is one; its requests are made by hand where there is none. */
const AZ = (process.env.PATH ?? "")
  .split(path.delimiter)
  .map((folder) => path.join(folder, "az"))
  .find((file) => fs.existsSync(file));
const STEPS = readRunbooks(ROOT).flatMap(({ id, steps }) =>
  steps.flatMap(({ title, command = "" }): [string, string, string][] =>
    runsOnEmulatedAzure(command) ? [[id, title, command]] : [],
  ),
);

let served: Served;
let token: string;
let env: Record<string, string>;
let folder: string;

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "runbooks-az-"));
  const { outputs } = await planStack("prod", { resolve: true });
  // A planned stack is brought up as a reader would, and its cloud kept.
  const child = spawn(
    process.execPath,
    [
      "packages/command/run.mjs",
      "apps/rehearsal/emulator.ts",
      "serve",
      folder,
      "--stack",
      "prod",
      "--model-only",
    ],
    { cwd: ROOT },
  );
  let text = "";
  child.stderr.on("data", (part: Buffer) => (text += part.toString()));
  await new Promise<void>((resolve, reject) => {
    child.once("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`serve ended with ${code}: ${text}`)),
    );
    child.stdout.on(
      "data",
      (part: Buffer) => part.toString().includes("Ctrl-C ends it") && child.kill("SIGINT"),
    );
  });
  served = await serveCloud(loadCloud(folder));
  token = await signIn(served.cloud, served.listening, served.principals["operator"]!);
  env = {
    ...variables(outputsSchema.parse(outputs)),
    RESTORE_TIME: "2026-11-01T00:00:00Z",
    STORAGE_GIB: "1024",
  };
  // What an operator puts into the vault after the first deployment (npm run secret).
  const secret = `/subscriptions/${env["SUBSCRIPTION"]}/resourceGroups/${env["RESOURCE_GROUP"]}/providers/Microsoft.KeyVault/vaults/${env["VAULT"]}/secrets/shopify-api-secret?api-version=2024-11-01`;
  const { status } = await request(served.listening, "PUT", secret, {
    token,
    body: JSON.stringify({
      properties: { value: "made up", attributes: { enabled: true, exp: 1_900_000_000 } },
    }),
  });
  expect(status).toBe(201);
  if (AZ) {
    const { appId = "", secret = "" } = served.principals["operator"]!;
    const words = [
      "login",
      "--service-principal",
      "--username",
      appId,
      "--password",
      secret,
      "--tenant",
      served.cloud.directory.tenantId,
    ];
    // The cloud answers from this very process, so nothing may block it.
    await promisify(execFile)(AZ, words, { env: { ...process.env, ...served.environment } });
  }
}, 120_000);

afterAll(async () => {
  await served?.stop();
  if (folder) fs.rmSync(folder, { recursive: true });
});

/** Words of a command as a shell hands them to the program. */
function words(command: string): string[] {
  const network = `az(){ if [ "$1 $2" = "network vnet" ]; then echo "/subscriptions/$SUBSCRIPTION/resourceGroups/$RESOURCE_GROUP/providers/Microsoft.Network/virtualNetworks/$VNET"; else printf '%s\\0' "$@"; fi; }; ${command}`;
  const vnet = [...served.cloud.cloud.all()].find(
    ({ type, id }) => type.endsWith(":VirtualNetwork") && id.includes(`/${env["RESOURCE_GROUP"]}/`),
  )!;
  return execFileSync("bash", ["--norc", "-uc", network], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, ...env, VNET: vnet.id.slice(vnet.id.lastIndexOf("/") + 1) },
  })
    .split("\0")
    .slice(0, -1);
}

/** The request the Azure CLI 2.91.0 was seen to make for a command: method, path with version, body. */
function requestOf(args: string[]): [string, string, unknown?] {
  const flag = (name: string): string => args[args.indexOf(`--${name}`) + 1] ?? "";
  const at = args.findIndex((word) => word.startsWith("--"));
  const verb = args.slice(0, at < 0 ? args.length : at).join(" ");
  const group = `/subscriptions/${env["SUBSCRIPTION"]}/resourceGroups/${flag("resource-group")}/providers`;
  const subscription = `/subscriptions/${env["SUBSCRIPTION"]}/providers`;
  const server = (name: string, more = ""): string =>
    `${group}/Microsoft.DBforPostgreSQL/flexibleServers/${name}${more}?api-version=2026-04-01-preview`;
  const endpoint = `${group}/Microsoft.Network/privateEndpoints/`;
  const of = (name: string): any =>
    [...served.cloud.cloud.all()].find(({ id }) => id.endsWith(`/flexibleServers/${name}`));
  switch (verb) {
    case "rest":
      return [
        flag("method").toUpperCase(),
        flag("url").replace("https://management.azure.com", ""),
        args.includes("--body") ? JSON.parse(flag("body")) : undefined,
      ];
    case "postgres flexible-server show":
      return ["GET", server(flag("name"))];
    case "postgres flexible-server restart":
      return [
        "POST",
        server(flag("name"), "/restart"),
        args.includes("--failover") ? { restartWithFailover: true, failoverMode: "PlannedFailover" } : {},
      ];
    case "postgres flexible-server update":
      return [
        "PATCH",
        server(flag("name")),
        { properties: { storage: { storageSizeGB: Number(flag("storage-size")) } } },
      ];
    case "postgres flexible-server delete":
      return ["DELETE", server(flag("name"))];
    case "postgres flexible-server replica promote": {
      const sourceServerResourceId =
        of(flag("name")).outputs.sourceServerResourceId ?? of(flag("name")).inputs.sourceServerResourceId;
      const replica = {
        role: "Primary",
        promoteMode: flag("promote-mode"),
        promoteOption: flag("promote-option"),
      };
      return [
        "PATCH",
        server(flag("name")),
        { properties: { replica, ...(sourceServerResourceId && { sourceServerResourceId }) } },
      ];
    }
    case "postgres flexible-server restore": {
      const source = of(flag("source-server"));
      const properties = {
        createMode: "PointInTimeRestore",
        pointInTimeUTC: flag("restore-time"),
        sourceServerResourceId: source.id,
      };
      return [
        "PUT",
        server(flag("name")),
        { location: source.inputs.location, sku: source.outputs.sku, properties },
      ];
    }
    case "postgres flexible-server virtual-endpoint show":
      return ["GET", server(flag("server-name"), `/virtualendpoints/${flag("name")}`)];
    case "network private-endpoint create": {
      const service = {
        name: flag("connection-name"),
        properties: {
          privateLinkServiceId: flag("private-connection-resource-id"),
          groupIds: [flag("group-id")],
        },
      };
      const properties = {
        ipVersionType: "IPv4",
        privateLinkServiceConnections: [service],
        subnet: { id: flag("subnet") },
      };
      return [
        "PUT",
        `${endpoint}${flag("name")}?api-version=2026-01-01`,
        { location: env["REGION"], properties },
      ];
    }
    case "network private-endpoint dns-zone-group create": {
      const zone = `${group}/Microsoft.Network/privateDnsZones/${flag("private-dns-zone")}`;
      const config = { name: flag("zone-name"), properties: { privateDnsZoneId: zone } };
      return [
        "PUT",
        `${endpoint}${flag("endpoint-name")}/privateDnsZoneGroups/${flag("name")}?api-version=2022-01-01`,
        { properties: { privateDnsZoneConfigs: [config] } },
      ];
    }
    case "network private-endpoint delete":
      return ["DELETE", `${endpoint}${flag("name")}?api-version=2026-01-01`];
    case "network private-link-service list":
      return ["GET", `${subscription}/Microsoft.Network/privateLinkServices?api-version=2024-03-01`];
    case "network private-dns link vnet list":
      return [
        "GET",
        `${group}/Microsoft.Network/privateDnsZones/${flag("zone-name")}/virtualNetworkLinks?api-version=2024-06-01`,
      ];
    case "monitor metrics list":
      return [
        "GET",
        `${flag("resource")}/providers/Microsoft.Insights/metrics?api-version=2018-01-01&metricnames=${flag("metrics")}`,
      ];
    case "monitor activity-log list":
      return [
        "GET",
        `${subscription}/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01`,
      ];
    case "role assignment list":
      return ["GET", `${subscription}/Microsoft.Authorization/roleAssignments?api-version=2022-04-01`];
    case "keyvault recover": {
      const vault = [...served.cloud.cloud.all()].find(({ id }) => id.endsWith(`/vaults/${flag("name")}`))!;
      const properties = {
        tenantId: served.cloud.directory.tenantId,
        sku: { family: "A", name: "standard" },
        createMode: "recover",
      };
      return ["PUT", `${vault.id}?api-version=2026-02-01`, { location: flag("location"), properties }];
    }
    default:
      throw new Error(`nobody knows the request of az ${verb}`);
  }
}

/** Runs one step as the operator: how it ended, and what it said. */
async function run(command: string): Promise<{ ok: boolean; said: string }> {
  if (AZ) {
    return new Promise((resolve) => {
      const options = { env: { ...process.env, ...served.environment, ...env }, encoding: "utf8" as const };
      execFile("bash", ["--norc", "-uc", command], options, (error, stdout, stderr) =>
        resolve({ ok: error === null, said: `${stdout}${stderr}` }),
      );
    });
  }
  const [method, at, body] = requestOf(words(command));
  const reply = await request(served.listening, method, at, {
    token,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const poll = reply.headers["azure-asyncoperation"];
  const said = JSON.stringify(reply.body ?? "");
  if (reply.status >= 400 || poll === undefined) return { ok: reply.status < 400, said };
  for (;;) {
    const { pathname, search } = new URL(String(poll));
    const { body: state } = await request(served.listening, "GET", `${pathname}${search}`, { token });
    if (state.status !== "InProgress")
      return { ok: state.status === "Succeeded", said: `${said}${JSON.stringify(state)}` };
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const outputsOf = (name: string): any =>
  [...served.cloud.cloud.all()].find(({ id }) => id.endsWith(name))?.outputs;

/** What a step must have done, by a part of its command. */
const EFFECTS: [RegExp, () => void][] = [
  [
    /replica promote/,
    () => expect(outputsOf(`/flexibleServers/${env["REPLICA"]}`).replicationRole).toBe("Primary"),
  ],
  [
    /replica promote/,
    () => expect(outputsOf(`/flexibleServers/${env["SERVER"]}`).replicationRole).toBe("AsyncReplica"),
  ],
  [
    /flexible-server restore/,
    () => expect(outputsOf(`/flexibleServers/${env["SERVER"]}-pitr`).replicationRole).toBe("Primary"),
  ],
  [
    /flexible-server delete/,
    () => expect(outputsOf(`/flexibleServers/${env["SERVER"]}-pitr`)).toBeUndefined(),
  ],
  [
    /"\$REPLICA" --storage-size/,
    () => expect(outputsOf(`/flexibleServers/${env["REPLICA"]}`).storage.storageSizeGB).toBe(1024),
  ],
  [
    /"\$SERVER" --storage-size/,
    () => expect(outputsOf(`/flexibleServers/${env["SERVER"]}`).storage.storageSizeGB).toBe(1024),
  ],
  [
    /private-endpoint create/,
    () => expect(outputsOf(`/privateEndpoints/${env["SERVER"]}-pitr`)).toBeDefined(),
  ],
  [
    /private-endpoint delete/,
    () => expect(outputsOf(`/privateEndpoints/${env["SERVER"]}-pitr`)).toBeUndefined(),
  ],
  [
    /--method patch/,
    () => expect(outputsOf(`/afdEndpoints/${env["FRONT_DOOR_ENDPOINT"]}`).enabledState).toBe("Disabled"),
  ],
  [/keyvault recover/, () => expect(outputsOf(`/vaults/${env["VAULT"]}`)).toBeDefined()],
];
/** After a promotion the endpoint is asked for under the server that no longer writes. */
const REFUSED: Record<string, string> = { "See that the endpoint followed": "ServerNotActive" };

test("the steps that call Azure's management are all of them, and none changes without a check", () => {
  expect(STEPS.length).toBeGreaterThan(38);
  const changing = STEPS.filter(([, , command]) =>
    / (promote|restore|delete|update|create|failover|recover|restart) |--method (patch|post)/.test(command),
  );
  expect(changing.length).toBeGreaterThan(12);
});

describe.each([...new Set(STEPS.map(([id]) => id))])("%s", (id) => {
  let before: ReturnType<Served["cloud"]["cloud"]["snapshot"]>;
  beforeAll(() => {
    before = served.cloud.cloud.snapshot();
    if (id !== "accidental-deletion") return;
    const vault = [...served.cloud.cloud.all()].find(({ id: own }) =>
      own.endsWith(`/vaults/${env["VAULT"]}`),
    )!;
    served.cloud.cloud.put({ ...vault, softDeleted: true });
  });
  afterAll(() => served.cloud.cloud.restore(before));

  test("every step ends as its page says, as the operator", async () => {
    for (const [, title, command] of STEPS.filter(([own]) => own === id)) {
      const { ok, said } = await run(command);
      const refusal = REFUSED[title];
      if (refusal === undefined) expect([title, ok ? "" : said]).toEqual([title, ""]);
      else expect([title, ok, said.includes(refusal)]).toEqual([title, false, true]);
      for (const [pattern, check] of EFFECTS) if (pattern.test(command)) check();
    }
  }, 300_000);
});

test("somebody else is refused each of them", async () => {
  token = await signIn(served.cloud, served.listening, served.principals["stranger"]!);
  for (const [id, title, command] of STEPS) {
    const [method, at, body] = requestOf(words(command));
    const { status } = await request(served.listening, method, at, {
      token,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    expect([id, title, status]).toEqual([id, title, 403]);
  }
});
