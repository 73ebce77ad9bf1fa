import type { Policies } from "@pulumi/policy";
import type * as proto from "@pulumi/pulumi/proto/analyzer_pb";
import { toPolicies } from "../../../policies/pack/adapter/dispatch";
import { Inspection } from "../../../policies/pack/adapter/inspection";
import type { Extras } from "../../../packages/isolation/derive";
import { deriveInventory } from "../../../stacks/inventory";
import type { Inventory } from "../../../packages/isolation/inventory";
import { isolationRules } from "../../../packages/isolation/rules";
import type { Rule } from "../../../packages/isolation/rule";
import { type Waiver, Waivers } from "../../../policies/pack/waivers";
import { readStacks } from "../../../stacks/files";
import type { ResourceFixture } from "./fixture";
import { ROOT } from "./names";
import { analyzeRequest, analyzeStackRequest, type Diagnostic, diagnosticsOf, type Place } from "./requests";

type Rpc = (
  call: { request: unknown },
  done: (error: Error | null | undefined, response?: proto.AnalyzeResponse) => void,
) => Promise<void>;

type MakeRpc = (pack: string, version: string, level: string, policies: Policies) => Rpc;

// eslint-disable-next-line @typescript-eslint/no-require-imports -- the package strips these from its declarations
const { makeAnalyzeRpcFun, makeAnalyzeStackRpcFun } = require("@pulumi/policy/server") as {
  makeAnalyzeRpcFun: MakeRpc;
  makeAnalyzeStackRpcFun: MakeRpc;
};

export interface EngineOptions extends Place {
  isDryRun?: boolean;
  config?: Record<string, string>;
  extras?: Partial<Extras>;
  rules?: readonly Rule[];
  waivers?: readonly Waiver[];
  /** Today, `YYYY-MM-DD`. */
  today?: string;
}

const stacks = readStacks(ROOT);
const inventoryWith = (extras?: Partial<Extras>): Inventory =>
  deriveInventory(stacks, { environments: [], shared: [], ...extras });
/** What most are judged by: names to look for are worked out once for each inventory. */
const OWN = inventoryWith();

/** The pack in this process, behind the SDK's own request handlers: real proxies, unknowns, secrets and assets. */
export class Engine {
  private readonly analyzeOne: Rpc;
  private readonly analyzeAll: Rpc;
  private readonly place: Place;

  constructor(options: EngineOptions) {
    const { stack, project, extras, rules = isolationRules, waivers = [], today = "2026-01-01" } = options;
    this.place = { stack, project };
    const inspection = new Inspection({
      rules,
      inventory: extras ? inventoryWith(extras) : OWN,
      waivers: new Waivers(waivers, today),
      isDryRun: options.isDryRun ?? true,
      config: options.config ?? {},
    });
    const policies: Policies = toPolicies(rules, inspection);
    this.analyzeOne = makeAnalyzeRpcFun("forma3d", "1.0.0", "mandatory", policies);
    this.analyzeAll = makeAnalyzeStackRpcFun("forma3d", "1.0.0", "mandatory", policies);
  }

  analyze(fixture: ResourceFixture): Promise<Diagnostic[]> {
    return answer(this.analyzeOne, analyzeRequest(this.place, fixture));
  }

  analyzeStack(fixtures: readonly ResourceFixture[]): Promise<Diagnostic[]> {
    return answer(this.analyzeAll, analyzeStackRequest(this.place, fixtures));
  }

  /** A whole run: every resource, then the stack. */
  async run(fixtures: readonly ResourceFixture[]): Promise<Diagnostic[]> {
    const found: Diagnostic[] = [];
    for (const fixture of fixtures) found.push(...(await this.analyze(fixture)));
    return [...found, ...(await this.analyzeStack(fixtures))];
  }
}

async function answer(rpc: Rpc, request: unknown): Promise<Diagnostic[]> {
  const response = await new Promise<proto.AnalyzeResponse>((resolve, reject) => {
    void rpc({ request }, (error, value) =>
      error || !value ? reject(error ?? new Error("no answer")) : resolve(value),
    );
  });
  return diagnosticsOf(response);
}
