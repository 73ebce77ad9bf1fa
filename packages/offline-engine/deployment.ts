import { MemoryCloud } from "../emulated-azure/model/cloud";
import { parsePath } from "../emulated-azure/model/paths";
import { Scope, Tree, UNKNOWN } from "../emulated-azure/model/types";
import { buildUrn, nameOf, STACK_REFERENCE_TYPE } from "../wire/urn";
import { decode, Decoded, Json, UNKNOWN_MARKER } from "../wire/values";
import { Provider } from "./provider";
import {
  NO_OPTIONS,
  PROVIDER_PREFIX,
  type DeploymentSettings,
  type Registered,
  type Registration,
} from "./registration";
import type { Diagnostic, PlannedResource } from "./resource";

/**
 * What the engine does with a program's requests in the first preview of an empty stack: names, checks and records
 * every resource. A mistake in one resource is noted and the program goes on, so that all of them are seen at once.
 */
export class Deployment {
  readonly resources = new Map<string, PlannedResource>();
  readonly diagnostics: Diagnostic[] = [];
  /** What an update would have left in the cloud; filled only when {@link DeploymentSettings.resolve} is set. */
  readonly cloud = new MemoryCloud("plan");
  /** URNs asked for, those of requests that are still under way included. */
  private readonly taken = new Set<string>();
  private readonly defaultProviders = new Map<string, Promise<PlannedResource>>();

  private readonly provider: Provider;

  constructor(readonly settings: DeploymentSettings) {
    this.provider = new Provider(settings.model, this.cloud, settings.resolve, this.diagnostics);
  }

  report(severity: Diagnostic["severity"], urn: string, message: string): void {
    this.diagnostics.push({ severity, urn, message });
  }

  /**
   * Registers a resource.
   * @throws Error for what the engine refuses outright: a URN twice, a parent nobody registered, a remote component.
   */
  async register(request: Registration): Promise<Registered> {
    const { project, stack } = this.settings;
    const urn = buildUrn(stack, project, request.parent, request.type, request.name);
    if (this.taken.has(urn) || this.resources.has(urn)) {
      throw new Error(
        `Duplicate resource URN '${urn}'; give one of the two resources named '${request.name}' another name`,
      );
    }
    if (request.remote) {
      throw new Error(`${urn}: remote components are built by a provider and are not emulated`);
    }
    if (request.parent !== "" && !this.resources.has(request.parent)) {
      throw new Error(`${urn}: its parent ${request.parent} is not registered`);
    }
    this.taken.add(urn);
    const inputs = decode(request.object);
    const provider = await this.resolveProvider(request, urn);
    const scope = this.scope(provider, request.type);
    const outcome = this.provider.perform(request, urn, inputs, scope);
    const parent = this.resources.get(request.parent);
    const resource: PlannedResource = {
      urn,
      type: request.type,
      name: request.name,
      custom: request.custom,
      external: false,
      parent: request.parent,
      provider: provider ? this.reference(provider) : "",
      id: outcome.id,
      inputs: outcome.inputs,
      inputSecrets: inputs.secrets,
      outputs: outcome.outputs,
      outputSecrets: outcome.secrets,
      dependencies: request.dependencies,
      propertyDependencies: request.propertyDependencies,
      protect: request.protect ?? parent?.protect ?? false,
      options: {
        ...request.options,
        retainOnDelete: request.options.retainOnDelete ?? parent?.options.retainOnDelete,
        deletedWith: request.options.deletedWith ?? parent?.options.deletedWith,
      },
    };
    this.resources.set(urn, resource);
    this.settings.onResource?.(resource, provider);
    return { urn, id: resource.id, outputs: resource.outputs, secrets: resource.outputSecrets };
  }

  /** Records what a component or the stack says its outputs are. */
  registerOutputs(urn: string, outputs: Json): void {
    const resource = this.resources.get(urn);
    if (!resource) throw new Error(`outputs for ${urn}, which is not registered`);
    const { tree, secrets } = decode(outputs);
    resource.outputs = tree;
    resource.outputSecrets = secrets;
  }

  /** Records a read. Nothing can be looked up here, so all its properties are unknown. */
  async read(
    request: Omit<Registration, "custom" | "remote" | "protect" | "options"> & { id: string },
  ): Promise<Registered> {
    const { project, stack, model } = this.settings;
    const urn = buildUrn(stack, project, request.parent, request.type, request.name);
    const inputs = decode(request.object);
    const provider =
      request.type === STACK_REFERENCE_TYPE
        ? undefined
        : await this.resolveProvider({ ...request, custom: true, remote: false }, urn);
    const outputs: Tree =
      request.type === STACK_REFERENCE_TYPE
        ? { name: request.id, outputs: UNKNOWN, secretOutputNames: UNKNOWN }
        : this.provider.tolerate(urn, () => model.resource(request.type).preview(inputs.tree), {});
    this.resources.set(urn, {
      urn,
      type: request.type,
      name: request.name,
      custom: true,
      external: true,
      parent: request.parent,
      provider: provider ? this.reference(provider) : "",
      id: request.id,
      inputs: inputs.tree,
      inputSecrets: inputs.secrets,
      outputs,
      outputSecrets: [],
      dependencies: request.dependencies,
      propertyDependencies: request.propertyDependencies,
      protect: false,
      options: NO_OPTIONS,
    });
    this.report(
      "warning",
      urn,
      `reads ${request.id}, which is outside this stack: its values are unknown here`,
    );
    return { urn, id: request.id, outputs, secrets: [] };
  }

  /**
   * Calls an emulated function.
   * @throws CloudError when what it reads does not exist; UnknownTypeError for a function no table holds.
   */
  async invoke(token: string, args: Json, providerReference: string, version: string): Promise<Decoded> {
    const { model, onInvoke } = this.settings;
    onInvoke?.(token, args);
    const provider = await this.resolveProvider(
      { type: token, custom: true, remote: false, provider: providerReference, version },
      token,
    );
    const scope = this.scope(provider, token);
    const tree = model.invoke(token, decode(args).tree, scope, this.cloud);
    return { tree, secrets: model.secretOutputs(token).map(parsePath) };
  }

  providerOf(resource: PlannedResource): PlannedResource | undefined {
    const [urn] = splitReference(resource.provider);
    return this.resources.get(urn);
  }

  private reference(provider: PlannedResource): string {
    return `${provider.urn}::${provider.id || UNKNOWN_MARKER}`;
  }

  private scope(provider: PlannedResource | undefined, type: string): Scope {
    return { package: packageOf(type), config: provider?.inputs ?? {} };
  }

  /** The provider a resource names, or the package's default provider, made on first use as the engine makes it. */
  private async resolveProvider(
    request: Pick<Registration, "type" | "custom" | "remote" | "provider" | "version">,
    urn: string,
  ): Promise<PlannedResource | undefined> {
    if (!request.custom || request.type.startsWith(PROVIDER_PREFIX)) return undefined;
    if (request.provider !== "") {
      const [providerUrn] = splitReference(request.provider);
      const provider = this.resources.get(providerUrn);
      if (!provider) throw new Error(`${urn}: its provider ${providerUrn} is not registered`);
      return provider;
    }
    const pkg = packageOf(request.type);
    const disabled = this.settings.disabledDefaultProviders;
    if (disabled.includes("*") || disabled.includes(pkg)) {
      throw new Error(
        `Default provider for '${pkg}' disabled. '${nameOf(urn) || urn}' must use an explicit provider.`,
      );
    }
    const version =
      request.version || this.settings.model.packages.find((p) => p.name === pkg)?.version || "";
    const name = version === "" ? "default" : `default_${version.replace(/[.+-]/g, "_")}`;
    let pending = this.defaultProviders.get(`${pkg}/${name}`);
    if (!pending) {
      pending = this.register({
        type: PROVIDER_PREFIX + pkg,
        name,
        parent: "",
        custom: true,
        remote: false,
        object: { ...this.configurationOf(pkg), ...(version !== "" && { version }) },
        provider: "",
        version,
        dependencies: [],
        propertyDependencies: {},
        protect: undefined,
        options: NO_OPTIONS,
      }).then((made) => this.resources.get(made.urn) as PlannedResource);
      this.defaultProviders.set(`${pkg}/${name}`, pending);
    }
    return pending;
  }

  /** What the stack's configuration holds for the default provider of a package. */
  private configurationOf(pkg: string): Record<string, string> {
    const prefix = `${pkg}:`;
    return Object.fromEntries(
      Object.entries(this.settings.config ?? {})
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, value]) => [key.slice(prefix.length), value]),
    );
  }
}

/** `azure-native` of `azure-native:storage:StorageAccount`; `kubernetes` of `kubernetes:apps/v1:Deployment`. */
function packageOf(type: string): string {
  return type.split(":")[0] ?? "";
}

function splitReference(reference: string): [urn: string, id: string] {
  const at = reference.lastIndexOf("::");
  return at < 0 ? [reference, ""] : [reference.slice(0, at), reference.slice(at + 2)];
}
