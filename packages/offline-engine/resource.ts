import type { Tree } from "../emulated-azure/model/types";
import type { Path } from "../wire/values";

/** Options of a resource beyond its inputs, as far as they were given. */
export interface ResourceOptions {
  readonly retainOnDelete?: boolean;
  readonly deleteBeforeReplace?: boolean;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  /** URNs the resource may have had before. */
  readonly aliases: readonly string[];
  readonly customTimeouts: { readonly create?: string; readonly update?: string; readonly delete?: string };
  /** URN whose deletion takes this resource along. */
  readonly deletedWith?: string;
  readonly replaceWith: readonly string[];
  readonly importId?: string;
}

/** One resource of a plan. */
export interface PlannedResource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** False for components and the stack. */
  readonly custom: boolean;
  /** Read rather than managed: another stack, or a resource that exists already. */
  readonly external: boolean;
  readonly parent: string;
  /** Provider reference `<urn>::<id>`; empty for components and providers. */
  readonly provider: string;
  /** Empty while it is not known. */
  readonly id: string;
  readonly inputs: Tree;
  readonly inputSecrets: readonly Path[];
  outputs: Tree;
  outputSecrets: readonly Path[];
  readonly dependencies: readonly string[];
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  readonly protect: boolean;
  readonly options: ResourceOptions;
}

/** A message for whoever reads the plan. */
export interface Diagnostic {
  readonly severity: "error" | "warning" | "info";
  /** Resource it is about; empty for the program as a whole. */
  readonly urn: string;
  readonly message: string;
}
