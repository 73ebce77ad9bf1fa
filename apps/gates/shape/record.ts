import type { ResourceView, StackView } from "../../../packages/isolation/rule";
import {
  ANY_NAME,
  isSent,
  pathsOf,
  placeOf,
  programOf,
  rightsOf,
  sourcesOf,
  standingOf,
  deepest,
  type Shape,
  type TypeShape,
} from "../../../policies/rules/shape";
import { merged, union } from "./merge";

/**
 * Types whose resources a key of the stack file names, windows in which alerts are muted and parameters of the database; and those
 * of which the rights say each.
 */
const NAMED_FREELY: readonly string[] = [
  "azure-native:authorization:RoleAssignment",
  "azure-native:alertsmanagement:AlertProcessingRuleByName",
  "azure-native:dbforpostgresql:Configuration",
];

/** What one resource consists of. */
function typeShapeOf(stack: StackView, resource: ResourceView): TypeShape {
  const { type, props, opts, urn, name } = resource;
  // Only Azure's ids say which resource is meant.
  const linking = type.startsWith("azure-native") ? Object.keys(props) : [];
  const from = linking.flatMap((property) => {
    const types = sourcesOf(stack, resource, property).map((one) => one.type);
    return types.length > 0 ? [[property, union([types])]] : [];
  });
  return {
    names: [NAMED_FREELY.includes(type) ? ANY_NAME : placeOf(name, programOf(urn))],
    properties: deepest([...pathsOf(props)]),
    from: Object.fromEntries(from) as TypeShape["from"],
    protect: opts.protect,
    deleteBeforeReplace: opts.deleteBeforeReplace === true,
    ignoreChanges: union([opts.ignoreChanges]),
    additionalSecretOutputs: union([opts.additionalSecretOutputs]),
  };
}

/** What a plan consists of. */
export function shapeOf(stack: StackView): Shape {
  const sent = stack.resources.filter(isSent);
  const types = union([sent.map(({ type }) => type)]).map((type) => [
    type,
    merged(sent.filter((one) => one.type === type).map((one) => typeShapeOf(stack, one))),
  ]);
  return {
    types: Object.fromEntries(types) as Shape["types"],
    rights: union([rightsOf(stack).map(({ right }) => right)]),
    standing: standingOf(stack),
  };
}
