import kubernetesFacts from "../facts/kubernetes.json";
import type { Facts } from "../facts/types";
import { isTree } from "../model/paths";
import { Shapes } from "../model/shapes";
import type { Failure, Tree, Value } from "../model/types";
import type { Kind } from "./kinds";
import { apiVersionOf } from "./kinds";
import { badRequest } from "./status";

const FACTS = kubernetesFacts as unknown as Facts;
const SHAPES = new Shapes(FACTS);

/** Shapes of the specs of kinds that no program declares, and so no facts describe whole. */
const SPECS: Readonly<Record<string, string>> = {
  Pod: "core.v1.PodSpec",
  ReplicaSet: "apps.v1.DeploymentSpec",
};
const METADATA = "meta.v1.ObjectMeta";

/** What is wrong with the types of an object's fields. What lacks, or is of no name we know, is somebody else's to say. */
function mistyped({ group, version, kind }: Kind, object: Tree): string[] {
  const described = FACTS.resources[`kubernetes:${group === "" ? "core" : group}/${version}:${kind}`];
  const spec = SPECS[kind];
  const failures = described
    ? SHAPES.check(described.inputs, object)
    : [
        ...part(object["metadata"], METADATA, "metadata"),
        ...(spec === undefined
          ? part(object["spec"], undefined, "spec")
          : part(object["spec"], spec, "spec")),
      ];
  return [...failures, ...part(object["status"], undefined, "status")]
    .filter(({ kind }) => kind === "mistyped")
    .map(({ property, reason }) => `.${property} ${reason}`);
}

function part(value: Value | undefined, shape: string | undefined, at: string): Failure[] {
  if (value === undefined || value === null) return [];
  if (!isTree(value))
    return [
      {
        property: at,
        reason: `must be an object, not ${JSON.stringify(value).slice(0, 60)}`,
        kind: "mistyped",
      },
    ];
  return shape === undefined ? [] : SHAPES.check(shape, value, at);
}

/**
 * Refuses an object with a field of another type than its kind has there, as the API server does before it looks at anything else.
 * @throws StatusError 400
 */
export function refuseMistyped(kind: Kind, object: object): void {
  const [first] = mistyped(kind, object as Tree);
  if (first !== undefined)
    throw badRequest(
      `${kind.kind} in version "${apiVersionOf(kind)}" cannot be handled as a ${kind.kind}: json: cannot unmarshal: ${first}`,
    );
}
