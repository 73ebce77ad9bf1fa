import type { Extras } from "../../../packages/isolation/derive";
import type { ResourceFixture } from "./fixture";
import { prod, staging } from "./names";

export { prod, staging };

/** Checks that stand around a stack; docs/isolation.md says what each sees. */
export type Gate = "G1" | "G2" | "G3" | "G4" | "G5" | "G6" | "G7";

export interface Expectation {
  /** Id of the rule. */
  rule: string;
  path: string;
  /** Name of the resource; the first one's by default. */
  on?: string;
  level?: "mandatory" | "advisory";
}

/** Something the program does that no policy is shown. */
export interface Unseen {
  /** A read or import as the tripwire meets it in the program. */
  resource?: { type: string; name: string; id?: string; import?: string };
  invoke?: { token: string; args: Record<string, unknown> };
  /** Steps of `pulumi preview --json`. */
  steps?: Record<string, unknown>[];
  /** Resources of `pulumi stack export`. */
  state?: Record<string, unknown>[];
}

export interface Vector {
  id: string;
  title: string;
  /** P: judged resource by resource; S: judged at the end of the run; X: no policy is shown it. */
  seen: "P" | "S" | "X";
  /** Gates that stop it, the policy pack being G1. */
  gates: Gate[];
  /** What stays out of reach, for docs/isolation.md. */
  limits?: string;
  stack?: string;
  project?: string;
  /** Entries of policies/inventory.yaml. */
  extras?: Partial<Extras>;
  resources: ResourceFixture[];
  /** Configuration of the stack. */
  config?: Record<string, string>;
  /** Text of the error with which the pack refuses to go on. */
  refuses?: string;
  expect: Expectation[];
  unseen?: Unseen;
  /** Findings an update adds, where values the fixture leaves unknown still are. */
  update?: Expectation[];
  /** Whether its texts are disguised already, so that nobody writes them in yet another form. */
  isDisguised?: boolean;
  /** Findings when the values at the expected paths are unknown in a preview; none by default. */
  whenUnknown?: Expectation[];
}

export interface Innocent {
  id: string;
  title: string;
  stack?: string;
  project?: string;
  extras?: Partial<Extras>;
  resources: ResourceFixture[];
  config?: Record<string, string>;
  /** Rules the fixture is the compliant example of; by default those that look at every resource. */
  complies?: string[];
  /** Whether its texts fill places in each other, so that each must stay a plain text. */
  pieced?: boolean;
  /** Whether its texts are disguised already, so that nobody writes them in yet another form. */
  isDisguised?: boolean;
  /** What the unknown values turn out to be; a plain word by default. */
  known?: string;
  /** Hints that stop nothing; none by default. */
  advisories?: Expectation[];
}

export const vector = (value: Vector): Vector => value;
export const innocent = (value: Innocent): Innocent => value;

const azureProvider = ({ subscriptionId, tenantId }: typeof prod) => ({
  type: "pulumi:providers:azure-native",
  name: "azure",
  props: { subscriptionId, tenantId },
});

/** An Azure resource of staging, or of prod, deployed with that environment's provider. */
export const azure = (
  type: string,
  props: Record<string, unknown>,
  of = staging,
  name = "subject",
): ResourceFixture => ({
  type: `azure-native:${type}`,
  name,
  props,
  provider: azureProvider(of),
});

/** Staging's own identity of the application trusts whom an issuer calls so. */
export const trust = (name: string, issuer: string, subject: string): ResourceFixture =>
  azure(
    "managedidentity:FederatedIdentityCredential",
    {
      resourceName: staging.region.identities.api,
      issuer,
      subject,
      audiences: ["api://AzureADTokenExchange"],
    },
    staging,
    name,
  );

export const kubernetes = (
  type: string,
  props: Record<string, unknown>,
  name = "subject",
): ResourceFixture => {
  const [module = "", kind = ""] = type.split(":");
  const apiVersion = module.replace(/^core\//, "");
  return {
    type: `kubernetes:${type}`,
    name,
    props: {
      apiVersion,
      kind,
      ...props,
      metadata: { name, namespace: "forma3d", ...(props.metadata as object | undefined) },
    },
  };
};

export const configMap = (data: Record<string, unknown>, name = "subject"): ResourceFixture =>
  kubernetes("core/v1:ConfigMap", { data }, name);

/** So many values, none of which says anything. */
export const leaves = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, `v${i}`]));

export const podSpec = (container: Record<string, unknown>, rest: Record<string, unknown> = {}) => ({
  containers: [{ name: "api", image: "ghcr.io/forma3d/api@sha256:0", ...container }],
  ...rest,
});

export const deployment = (
  container: Record<string, unknown>,
  rest: Record<string, unknown> = {},
  name = "subject",
): ResourceFixture =>
  kubernetes(
    "apps/v1:Deployment",
    {
      spec: {
        selector: { matchLabels: { app: "api" } },
        template: { metadata: { labels: { app: "api" } }, spec: podSpec(container, rest) },
      },
    },
    name,
  );

export const stackRoot = (outputs: Record<string, unknown> = {}): ResourceFixture => ({
  type: "pulumi:pulumi:Stack",
  name: "forma3d-stack",
  props: {},
  outputs,
});

export const base64 = (text: string): string => Buffer.from(text).toString("base64");
