import { BlobServiceClient } from "@azure/storage-blob";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { parseCommand } from "../../apps/tools/docs/commandLine";
import { CHECKED_TOOLS, commandProblems, KnownCommands } from "../../apps/tools/docs/knownCommands";
import { readRunbooks, runsAnywhere, RunbookStep, stepCounts } from "../../apps/tools/docs/runbook";
import { allAlerts, alertsFor, renderIndex } from "../../apps/tools/docs/runbookPages";
import { PRIORITY_POLICY } from "../../packages/alerting/priorities";
import { RUNBOOKS } from "../../packages/alerting/runbooks";
import { severity } from "../../apps/recovery/incident/severities";
import { outputsSchema, setNames, variables } from "../../apps/operations/outputs";
import { startAzurite } from "../../packages/local-servers/azurite";
import { startPostgres } from "../../packages/local-servers/postgres";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { diffPlans } from "../../apps/tools/render/diff";
import { readStacks } from "../../stacks/files";
import { outputNames } from "../../stacks/outputNames";
import { planStack, preparePlans } from "../support/plan";
import { verb } from "../support/recoveryCli";
import { changingBooks, LATER, testConfigurations } from "./configurations";

const ROOT = path.join(__dirname, "../..");
const BOOKS = readRunbooks(ROOT);
const STEPS: [string, RunbookStep][] = BOOKS.flatMap((book) =>
  book.steps.map((step, index): [string, RunbookStep] => [`${book.id} step ${index + 1}`, step]),
);
const COMMANDS: [string, string][] = [
  ...STEPS.flatMap(([name, { command }]): [string, string][] =>
    command === undefined ? [] : [[name, command]],
  ),
  ...BOOKS.flatMap(({ id, rehearse }): [string, string][] =>
    rehearse.command === undefined ? [] : [[`${id} rehearsal`, rehearse.command]],
  ),
];
const SCRIPTS = (
  JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8")) as { scripts: Record<string, string> }
).scripts;
const KNOWN = JSON.parse(
  fs.readFileSync(path.join(ROOT, "docs/runbooks/commands.json"), "utf8"),
) as KnownCommands;

describe("what exists", () => {
  test("the seven runbooks of the report's appendix A.3 stand under exactly their paths", () => {
    for (const name of [
      "database-connection",
      "shopify-webhooks",
      "simplyprint-sync",
      "error-rate-spike",
      "memory-oom",
      "disk-space",
      "ssl-renewal",
    ]) {
      expect(fs.existsSync(path.join(ROOT, `docs/runbooks/${name}.md`))).toBe(true);
    }
  });

  test("every scenario of the report's chapter 4 has one", () => {
    const ids = BOOKS.map(({ id }) => id);
    for (const id of [
      "database-failover",
      "database-restore",
      "accidental-deletion",
      "region-loss",
      "application-crash",
      "security-breach",
      "credential-rotation",
      "misconfiguration",
      "shopify-down",
      "simplyprint-sync",
      "sendcloud-shipping",
      "queue-backlog",
      "webhook-flood",
      "backup-failed",
      "drill-overdue",
    ]) {
      expect(ids).toContain(id);
    }
  });

  test("every alert leads to a runbook that exists, and every runbook is in the index", () => {
    const alerts = allAlerts();
    for (const id of Object.keys(RUNBOOKS)) expect(BOOKS.map((book) => book.id)).toContain(id);
    for (const alert of alerts) expect(BOOKS.some(({ id }) => id === alert.runbook)).toBe(true);
    const index = renderIndex(ROOT);
    for (const { id } of BOOKS) expect(index).toContain(`(runbooks/${id}.md)`);
  });

  test("the index says how many steps are run when, and a step nobody runs is named", () => {
    const { steps, person, always, withAz, withPulumi } = stepCounts(BOOKS);
    expect(person + always + withAz + withPulumi).toBe(steps);
    const begins = (program: string) =>
      STEPS.filter(([, { command }]) => command?.startsWith(program)).length;
    expect([steps, person, withPulumi]).toEqual([
      STEPS.length,
      STEPS.filter(([, { command }]) => command === undefined).length,
      begins("pulumi "),
    ]);
    expect(withAz + begins("az storage blob ")).toBe(begins("az "));
    expect(renderIndex(ROOT)).toContain(`Of the ${steps} steps of all runbooks ${person} are a person's.`);
    const [, step] = STEPS.find(([, { command }]) => command !== undefined)!;
    const odd = { ...step, runs: "azure" as const, command: "odd --program" };
    expect(() => stepCounts([{ steps: [odd] }])).toThrow(/nothing runs odd --program in a test/);
  });

  test("every verb of a page is run by a test of the verbs", () => {
    const folder = path.join(ROOT, "test/operations");
    const tests = fs
      .readdirSync(folder)
      .filter((name) => name.endsWith(".test.ts"))
      .map((name) => fs.readFileSync(path.join(folder, name), "utf8"))
      .join("\n");
    const verbs = new Set(
      COMMANDS.flatMap(([, command]) => /^npm run (?:-s )?operations -- (\S+)/.exec(command)?.[1] ?? []),
    );
    expect(verbs.size).toBeGreaterThan(3);
    for (const verb of verbs) expect([verb, new RegExp(`\\b${verb}\\(`).test(tests)]).toEqual([verb, true]);
  });

  test("from an alert alone the last step is reachable: its page names the alert and every step in order", () => {
    const alerts = allAlerts();
    for (const book of BOOKS) {
      const page = fs.readFileSync(path.join(ROOT, `docs/runbooks/${book.id}.md`), "utf8");
      for (const { name } of alertsFor(book.id, alerts)) expect(page).toContain(`\`${name}\``);
      const positions = book.steps.map(({ title }, index) => page.indexOf(`### ${index + 1}. ${title}`));
      expect(positions.every((position) => position > 0)).toBe(true);
      expect([...positions].sort((a, b) => a - b)).toEqual(positions);
    }
  });
});

test("alerts and incident records give a severity the same time to answer", () => {
  for (const { incident, responseMinutes } of Object.values(PRIORITY_POLICY)) {
    expect([incident, severity(incident).responseMinutes]).toEqual([incident, responseMinutes]);
  }
});

describe("commands", () => {
  let names: Record<string, string>;
  beforeAll(async () => {
    const { outputs } = await planStack("prod", { resolve: true });
    names = variables(outputsSchema.parse(outputs));
  }, 180_000);

  test.each(COMMANDS)("%s is one command of a tool that is checked", (name, command) => {
    const { program, words } = parseCommand(command);
    if ((CHECKED_TOOLS as readonly string[]).includes(program)) {
      expect(commandProblems(command, KNOWN)).toEqual([]);
    } else if (program === "npm") {
      const script =
        words.concat(parseCommand(command).flags).length > 0
          ? /npm run (?:-s )?(\S+)/.exec(command)?.[1]
          : undefined;
      expect(Object.keys(SCRIPTS)).toContain(script);
    } else if (program === "npx") {
      expect(words[0]).toBe("jest");
      expect(fs.existsSync(path.join(ROOT, words[1] ?? ""))).toBe(true);
    } else {
      throw new Error(`${name}: nobody checks ${program}`);
    }
  });

  test("a flag or a command the real tool lacks is found", () => {
    expect(commandProblems("az keyvault recover --nmae x", KNOWN)).toEqual([
      "az keyvault recover knows no --nmae",
    ]);
    expect(commandProblems("az keyvault revive --name x", KNOWN)).toEqual([
      "az knows no such command: az keyvault revive --name x",
    ]);
    expect(() => parseCommand("kubectl get pods | grep api")).toThrow("is not one command");
  });

  test("a look-up that fails leaves no name empty: the command that needs one is not run", () => {
    const shell = (stack: string, command: string) =>
      spawnSync("bash", ["--norc", "-c", `az() { echo "called with $*"; }; ${setNames(stack)}; ${command}`], {
        cwd: ROOT,
        encoding: "utf8",
        env: { PATH: process.env.PATH, HOME: process.env.HOME },
      });
    const show = commandsOf("database-connection")[1] ?? "";
    const found = shell("prod", show);
    expect([found.status, found.stdout]).toEqual([0, expect.stringContaining(names["SERVER"] ?? "none")]);
    const failed = shell("prdo", show);
    expect([failed.status, failed.stdout]).toEqual([127, ""]);
    expect(failed.stderr).toMatch(
      /stack "prdo" has no file; allowed: [\s\S]*RESOURCE_GROUP: unbound variable/,
    );
  }, 180_000);

  test("names derive from the stack file as the program declares them", () => {
    for (const [stack, config] of Object.entries(readStacks(ROOT))) {
      const plan = JSON.parse(fs.readFileSync(path.join(ROOT, `test/expected/${stack}.json`), "utf8")) as {
        resources: { type: string; outputs?: object }[];
      };
      const declared = plan.resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs;
      expect(variables(outputsSchema.parse(declared))).toEqual(
        variables(outputsSchema.parse(outputNames(config))),
      );
    }
  });

  test("after a failover they are those of the region that serves by now, and of the other one", () => {
    const { prod } = readStacks(ROOT);
    const { primary, secondary } = prod!.regions;
    const failedOver = {
      ...prod!,
      regions: { primary: { ...primary, role: "lost" }, secondary: { ...secondary!, role: "serving" } },
    } as const;
    const before = variables(outputsSchema.parse(outputNames(prod!)));
    const after = variables(outputsSchema.parse(outputNames(failedOver)));
    const moved = [
      "RESOURCE_GROUP",
      "REGION",
      "VAULT",
      "CLUSTER",
      "STORAGE_ACCOUNT",
      "STORAGE_RESOURCE_GROUP",
    ];
    for (const name of [...moved, "PRIVATE_LINK"])
      expect([after[name], after[`${name}_SECONDARY`]]).toEqual([before[`${name}_SECONDARY`], before[name]]);
    expect([after["SERVER"], after["REPLICA"]]).toEqual([before["REPLICA"], before["SERVER"]]);
    const targets = JSON.parse(before["BACKUP_TARGETS"]!) as object[];
    expect(JSON.parse(after["BACKUP_TARGETS"]!)).toEqual([...targets].reverse());
    expect(Object.keys(after)).toEqual(Object.keys(before));
  });

  test("every name in a command is a stack output, a loop variable of the shell, or set by hand and said to be", () => {
    for (const book of BOOKS) {
      const known = new Set([...Object.keys(names), ...Object.keys(book.inputs)]);
      for (const { command } of book.steps) {
        for (const variable of command === undefined ? [] : parseCommand(command).variables) {
          expect([book.id, variable, known.has(variable)]).toEqual([book.id, variable, true]);
        }
      }
    }
  });

  const commandsOf = (id: string): string[] =>
    BOOKS.find((book) => book.id === id)?.steps.map(({ command = "" }) => command) ?? [];

  test("evidence is not cut off where the tool stops by itself", () => {
    const logs = COMMANDS.filter(([, command]) => command.includes("activity-log list"));
    expect(logs.length).toBeGreaterThan(0);
    for (const [name, command] of logs)
      expect([name, command]).toEqual([name, expect.stringMatching(/--max-events \d{5,}/)]);
  });

  // Commands that change what runs, and what must then stand on their page; null: it ends by itself, or is the way back.
  const WAYS: readonly (readonly [command: RegExp, back: RegExp | null])[] = [
    [/^kubectl scale .*--replicas 0$/, /kubectl scale .*--replicas [1-9]/],
    [/^kubectl rollout undo/, /`kubectl rollout undo` once more/],
    [/^kubectl drain/, /`kubectl uncordon/],
    [/^kubectl (scale|uncordon|delete pod|create job|rollout restart)/, null],
    [/operations -- contain /, /operations -- reopen /],
    [/operations -- maintenance .* on$/, /operations -- maintenance .* off$/m],
    [/operations -- failover (?!.*--dry-run)/, /way back is the same command with the old region/],
    [/operations -- pitr .*--(at|everything) ?(?!.*--dry-run)/, /operations -- pitr .*--drop/],
    [/operations -- (reopen|rotate|announce|pitr .*--drop)/, null],
    [/^az role assignment delete/, /comes back with `pulumi up --refresh`/],
    [/^az postgres flexible-server update .*--storage-size/, /it can never shrink again/],
    [
      /^az (postgres flexible-server restart|keyvault recover|storage blob copy)|^az rest --method post/,
      null,
    ],
    [/^pulumi config set .*(rateLimitPerMinute|memoryLimit)/, /way back.* is `git revert` of that commit/],
    [/^pulumi (up|config)/, null],
    [/recovery -- restore .*--replace/, /`_before_`/],
    [/recovery -- restore .*--in-place/, /rows before, in the database the command named/],
    [/recovery -- (backup|copy|restore .*--create-roles)|incident -- (new|sync)/, null],
  ];
  const LOOKS =
    /^(curl |kubectl (get|logs|top|describe|exec|events|rollout (history|status))\b|az .*\b(list|show|list-deleted)\b|az rest --method get |pulumi preview |npx jest |npm run -s (drill|plan) )|operations -- (status|preflight) |--dry-run|recovery -- (list|status|verify|evidence verify|guard|diff|prune)\b(?!.*--no-dry-run)/;

  test("what gives up data or cannot be undone says in its title when, and the first look is always harmless", () => {
    const harmful = STEPS.filter(([name, { command = "" }]) =>
      name.startsWith("database-failover") || name.startsWith("disk-space")
        ? /flexible-server (restart|update) |operations -- failover (?!.*--dry-run)/.test(command)
        : false,
    );
    expect(harmful.length).toBe(4);
    for (const [name, { title }] of harmful)
      expect([name, title]).toEqual([name, expect.stringMatching(/only when|Then the primary's/)]);
    expect(commandsOf("database-failover")[0]).toBe('npm run -s operations -- status "$ENVIRONMENT"');
  });

  test("the first command of a page takes nothing away: whoever reads it does not know yet what is wrong", () => {
    const harmful = BOOKS.flatMap(({ id, steps }) => {
      const { command = "" } = steps.find((step) => step.command !== undefined) ?? {};
      const way = LOOKS.test(command) ? undefined : WAYS.find(([pattern]) => pattern.test(command));
      return way?.[1] ? [`${id}: ${command}`] : [];
    });
    expect(harmful).toEqual([]);
  });

  test("what is typed while Azure or the environment may be lost runs in no pod of it", () => {
    for (const id of ["provider-loss", "security-breach"]) {
      const { steps = [] } = BOOKS.find((book) => book.id === id) ?? {};
      const before = steps.slice(
        0,
        steps.findIndex(({ command = "" }) => /-- (contain|restore) /.test(command)) + 1,
      );
      expect([id, before.filter(({ runs }) => runs === "local" || runs === "cluster")]).toEqual([id, []]);
      expect(before.length).toBeGreaterThan(1);
    }
  });

  test("whatever brings rows back ends with the rows that persons had erased", () => {
    const back = BOOKS.filter(({ steps }) =>
      steps.some(
        ({ command = "", title }) =>
          /recovery -- restore |pitr .*--(at|extract)\b/.test(command) || title === "Bring back rows",
      ),
    );
    expect(back.map(({ id }) => id)).toEqual([
      "accidental-deletion",
      "database-restore",
      "one-table",
      "point-in-time-restore",
      "provider-loss",
    ]);
    for (const { id, over } of back)
      expect([id, over.join()]).toEqual([id, expect.stringContaining("Article 17")]);
  });

  test("in the API's pod a page asks nobody the network policy keeps the API from", async () => {
    const plan = await planStack("prod");
    const { spec } = plan.one("kubernetes:networking.k8s.io/v1:NetworkPolicy", "primary-api-traffic")
      .inputs as {
      spec: { egress: { to: { ipBlock?: object }[]; ports: { port: number }[] }[] };
    };
    const ports = (outside: boolean) =>
      spec.egress
        .filter(({ to }) => to.some(({ ipBlock }) => ipBlock !== undefined) === outside)
        .flatMap((entry) => entry.ports.map(({ port }) => port));
    expect(ports(true)).not.toContain(443);
    const inApi = COMMANDS.filter(([, command]) => command.includes(" deploy/api -- "));
    expect(inApi.length).toBeGreaterThan(5);
    for (const [name, command] of inApi) {
      const urls = [...command.matchAll(/https?:\/\/[^'"/]+/g)].map(([url]) => url);
      expect([name, urls.filter((url) => url !== "http://localhost:3000")]).toEqual([name, []]);
      const asked = [...command.matchAll(/:(81\d\d)\b/g)].map(([, port]) => Number(port));
      expect([name, asked.filter((port) => !ports(false).includes(port))]).toEqual([name, []]);
    }
  }, 180_000);

  test("a disk grows on the replica before the primary, by no size but the one that was looked up", () => {
    const grown = commandsOf("disk-space").filter((command) => command.includes("--storage-size"));
    expect(grown.map((command) => /--name "\$(\w+)"/.exec(command)?.[1])).toEqual(["REPLICA", "SERVER"]);
    expect(grown.filter((command) => !command.endsWith('"$STORAGE_GIB"'))).toEqual([]);
  });

  test("whatever a page takes away or turns down, the same page says how it comes back", () => {
    const missing: string[] = [];
    let judged = 0;
    for (const book of BOOKS) {
      const page = fs.readFileSync(path.join(ROOT, `docs/runbooks/${book.id}.md`), "utf8");
      const said = book.steps.flatMap(({ command, otherwise, prints }) => [
        ...(command === undefined ? [] : [command]),
        ...[
          ...`${otherwise} ${[prints].flat().join(" ")}`.matchAll(/`((?:kubectl|az|pulumi|npm run) [^`]+)`/g),
        ].map(([, text = ""]) => text),
      ]);
      for (const command of said) {
        if (LOOKS.test(command)) continue;
        const way = WAYS.find(([pattern]) => pattern.test(command));
        judged++;
        if (!way) missing.push(`${book.id}: no way back is known of ${command}`);
        else if (way[1] && !way[1].test(page))
          missing.push(`${book.id}: ${command} without ${way[1].source}`);
      }
    }
    expect(missing).toEqual([]);
    expect(judged).toBeGreaterThan(30);
  });

  test("what was changed behind Pulumi's back is looked for with a refresh", () => {
    for (const id of ["accidental-deletion", "misconfiguration", "network-dns"]) {
      const calls = commandsOf(id).filter((command) => /^pulumi (up|preview) /.test(command));
      expect([id, calls.length > 0]).toEqual([id, true]);
      expect(calls.filter((command) => !command.includes(" --refresh "))).toEqual([]);
    }
  });

  test("what is restored is the backup that was proved, and its replacement is proved too", () => {
    const verbs = commandsOf("database-restore").flatMap((command) =>
      command.startsWith("npm run -s recovery -- ") ? [command.split(" ").slice(5, 7).join(" ")] : [],
    );
    expect(verbs).toEqual(["list", 'verify "$BACKUP"', 'restore "$BACKUP"', "backup", "verify --latest"]);
  });

  test("a page names no environment but its own", () => {
    for (const [name, command] of COMMANDS)
      expect([name, /(?:plan|drift|cost|outputs) -- (?:staging|prod)\b/.test(command)]).toEqual([
        name,
        false,
      ]);
  });

  test("resources of the cluster that commands name are in the plan", async () => {
    const { resources } = await planStack("prod", { resolve: true });
    const objects = resources.flatMap(({ type, inputs }) => {
      const name = (inputs as { metadata?: { name?: unknown } }).metadata?.name;
      return type.startsWith("kubernetes:") && typeof name === "string"
        ? [`${type.split(":").at(-1)?.toLowerCase()}/${name}`]
        : [];
    });
    const labels = resources.flatMap(({ inputs }) =>
      Object.entries(
        (inputs as { metadata?: { labels?: Record<string, unknown> } }).metadata?.labels ?? {},
      ).map(([key, value]) => `${key}=${String(value)}`),
    );
    for (const [name, command] of COMMANDS) {
      for (const [, label] of command.matchAll(/--selector (app\.kubernetes\.io\/[a-z-]+=[a-z0-9-]+)/g))
        expect([name, labels.includes(label ?? "") ? label : `nothing with ${label}`]).toEqual([name, label]);
      for (const [reference] of command.matchAll(/(?<![\w/.])(?:deploy(?:ment)?|cronjob)\/[a-z][a-z-]*/g)) {
        expect([
          name,
          objects.includes(reference.replace(/^deploy\//, "deployment/")) ? reference : `no ${reference}`,
        ]).toEqual([name, reference]);
      }
    }
  });
});

describe("a configuration that a runbook sets", () => {
  test("is looked at for every runbook that sets one", () => {
    expect(changingBooks().map(({ book }) => book.id)).toEqual(
      expect.arrayContaining(["credential-rotation", "database-restore", "region-loss"]),
    );
  });

  test("would be found out if it replaced the database or the only key of stored tokens", async () => {
    const model = sandboxModel();
    const changes = [
      ["database.applicationDatabase", "restored", "Database::forma3d-prod-database-application"],
      ["vault.tokenEncryptionKeys", [LATER], "RandomBytes::forma3d-prod-secrets-token-encryption-key-"],
    ] as const;
    await preparePlans([
      { stack: "prod" },
      ...changes.map(([key, value]) => ({ stack: "prod", config: { [key]: value } })),
    ]);
    const plan = await planStack("prod");
    for (const [key, value, lost] of changes) {
      const changed = await planStack("prod", { config: { [key]: value } });
      const found = diffPlans(plan, changed, model).filter(({ danger }) => danger !== "");
      expect(found.map(({ urn }) => urn)).toEqual([expect.stringContaining(lost)]);
    }
  }, 180_000);
});

// All other stacks: `runbooks.long.test.ts`.
testConfigurations(["prod"]);

describe("steps that run anywhere do what their page says", () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let azurite: Awaited<ReturnType<typeof startAzurite>>;
  let folder: string;
  let env: NodeJS.ProcessEnv;

  const typed = (command: string) => {
    const result = spawnSync("bash", ["-c", command], { cwd: ROOT, encoding: "utf8", env, timeout: 150_000 });
    return { code: result.status, text: `${result.stdout}${result.stderr}` };
  };
  /** A verb of the recovery runner in this process, and what another script of package.json runs without npm: most of either is a start. */
  const shell = async (command: string) => {
    const recovery = /^npm run -s recovery -- /;
    if (recovery.test(command)) {
      const { stdout } = spawnSync("bash", ["-c", command.replace(recovery, "printf '%s\\0' ")], {
        encoding: "utf8",
        env,
      });
      const { PATH: _, ...settings } = env as Record<string, string>;
      const ended = await verb(stdout.split("\0").slice(0, -1), settings);
      return { code: ended.code, text: `${ended.stdout}${ended.stderr}` };
    }
    return typed(
      command.replace(/^npm run -s (\S+) -- /, (_, script: string) => `${SCRIPTS[script] ?? ""} `),
    );
  };

  beforeAll(async () => {
    [postgres, azurite] = await Promise.all([startPostgres(), startAzurite()]);
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "runbooks-"));
    const server = new pg.Client({ connectionString: postgres.url });
    await server.connect();
    await server.query("create database forma3d");
    await server.end();
    const client = new pg.Client({ connectionString: postgres.urlOf("forma3d") });
    await client.connect();
    await client.query(
      "create table orders(id int primary key, total numeric, created_at timestamptz default now())",
    );
    await client.query("insert into orders(id, total) select g, g * 1.5 from generate_series(1, 500) g");
    await client.end();
    const blobs = BlobServiceClient.fromConnectionString(azurite.connectionString);
    const containers = { DAILY: "daily", MONTHLY: "monthly", EVIDENCE: "evidence", INCIDENTS: "incidents" };
    for (const name of Object.values(containers)) await blobs.createContainer(name);
    env = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      TMPDIR: process.env.TMPDIR,
      ENVIRONMENT: "staging",
      DATABASE: "forma3d",
      TABLE: "public.orders",
      FRESH_DATABASE: "elsewhere",
      DATABASE_URL: postgres.urlOf("forma3d"),
      BACKUP_STORE_CONNECTION_STRING: azurite.connectionString,
      ...Object.fromEntries(
        Object.entries(containers).map(([key, name]) => [`BACKUP_CONTAINER_${key}`, name]),
      ),
      INCIDENT_DIR: path.join(folder, "incidents"),
    };
    // The state every page starts from: a marked database with one proved backup and one drill.
    const marked = typed("npm run -s recovery -- guard --mark");
    if (marked.code !== 0) throw new Error(marked.text);
    for (const command of ["backup", "verify --latest", "drill --scenario backup-only"]) {
      const { code, text } = await shell(`npm run -s recovery -- ${command}`);
      if (code !== 0) throw new Error(`${command}: ${text}`);
    }
    const [proved] = JSON.parse((await shell("npm run -s recovery -- list --json")).text) as { id: string }[];
    env.BACKUP = proved?.id;
  }, 180_000);

  afterAll(async () => {
    await Promise.all([postgres?.stop(), azurite?.stop()]);
    if (folder) fs.rmSync(folder, { recursive: true });
  });

  const anywhere = BOOKS.filter((book) => book.steps.some(runsAnywhere));

  test.each(anywhere.map((book) => [book.id, book] as const))(
    "%s",
    async (_, book) => {
      const seen: object[] = [];
      for (const step of book.steps.filter(runsAnywhere)) {
        const { code, text } = await shell(step.command ?? "");
        const printed = [step.prints].flat().some((part) => text.includes(part));
        seen.push({ step: step.title, code, printed: printed ? step.prints : text });
      }
      expect(seen).toEqual(
        book.steps
          .filter(runsAnywhere)
          .map((step) => ({ step: step.title, code: step.exits, printed: step.prints })),
      );
    },
    240_000,
  );
});
