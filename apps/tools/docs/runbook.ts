import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { z } from "zod";
import { setNames } from "../../operations/outputs";
import { proofOf, runsAnywhere } from "./runbookProof";

export {
  runsAnywhere,
  runsInEngine,
  runsInPod,
  runsOnEmulatedAzure,
  runsOnEmulatedCluster,
  stepCounts,
} from "./runbookProof";

/**
 * Where a step's command can run.
 * - `local`: on any machine with this repository, against whatever the environment's variables point at. A test
 *   runs these, in order, against a local database and blob server. Of an environment they reach database and backups
 *   in the operator's pod only, and its page says so.
 * - `outside`: the same, on a machine of one's own alone: what the environment is made of may be lost, or not to be trusted.
 * - `cluster`: needs `kubectl` and access to the cluster.
 * - `azure`: needs `az` or `pulumi` and access to the subscription.
 * - `person`: no command; a decision, a call or a page in a browser.
 */
export const PLACES = ["local", "outside", "cluster", "azure", "person"] as const;

const step = z
  .strictObject({
    title: z.string().min(1),
    runs: z.enum(PLACES),
    /** One command. Names come from `$VARIABLES`, which `npm run outputs` sets. */
    command: z.string().optional(),
    /** What is seen when all is well; of a command that runs anywhere a part of what it prints, or several of which one is there. */
    prints: z.union([z.string().min(1), z.array(z.string().min(1)).min(2)]),
    /** What to do when it is not. */
    otherwise: z.string().min(1),
    /** Where in operating.md it says how to get to where the command runs, when that is not this machine. */
    from: z
      .string()
      .regex(/^[a-z-]+$/)
      .optional(),
    /** Exit code of a local command when all is well. */
    exits: z.int().default(0),
  })
  .refine((value) => (value.runs === "person") === (value.command === undefined), {
    error: "only a step of a person has no command",
    path: ["command"],
  });

const runbook = z.strictObject({
  title: z.string().min(1),
  /** One sentence: when this is the right page. */
  when: z.string().min(1),
  severity: z.enum(["SEV-1", "SEV-2", "SEV-3", "SEV-4"]),
  symptoms: z.array(z.string().min(1)).min(1),
  /** Who decides, and what must not be done without them. */
  decides: z.string().min(1),
  risks: z.array(z.string().regex(/^R(0\d|1[0-5])$/)).min(1),
  /** Row of report §5.3 that applies. */
  objective: z.enum([
    "database-with-replica",
    "database-backup-only",
    "application",
    "region",
    "breach",
    "none",
  ]),
  /** Variables a person sets by hand, with what goes in; every other one is a stack output. */
  inputs: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string().min(1)).default({}),
  steps: z.array(step).min(1),
  /** How to know that it is over. */
  over: z.array(z.string().min(1)).min(1),
  /** How to practise it. */
  rehearse: z.strictObject({
    how: z.string().min(1),
    /** Scenarios of `npm run rehearse` that practise it with the real engine. */
    scenarios: z.array(z.string().regex(/^[1-9]\.\d+$/)).default([]),
    command: z.string().optional(),
    runs: z.enum(PLACES).default("local"),
  }),
});

export type RunbookStep = z.infer<typeof step>;
export type RunbookSource = z.infer<typeof runbook> & { id: string };

/** Recovery objectives of report §5.3 and what meets each here. */
export const OBJECTIVES: Record<
  RunbookSource["objective"],
  { rto: string; rpo: string; means: string } | undefined
> = {
  "database-with-replica": {
    rto: "5 minutes",
    rpo: "0",
    means: "zone-redundant standby; replica in the second region",
  },
  "database-backup-only": {
    rto: "2 hours",
    rpo: "1 hour",
    means: "point-in-time restore (5 minutes), then proved backups",
  },
  application: { rto: "2 minutes", rpo: "0", means: "probes, three replicas, autoscaler" },
  region: { rto: "4 hours", rpo: "1 hour", means: "replica, geo-copies and the second region's cluster" },
  breach: { rto: "24 hours", rpo: "varies", means: "clean, proved backup" },
  none: undefined,
};

/** Folder of the files the pages are made from. */
export const RUNBOOK_FOLDER = "docs/runbooks/source";

const wrong = (error: z.ZodError): string[] =>
  error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);

/** What is wrong with the content of a runbook's file, as `field: what`. */
export function runbookProblems(content: unknown): string[] {
  const result = runbook.safeParse(content);
  return result.success ? [] : wrong(result.error);
}

/**
 * Reads the runbooks.
 * @throws Error that names the file and every field that is wrong.
 */
export function readRunbooks(root: string): RunbookSource[] {
  const folder = path.join(root, RUNBOOK_FOLDER);
  return fs
    .readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((name) => {
      const result = runbook.safeParse(yaml.load(fs.readFileSync(path.join(folder, name), "utf8")));
      if (!result.success) {
        throw new Error(
          `${RUNBOOK_FOLDER}/${name}:\n${wrong(result.error)
            .map((line) => `  ${line}`)
            .join("\n")}`,
        );
      }
      return { id: name.replace(/\.yaml$/, ""), ...result.data };
    });
}

/** An alert that leads to a runbook. */
export interface LeadingAlert {
  name: string;
  priority: string;
  summary: string;
}

const IN_POD = /^npm run -s (recovery|incident) -- /;

/**
 * A call of the recovery runner or of the incident records as it is given to the operator's pod, from where alone an
 * environment's database and backups can be reached; undefined for any other command.
 */
export function podCommand(command: string): string | undefined {
  const [call, program] = IN_POD.exec(command) ?? [];
  return (
    call &&
    `kubectl exec --namespace "$NAMESPACE" job/operator -- node /app/${program ?? ""}.js ${command.slice(call.length)}`
  );
}

/** What is given to the operator's pod of an environment instead of a step's command; undefined where that is typed as it stands. */
const inPod = ({ command, runs }: RunbookStep): string | undefined =>
  command === undefined || runs !== "local" ? undefined : podCommand(command.trim());

/** How that pod is started, for a page that has a step in it. */
const START_POD = [
  "Steps with `job/operator` run in [the operator's pod](../operating.md#the-operators-pod); start it once:",
  "",
  "```bash",
  'kubectl create job operator --namespace "$NAMESPACE" --from cronjob/recovery-operator',
  'kubectl wait --namespace "$NAMESPACE" --for condition=ready --timeout 10m pod --selector job-name=operator',
  "```",
  "",
];

/** The command of a step: what is typed for an environment, and how the same is tried on a machine of one's own. */
function commandLines(step: RunbookStep): string[] {
  if (step.command === undefined) return [];
  const own = step.command.trim();
  const pod = inPod(step);
  return ["```bash", pod ?? own, "```", "", ...(pod ? [`With a database of your own: \`${own}\`.`, ""] : [])];
}

/** What is seen when all is well: of a command that runs anywhere its own words, else whatever the page says. */
function seen(step: RunbookStep): string {
  const parts = [step.prints].flat();
  return runsAnywhere(step)
    ? `it prints ${parts.map((part) => `\`${part}\``).join(" or ")}`
    : parts.join(" or ");
}

/** The alerts that lead to a page, first on it: whoever was woken compares the name before anything else. */
function alertLines(alerts: readonly LeadingAlert[]): string[] {
  return alerts.length === 0
    ? ["No alert leads here; the [index](../README.md) does.", ""]
    : [
        "Alerts that lead here:",
        "",
        ...alerts.map(({ name, priority, summary }) => `- **\`${name}\`** (${priority}): ${summary}`),
        "",
      ];
}

/** The page of one runbook. */
export function renderRunbook(book: RunbookSource, alerts: readonly LeadingAlert[]): string {
  const objective = OBJECTIVES[book.objective];
  const { command, scenarios } = book.rehearse;
  const exercises = [
    ...(command ? [command.trim()] : []),
    ...(scenarios.length > 0 ? [`npm run -s rehearse -- --only ${scenarios.join(",")}`] : []),
  ];
  const numbered = book.steps.flatMap((entry, index) => [
    `### ${index + 1}. ${entry.title}`,
    "",
    ...commandLines(entry),
    ...(entry.from ? [`Run it [from where it reaches](../operating.md#${entry.from}).`, ""] : []),
    `- All is well: ${seen(entry)}${entry.exits === 0 ? "" : ` and exits ${entry.exits}`}`,
    `- Otherwise: ${entry.otherwise}`,
    `- ${proofOf(entry).note}`,
    "",
  ]);
  return [
    `# ${book.title}`,
    "",
    `<!-- Generated from docs/runbooks/source/${book.id}.yaml by \`npm run docs\`. -->`,
    "",
    ...alertLines(alerts),
    book.when,
    "",
    `**Severity** ${book.severity} · **Risks** ${book.risks.join(", ")}${objective ? ` · **RTO** ${objective.rto} · **RPO** ${objective.rpo} (${objective.means})` : ""}`,
    "",
    "## Symptoms",
    "",
    ...book.symptoms.map((symptom) => `- ${symptom}`),
    "",
    "## Who decides",
    "",
    book.decides,
    "",
    "## Steps",
    "",
    "Names come from the stack's file; set them once per shell. A name that is missing is then refused, never empty.",
    "",
    "```bash",
    setNames("prod"),
    "```",
    "",
    "[Operating](../operating.md) says from where each command works.",
    "",
    ...(book.steps.some((entry) => inPod(entry) !== undefined) ? START_POD : []),
    ...Object.entries(book.inputs).map(
      ([name, meaning]) => `Set by hand: \`export ${name}=…\` (${meaning}).\n`,
    ),
    ...numbered,
    "## It is over when",
    "",
    ...book.over.map((sign) => `- ${sign}`),
    "",
    "## Rehearse",
    "",
    book.rehearse.how,
    "",
    ...(exercises.length > 0 ? ["```bash", ...exercises, "```", ""] : []),
  ].join("\n");
}
