import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { outputsSchema, variables } from "../../apps/operations/outputs";
import { Served } from "../../apps/rehearsal/serve";
import { COMMAND_PAGES } from "../../apps/tools/docs/pageCommands";
import { valueAt } from "../../packages/emulated-azure/model/paths";
import { onPath } from "../../packages/local-servers/onPath";
import { planStack } from "../support/plan";
import { serveKeptProd } from "./keptProd";

/* What the pages for deploying, operating and changing have people type with `az`: block by block, by the real program, in order. */
const ROOT = path.join(__dirname, "../..");
const AZ = onPath("az");
const withAz = AZ !== undefined || process.env["REQUIRE_AZ"] === "1" ? describe : describe.skip;

interface Block {
  readonly page: string;
  readonly text: string;
}

const BLOCKS: Block[] = COMMAND_PAGES.flatMap((page) =>
  [...fs.readFileSync(path.join(ROOT, page), "utf8").matchAll(/^ *```bash\n([\s\S]*?)^ *```/gm)].map(
    ([, text = ""]) => ({ page, text }),
  ),
).filter(({ text }) => /(^|[\s(])(az|assign) /.test(text));

/** What cannot be typed here, by a part of its block, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'pulumi stack init "$CONTROL"':
    "makes the control project's groups with the engine, and has them in its names",
  "az ad signed-in-user show": "a person is signed in",
  "az ad group show": "nobody is made eligible for a role here",
  "gh variable set AZURE_CLIENT_ID": "is GitHub's",
  "az aks install-cli": "fetches kubectl from outside",
  "kubectl debug": "needs a pod in which something runs",
  "--use-device-code": "a person signs in",
  "pulumi state unprotect": "changes a state, which the engine's own suite has",
  "pulumi up --stack": "deploys, which the engine's own suite does",
};

/** A block that is typed, and what comes of it. */
interface Typed {
  /** A part of the block no other one has. */
  readonly has: string;
  readonly as?: "operator";
  /** What `az` is not asked here, by its first word: who types has signed in, and preview features are none of this cloud's. */
  readonly without?: string;
  /** A line of a block that is not typed, which this one counts on. */
  readonly first?: string;
  readonly says?: RegExp;
  /** What it is refused with: something the page has done before it is not done here. */
  readonly refused?: string;
  readonly effect?: () => unknown;
  readonly becomes?: unknown;
}

let served: Served;
let folder: string;
let env: Record<string, string>;
const clone = () => path.join(folder, "clone");

const ofType = (type: string) => [...served.cloud.cloud.ofType(`azure-native:${type}`)];
const customRoles = () => ofType("authorization:RoleDefinition").map(({ inputs }) => inputs["roleName"]);
/** How many assignments one of the identities has that the pages give rights. */
const held = (who: string) =>
  ofType("authorization:RoleAssignment").filter(({ inputs }) => inputs["principalId"] === env[who]).length;

const TYPED: readonly Typed[] = [
  { has: "az provider register", without: "login feature" },
  { has: "list-skus", says: /zoneRedundantHa[\s\S]*Total Regional vCPUs/ },
  {
    has: 'assign "$DEPLOY" Contributor',
    effect: () => [customRoles().includes("Forma3D previewer prod"), held("PREVIEW"), held("DEPLOY")],
    becomes: [true, 2, 4],
  },
  { has: 'az role assignment list --all --assignee "$DEPLOY"', says: /Locks Contributor/ },
  { has: 'NAMES"\naz postgres flexible-server restart', says: /^$/ },
  {
    has: 'assign "$DEPLOY" "Azure Kubernetes Service RBAC Cluster Admin"',
    effect: () => [held("PREVIEW"), held("DEPLOY")],
    becomes: [4, 9],
  },
  {
    has: "'-preflight')].properties.principalId",
    first:
      'az role definition create --role-definition "$(npm run -s permissions -- role preflight "$STACK")"',
    effect: () => customRoles().includes("Forma3D preflight prod"),
    becomes: true,
  },
  { has: "private-link-service list", says: /^(\S+\tApproved\n?){1}$/m },
  { has: "OriginHealthPercentage" },
  {
    has: "immutability-policy lock",
    effect: () =>
      ofType("storage:BlobContainerImmutabilityPolicy").filter(({ outputs }) => outputs["state"] === "Locked")
        .length,
    becomes: 12,
  },
  { has: "/secrets?api-version=2026-02-01", as: "operator" },
  {
    has: "secrets/github-app",
    effect: () => [
      ofType("keyvault:Secret").filter(({ id }) => id.endsWith("/secrets/github-app")).length,
      fs.readdirSync(clone()).filter((name) => /private-key|github-app/.test(name)).length,
    ],
    becomes: [1, 0],
  },
  { has: "isConfigPendingRestart" },
  { has: 'az postgres flexible-server restart --resource-group "$RESOURCE_GROUP_SECONDARY"' },
  {
    has: "--zonal-resiliency Disabled",
    effect: () =>
      ofType("dbforpostgresql:Server")
        .filter(({ id }) => id.endsWith(`/${env["SERVER"]}`))
        .map(({ outputs }) => valueAt(outputs, "highAvailability.mode")),
    becomes: ["Disabled"],
  },
  {
    has: 'az postgres flexible-server delete --resource-group "$RESOURCE_GROUP_SECONDARY"',
    refused: "ScopeLocked",
  },
];

const notRun = ({ text }: Block) => Object.keys(NOT_RUN).find((part) => text.includes(part));
const typedAs = (block: Block): Typed | undefined => {
  const own = TYPED.filter(({ has }) => block.text.includes(has));
  // Two pages ask for a restart; the one of the first deployment does more.
  return own.length > 1 ? (own.find(({ has }) => block.text.trimStart().startsWith(has)) ?? own[0]) : own[0];
};

test("every block with az is typed in the suite, or says why it is not", () => {
  for (const block of BLOCKS) {
    const dealtWith = notRun(block) ?? typedAs(block)?.has;
    expect([block.page, block.text, dealtWith !== undefined]).toEqual([block.page, block.text, true]);
  }
  const parts = TYPED.flatMap(({ has, first }) => [has, first ?? has]);
  for (const part of [...Object.keys(NOT_RUN), ...parts])
    expect([part, BLOCKS.some(({ text }) => text.includes(part))]).toEqual([part, true]);
});

withAz("typed with the real az (needs az)", () => {
  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "pages-az-"));
    const { outputs } = await planStack("prod", { resolve: true });
    served = await serveKeptProd(folder);
    // What is typed may write files beside those of a clone.
    fs.mkdirSync(clone());
    for (const name of fs.readdirSync(ROOT)) fs.symlinkSync(path.join(ROOT, name), path.join(clone(), name));
    fs.writeFileSync(path.join(clone(), "private-key.pem"), "a key GitHub made\n");
    const names = path.join(folder, "names.sh");
    const stack = variables(outputsSchema.parse(outputs));
    fs.writeFileSync(
      names,
      Object.entries(stack)
        .map(([name, value]) => `export ${name}='${value}'\n`)
        .join(""),
    );
    const identity = (displayName: string) => served.cloud.directory.add({ displayName }).objectId;
    env = {
      ...stack,
      NAMES_FILE: names,
      STACK: "prod",
      LOCATION: "westeurope",
      // What the stack is deployed from is not served: its own vault stands for the one of the state.
      STATE_SCOPE: `/subscriptions/${stack["SUBSCRIPTION"]}/resourceGroups/${stack["RESOURCE_GROUP"]}`,
      STATE_VAULT: stack["VAULT"] ?? "",
      PREVIEW: identity("page preview"),
      READ: identity("page read"),
      DEPLOY: identity("page deploy"),
      HOME: folder,
    };
    for (const who of ["owner", "operator"]) {
      const { appId = "", secret = "" } = served.principals[who]!;
      const login = `az login --service-principal --username ${appId} --password '${secret}' --tenant ${served.cloud.directory.tenantId}`;
      expect(await type(login, who)).toMatchObject({ ok: true });
    }
  }, 300_000);

  afterAll(async () => {
    await served?.stop();
    if (folder) fs.rmSync(folder, { recursive: true });
  });

  /** Types into a shell in which the stack's outputs are known, as after its first update. */
  function type(script: string, who: string): Promise<{ ok: boolean; said: string; wrong: string }> {
    const settings = { AZURE_CONFIG_DIR: path.join(folder, `az-${who}`) };
    const options = { cwd: clone(), env: { ...process.env, ...served.environment, ...env, ...settings } };
    return new Promise((resolve) => {
      execFile("bash", ["--norc", "-eu", "-c", script], options, (error, said, wrong) =>
        resolve({ ok: error === null, said, wrong }),
      );
    });
  }

  /** What the page itself has defined before. */
  const DEFINED = BLOCKS.flatMap(({ text }) =>
    text.split("\n").filter((line) => /^(assign\(\)|export SUBSCRIPTION_SCOPE)/.test(line)),
  ).join("\n");
  const OUTPUTS = `npm() { if [ "$*" = "run -s outputs -- prod" ]; then cat "$NAMES_FILE"; else command npm "$@"; fi; }`;

  test.each(
    BLOCKS.filter((block) => notRun(block) === undefined).map(
      (block) => [block.page, typedAs(block)?.has ?? "", block] as const,
    ),
  )(
    "%s: %s",
    async (_page, _has, block) => {
      const { as = "owner", without = "", first = "", says, refused, effect, becomes } = typedAs(block)!;
      const asked = `az() { case " ${without} " in *" $1 "*) ;; *) command az "$@" ;; esac; }`;
      const { ok, said, wrong } = await type([OUTPUTS, asked, DEFINED, first, block.text].join("\n"), as);
      expect([ok, ok === (refused === undefined) ? "" : `${said}${wrong}`]).toEqual([
        refused === undefined,
        "",
      ]);
      if (refused !== undefined) expect(wrong).toContain(refused);
      if (says) expect(said.trimEnd()).toMatch(says);
      if (effect) expect(effect()).toEqual(becomes);
    },
    600_000,
  );
});
