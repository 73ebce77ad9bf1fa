import { type ResourceView, type Tree, UNKNOWN, type Value } from "../../packages/isolation/rule";
import { unknownPaths } from "../../packages/isolation/scan";
import { nameOf } from "../../packages/wire/urn";
import { isMarker, SECRET, SIGNATURE_KEY } from "../../packages/wire/values";

/** What a gate is told about a resource, by a preview, a stored state or a plan. */
export interface GivenResource {
  readonly urn: string;
  readonly type: string;
  readonly props: unknown;
  readonly provider?: { readonly urn: string; readonly type: string; readonly props: unknown };
  readonly protect?: boolean;
  readonly ignoreChanges?: readonly string[];
  readonly deleteBeforeReplace?: boolean;
  readonly additionalSecretOutputs?: readonly string[];
  readonly aliases?: readonly string[];
  readonly dependencies?: readonly string[];
  readonly propertyDependencies?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Dependencies of properties as the engine tells a policy pack: properties that depend on nothing are left out, and
 * of the others only what the stack itself manages is named.
 */
export function dependenciesOf(
  given: Readonly<Record<string, readonly string[] | null>>,
  isOutside: (urn: string) => boolean,
): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(given)
      .filter(([, urns]) => urns !== null && urns.length > 0)
      .map(([key, urns]) => [key, (urns ?? []).filter((urn) => !isOutside(urn))]),
  );
}

/** Counts what a gate could not read. */
export interface Unread {
  /** Secrets that are there in encrypted form only. */
  secrets: number;
}

/** Plain data for the rules: secrets opened where their text is there, unknown values marked. */
export function plain(value: unknown, unread: Unread): Value {
  if (typeof value === "symbol" || isMarker(value)) return UNKNOWN;
  if (typeof value === "string") {
    if (value === "[secret]") unread.secrets++;
    return value;
  }
  if (value === null || value === undefined) return null;
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.map((inner: unknown) => plain(inner, unread));
  if (typeof value !== "object") return null;
  const object = value as Record<string, unknown>;
  if (object[SIGNATURE_KEY] === SECRET) return secret(object, unread);
  return Object.fromEntries(
    Object.entries(object)
      .filter(([key]) => key !== SIGNATURE_KEY)
      .map(([key, inner]) => [key, plain(inner, unread)]),
  );
}

function secret({ value, plaintext }: Record<string, unknown>, unread: Unread): Value {
  if (value !== undefined) return plain(value, unread);
  if (typeof plaintext === "string") {
    try {
      return plain(JSON.parse(plaintext), unread);
    } catch {
      return plaintext;
    }
  }
  unread.secrets++;
  return "[secret]";
}

/** The view of a resource a rule judges. */
export function viewOf(given: GivenResource, unread: Unread): ResourceView {
  const props = plain(given.props ?? {}, unread) as Tree;
  const { provider } = given;
  return {
    urn: given.urn,
    type: given.type,
    name: nameOf(given.urn),
    props,
    unknownPaths: unknownPaths(props),
    opts: {
      protect: given.protect ?? false,
      ignoreChanges: given.ignoreChanges ?? [],
      aliases: given.aliases ?? [],
      additionalSecretOutputs: given.additionalSecretOutputs ?? [],
      ...(given.deleteBeforeReplace && { deleteBeforeReplace: true }),
    },
    ...(provider && {
      provider: {
        urn: provider.urn,
        type: provider.type,
        name: nameOf(provider.urn),
        props: plain(provider.props ?? {}, unread) as Tree,
      },
    }),
    dependencies: given.dependencies ?? [],
    propertyDependencies: given.propertyDependencies ?? {},
  };
}
