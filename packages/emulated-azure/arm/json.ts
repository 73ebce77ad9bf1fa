import type { FactOutputs, Facts, FactType } from "../facts/types";
import type { Wire, WireNames } from "../facts/wireTypes";
import { lastName } from "../model/ids";
import { isTree } from "../model/paths";
import { Failure, ResourceModel, Stored, Tree, Value } from "../model/types";

/** One level of a JSON object: properties by their name there, and what they are to the model. */
interface Level {
  readonly [name: string]: { property?: string; readOnly?: boolean; below?: Level };
}

type MutableLevel = Record<string, { property?: string; readOnly?: boolean; below?: MutableLevel }>;

const NOTHING: WireNames = {};

/**
 * Properties of API versions newer than the described ones, which the Azure CLI 2.91.0 sends: taken, and kept by nobody.
 */
const NEWER: Readonly<Record<string, readonly string[]>> = {
  "network.privateEndpoint.PrivateEndpointArgs": ["properties.ipVersionType"],
};

/** Splits `properties.odata\.type` into its levels. */
function levels(wire: string): string[] {
  return wire.split(/(?<!\\)\./).map((part) => part.replaceAll("\\.", "."));
}

/** Reads and writes ARM's JSON by what vendors publish about it. Properties nobody described are never passed on. */
export class ArmJson {
  private readonly readers = new Map<string, Level>();

  constructor(
    private readonly facts: Facts,
    private readonly wire: Wire,
  ) {}

  /** A resource as ARM shows it. */
  resource({ id, type, outputs }: Stored, model: ResourceModel): Tree {
    const described = this.facts.resources[type]?.outputs ?? {};
    const shown = this.written(described, this.wire.types[type]?.outputs ?? NOTHING, outputs);
    return { ...shown, id, name: lastName(id), type: model.armType ?? "" };
  }

  /**
   * What a request body sets, in the model's words. Known properties only ARM may set are left out, as ARM does.
   * @param partial Whether a missing property is left as it is, as in a PATCH.
   */
  inputs(type: string, model: ResourceModel, body: Tree): { inputs: Tree; failures: Failure[] } {
    const facts = this.facts.resources[type];
    if (!facts) return { inputs: {}, failures: [] };
    const failures: Failure[] = [];
    const inputs = this.read(
      this.reader(facts.inputs, type, model),
      body,
      "",
      failures,
      facts.inputs,
      facts.outputs,
    );
    return { inputs, failures };
  }

  private written(described: FactOutputs, names: WireNames, value: Tree): Tree {
    const result: Record<string, Value> = {};
    for (const [name, item] of Object.entries(value)) {
      if (name === "azureApiVersion" || item === undefined || typeof item === "symbol" || item === null)
        continue;
      if (!(name in described) && Object.keys(described).length > 0) continue;
      place(result, levels(names[name] ?? name), this.writtenValue(described[name] ?? "", item));
    }
    return result;
  }

  private writtenValue(shape: string, value: Value): Value {
    const described = this.facts.outputs[shape];
    if (!described) return this.writtenUnion(value);
    if (Array.isArray(value))
      return value.length > 0 && value.every((item: Value) => typeof item === "string")
        ? Object.fromEntries(value.map((id: string) => [id, {}]))
        : value.map((item: Value) => this.writtenValue(shape, item));
    if (!isTree(value)) return value;
    const keys = Object.keys(value);
    // The keys of a map are the user's own; an object has only keys its description knows.
    if (keys.length > 0 && !keys.some((key) => key in described)) {
      return Object.fromEntries(keys.map((key) => [key, this.writtenValue(shape, value[key] as Value)]));
    }
    return this.written(described, this.wire.outputs[shape] ?? NOTHING, value);
  }

  /** One of several shapes, told apart by a property that has one value only, as `odataType` of criteria. */
  private writtenUnion(value: Value): Value {
    if (!isTree(value)) return value;
    const found = Object.entries(value).flatMap(([name, own]) =>
      typeof own === "string" ? (this.discriminated().get(`${name}=${own}`) ?? []) : [],
    );
    const [shape] = found.filter((one) => Object.keys(value).every((key) => key in this.shapeOf(one)));
    if (shape === undefined) return value;
    const names = this.wire.inputs[shape] ?? NOTHING;
    const result: Record<string, Value> = {};
    for (const [name, item] of Object.entries(value)) place(result, levels(names[name] ?? name), item);
    return result;
  }

  private shapeOf(name: string): object {
    return this.facts.shapes[name] ?? {};
  }

  private discriminators: Map<string, string[]> | undefined;
  private discriminated(): Map<string, string[]> {
    if (this.discriminators) return this.discriminators;
    const found = new Map<string, string[]>();
    for (const [shape, properties] of Object.entries(this.facts.shapes))
      for (const [name, { type }] of Object.entries(properties)) {
        if (typeof type !== "object" || !("enum" in type) || type.enum.length !== 1) continue;
        const key = `${name}=${String(type.enum[0])}`;
        found.set(key, [...(found.get(key) ?? []), shape]);
      }
    return (this.discriminators = found);
  }

  /** The levels of a shape of inputs, with what only the service sets beside them. */
  private reader(shape: string, type?: string, model?: ResourceModel, outputs?: string): Level {
    const key = `${shape} ${outputs ?? type ?? ""}`;
    const known = this.readers.get(key);
    if (known) return known;
    const level: Level = {};
    this.readers.set(key, level);
    for (const wire of [...this.shown(type, outputs), ...own(NEWER[shape] ?? [])])
      enter(level, ...wire, true);
    const names = this.wire.inputs[shape] ?? NOTHING;
    for (const name of Object.keys(this.facts.shapes[shape] ?? {})) {
      if (!model?.idInputs.includes(name)) enter(level, names[name] ?? name, name, false);
    }
    return level;
  }

  /** What the service shows of a resource type, or of a shape of outputs: by the name on the wire and its own. */
  private shown(type: string | undefined, outputs = ""): [wire: string, property: string][] {
    const described = type ? this.facts.resources[type]?.outputs : this.facts.outputs[outputs];
    const names = type ? this.wire.types[type]?.outputs : this.wire.outputs[outputs];
    const shown = Object.keys(described ?? {}).map((name): [string, string] => [names?.[name] ?? name, name]);
    return type ? [...shown, ...own(["id", "name", "type", "etag", "systemData"])] : shown;
  }

  private read(
    level: Level,
    body: Tree,
    at: string,
    failures: Failure[],
    shape: string,
    outputs: FactOutputs,
  ): Tree {
    const result: Record<string, Value> = {};
    for (const [name, value] of Object.entries(body)) {
      const here = at === "" ? name : `${at}.${name}`;
      const entry = Object.hasOwn(level, name) ? level[name] : level[keyLike(level, name) ?? ""];
      if (value === null || value === undefined) continue;
      if (!entry)
        failures.push({
          property: here,
          reason: `Could not find member '${name}' on object of type '${short(shape)}'`,
        });
      else if (entry.property !== undefined && !entry.readOnly && !(entry.below && isTree(value))) {
        const { type } = this.facts.shapes[shape]?.[entry.property] ?? { type: "any" as const };
        result[entry.property] = this.value(
          type,
          value as Value,
          here,
          failures,
          outputs[entry.property] ?? "",
        );
      } else if (entry.below && isTree(value)) {
        Object.assign(result, this.read(entry.below, value, here, failures, shape, outputs));
      } else if (entry.below && entry.property === undefined) {
        failures.push({ property: here, reason: "Error converting value to an object" });
      }
    }
    return result;
  }

  private value(type: FactType, value: Value, at: string, failures: Failure[], outputs: string): Value {
    if (typeof type !== "object" || "enum" in type) return value;
    if ("list" in type) {
      // What the SDK takes as a list of ids and shows as a map, `userAssignedIdentities`, is a map to ARM.
      if (!Array.isArray(value))
        return isTree(value) && type.list === "string" && outputs !== "" ? Object.keys(value) : value;
      return value.map((item: Value, i) => this.value(type.list, item, `${at}[${i}]`, failures, outputs));
    }
    if ("map" in type) {
      if (!isTree(value)) return value;
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [
          key,
          this.value(type.map, item, `${at}.${key}`, failures, outputs),
        ]),
      );
    }
    if ("oneOf" in type) {
      const tried = type.oneOf.map((option): { found: Failure[]; value: Value } => {
        const found: Failure[] = [];
        return { found, value: this.value(option, value, at, found, outputs) };
      });
      const [best] = tried.sort((a, b) => a.found.length - b.found.length);
      failures.push(...(best?.found ?? []));
      return best ? best.value : (value as Value);
    }
    if (!isTree(value)) return value;
    const described = this.facts.outputs[outputs] ?? {};
    const level = this.reader(
      type.shape,
      undefined,
      undefined,
      outputs || type.shape.replace(/Args$/, "Response"),
    );
    return this.read(level, value, at, failures, type.shape, described);
  }
}

/** Names that are the same on the wire. */
const own = (names: readonly string[]): [wire: string, property: string][] =>
  names.map((name) => [name, name]);

/** Enters a property at its place on the wire; what can be set wins over what is only shown. */
function enter(level: Level, wire: string, property: string, readOnly: boolean): void {
  const above = levels(wire);
  const last = above.pop() ?? "";
  let here = level as MutableLevel;
  for (const part of above) here = (here[part] ??= {}).below ??= {};
  const entry = (here[last] ??= {});
  if (entry.property === undefined || entry.readOnly) Object.assign(entry, { property, readOnly });
}

/** ARM reads names without regard to case. */
function keyLike(level: Level, name: string): string | undefined {
  const wanted = name.toLowerCase();
  return Object.keys(level).find((key) => key.toLowerCase() === wanted);
}

function short(shape: string): string {
  return (shape.split(".").pop() ?? shape).replace(/Args$/, "");
}

function place(target: Record<string, Value>, path: readonly string[], value: Value): void {
  const [head = "", ...rest] = path;
  if (rest.length === 0) {
    const there = target[head];
    target[head] = isTree(there) && isTree(value) ? { ...there, ...value } : value;
    return;
  }
  const below = isTree(target[head]) ? { ...(target[head] as Tree) } : {};
  place(below, rest, value);
  target[head] = below;
}
