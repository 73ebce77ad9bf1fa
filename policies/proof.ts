import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { Inspection } from "./pack/adapter/inspection";
import type { Inventory } from "../packages/isolation/inventory";
import type { ResourceView, Rule, Tree } from "../packages/isolation/rule";
import { Waivers } from "./pack/waivers";

/** What a gate tells the pack of its run, as environment variables of the engine. */
export const PROOF_VARIABLES = {
  /** Text nobody could know before the run; with it the pack proves that it judged. */
  nonce: "FORMA3D_GATE_NONCE",
  /** `refuse`: the pack must also refuse the canary, so that the run fails for this one reason. */
  canary: "FORMA3D_GATE_CANARY",
} as const;

/** Names of the policies that speak to the gate. */
export const PROOF_POLICIES = { receipt: "proof-of-life", canary: "canary-refused" } as const;

/** What was judged, told so that both sides can compare it. */
export interface Counted {
  readonly count: number;
  /** Hash over the sorted URNs. */
  readonly digest: string;
}

/** What the pack says of itself and of what it judged. Holds no value of any resource. */
export interface Receipt {
  readonly nonce: string;
  /** SHA-256 of the pack's own code. */
  readonly pack: string;
  /** Hash over stack files, inventory and waivers. */
  readonly configuration: string;
  /** Hash over the ids and levels of all rules. */
  readonly rules: string;
  /** Rules that refused the canary. */
  readonly canary: readonly string[];
  readonly resources: Counted;
  readonly stack: Counted;
}

const sha256 = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");

/** Hash of a file's content. */
export function fileDigest(file: string): string {
  return sha256(fs.readFileSync(file));
}

/** Hash over everything beside its code that decides what the pack finds, in the project of a folder. */
export function configurationDigest(root: string): string {
  const stackFiles = fs.readdirSync(root).filter((name) => /^Pulumi(\.[\w-]+)?\.yaml$/.test(name));
  const files = [...stackFiles.sort(), "policies/inventory.yaml", "policies/waivers.yaml"];
  return sha256(files.map((name) => `${name}\0${fileDigest(path.join(root, name))}\n`).join(""));
}

/** Hash over the rules a pack has, with the level each has. */
export function rulesDigest(rules: readonly Rule[]): string {
  return sha256(rules.map(({ id, level }) => `${id} ${level}\n`).join(""));
}

export function counted(urns: Iterable<string>): Counted {
  const sorted = [...new Set(urns)].sort();
  return { count: sorted.length, digest: sha256(sorted.join("\n")) };
}

/** A pod nobody would let pass: it owns its node, and reaches into another environment. */
function canary(inventory: Inventory, project: string, stack: string): ResourceView {
  const other = inventory.environments.find(({ stacks }) => !stacks.includes(`${project}/${stack}`));
  const props: Tree = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "canary", namespace: "forma3d" },
    spec: {
      hostNetwork: true,
      hostPID: true,
      containers: [
        {
          name: "canary",
          image: "canary:latest",
          securityContext: { privileged: true },
          env: [{ name: "DATABASE_HOST", value: `${other?.servers[0] ?? ""}.postgres.database.azure.com` }],
        },
      ],
    },
  };
  return {
    urn: `urn:pulumi:${stack}::${project}::kubernetes:core/v1:Pod::canary`,
    type: "kubernetes:core/v1:Pod",
    name: "canary",
    props,
    unknownPaths: [],
    opts: { protect: false, ignoreChanges: [], aliases: [], additionalSecretOutputs: [] },
    dependencies: [],
    propertyDependencies: {},
  };
}

/** Ids of the rules that refuse the canary in a stack. */
export function canaryRefusals(
  rules: readonly Rule[],
  inventory: Inventory,
  project: string,
  stack: string,
): string[] {
  const waivers = new Waivers([], "");
  const inspection = new Inspection({ rules, inventory, waivers, isDryRun: true, config: {} });
  const found = inspection.resource(canary(inventory, project, stack));
  return [...new Set(found.filter(({ level }) => level !== "advisory").map(({ ruleId }) => ruleId))].sort();
}

const common = {
  severity: "high",
  levelCanBeLowered: false,
  framework: { risks: ["R09"], waf: ["OE:11"] },
  appliesTo: "any",
  url: "https://www.pulumi.com/docs/iac/crossguard/",
  why: "A run without policies looks like a run without findings.",
  remediation: "Run the engine through the gate: npm run gate -- --help.",
} as const;

/**
 * Rules that prove to a gate that the others have judged. They are part of the pack only in a gate's own runs, come
 * last, and say nothing when a rule before them has failed.
 * @param code file of the pack's own code
 */
export function proofRules(
  env: NodeJS.ProcessEnv,
  root: string,
  code: string,
  rules: readonly Rule[],
  inventory: Inventory,
): readonly Rule[] {
  const nonce = env[PROOF_VARIABLES.nonce];
  if (!nonce) return [];
  const judged = new Set<string>();
  return [
    {
      ...common,
      id: "GATE-SEEN",
      name: "seen-by-the-pack",
      level: "advisory",
      title: "Every resource is counted",
      description: "Counts what the engine had judged.",
      scope: "resource",
      check: ({ urn }) => {
        judged.add(urn);
        return [];
      },
    },
    {
      ...common,
      id: "GATE-PROOF",
      name: PROOF_POLICIES.receipt,
      level: "advisory",
      title: "The pack says what it judged",
      description: "Tells the gate which pack judged how many resources.",
      scope: "stack",
      check: ({ resources }, { project, stack }) => {
        const receipt: Receipt = {
          nonce,
          pack: fileDigest(code),
          configuration: configurationDigest(root),
          rules: rulesDigest(rules),
          canary: canaryRefusals(rules, inventory, project, stack),
          resources: counted(judged),
          stack: counted(resources.map(({ urn }) => urn)),
        };
        return [{ path: "", message: JSON.stringify(receipt) }];
      },
    },
    {
      ...common,
      id: "GATE-CANARY",
      name: PROOF_POLICIES.canary,
      level: "mandatory",
      title: "The canary is refused",
      description: "Refuses a resource nobody declared, so that the gate sees a refusal arrive.",
      scope: "stack",
      check: (_, { project, stack }) => {
        if (env[PROOF_VARIABLES.canary] !== "refuse") return [];
        const refusals = canaryRefusals(rules, inventory, project, stack);
        return refusals.length === 0
          ? []
          : [{ path: "", message: `${nonce} the canary is refused by ${refusals.join(", ")}` }];
      },
    },
  ];
}
