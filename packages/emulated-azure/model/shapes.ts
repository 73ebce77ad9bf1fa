import type { FactOutputs, FactProperty, Facts, FactType } from "../facts/types";
import { isTree } from "./paths";
import { Failure, Tree, UNKNOWN, Value } from "./types";

/** Lists the SDK gives examples for: every data source brings streams of its own. */
const EXAMPLES_ONLY = /(^|\.)streams\[\d+\]$/;

/** Checks a value against the type its vendor publishes. Unknown values pass. */
export class Shapes {
  constructor(private readonly facts: Pick<Facts, "shapes" | "outputs">) {}

  /** What is wrong with an object of the named shape. */
  check(shape: string, value: Tree, at = ""): Failure[] {
    const properties = this.facts.shapes[shape];
    if (!properties) throw new Error(`no facts about ${shape}`);
    const missing = Object.entries(properties)
      .filter(([name, property]) => property.required && value[name] === undefined)
      .map(([name]): Failure => ({
        property: join(at, name),
        reason: "is required and missing",
        kind: "missing",
      }));
    const given = Object.entries(value).flatMap(([name, item]): Failure[] => {
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      if (item === undefined || item === null || name.startsWith("__")) return [];
      if (!property) {
        const known = Object.keys(properties).sort().join(", ");
        return [{ property: join(at, name), reason: `is not a property here; known are ${known}` }];
      }
      return this.value(property.type, item, join(at, name), property);
    });
    return [...missing, ...given];
  }

  /** Defaults the service documents for properties left out, at every depth the value reaches. */
  defaults(shape: string, value: Tree): Tree {
    const result: Record<string, Value> = { ...value };
    for (const [name, property] of Object.entries(this.facts.shapes[shape] ?? {})) {
      const given = value[name];
      if (given === undefined && property.default !== undefined) result[name] = property.default;
      if (isTree(given) && typeof property.type === "object" && "shape" in property.type) {
        result[name] = this.defaults(property.type.shape, given);
      }
    }
    return result;
  }

  /** The properties of an object as a preview shows them: what is given, and unknown for all the rest. */
  preview(outputs: FactOutputs, given: Tree): Tree {
    return Object.fromEntries(
      Object.entries(outputs).map(([name, below]) => [name, this.previewed(below, given[name])]),
    );
  }

  /** What of an object's properties can be sent, at every depth; undefined for an object of another kind. */
  sendable(shape: string, properties: Tree): Tree | undefined {
    const result: Record<string, Value> = {};
    for (const [name, { type }] of Object.entries(this.facts.shapes[shape] ?? {})) {
      const value = properties[name];
      if (value === undefined || value === null) continue;
      if (isConstant(type) && !type.enum.includes(value as string)) return undefined;
      result[name] = this.sendableValue(type, value);
    }
    return result;
  }

  private sendableValue(type: FactType, value: Value): Value {
    if (typeof type === "string" || "enum" in type) return value;
    if ("list" in type) {
      if (Array.isArray(value)) return value.map((item: Value) => this.sendableValue(type.list, item));
      // Identities are sent as a list of ids and shown as a map by id.
      return isTree(value) && type.list === "string" ? Object.keys(value).sort() : value;
    }
    if (!isTree(value)) return value;
    if ("shape" in type) return this.sendable(type.shape, value) ?? value;
    if ("map" in type)
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, this.sendableValue(type.map, item)]),
      );
    for (const option of type.oneOf) {
      const found =
        typeof option === "object" && "shape" in option ? this.sendable(option.shape, value) : undefined;
      if (found) return found;
    }
    return value;
  }

  private previewed(described: string, value: Value | undefined): Value {
    if (value === undefined) return UNKNOWN;
    const outputs = this.facts.outputs[described];
    if (!outputs) return value;
    if (Array.isArray(value)) return value.map((item: Value) => this.previewed(described, item));
    if (!isTree(value)) return value;
    const names = Object.keys(value);
    // Keys of a map are the user's own; an object has only keys that its description knows.
    if (names.length > 0 && !names.some((name) => name in outputs)) {
      return Object.fromEntries(names.map((name) => [name, this.previewed(described, value[name])]));
    }
    return this.preview(outputs, value);
  }

  private value(type: FactType, value: Value, at: string, property?: FactProperty): Failure[] {
    if (value === UNKNOWN) return [];
    if (typeof type === "string") {
      if (type !== "any" && typeof value !== type) return mistyped(at, `a ${type}`, value);
      return property ? bounds(value, at, property) : [];
    }
    if ("enum" in type) return oneOf(type, value, at);
    if ("shape" in type)
      return isTree(value) ? this.check(type.shape, value, at) : mistyped(at, "an object", value);
    if ("map" in type) {
      if (!isTree(value)) return mistyped(at, "a map", value);
      return Object.entries(value).flatMap(([key, item]) => this.value(type.map, item, join(at, key)));
    }
    if ("list" in type) {
      if (!Array.isArray(value)) return mistyped(at, "a list", value);
      return [
        ...count(value.length, at, property),
        ...value.flatMap((item: Value, i) => this.value(type.list, item, `${at}[${i}]`)),
      ];
    }
    const tried = type.oneOf.map((option) => this.value(option, value, at));
    return tried.reduce<Failure[]>((best, one) => (one.length < best.length ? one : best), tried[0] ?? []);
  }
}

function mistyped(at: string, wanted: string, value: Value): Failure[] {
  return [{ property: at, reason: `must be ${wanted}, not ${show(value)}`, kind: "mistyped" }];
}

/** ARM compares the values of an open list without regard to case; those of a closed one exactly. */
function oneOf(type: Extract<FactType, { enum: unknown }>, value: Value, at: string): Failure[] {
  const allowed = type.enum.map(String);
  const found = typeof value === "object" ? "" : String(value);
  const listed = type.open
    ? allowed.some((one) => one.toLowerCase() === found.toLowerCase())
    : allowed.includes(found);
  if (listed || (EXAMPLES_ONLY.test(at) && found !== "")) return [];
  return [{ property: at, reason: `must be one of ${allowed.join(", ")}, not ${show(value)}` }];
}

function count(length: number, at: string, property?: FactProperty): Failure[] {
  const { minItems = 0, maxItems = Infinity } = property ?? {};
  return length >= minItems && length <= maxItems
    ? []
    : [{ property: at, reason: `must have ${range(minItems, maxItems)} elements, not ${length}` }];
}

/** A property that tells kinds of objects apart by its only value. */
function isConstant(type: FactType): type is Extract<FactType, { enum: unknown }> {
  return typeof type === "object" && "enum" in type && !type.open && type.enum.length === 1;
}

function bounds(value: Value, at: string, property: FactProperty): Failure[] {
  if (typeof value === "number") {
    const { minimum = -Infinity, maximum = Infinity } = property;
    return value < minimum || value > maximum
      ? [{ property: at, reason: `must be ${range(minimum, maximum)}, not ${value}` }]
      : [];
  }
  if (typeof value !== "string") return [];
  const { minLength = 0, maxLength = Infinity, pattern } = property;
  const failures: Failure[] = [];
  if (value.length < minLength || value.length > maxLength) {
    failures.push({
      property: at,
      reason: `must have ${range(minLength, maxLength)} characters, not ${value.length}`,
    });
  }
  if (pattern && !new RegExp(pattern).test(value)) {
    failures.push({ property: at, reason: `must match ${pattern}, unlike ${show(value)}` });
  }
  return failures;
}

function range(low: number, high: number): string {
  if (high === Infinity) return `at least ${low}`;
  return low === -Infinity ? `at most ${high}` : `${low} to ${high}`;
}

function join(at: string, name: string): string {
  return at === "" ? name : `${at}.${name}`;
}

function show(value: Value): string {
  // A member that is there and undefined has no text.
  const text = (JSON.stringify(value) as string | undefined) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
