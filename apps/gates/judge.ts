import { describeFinding, Inspection } from "../../policies/pack/adapter/inspection";
import { readWaivers } from "../../policies/pack/waiverFile";
import { readInventory } from "../../stacks/inventory";
import type { Inventory } from "../../packages/isolation/inventory";
import { OutsideWatch } from "../../packages/isolation/outside";
import { isolationRules } from "../../packages/isolation/rules";
import type { Finding } from "../../packages/isolation/rule";
import { mendLine, mendOf } from "../../policies/pack/mend";
import { type Waiver, Waivers } from "../../policies/pack/waivers";
import { type GivenResource, type Unread, viewOf } from "./views";

/** What a gate says in the end. */
export interface Verdict {
  /** One line per finding that must stop the change. */
  readonly findings: readonly string[];
  /** What is worth knowing and stops nothing. */
  readonly notes: readonly string[];
}

/** A read or import no policy was shown. */
export interface Access {
  readonly urn: string;
  readonly type: string;
  readonly how: "reads" | "adopts" | "references";
  readonly id: string;
}

/** Rules of the gates themselves, as a waiver names them. */
const GATE_RULES = {
  reads: "GATE-READ",
  adopts: "GATE-IMPORT",
  references: "GATE-REFERENCE",
} as const;

const BY_ID = new Map(isolationRules.map((rule) => [rule.id, rule]));
const ADVISORY = new Set(isolationRules.filter(({ level }) => level === "advisory").map(({ id }) => id));

/** The rules of the pack, its inventory and its waivers, for gates outside the engine. */
export class GateKeeper {
  private readonly inventory: Inventory;
  private readonly waivers: Waivers;
  private readonly unread: Unread = { secrets: 0 };
  private readonly findings: string[] = [];
  private readonly notes: string[] = [];

  /** @throws ConfigError when the project's stack files, inventory or waivers are unreadable or malformed. */
  constructor(
    root: string,
    private readonly isDryRun: boolean,
    now = new Date(),
  ) {
    this.inventory = readInventory(root);
    this.waivers = new Waivers(readWaivers(root, now), now.toISOString().slice(0, 10));
  }

  /** Judges resources by every isolation rule, and the stack as a whole. */
  resources(inputs: readonly GivenResource[], outputs: readonly GivenResource[], config = {}): void {
    const inspection = new Inspection({
      rules: isolationRules,
      inventory: this.inventory,
      waivers: this.waivers,
      isDryRun: this.isDryRun,
      config,
    });
    const views = outputs.map((given) => viewOf(given, this.unread));
    const found = [
      ...inputs.flatMap((given) => inspection.resource(viewOf(given, this.unread))),
      ...inspection.stack({ resources: views, byUrn: new Map(views.map((view) => [view.urn, view])) }),
    ];
    found.forEach((finding) => this.add(finding));
  }

  /** Refuses a read or import, unless a waiver says why it is meant; what it reaches makes no difference. */
  access({ urn, type, how, id }: Access): void {
    const ruleId = GATE_RULES[how];
    const [stack, project] = placeOf(urn);
    const watch = new OutsideWatch(this.inventory, project, stack);
    const reach =
      how === "references"
        ? watch.problem({ type, name: id })
        : watch.problem({ type, name: "", ...(how === "reads" ? { id } : { importId: id }) });
    // A stack that is listed as readable needs no waiver beside that.
    if (how === "references" && reach === undefined) return;
    const finding: Finding = {
      ruleId,
      urn,
      path: "id",
      message:
        reach?.what ??
        `${how} an existing resource, which no policy is shown; a waiver of ${ruleId} allows it`,
    };
    this.add(finding, this.waivers.covering(finding));
  }

  invoke(project: string, stack: string, token: string, args: unknown): void {
    const problem = new OutsideWatch(this.inventory, project, stack).invoke(token, args);
    if (problem) this.findings.push(`stack ${stack}: ${problem}`);
  }

  /** Reports waivers of the gates that a preview did not need. */
  unusedWaivers(project: string, stack: string): void {
    for (const { rule, resource } of this.waivers.unused(project, stack)) {
      if (rule.startsWith("GATE-"))
        this.findings.push(`${resource}: the waiver of ${rule} covers nothing any more`);
    }
  }

  fail(message: string): void {
    this.findings.push(message);
  }

  verdict(): Verdict {
    const { secrets } = this.unread;
    return {
      findings: [...new Set(this.findings)],
      notes: [
        ...this.notes,
        ...(secrets > 0
          ? [`${secrets} secret value(s) are encrypted here and were judged by the policy pack only`]
          : []),
      ],
    };
  }

  /** @param waiver what covers it; the findings of rules come with theirs applied. */
  private add(finding: Finding, waiver?: Waiver): void {
    const isAdvisory = finding.level === "advisory" || ADVISORY.has(finding.ruleId);
    const line = `${finding.urn}: ${describeFinding(finding)}`;
    const rule = BY_ID.get(finding.ruleId);
    const [stack] = placeOf(finding.urn);
    if (isAdvisory || waiver) this.notes.push(line);
    else this.findings.push(rule ? `${line}${mendLine(mendOf(rule, finding, stack))}` : line);
  }
}

/** Stack and project of a URN. */
export function placeOf(urn: string): [stack: string, project: string] {
  const [, , stack = "", , project = ""] = urn.split(":");
  return [stack, project];
}
