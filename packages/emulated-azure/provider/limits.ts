import { armRefusals, armRelations } from "../../../policies/arm/armLimits";
import { strings } from "../model/paths";
import { Cloud, CloudError, Stored, Tree } from "../model/types";

/**
 * Refuses what Azure Resource Manager refuses, by the list the policies judge plans by.
 * @param before Inputs as the cloud holds them, for a change.
 * @throws CloudError with the first reason.
 */
export function refuseAsArm(cloud: Cloud, type: string, id: string, inputs: Tree, before?: Tree): void {
  if (!type.startsWith("azure-native:")) return;
  const relations = armRelations(type);
  const others = relations.length > 0 ? [...cloud.all()].filter(({ softDeleted }) => !softDeleted) : [];
  const found = relations.flatMap(({ as, property, types }) => {
    const named = strings(inputs[property]).map(({ text }) => text.toLowerCase());
    const targets = others.filter(
      (other) =>
        types.some((pattern) => pattern.test(other.type)) &&
        (isBelow(id, other) || named.includes(other.id.toLowerCase())),
    );
    // Two candidates are as good as none: a wrong relation would refuse what Azure accepts.
    const [target] = targets;
    return target && targets.length === 1 ? [[as, target] as const] : [];
  });
  const parents = found.map(([, target]) => target);
  const [refusal] = armRefusals(type, inputs, {
    related: Object.fromEntries(found.map(([as, { outputs }]) => [as, outputs])),
    siblings: others
      .filter(
        (other) =>
          other.type === type && !same(other.id, id) && parents.some((parent) => isBelow(other.id, parent)),
      )
      .map(({ inputs: sibling }) => sibling),
    ...(before && { before }),
  });
  if (refusal) throw new CloudError(400, refusal.limit, `${id}: ${refusal.path} ${refusal.message}`);
}

const LOCK = "azure-native:authorization:ManagementLockByScope";

/**
 * Refuses to delete what a lock in the cloud protects: a resource, or anything below one. The lock itself can go.
 * @throws CloudError 409.
 */
export function refuseLocked(cloud: Cloud, id: string): void {
  for (const lock of cloud.all()) {
    const scope = lock.type === LOCK ? lock.inputs["scope"] : undefined;
    if (typeof scope !== "string" || same(lock.id, id)) continue;
    if (same(scope, id) || id.toLowerCase().startsWith(`${scope.toLowerCase()}/`)) {
      throw new CloudError(
        409,
        "ScopeLocked",
        `${id} cannot be deleted: ${lock.id} locks it; remove the lock first`,
      );
    }
  }
}

function isBelow(id: string, parent: Stored): boolean {
  return id.toLowerCase().startsWith(`${parent.id.toLowerCase()}/`);
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
