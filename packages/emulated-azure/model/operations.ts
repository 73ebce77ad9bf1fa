import { guid, hash } from "./cloud";
import { Links, present } from "./links";
import {
  differences,
  isTree,
  matches,
  merge,
  parsePath,
  stringAt,
  valueAt,
  withoutKey,
  withValue,
} from "./paths";
import {
  CheckRequest,
  CheckResult,
  Cloud,
  CloudError,
  DiffResult,
  Failure,
  Made,
  Model,
  Outcome,
  PackageModel,
  ResourceModel,
  Scope,
  Stored,
  Tree,
  UnknownTypeError,
  Value,
} from "./types";

/** Where the tables of a package are, for whoever meets a type they lack. */
export interface Catalogue {
  readonly package: PackageModel;
  /** File to add a type or function to. */
  readonly where: string;
}

const SUFFIX_DIGITS = 8;

/** Drives a set of emulated packages. */
export class SandboxModel implements Model {
  readonly packages: readonly PackageModel[];
  private readonly types = new Map<string, ResourceModel>();
  private readonly links = new Links(this.types);

  constructor(private readonly catalogues: readonly Catalogue[]) {
    this.packages = catalogues.map((catalogue) => catalogue.package);
    for (const { resources } of this.packages) {
      for (const model of resources) this.types.set(model.type, model);
    }
  }

  resource(type: string): ResourceModel {
    const model = this.types.get(type);
    if (!model) throw new UnknownTypeError(`resource type ${type}`, this.where(type));
    return model;
  }

  check({ type, name, urn, inputs, old, scope }: CheckRequest): CheckResult {
    const model = this.resource(type);
    const location = model.located ? stringAt(scope.config, "location") : undefined;
    const defaults = { ...model.defaults, ...(location !== undefined && { location }) };
    const complete = this.named(model, merge(defaults, inputs), name, urn, old);
    // A shape already reports what its vendor requires; this adds what only the service does.
    const failures: Failure[] = [...model.check(complete)];
    for (const property of model.required) {
      if (
        valueAt(complete, property) === undefined &&
        !failures.some((f) => f.property === property || property.startsWith(`${f.property}.`))
      ) {
        failures.push({ property, reason: "is required and missing", kind: "missing" });
      }
    }
    return { inputs: complete, failures };
  }

  diff(type: string, oldInputs: Tree, newInputs: Tree, ignoreChanges: readonly string[]): DiffResult {
    const model = this.resource(type);
    const changed = differences(oldInputs, newInputs).filter(
      (path) => !ignoreChanges.some((pattern) => matches(path, pattern) || matches(pattern, path)),
    );
    const replaces = changed.filter((path) =>
      model.immutable.some((pattern) => matches(path, pattern) || matches(pattern, path)),
    );
    return { changed, replaces };
  }

  previewCreate(type: string, inputs: Tree, scope: Scope): Outcome {
    void scope;
    return { id: "", outputs: this.resource(type).preview(inputs) };
  }

  create(type: string, urn: string, given: Tree, scope: Scope, cloud: Cloud, force = false): Outcome {
    const model = this.resource(type);
    const inputs = model.kept?.(given) ?? given;
    const id = model.id(inputs, scope);
    const made = this.made(model, urn, inputs, id, scope, cloud);
    if (model.stateOnly) {
      const outputs = model.computed(made);
      return { id: model.idFrom?.(outputs) ?? id, outputs };
    }
    const key = model.key(id, scope);
    const there = cloud.get(key);
    if (there && model.applied) {
      const whole = applyOnto(model, there, inputs, force);
      const outputs = model.computed(this.made(model, urn, whole, id, scope, cloud));
      cloud.put({ ...there, inputs: whole, outputs });
      return { id, outputs };
    }
    model.requirePlace?.(inputs);
    this.refuseTaken(model, key, id, inputs, cloud);
    for (const parent of model.parents(inputs, id, scope)) {
      if (!present(cloud, parent.key)) {
        throw new CloudError(
          404,
          "ParentResourceNotFound",
          `${id} cannot be created: ${parent.what} does not exist.`,
        );
      }
    }
    this.links.require(inputs, id, scope, cloud);
    model.refuseSecond?.(cloud, { key, id, inputs });
    const outputs = model.computed(made);
    cloud.put({ key, type, id, inputs, outputs });
    return { id, outputs };
  }

  read(type: string, id: string, scope: Scope, cloud: Cloud): Stored | undefined {
    const stored = cloud.get(this.resource(type).key(id, scope));
    return stored?.softDeleted ? undefined : stored;
  }

  previewUpdate(type: string, id: string, old: Tree, inputs: Tree, oldOutputs: Tree, scope: Scope): Outcome {
    void scope;
    const fresh = this.resource(type).preview(inputs);
    // What does not come from an input is taken to stay as it is.
    const outputs = Object.fromEntries(
      Object.entries(fresh).map(([name, value]): [string, Value] => {
        const changed = differences(old[name], inputs[name]).length > 0;
        return [name, changed ? value : (oldOutputs[name] ?? value)];
      }),
    );
    return { id, outputs };
  }

  update(type: string, id: string, old: Tree, given: Tree, scope: Scope, cloud: Cloud): Outcome {
    const model = this.resource(type);
    const inputs = model.kept?.(given) ?? given;
    const key = model.key(id, scope);
    const stored = cloud.get(key);
    if (!stored || stored.softDeleted) throw notFound(id);
    const others = () =>
      [...cloud.ofType(type)]
        .filter((other) => other.key !== key && !other.softDeleted)
        .map((other) => ({ ...other.inputs, ...other.outputs }));
    const [refused] = model.refusedUpdate?.(old, inputs, stored.outputs, others) ?? [];
    if (refused)
      throw new CloudError(400, "PropertyChangeNotAllowed", `${refused.property}: ${refused.reason}`);
    this.links.require((model.linkedAtBirth ?? []).reduce(withoutKey, inputs), id, scope, cloud);
    const live = (model.keptOnUpdate ?? []).reduce(
      (tree, path) => withValue(tree, parsePath(path), valueAt(stored.inputs, path)),
      inputs,
    );
    model.refuseSecond?.(cloud, { key, id, inputs: live });
    // The seed of made-up values is the id, so an update gives those of the creation again.
    const outputs = (model.keptOutputs ?? []).reduce(
      (tree, path) => withValue(tree, parsePath(path), valueAt(stored.outputs, path)),
      model.computed(this.made(model, "", live, id, scope, cloud)),
    );
    cloud.put({ ...stored, inputs: live, outputs });
    return { id, outputs };
  }

  delete(type: string, id: string, scope: Scope, cloud: Cloud): void {
    const model = this.resource(type);
    if (model.stateOnly) return;
    const stored = cloud.get(model.key(id, scope));
    if (!stored || stored.softDeleted) return;
    if (model.softDelete) cloud.put({ ...stored, softDeleted: true });
    else cloud.remove(stored.key);
  }

  invoke(token: string, args: Tree, scope: Scope, cloud: Cloud): Tree {
    return this.function(token).invoke(args, scope, cloud);
  }

  invokeNeeds(token: string, args: Tree, scope: Scope): { action: string; scope: string } | undefined {
    return this.function(token).needs?.(args, scope);
  }

  secretOutputs(typeOrToken: string): readonly string[] {
    return (this.types.get(typeOrToken) ?? this.known(typeOrToken))?.secretOutputs ?? [];
  }

  private function(token: string) {
    const found = this.known(token);
    if (!found) throw new UnknownTypeError(`function ${token}`, this.where(token));
    return found;
  }

  private known(token: string) {
    return this.packages.flatMap(({ functions }) => functions).find((candidate) => candidate.token === token);
  }

  private where(token: string): string {
    const name = token.split(":")[0];
    return (
      this.catalogues.find((c) => c.package.name === name)?.where ?? "packages/emulated-azure/model/index.ts"
    );
  }

  private named(model: ResourceModel, inputs: Tree, name: string, urn: string, old: Tree | undefined): Tree {
    if (!model.name || model.name.auto === "never" || valueAt(inputs, model.name.property) !== undefined) {
      return inputs;
    }
    const { property, auto } = model.name;
    const kept = old && stringAt(old, property);
    const made = auto === "guid" ? guid("name", urn) : `${name}-${hash("name", urn).slice(0, SUFFIX_DIGITS)}`;
    const path = property.split(".");
    const [last, ...above] = path.reverse();
    return merge(
      inputs,
      above.reduce<Tree>((tree, part) => ({ [part]: tree }), { [last as string]: kept ?? made }),
    );
  }

  private made(
    model: ResourceModel,
    urn: string,
    inputs: Tree,
    id: string,
    scope: Scope,
    cloud: Cloud,
  ): Made {
    const basis = model.stateOnly ? `${urn} ${JSON.stringify(inputs)}` : model.key(id, scope);
    return {
      inputs,
      id,
      scope,
      cloud,
      random: (purpose, length) => hash(cloud.seed, basis, purpose).slice(0, length),
      guid: (purpose) => guid(cloud.seed, basis, purpose),
    };
  }

  /** Stored resources never change in place, so each one's name is worked out once. */
  private readonly globalNames = new WeakMap<Stored, string>();
  private globalNameOf(stored: Stored): string {
    const known = this.globalNames.get(stored);
    if (known !== undefined) return known;
    const name = this.types.get(stored.type)?.globalName?.(stored.inputs) ?? "";
    this.globalNames.set(stored, name);
    return name;
  }

  private refuseTaken(model: ResourceModel, key: string, id: string, inputs: Tree, cloud: Cloud): void {
    const there = cloud.get(key);
    if (there && !there.softDeleted) {
      throw new CloudError(409, "AlreadyExists", `a resource with id ${id} already exists.`);
    }
    const name = model.globalName?.(inputs);
    if (name === undefined) return;
    for (const other of cloud.all()) {
      if (this.globalNameOf(other) !== name) continue;
      throw other.softDeleted
        ? new CloudError(
            409,
            "ConflictError",
            `${name.replace(":", " ")} exists in deleted state; recover or purge ${other.id}.`,
          )
        : new CloudError(
            409,
            "NameNotAvailable",
            `the name of ${name.replace(":", " ")} is taken by ${other.id}.`,
          );
    }
  }
}

/**
 * Server-side apply by somebody who has not set any field of it before: what both say alike is fine, what is said otherwise
 * is a conflict, or is taken over by force, and what only others have set stays
 * (https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts).
 * @throws CloudError 409, and 422 where a field may not be changed by anybody
 */
function applyOnto(model: ResourceModel, { id, inputs: there }: Stored, wanted: Tree, force: boolean): Tree {
  const otherwise = saidOtherwise(there, wanted, []);
  const [fixed] = otherwise.filter((path) => model.immutable.some((pattern) => matches(path, pattern)));
  if (fixed !== undefined)
    throw new CloudError(422, "Invalid", `${id} is invalid: ${fixed}: field is immutable`);
  if (otherwise.length > 0 && !force)
    throw new CloudError(
      409,
      "Conflict",
      `Apply failed with ${otherwise.length} conflicts: conflicts with another field manager: ${otherwise.map((path) => `.${path}`).join(", ")}`,
    );
  return merge(there, wanted);
}

/** Fields both have, with other values. */
function saidOtherwise(there: Value, wanted: Value, at: readonly string[]): string[] {
  if (isTree(there) && isTree(wanted))
    return Object.entries(wanted).flatMap(([key, value]) => {
      const own = there[key];
      return own === undefined ? [] : saidOtherwise(own, value, [...at, key]);
    });
  return JSON.stringify(there) === JSON.stringify(wanted) ? [] : [at.join(".")];
}

function notFound(id: string): CloudError {
  return new CloudError(404, "ResourceNotFound", `The resource '${id}' was not found.`);
}

export { isTree };
