import fs from "node:fs";
import path from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { UsageError } from "../../../packages/command/errors";
import { createCommand } from "../../../packages/command/program";
import { meantAs } from "./planCheck";
import { parseOverride, stacksIn } from "../../../packages/offline-engine/config";

/** What a user asked for. File names may hold `{stack}`. */
export interface PlanCommand {
  readonly stacks: readonly string[];
  /** Folder of another project of this repository. */
  readonly project?: string;
  readonly overrides: Readonly<Record<string, unknown>>;
  readonly resolve: boolean;
  readonly quiet: boolean;
  /** The tree of all resources instead of the verdict. */
  readonly full: boolean;
  /** The plan as JSON on standard output instead of any text. */
  readonly json: boolean;
  /** File the plan is written to. */
  readonly save?: string;
  readonly mermaid?: string;
  readonly sarif?: string;
  /** The verdict and all behind it as one page. */
  readonly html?: string;
  /** Earlier plan to compare with. */
  readonly diff?: string;
}

const EXITS = {
  0: "fine",
  1: "the plan or a policy failed, or a change against an earlier plan loses data or is refused by Azure",
};

const NOTES = `\
Examples:
  npm run plan -- prod
  npm run plan -- prod --full
  npm run plan -- prod --save plan.json && git switch topic && npm run plan -- prod --diff plan.json
  npm run plan -- staging --config database.storageGB=256
  npm run plan -- prod --config database.version=18 --config database.replica=null
  npm run plan -- prod --html prod.html

docs/planning.md says what a plan shows, and what it cannot show.`;

function override(text: string, earlier: Record<string, unknown>): Record<string, unknown> {
  try {
    const { path: key, written, value } = parseOverride(text);
    return { ...earlier, [key]: meantAs(key, written, value) };
  } catch (error) {
    if (error instanceof UsageError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

/** The command line; `act` gets what was asked for, when stacks and files go together. */
export function planCommand(root: string, act: (command: PlanCommand) => Promise<void>): Command {
  return createCommand(
    "plan",
    "Says what stacks would be, what they cost, what the policies find and what is missing; needs no cloud, account or Pulumi CLI",
    EXITS,
    NOTES,
  )
    .argument("[stacks...]", "stacks to plan (default: every stack that has a Pulumi.<stack>.yaml)")
    .option(
      "--json",
      "print the plan of one stack, in the shape of pulumi stack export, and nothing else",
      false,
    )
    .option("--save <file>", "write the plan, in the same shape")
    .option("--mermaid <file>", "write a picture of the architecture as a Mermaid flowchart")
    .option("--sarif <file>", "write what the policies found as SARIF 2.1.0, also when the plan fails")
    .option(
      "--html <file>",
      "write one page with the picture, changes, findings and cost, also when the plan fails",
    )
    .option("--diff <file>", "compare with a plan written earlier by --save")
    .option(
      "--config <key=value>",
      "override a configuration value; may be repeated, the value is YAML, null takes a key away",
      override,
      {},
    )
    .option(
      "--project <folder>",
      "plan the program of this folder instead, e.g. control: what the environments are deployed from",
    )
    .option("--resolve", "fill in the ids and values Azure would assign, instead of [unknown]", false)
    .option("--full", "print every resource, output and message instead of the verdict", false)
    .option("--quiet", "print problems and differences only", false)
    .action((stacks: string[], options: Options) => act(checked(root, stacks, options)));
}

type Options = Omit<PlanCommand, "stacks" | "overrides"> & { config: Record<string, unknown> };

/** @throws UsageError for stacks and files that do not go together */
function checked(root: string, named: readonly string[], options: Options): PlanCommand {
  const folder = path.join(root, options.project ?? ".");
  if (!fs.existsSync(path.join(folder, "Pulumi.yaml")))
    throw new UsageError(`--project ${options.project ?? ""}: has no Pulumi.yaml`);
  const known = stacksIn(folder);
  const stacks = named.length > 0 ? named : known;
  if (stacks.length === 0) throw new UsageError(`${root}: has no Pulumi.<stack>.yaml`);
  const unknown = stacks.filter((stack) => !known.includes(stack));
  if (unknown.length > 0) {
    throw new UsageError(`stack ${unknown.join(", ")}: not found; allowed: ${known.join(", ")}`);
  }
  const repeated = stacks.find((stack, i) => stacks.indexOf(stack) < i);
  if (repeated !== undefined)
    throw new UsageError(`stack ${repeated}: is named twice; allowed: each stack once`);
  if (options.json && stacks.length > 1) {
    throw new UsageError(`--json: one document for ${stacks.length} stacks; allowed: one stack`);
  }
  for (const name of ["save", "mermaid", "sarif", "html", "diff"] as const) {
    const file = options[name];
    if (stacks.length > 1 && file !== undefined && !file.includes("{stack}")) {
      throw new UsageError(
        `--${name} ${file}: one file for ${stacks.length} stacks; allowed: a name with {stack}`,
      );
    }
  }
  const written = (["save", "mermaid", "sarif", "html"] as const).flatMap((name) => options[name] ?? []);
  const twice = written.find((file, i) =>
    written.some((other, j) => j < i && path.resolve(other) === path.resolve(file)),
  );
  if (twice !== undefined)
    throw new UsageError(`${twice}: is named twice; allowed: a file of its own for each form`);
  return { ...options, stacks, overrides: options.config };
}
