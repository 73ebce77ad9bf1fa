/** Type of the stack itself, the root of its resources. */
export const STACK_TYPE = "pulumi:pulumi:Stack";
/** Type of what brings another stack's outputs. */
export const STACK_REFERENCE_TYPE = "pulumi:pulumi:StackReference";

/** Type of the resource a URN names, without the types of its parents. */
export function typeOf(urn: string): string {
  return qualifiedType(urn).split("$").pop() as string;
}

/** Logical name a URN ends with. */
export function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

/** URN of the provider in a resource's reference to it, `<urn>::<id>`; empty where there is none. */
export function providerUrn(reference: string): string {
  return reference.slice(0, Math.max(0, reference.lastIndexOf("::")));
}

/** Types of the parents and the resource itself, joined by `$`. */
function qualifiedType(urn: string): string {
  return urn.split("::")[2] ?? "";
}

/** The URN the engine gives a resource: the chain of its parents' types, the stack itself left out, then its name. */
export function buildUrn(stack: string, project: string, parent: string, type: string, name: string): string {
  const prefix = parent === "" || typeOf(parent) === STACK_TYPE ? "" : `${qualifiedType(parent)}$`;
  return `urn:pulumi:${stack}::${project}::${prefix}${type}::${name}`;
}

export interface AliasSpec {
  readonly name: string;
  readonly type: string;
  readonly stack: string;
  readonly project: string;
  readonly parentUrn: string;
  readonly noParent: boolean;
}

/** The URN an alias given by parts stands for; parts left empty are those of the resource itself. */
export function aliasUrn(
  alias: AliasSpec,
  own: { stack: string; project: string; parent: string; type: string; name: string },
): string {
  return buildUrn(
    alias.stack || own.stack,
    alias.project || own.project,
    alias.noParent ? "" : alias.parentUrn || own.parent,
    alias.type || own.type,
    alias.name || own.name,
  );
}
