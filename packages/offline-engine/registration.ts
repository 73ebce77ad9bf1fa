import type { Model, Tree } from "../emulated-azure/model/types";
import type { Json, Path } from "../wire/values";
import type { PlannedResource, ResourceOptions } from "./resource";

export const PROVIDER_PREFIX = "pulumi:providers:";

/** Options of what declares none: a default provider, and what is read. */
export const NO_OPTIONS: ResourceOptions = {
  ignoreChanges: [],
  replaceOnChanges: [],
  additionalSecretOutputs: [],
  aliases: [],
  customTimeouts: {},
  replaceWith: [],
};

export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly parent: string;
  readonly custom: boolean;
  readonly remote: boolean;
  readonly object: Json;
  readonly provider: string;
  readonly version: string;
  readonly dependencies: readonly string[];
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  /** Undefined when the program did not say: the parent decides. */
  readonly protect: boolean | undefined;
  readonly options: ResourceOptions;
}

export interface DeploymentSettings {
  readonly project: string;
  readonly stack: string;
  /** Value of `pulumi:disable-default-providers`: package names, or `*`. */
  readonly disabledDefaultProviders: readonly string[];
  /** Configuration of the stack, of which default providers take what is theirs, e.g. `azure-native:location`. */
  readonly config?: Readonly<Record<string, string>>;
  /**
   * Whether identifiers and computed values are made up at once, as a first `up` would find them. Otherwise they are
   * unknown, as in a preview.
   */
  readonly resolve: boolean;
  readonly model: Model;
  /** Told of every resource as it is declared, with its provider. */
  readonly onResource?: (resource: PlannedResource, provider: PlannedResource | undefined) => void;
  /** Told of every function the program calls, before it is answered, with its arguments as they came. */
  readonly onInvoke?: (token: string, args: Json) => void;
}

export interface Registered {
  readonly urn: string;
  readonly id: string;
  readonly outputs: Tree;
  readonly secrets: readonly Path[];
}
