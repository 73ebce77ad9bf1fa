import { spawnSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { parseCommand } from "../../apps/tools/docs/commandLine";
import { CHECKED_TOOLS, commandProblems, KnownCommands } from "../../apps/tools/docs/knownCommands";
import { allPageCommands, COMMAND_PAGES, pageCommands } from "../../apps/tools/docs/pageCommands";
import { podCommand, readRunbooks } from "../../apps/tools/docs/runbook";
import { BUILT_IN_ROLES } from "../../infra/identity/roles";
import { SECRET_CATALOG } from "../../infra/secrets/secretCatalogue";
import { outputsSchema, variables } from "../../apps/operations/outputs";
import { bring } from "../../apps/tools/images/import";
import { imagesOf } from "../../apps/tools/images/planned";
import {
  armTypes,
  assignedRoles,
  assignmentCondition,
  resourceProviders,
} from "../../apps/tools/permissions/needs";
import { askRegistry, parseImage, registryToken } from "../../apps/operations/ground/registry";
import { GIVEN } from "../../apps/rehearsal/identities";
import { POSTED, previewerRole } from "../../apps/tools/permissions/previewer";
import { BUILT_IN } from "../../packages/emulated-azure/rights/roles";
import { planStack } from "../support/plan";
import { stackNames } from "../../stacks/files";

const ROOT = path.join(__dirname, "../..");
const text = (file: string): string => fs.readFileSync(path.join(ROOT, file), "utf8");
const PAGE = text("docs/deploying.md");
const KNOWN = JSON.parse(text("docs/runbooks/commands.json")) as KnownCommands;
const SCRIPTS = (JSON.parse(text("package.json")) as { scripts: Record<string, string> }).scripts;
const BOOKS = readRunbooks(ROOT);
const committed = (stack: string) =>
  (JSON.parse(text(`test/expected/${stack}.json`)) as { resources: any[] }).resources;
const STACKS = stackNames(ROOT);

function script(...args: string[]) {
  return spawnSync(process.execPath, ["packages/command/run.mjs", ...args], { cwd: ROOT, encoding: "utf8" });
}

describe("commands of the pages people type from", () => {
  const commands = allPageCommands(ROOT);

  test("are found: in blocks, inside substitutions and loops, and in the text", () => {
    expect(
      pageCommands(
        [
          "Say `az group list --output table`.",
          "   ```bash",
          '   export A=$(az account show --query "[0].id")',
          '   for x in $(kubectl get pods -A); do az vm start --name "$x"; done',
          "   npm run one | grep two && \\",
          "     pulumi up --yes",
          "   ```",
        ].join("\n"),
      ).filter((command) => /^(az|kubectl|pulumi|npm)/.test(command)),
    ).toEqual([
      "az account show --query \\[0\\].id",
      "kubectl get pods -A",
      "az vm start --name $x",
      "npm run one",
      "pulumi up --yes",
      "az group list --output table",
    ]);
    for (const page of COMMAND_PAGES)
      expect(commands.filter(([from]) => from === page).length).toBeGreaterThan(10);
  });

  test.each(commands.filter(([, command]) => /^(az|kubectl|pulumi|curl) /.test(command)))(
    "%s: %s",
    (_, command) => {
      expect(CHECKED_TOOLS as readonly string[]).toContain(parseCommand(command).program);
      expect(commandProblems(command, KNOWN)).toEqual([]);
    },
  );

  test("run only scripts there are, and workflows there are", () => {
    const scripts = commands.flatMap(([, command]) => /^npm run (?:-s )?(\S+)/.exec(command)?.[1] ?? []);
    expect(scripts.length).toBeGreaterThan(5);
    expect(scripts.filter((name) => !(name in SCRIPTS))).toEqual([]);
    for (const [, file = ""] of PAGE.matchAll(/gh workflow run ([\w.-]+)/g))
      expect(fs.existsSync(path.join(ROOT, ".github/workflows", file))).toBe(true);
  });

  test("use only names that were set before, by the page or by the stack's outputs", async () => {
    const { outputs } = await planStack("prod", { resolve: true });
    const given = Object.keys(variables(outputsSchema.parse(outputs)));
    for (const page of COMMAND_PAGES) {
      const known = new Set(given);
      const blocks = [...text(page).matchAll(/^ *```bash\n([\s\S]*?)^ *```/gm)].map(
        ([, block = ""]) => block,
      );
      if (page !== "docs/deploying.md") known.add("DATABASE_URL_FILE");
      for (const line of blocks.join("\n").split("\n")) {
        const made = /^\s*(?:export )?([A-Z_]+)=/.exec(line)?.[1];
        for (const [, name = ""] of line.matchAll(/\$\{?([A-Z][A-Z_]+)/g)) {
          expect([page, name, known.has(name)]).toEqual([page, name, true]);
        }
        if (made) known.add(made);
      }
    }
  }, 180_000);

  test("come in an order that works", () => {
    const at = (part: string): number => {
      const found = PAGE.indexOf(part);
      expect([part, found >= 0]).toEqual([part, true]);
      return found;
    };
    const order = [
      "npm ci",
      "require('js-yaml')",
      "npm run images",
      "az provider register",
      "pulumi stack init",
      "az role assignment create --assignee-object-id",
      "## 8. First update",
      "npm run -s secret",
      "az postgres flexible-server restart",
      "## 9. Hand over",
      '"Azure Kubernetes Service RBAC Cluster Admin" "$scope"',
      "gh variable set DEPLOY_RUNNER",
      "operating.md#reach-the-cluster",
      "kubectl create job first-backup",
      "## 12. Validate",
      "## Clean up",
    ].map(at);
    expect([...order].sort((a, b) => a - b)).toEqual(order);
    expect(PAGE.slice(at("## Clean up"))).not.toMatch(/\n## (?!Clean up)/);
  });
});

/** Control-plane actions of the roles the page gives away, as Azure's built-in definitions have them. */
const ROLES: Record<string, { actions: string[]; not?: string[] }> = {
  Contributor: {
    actions: ["*"],
    not: [
      "Microsoft.Authorization/*/Delete",
      "Microsoft.Authorization/*/Write",
      "Microsoft.Authorization/elevateAccess/Action",
    ],
  },
  "Role Based Access Control Administrator": {
    actions: [
      "Microsoft.Authorization/roleAssignments/write",
      "Microsoft.Authorization/roleAssignments/delete",
      "*/read",
    ],
  },
  "Resource Policy Contributor": {
    actions: ["Microsoft.Authorization/policyassignments/*"],
  },
  "Locks Contributor": {
    actions: [
      "Microsoft.Authorization/locks/read",
      "Microsoft.Authorization/locks/write",
      "Microsoft.Authorization/locks/delete",
    ],
  },
  "Forma3D role author": {
    actions: [...(/\\"Actions\\":\[(.*?)\]/.exec(PAGE)?.[1] ?? "").matchAll(/\\"(.*?)\\"/g)].map(
      ([, action = ""]) => action,
    ),
  },
};

/** Roles of an identity in the page's table. */
function rolesOf(page: string, identity: string): { role: string; scope: string }[] {
  return [...page.matchAll(/^\| (\w+) +\| (.+?) +\| (.+?) +\| .+ \|$/gm)]
    .filter(([, name]) => name === identity)
    .flatMap(([, , roles = "", scope = ""]) => roles.split(", ").map((role) => ({ role, scope })));
}

const matches = (pattern: string, action: string): boolean =>
  new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", ".*")}$`, "i").test(action);

/** What the plan of a stack needs and the deploying identity of a page may not do. */
function denied(page: string, stack: string): string[] {
  const held = rolesOf(page, "deploy").flatMap(({ role }) => ROLES[role] ?? []);
  const needed = armTypes(committed(stack)).flatMap((type) => [`${type}/write`, `${type}/delete`]);
  return needed.filter(
    (action) =>
      !held.some(
        ({ actions, not = [] }) =>
          actions.some((pattern) => matches(pattern, action)) &&
          !not.some((pattern) => matches(pattern, action)),
      ),
  );
}

describe("rights", () => {
  test.each(STACKS)("of the deploying identity cover everything the plan of %s makes", (stack) => {
    expect(denied(PAGE, stack)).toEqual([]);
  });

  test("that are missing would be noticed", () => {
    const without = (role: string): string[] =>
      denied(PAGE.replace(new RegExp(`^\\| deploy +\\| ${role} .*$`, "m"), ""), "prod");
    expect(without("Locks Contributor")).toEqual([
      "Microsoft.Authorization/locks/write",
      "Microsoft.Authorization/locks/delete",
    ]);
    expect(without("Forma3D role author")).toContain("Microsoft.Authorization/roleDefinitions/write");
    expect(without("Role Based")).toContain("Microsoft.Authorization/roleAssignments/write");
    expect(without("Contributor")).toContain("Microsoft.DBforPostgreSQL/flexibleServers/write");
  });

  test("each row of the table has the command that gives it, at its scope, and no command lacks a row", () => {
    const scopes: Record<string, string[]> = {
      subscription: ['"$SUBSCRIPTION_SCOPE"'],
      "resource group of each region": ['"$scope"'],
      "resource group of the primary": [
        '"$(az group show --name "$RESOURCE_GROUP" --query id --output tsv)"',
      ],
    };
    const rows = ["preview", "read", "deploy"].flatMap((identity) =>
      rolesOf(PAGE, identity).map(({ role, scope }) => ({ identity, role, scope })),
    );
    expect(rows.length).toBeGreaterThan(10);
    const given = [
      ...PAGE.matchAll(/^ *assign "\$(\w+)" (?:"([^"]+)"|(\w+)) (.+)$/gm),
      ...PAGE.matchAll(
        /az role assignment create --assignee-object-id "\$(DEPLOY|PREVIEW)".* --role "([^"]+)"() --scope ("\$SUBSCRIPTION_SCOPE")/g,
      ),
    ].map(
      ([, identity = "", quoted, plain, scope]) =>
        `${identity.toLowerCase()} ${quoted ?? plain ?? ""} ${scope ?? ""}`,
    );
    expect(given.sort()).toEqual(
      rows
        .flatMap(({ identity, role, scope }) =>
          (scopes[scope] ?? [`no scope is known as ${scope}`]).map((at) => `${identity} ${role} ${at}`),
        )
        .sort(),
    );
  });

  test("of reading are the same for a branch nobody has reviewed and for protected ones", () => {
    expect(rolesOf(PAGE, "read")).toEqual(rolesOf(PAGE, "preview"));
  });

  test("of rehearsals are those of the table, at the places it names, but for the state's, which its own program gives", () => {
    const rows = (["preview", "deploy"] as const).flatMap((identity) =>
      rolesOf(PAGE, identity).map(({ role, scope: place }) => ({ identity, role, place })),
    );
    expect(GIVEN.filter(({ identity }) => identity !== "owner")).toEqual(rows);
  });

  test("of previews cover every POST the program calls, and no other", () => {
    // Only functions named list… are a POST; the rest read.
    const called = ["infra", "stacks"].flatMap((folder) =>
      fs
        .readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".ts"))
        .flatMap((file) => [
          ...text(path.join(folder, file)).matchAll(/"@pulumi\/azure-native\/(\w+\/list\w+)"/g),
        ])
        .map(([, name = ""]) => name),
    );
    expect([...new Set(called)].sort()).toEqual(Object.keys(POSTED).sort());
    const own = previewerRole({ stack: "prod", subscriptionId: "s" });
    const clusterUser = [...BUILT_IN.values()].find(
      ({ roleName }) => roleName === "Azure Kubernetes Service Cluster User Role",
    );
    const granted = [...own.Actions, ...(clusterUser?.permissions ?? []).flatMap(({ actions }) => actions)];
    expect(Object.values(POSTED).filter((action) => !granted.includes(action))).toEqual([]);
    expect(own.Actions).toEqual(["Microsoft.Logic/workflows/triggers/listCallbackUrl/action"]);
    const roles = rolesOf(PAGE, "preview").map(({ role }) => role);
    expect(roles).toEqual(
      expect.arrayContaining(["Forma3D previewer $STACK", "Azure Kubernetes Service Cluster User Role"]),
    );
  });

  test("to assign roles end at those the plan assigns, of which none makes an owner", () => {
    for (const stack of STACKS) {
      const roles = assignedRoles(committed(stack));
      const own = committed(stack).filter(({ type }) => type.endsWith(":RoleDefinition"));
      expect(own.length).toBeGreaterThan(0);
      const known = [
        ...Object.values<string>(BUILT_IN_ROLES),
        ...own.map(({ inputs }) => inputs.roleDefinitionId as string),
      ];
      expect(roles.filter((role) => !known.includes(role))).toEqual([]);
      const { status, stdout } = script("apps/tools/permissions/permissions.ts", "condition", stack);
      expect([status, stdout.trim()]).toEqual([0, assignmentCondition(roles)]);
      for (const owner of ["8e3af657", "18d7d88d", "f58310d9", "b24988ac"])
        expect(stdout).not.toContain(owner);
      for (const role of roles) expect(stdout.split(role)).toHaveLength(3);
    }
  });

  test("providers are registered for every type of the plan, by the command the page has", () => {
    const { status, stdout } = script("apps/tools/permissions/permissions.ts", "providers", "prod");
    expect(status).toBe(0);
    const printed = stdout.trim().split("\n");
    expect(printed).toEqual(resourceProviders(committed("prod")));
    expect(printed).toEqual(
      expect.arrayContaining(["Microsoft.App", "Microsoft.Logic", "Microsoft.Compute"]),
    );
    const namespaces = new Set(armTypes(committed("prod")).map((type) => type.split("/")[0]));
    for (const name of namespaces)
      if (!/\.(Authorization|Resources)$/.test(String(name))) expect(printed).toContain(name);
    expect(() => resourceProviders([{ type: "azure-native:quantum:Workspace" }])).toThrow(
      "no ARM type is known for azure-native:quantum:Workspace",
    );
  });

  test("a stack without a file is refused, with those there are", () => {
    const { status, stderr } = script("apps/tools/permissions/permissions.ts", "providers", "nowhere");
    expect([status, stderr]).toEqual([
      2,
      `error: stack "nowhere" has no file; allowed: ${STACKS.join(", ")}\n`,
    ]);
  });
});

describe("what has a private address only", () => {
  const steps = BOOKS.flatMap((book) => book.steps.map((step) => ({ book: book.id, ...step })));

  test("is never asked from elsewhere: a step says where it runs, and the place exists", () => {
    const direct = /^(psql|pg_\w+) |^az keyvault (secret|key) |^az storage (blob|container) |\bpsql "/;
    for (const { book, title, command = "", from } of steps) {
      if (direct.test(command)) expect([book, title, from !== undefined]).toEqual([book, title, true]);
    }
    const headings = [...text("docs/operating.md").matchAll(/^## (.+)$/gm)].map(([, heading = ""]) =>
      heading.toLowerCase().replaceAll("'", "").replaceAll(" ", "-"),
    );
    const places = steps.flatMap(({ from }) => from ?? []);
    expect(places.length).toBeGreaterThan(1);
    expect(places.filter((place) => !headings.includes(place))).toEqual([]);
  });

  test("every call of the runner stands on its page as it is given to the operator's pod, but where that may be lost or not to be trusted", () => {
    const calls = steps.filter(({ command = "" }) => /npm run -s (recovery|incident) /.test(command));
    expect(calls.length).toBeGreaterThan(10);
    for (const { book, command = "", runs } of calls) {
      const pod = podCommand(command.trim());
      expect([book, pod !== undefined]).toEqual([book, true]);
      expect(commandProblems(pod ?? "", KNOWN)).toEqual([]);
      expect([book, text(`docs/runbooks/${book}.md`).includes(pod ?? "")]).toEqual([
        book,
        runs !== "outside",
      ]);
    }
    expect(podCommand("npm run -s recovery -- list")).toBe(
      'kubectl exec --namespace "$NAMESPACE" job/operator -- node /app/recovery.js list',
    );
    expect(podCommand("npm run -s drill -- --scenario x")).toBeUndefined();
  });

  test("the jobs that pages start from are in the plans of both environments", () => {
    const pages = [...COMMAND_PAGES, "docs/incident/quick-reference.md"].map(text).join("\n");
    const named = new Set([...pages.matchAll(/cronjob\/([a-z-]+)/g)].map(([, name]) => name));
    expect([...named]).toContain("recovery-operator");
    for (const stack of STACKS) {
      const jobs = committed(stack)
        .filter(({ type }) => type === "kubernetes:batch/v1:CronJob")
        .map(({ inputs }) => inputs.metadata.name);
      expect([...named].filter((name) => !jobs.includes(name))).toEqual([]);
    }
  });
});

describe("npm run secret", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "secret-"));
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  /** Runs it with a program in the place of the Azure CLI that notes what it was given. */
  function put(args: string[], input: string, answer = "exit 0") {
    const log = path.join(folder, "calls");
    fs.rmSync(log, { force: true });
    fs.writeFileSync(
      path.join(folder, "az"),
      `#!/usr/bin/env bash\n{ printf '%s\\n' "$*"; cat; echo; } >> '${log}'\n${answer}\n`,
      { mode: 0o755 },
    );
    const result = spawnSync(
      process.execPath,
      ["packages/command/run.mjs", "apps/operations/secret.ts", ...args],
      {
        cwd: ROOT,
        encoding: "utf8",
        input,
        env: { PATH: `${folder}:${process.env.PATH ?? ""}` },
      },
    );
    const calls = fs.existsSync(log) ? fs.readFileSync(log, "utf8").trim().split("\n") : [];
    return { ...result, calls };
  }

  test("writes one value into the vault of every region, and shows it to nobody", () => {
    const { status, stdout, stderr, calls } = put(["prod", "shopify-api-key"], 's3cr"et\n');
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(
      /^set shopify-api-key in kv-forma3d-prod-weu, valid until \d{4}-\d\d-\d\d\n.*-neu, /,
    );
    expect(calls).toHaveLength(4);
    for (const [index, region] of ["weu", "neu"].entries()) {
      expect(calls[index * 2]).toContain(
        `/resourceGroups/rg-forma3d-prod-${region}/providers/Microsoft.KeyVault/vaults/kv-forma3d-prod-${region}/secrets/shopify-api-key?api-version=`,
      );
      expect(calls[index * 2]).not.toContain("s3cr");
      const { properties } = JSON.parse(calls[index * 2 + 1] ?? "") as any;
      const days = (properties.attributes.exp - Date.now() / 1000) / 86_400;
      expect([properties.value, properties.contentType]).toEqual(['s3cr"et', "API key"]);
      expect(days).toBeGreaterThan(178);
      expect(days).toBeLessThanOrEqual(180);
    }
    expect(stdout).not.toContain("s3cr");
  });

  test.each([
    [
      "another secret",
      ["prod", "smtp-password"],
      "x",
      2,
      /"smtp-password" is no external secret; allowed: shopify-api-key, /,
    ],
    [
      "another stack",
      ["nowhere", "shopify-api-key"],
      "x",
      2,
      new RegExp(`stack "nowhere" has no file; allowed: ${STACKS.join(", ")}`),
    ],
    ["no value", ["prod", "shopify-api-key"], "\n", 2, /the value is empty/],
    ["a refusal", ["prod", "shopify-api-key"], "x", 1, /kv-forma3d-prod-weu: AuthorizationFailed/],
  ] as const)("%s is an error that says what, and nothing is half said", (_, args, input, code, message) => {
    const { status, stdout, stderr } = put([...args], input, "echo AuthorizationFailed >&2; exit 1");
    expect([status, stdout]).toEqual([code, ""]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n {4}at /);
  });

  test.each([
    [
      "az that broke tells by what, and not where",
      "printf 'Traceback (most recent call last):\\n  File x.py\\nFileNotFoundError: no /proc/x' >&2; exit 1",
      /^FileNotFoundError: no \/proc\/x$/,
    ],
    [
      "an answer of several lines stands on one",
      "printf 'ERROR: Forbidden({\\r\\n  \"code\": 1\\r\\n})' >&2; exit 1",
      /^ERROR: Forbidden\(\{ "code": 1 \}\)$/,
    ],
    ["az that was killed is named", "kill -9 $$", /^az ended with SIGKILL$/],
  ])("%s", (_, answer, message) => {
    const { status, stdout, stderr } = put(["prod", "shopify-api-key"], "x", answer);
    const [, said] = /^error: kv-forma3d-prod-weu: (.*); type the same again\n$/.exec(stderr) ?? [];
    expect([status, stdout, said]).toEqual([1, "", expect.stringMatching(message)]);
  });

  test("the page gives it every external secret that each environment has", () => {
    const listed = /for name in ([a-z -]+); do\n\s*npm run -s secret/.exec(PAGE)?.[1]?.split(" ");
    expect(listed).toEqual(
      SECRET_CATALOG.filter(({ source, only }) => source === "external" && !only).map(({ name }) => name),
    );
  });
});

describe("npm run images", () => {
  const known = `sha256:${"a".repeat(64)}`;
  let server: http.Server;
  let registry: string;

  /** A registry that speaks the distribution protocol: anonymous tokens for one repository, manifests by digest. */
  beforeAll(async () => {
    server = http.createServer((request, response) => {
      const url = new URL(request.url ?? "/", `http://${registry}`);
      if (url.pathname === "/token") {
        if (url.searchParams.get("scope") !== "repository:open/image:pull")
          return response.writeHead(403).end();
        return response.end(JSON.stringify({ token: "anybody" }));
      }
      if (url.pathname.startsWith("/v2/broken/")) return response.writeHead(500).end();
      if (request.headers.authorization !== "Bearer anybody") {
        const repository = url.pathname.split("/manifests/")[0]?.slice("/v2/".length) ?? "";
        response.setHeader(
          "www-authenticate",
          `Bearer realm="http://${registry}/token",service="test",scope="repository:${repository}:pull"`,
        );
        return response.writeHead(401).end();
      }
      return response.writeHead(url.pathname.endsWith(known) ? 200 : 404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    registry = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test("tells an image that is there from one that is not, and from one that is not for everybody", async () => {
    const ask = (name: string) => askRegistry(parseImage(`${registry}/${name}`));
    expect(await ask(`open/image:v1@${known}`)).toBe("found");
    expect(await ask(`open/image@sha256:${"b".repeat(64)}`)).toBe("missing");
    expect(await ask(`closed/image@${known}`)).toBe("refused");
    await expect(ask(`broken/image@${known}`)).rejects.toThrow(`${registry} answered 500`);
    expect(() => parseImage("docker.io/library/node:20")).toThrow("is no image pinned by digest");
  });

  test("shows a registry of Azure's who is signed in, and nobody else's", async () => {
    const asked: string[] = [];
    const azure = http.createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const { pathname } = new URL(request.url ?? "/", "http://x");
        const form = new URLSearchParams(body);
        asked.push(
          `${request.method ?? ""} ${pathname} ${form.get("grant_type") ?? ""} ${form.get("scope") ?? ""}`,
        );
        if (pathname === "/oauth2/exchange")
          return form.get("access_token") === "entra"
            ? response.end(JSON.stringify({ refresh_token: "refresh" }))
            : response.writeHead(401).end();
        if (pathname === "/oauth2/token")
          return response.end(JSON.stringify({ access_token: `of ${form.get("refresh_token") ?? ""}` }));
        if (request.headers.authorization === "Bearer of refresh")
          return response.writeHead(pathname.endsWith(known) ? 200 : 404).end();
        response.setHeader(
          "www-authenticate",
          `Bearer realm="http://${request.headers.host ?? ""}/token",service="y",scope="repository:own/image:pull"`,
        );
        return response.writeHead(401).end();
      });
    });
    await new Promise<void>((resolve) => azure.listen(0, "127.0.0.1", resolve));
    const image = (digest: string) =>
      parseImage(`127.0.0.1:${(azure.address() as AddressInfo).port}/own/image@${digest}`);
    try {
      expect(await askRegistry(image(known), () => Promise.resolve("entra"))).toBe("found");
      expect(asked).toContain("POST /oauth2/token refresh_token repository:own/image:pull");
      expect(await askRegistry(image(`sha256:${"b".repeat(64)}`), () => Promise.resolve("entra"))).toBe(
        "missing",
      );
      expect(await askRegistry(image(known), () => Promise.resolve("somebody else's"))).toBe("refused");
      expect(await askRegistry(image(known))).toBe("refused");
    } finally {
      await new Promise((resolve) => azure.close(resolve));
    }
    const getToken = jest.fn().mockResolvedValue({ token: "entra" });
    const own = registryToken(parseImage(`crforma3dprod.azurecr.io/ghcr.io/forma3d/api@${known}`), {
      getToken,
    });
    expect(await own?.()).toBe("entra");
    expect(getToken).toHaveBeenCalledWith("https://containerregistry.azure.net/.default");
    for (const host of ["ghcr.io", "azurecr.io.example.com", "notazurecr.io"])
      expect(registryToken(parseImage(`${host}/a/b@${known}`), { getToken })).toBeUndefined();
  });

  test("--import brings what is not there, and says what could not be brought", async () => {
    const images = ["there", "new", "gone", "closed"].map((name) => ({
      pulled: `own/${name}@${known}`,
      published: `ghcr.io/${name}@${known}`,
    }));
    const imported: string[] = [];
    const said = await bring(
      images,
      (pulled) =>
        Promise.resolve(
          pulled.includes("there") ? "found" : pulled.includes("closed") ? "refused" : "missing",
        ),
      (published) => {
        if (published.includes("gone"))
          return Promise.reject(new Error("MANIFEST_UNKNOWN: no such image\nat x"));
        imported.push(published);
        return Promise.resolve();
      },
    );
    expect(imported).toEqual([`ghcr.io/new@${known}`]);
    expect(said).toEqual([
      { there: true, text: `found  own/there@${known}` },
      { there: true, text: `imported  own/new@${known}` },
      { there: false, text: `NOT IMPORTED: MANIFEST_UNKNOWN: no such image  ghcr.io/gone@${known}` },
      {
        there: false,
        text: `NOT IMPORTED: whoever is signed in may not pull from it  ghcr.io/closed@${known}`,
      },
    ]);
    for (const [options, message] of [
      [["--import", "--user", "me"], "--from, --user and --password-file belong together"],
      [
        ["--import", "--from", "ghcr.io", "--user", "me", "--password-file", "no-such-file"],
        "a file that exists",
      ],
    ] as const) {
      const { status, stderr } = script("apps/tools/images/images.ts", "prod", ...options);
      expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
    }
  });

  test.each([
    [`open/image@${known}`, 0, /^found {2}/],
    [`open/image@sha256:${"c".repeat(64)}`, 1, /^MISSING: /],
    [`closed/image@${known}`, 1, /^REFUSED: it is private/],
    [`broken/image@${known}`, 3, /^NO ANSWER: /],
  ])("--online of a plan that runs %s exits %i", async (image, code, said) => {
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "images-")), "plan.json");
    const container = { containers: [{ image: `${registry}/${image}` }] };
    fs.writeFileSync(
      file,
      JSON.stringify({ resources: [{ urn: "urn:x", type: "t", inputs: container, options: {} }] }),
    );
    // Not spawnSync: this process is the registry.
    const { spawn } = await import("node:child_process");
    const child = spawn(
      process.execPath,
      ["packages/command/run.mjs", "apps/tools/images/images.ts", "prod", "--online", "--plan", file],
      {
        cwd: ROOT,
      },
    );
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    const status = await new Promise((resolve) => child.on("close", resolve));
    fs.rmSync(path.dirname(file), { recursive: true });
    expect([status, printed]).toEqual([code, expect.stringMatching(said)]);
  });

  test("lists every image of every pod and of the outside page, and the page looks each public one up", () => {
    for (const stack of STACKS) {
      const images = imagesOf(committed(stack));
      const { stdout } = script("apps/tools/images/images.ts", stack);
      expect(stdout.trim().split("\n")).toEqual(images);
      // The stack file the readiness checks read names images of workloads that another choice would run, too.
      const running = committed(stack).filter(({ urn }) => !String(urn).endsWith("-readiness-platform"));
      const used = JSON.stringify(running).match(/[a-z0-9.]+\/[a-z0-9./_-]+@sha256:[0-9a-f]{64}/g) ?? [];
      expect(images).toEqual([...new Set(used)].sort());
    }
    // The stack files name images the plan has no use for just now, such as the other status page's.
    const configured = STACKS.flatMap((stack) =>
      [...text(`Pulumi.${stack}.yaml`).matchAll(/[iI]mage: (\S+)@sha256/g)].map(([, name = ""]) => name),
    );
    for (const image of new Set(configured.filter((name) => !name.startsWith("ghcr.io/forma3d/"))))
      expect([image, PAGE.includes(`imagetools inspect ${image}:`)]).toEqual([image, true]);
  });
});
