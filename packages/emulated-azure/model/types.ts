import type { Tree, Value } from "../../wire/tree";

export { UNKNOWN } from "../../wire/tree";
export type { Tree, Value } from "../../wire/tree";

/** Which provider instance an operation runs through. */
export interface Scope {
  /** Provider package: `azure-native`, `kubernetes` or `random`. */
  readonly package: string;
  /**
   * Configuration of the provider resource, decoded: `subscriptionId`, `kubeconfig`, … A value may be unknown in a
   * preview.
   */
  readonly config: Tree;
}

/** A rejected input, as a provider's Check reports it. */
export interface Failure {
  /** Path of the input, e.g. `backup.backupRetentionDays`; empty for the resource as a whole. */
  readonly property: string;
  /** What is wrong and what is allowed, for people. */
  readonly reason: string;
  /** For whoever answers otherwise to it: nothing was given, or a value of another type. Absent: anything else. */
  readonly kind?: "missing" | "mistyped";
}

/** One resource as the emulated cloud holds it. */
export interface Stored {
  /** Place in the cloud; see {@link ResourceModel.key}. */
  readonly key: string;
  readonly type: string;
  /** Identifier the provider hands to Pulumi: an ARM id, or `namespace/name`. */
  readonly id: string;
  readonly inputs: Tree;
  readonly outputs: Tree;
  /** Deleted, but still holding its name, as a vault with purge protection does. */
  readonly softDeleted?: boolean;
}

/** State of the emulated cloud. In memory for the plan; kept between operations for a rehearsal. */
export interface Cloud {
  /** Every generated value derives from it, so that two runs with one seed agree. */
  readonly seed: string;
  get(key: string): Stored | undefined;
  put(stored: Stored): void;
  remove(key: string): void;
  all(): Iterable<Stored>;
  /** Those of one type. */
  ofType(type: string): Iterable<Stored>;
}

/** A refusal of the emulated service, worded as the service words it. */
export class CloudError extends Error {
  constructor(
    /** HTTP status, e.g. 404. */
    readonly status: number,
    /** Code of the service, e.g. `ParentResourceNotFound` or `ServerIsBusy`. */
    readonly code: string,
    message: string,
    /** Seconds after which the service asks to be asked again. */
    readonly retryAfter?: number,
  ) {
    super(`${code}: ${message}`);
    this.name = "CloudError";
  }
}

/** What a computed output may be derived from. */
export interface Made {
  readonly inputs: Tree;
  readonly id: string;
  readonly scope: Scope;
  readonly cloud: Cloud;
  /** Hexadecimal text that depends on the seed, the resource and the purpose only; at most 64 characters. */
  random(purpose: string, length: number): string;
  /** A GUID that depends on the seed, the resource and the purpose only. */
  guid(purpose: string): string;
}

/**
 * Everything the emulator knows about one resource type. Paths are dotted (`sku.name`); lists are numbered
 * (`rules[0].name`), and `[*]` stands for every element.
 */
export interface ResourceModel {
  /** Type token, e.g. `azure-native:dbforpostgresql:Server`. */
  readonly type: string;
  /** Type of the service itself, e.g. `Microsoft.DBforPostgreSQL/flexibleServers`; absent outside Azure. */
  readonly armType?: string;
  /** Inputs without which the service refuses. */
  readonly required: readonly string[];
  /** Input that names the resource. When it is absent a name is made from the logical name. */
  readonly name?: {
    readonly property: string;
    /** How the provider makes up a name: logical name plus 8 hexadecimal digits, a GUID, or not at all. */
    readonly auto: "suffix" | "guid" | "never";
  };
  /** Inputs whose change replaces the resource. */
  readonly immutable: readonly string[];
  /** Whether replacing or deleting it loses data that no other resource of the program holds. */
  readonly holdsData: boolean;
  /** Inputs whose value the service never returns: they are neither refreshed nor compared with the cloud. */
  readonly writeOnly?: readonly string[];
  /** What a preview of a creation shows: the inputs that are also outputs, and unknown for everything else. */
  preview(inputs: Tree): Tree;
  /** Output paths that are secret whatever the inputs were. */
  readonly secretOutputs: readonly string[];
  /** Whether it has a `location` that a provider with one of its own fills in. */
  readonly located?: boolean;
  /** Inputs the provider itself adds at Check. */
  readonly defaults?: Tree;
  /** Inputs that {@link id} reads. While one of them is unknown there is no id. */
  readonly idInputs: readonly string[];
  /** The identifier, from known {@link idInputs}. */
  id(inputs: Tree, scope: Scope): string;
  /** Values of {@link idInputs}, read back from an identifier; only of what the resource manager holds. */
  namesIn?(id: string): Tree;
  /**
   * The inputs a refresh leads to, as the provider works them out.
   * @param state what Pulumi's state holds; absent at an import, which takes the resource as it is
   */
  refreshed(found: Stored, state?: Pick<Stored, "inputs" | "outputs">): Tree;
  /** The identifier when it is made together with the outputs rather than from the inputs. */
  idFrom?(outputs: Tree): string;
  /** Exists in Pulumi's state only, as random values do: nothing to find or delete in the cloud. */
  readonly stateOnly?: boolean;
  /** The inputs as the service keeps them, where that differs from what was sent. */
  kept?(inputs: Tree): Tree;
  /** Refuses to make it where the service has none. @throws CloudError 400 */
  requirePlace?(inputs: Tree): void;
  /** Refuses what there is already under another name. @throws CloudError 400 or 409 */
  refuseSecond?(cloud: Cloud, resource: Pick<Stored, "key" | "id" | "inputs">): void;
  /** Where the cloud keeps it: unique over all types and clusters. */
  key(id: string, scope: Scope): string;
  /** Keys of what must exist before it can be created; `what` is used in the message. */
  parents(inputs: Tree, id: string, scope: Scope): readonly { readonly key: string; readonly what: string }[];
  /** Rules of single inputs and between inputs beyond {@link required}. Unknown values pass. */
  check(inputs: Tree): readonly Failure[];
  /** Inputs the service takes at creation and leaves alone afterwards, whatever an update sends. */
  readonly keptOnUpdate?: readonly string[];
  /**
   * What the service refuses to change in place, e.g. a smaller disk.
   * @param live outputs as the cloud holds them
   * @param others asks what else there is of the type: outputs where they are known, inputs otherwise
   */
  refusedUpdate?(old: Tree, next: Tree, live: Tree, others: () => readonly Tree[]): readonly Failure[];
  /** Inputs that lead to resources the service looks for only when it makes this one. */
  readonly linkedAtBirth?: readonly string[];
  /** Outputs that an update leaves as the cloud holds them. */
  readonly keptOutputs?: readonly string[];
  /** Values the service adds: read-only properties, and defaults for inputs that were left out. */
  computed(made: Made): Tree;
  /** Name that must be unique over all subscriptions, e.g. `vault:kv-prod`. */
  globalName?(inputs: Tree): string;
  /** A deleted one keeps its name until it is purged. */
  readonly softDelete?: boolean;
  /** Made by something outside ARM, so that others may name it before it is there. */
  readonly mayComeLater?: boolean;
  /**
   * Whether a creation is applied onto what is there already, as server-side apply does, with conflicts over fields that somebody else
   * has set otherwise; absent, a creation of what is there is refused.
   */
  readonly applied?: boolean;
  /** Key of the resource that admits one operation at a time over itself and its children (`ServerIsBusy`). */
  serialisedBy?(inputs: Tree, id: string, scope: Scope): string | undefined;
  /** What Azure changes by itself, by name of the event: the properties that differ afterwards. */
  readonly moves?: Readonly<Record<string, (stored: Stored) => Tree>>;
}

/** An emulated function: `azure-native:authorization:getClientConfig` and the like. */
export interface FunctionModel {
  readonly token: string;
  /** The right it needs, and the ARM id at which; absent for one that asks Azure nothing. */
  needs?(args: Tree, scope: Scope): { readonly action: string; readonly scope: string };
  /** @throws CloudError when what it reads does not exist. */
  invoke(args: Tree, scope: Scope, cloud: Cloud): Tree;
  readonly secretOutputs: readonly string[];
}

/** A provider package: its version is the npm package's, so that the engine does not warn. */
export interface PackageModel {
  readonly name: string;
  readonly version: string;
  readonly resources: readonly ResourceModel[];
  readonly functions: readonly FunctionModel[];
  /** Checks and completes the configuration of a provider resource. */
  checkConfig(config: Tree): readonly Failure[];
}

export interface CheckRequest {
  readonly type: string;
  /** Logical name, the last part of the URN. */
  readonly name: string;
  readonly urn: string;
  readonly inputs: Tree;
  /** Inputs of the resource as it is now: generated names are kept. */
  readonly old?: Tree;
  readonly scope: Scope;
}

export interface CheckResult {
  readonly inputs: Tree;
  readonly failures: readonly Failure[];
}

export interface DiffResult {
  /** Paths that differ. */
  readonly changed: readonly string[];
  /** Those of them that replace the resource. */
  readonly replaces: readonly string[];
}

/** A resource after an operation. In a preview the id is empty and what is not known yet is UNKNOWN. */
export interface Outcome {
  readonly id: string;
  readonly outputs: Tree;
}

/** The emulated providers, as the offline plan and the rehearsal both drive them. */
export interface Model {
  readonly packages: readonly PackageModel[];
  /** @throws UnknownTypeError that says where to add it. */
  resource(type: string): ResourceModel;
  check(request: CheckRequest): CheckResult;
  diff(type: string, oldInputs: Tree, newInputs: Tree, ignoreChanges: readonly string[]): DiffResult;
  previewCreate(type: string, inputs: Tree, scope: Scope): Outcome;
  /** @throws CloudError */
  /** @param force Takes over fields somebody else has set otherwise, where creations are {@link ResourceModel.applied}. */
  create(type: string, urn: string, inputs: Tree, scope: Scope, cloud: Cloud, force?: boolean): Outcome;
  /** The resource as the cloud holds it; undefined when it is gone. */
  read(type: string, id: string, scope: Scope, cloud: Cloud): Stored | undefined;
  previewUpdate(type: string, id: string, old: Tree, inputs: Tree, oldOutputs: Tree, scope: Scope): Outcome;
  /** @throws CloudError */
  update(type: string, id: string, old: Tree, inputs: Tree, scope: Scope, cloud: Cloud): Outcome;
  /** @throws CloudError */
  delete(type: string, id: string, scope: Scope, cloud: Cloud): void;
  /** @throws CloudError, UnknownTypeError */
  invoke(token: string, args: Tree, scope: Scope, cloud: Cloud): Tree;
  /** The right a function needs; undefined for one that asks Azure nothing. @throws UnknownTypeError */
  invokeNeeds(token: string, args: Tree, scope: Scope): { action: string; scope: string } | undefined;
  /** Output paths to mark secret beside those whose input was; none of what no table holds. */
  secretOutputs(typeOrToken: string): readonly string[];
}

/** Asked about something no table holds. */
export class UnknownTypeError extends Error {
  constructor(what: string, where: string) {
    super(`the sandbox does not know ${what}; add it to ${where}`);
    this.name = "UnknownTypeError";
  }
}

/** A property value after JSON decoding, with nothing unknown in it. */
export type Known = Exclude<Value, symbol>;
