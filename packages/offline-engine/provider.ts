import {
  CloudError,
  Failure,
  Model,
  Outcome,
  Scope,
  Tree,
  UnknownTypeError,
} from "../emulated-azure/model/types";
import type { MemoryCloud } from "../emulated-azure/model/cloud";
import { parsePath } from "../emulated-azure/model/paths";
import { Decoded, hasUnknown, Path } from "../wire/values";
import { PROVIDER_PREFIX, type Registration } from "./registration";
import type { Diagnostic } from "./resource";

/** What a resource became: its id is empty, and outputs are unknown, where a preview cannot know them. */
export interface Performed {
  readonly id: string;
  readonly inputs: Tree;
  readonly outputs: Tree;
  readonly secrets: readonly Path[];
}

/** What a resource's provider makes of its inputs. A refusal is noted, and the program goes on with a substitute. */
export class Provider {
  constructor(
    private readonly model: Model,
    private readonly cloud: MemoryCloud,
    /** Whether ids and computed values are made up at once, as a first `up` would find them. */
    private readonly resolve: boolean,
    private readonly diagnostics: Diagnostic[],
  ) {}

  /** @param scope of the resource's provider */
  perform(request: Registration, urn: string, inputs: Decoded, scope: Scope): Performed {
    const { model, resolve } = this;
    if (!request.custom)
      return { id: "", inputs: inputs.tree, outputs: inputs.tree, secrets: inputs.secrets };
    if (request.type.startsWith(PROVIDER_PREFIX)) return this.configure(request, urn, inputs);

    const checked = this.tolerate(
      urn,
      () => model.check({ type: request.type, name: request.name, urn, inputs: inputs.tree, scope }),
      {
        inputs: inputs.tree,
        failures: [],
      },
    );
    for (const found of checked.failures) {
      const failure = withoutSecret(found, inputs.secrets);
      this.error(urn, `${failure.property ? `property ${failure.property}: ` : ""}${failure.reason}`);
    }
    // Like the engine: a provider whose configuration is not known yet is not asked, so nothing is added to the inputs.
    const unconfigured = !resolve && hasUnknown(scope.config);
    if (unconfigured) return { id: "", inputs: inputs.tree, outputs: {}, secrets: [] };

    const nothing: Outcome = { id: "", outputs: {} };
    const outcome =
      checked.failures.length > 0
        ? nothing
        : this.tolerate(
            urn,
            () =>
              resolve
                ? model.create(request.type, urn, checked.inputs, scope, this.cloud)
                : model.previewCreate(request.type, checked.inputs, scope),
            nothing,
          );
    const secretOutputs = [...model.secretOutputs(request.type), ...request.options.additionalSecretOutputs];
    return {
      id: outcome.id,
      inputs: checked.inputs,
      outputs: outcome.outputs,
      secrets: [...inputs.secrets, ...secretOutputs.map(parsePath)],
    };
  }

  private configure(request: Registration, urn: string, inputs: Decoded): Performed {
    const name = request.type.slice(PROVIDER_PREFIX.length);
    const known = this.model.packages.find((p) => p.name === name);
    if (!known) {
      const failure = new UnknownTypeError(`provider ${name}`, "packages/emulated-azure/model/index.ts");
      this.error(urn, failure.message);
    }
    const config: Tree = request.version ? { ...inputs.tree, version: request.version } : inputs.tree;
    for (const failure of known?.checkConfig(config) ?? []) {
      this.error(urn, `${failure.property}: ${failure.reason}`);
    }
    const id = this.resolve ? `provider-${request.name}` : "";
    return { id, inputs: config, outputs: config, secrets: inputs.secrets };
  }

  private error(urn: string, message: string): void {
    this.diagnostics.push({ severity: "error", urn, message });
  }

  /** Notes a refusal and goes on with a substitute. Reports each missing type once. */
  tolerate<T>(urn: string, action: () => T, substitute: T): T {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof CloudError || error instanceof UnknownTypeError)) throw error;
      if (!this.diagnostics.some((d) => d.message === error.message)) {
        this.error(urn, error.message);
      }
      return substitute;
    }
  }
}

/** A reason usually quotes the value; that of a secret must not be printed. */
function withoutSecret(failure: Failure, secrets: readonly Path[]): Failure {
  const at = parsePath(failure.property);
  const isSecret = secrets.some((path) => path.every((part, i) => at[i] === part));
  return isSecret ? { ...failure, reason: "is not valid; it is secret, so it is not shown" } : failure;
}
