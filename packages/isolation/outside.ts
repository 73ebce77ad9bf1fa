import { STACK_REFERENCE_TYPE } from "../wire/urn";
import { Judge } from "./judge";
import type { Inventory } from "./inventory";
import { Perimeter, UNOWNED } from "./perimeter";
import { Scanner } from "./scan";
import { canonical } from "./text";
import { whose } from "./context";

const DYNAMIC = /^pulumi-(?:nodejs|python|go|dotnet|java):dynamic/;
/** Packages whose resources and functions have Azure resource ids. */
const AZURE = /^azure(?:-native)?(?:_[^:]*)?:/;
const AZURE_ID = /^\/subscriptions\/([0-9a-f-]{36})(?:\/|$)/;

/** A resource as the program asks for it. */
export interface RequestedResource {
  readonly type: string;
  readonly name: string;
  /** Id of an existing resource that is read; absent for a resource that is declared. */
  readonly id?: string;
  /** Id of an existing resource that is adopted. */
  readonly importId?: string;
}

/** Judges what a policy pack is never shown: reads, imports, stack references, functions and dynamic resources. */
export class OutsideWatch {
  private readonly scanner: Scanner;

  constructor(
    inventory: Inventory,
    private readonly project: string,
    private readonly stack: string,
  ) {
    this.scanner = new Scanner(new Judge(new Perimeter(inventory, project, stack)));
  }

  private get perimeter(): Perimeter {
    return this.scanner.judge.perimeter;
  }

  /** What is wrong with a resource the program asks for, in a sentence; undefined when nothing is. */
  resource(requested: RequestedResource): string | undefined {
    const problem = this.problem(requested);
    return problem && `${problem.subject} ${problem.what}`;
  }

  /** The same, with who does it and what is wrong apart. Never holds the id itself. */
  problem({ type, name, id, importId }: RequestedResource): { subject: string; what: string } | undefined {
    const subject = `${type} ${this.shown(name)}`;
    if (DYNAMIC.test(type) && !this.perimeter.isProd) {
      return {
        subject,
        what: "is a dynamic resource, whose code no policy sees; declare a resource instead",
      };
    }
    if (type === STACK_REFERENCE_TYPE) return this.reference(id ?? name);
    for (const [what, value] of [
      ["reads", id],
      ["adopts", importId],
    ] as const) {
      if (value === undefined) continue;
      const problem = this.existing(type, value);
      if (problem) return { subject, what: `${what} ${problem}` };
    }
    return undefined;
  }

  /** What is wrong with a call of a provider function; undefined when nothing is. */
  invoke(token: string, args: unknown): string | undefined {
    const hit = this.scanner.scan(args).find(({ reach }) => !UNOWNED.has(reach));
    return hit && `function ${token} is asked about something of ${whose(hit.environment)} (${hit.path})`;
  }

  private reference(name: string): { subject: string; what: string } | undefined {
    // `<organization>/<project>/<stack>`; a bare name is a stack of the same project.
    const [stack = "", project = this.project] = name.split("/").reverse();
    if (this.perimeter.mayRead(project, stack)) return undefined;
    return {
      subject: `stack ${this.stack}`,
      what: "references another stack, whose outputs it would get with all secrets; list it under shared.stackReferences in policies/inventory.yaml if that is meant",
    };
  }

  private existing(type: string, id: string): string | undefined {
    const [hit] = this.scanner.text(id);
    if (hit) return `something of ${whose(hit.environment)}`;
    const subscription = AZURE_ID.exec(canonical(id.trim()))?.[1];
    if (subscription !== undefined && this.perimeter.owns("subscriptionIds", subscription)) return undefined;
    return AZURE.test(type) ? "something outside this stack's own subscription" : undefined;
  }

  private shown(name: string): string {
    return this.scanner.text(name).length === 0 ? `"${name}"` : "(name withheld)";
  }
}
