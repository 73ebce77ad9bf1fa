import { armKey } from "../model/azure/arm";
import { present } from "../model/links";
import { stringAt, strings } from "../model/paths";
import { Cloud, CloudError, Stored, Tree } from "../model/types";

/** What a resource's surroundings look like to a list of refusals; what is left out is not judged. */
export interface Around {
  /** Outputs of the resources {@link Refusals.relations} asks for, by their `as`. */
  readonly related: Readonly<Record<string, Tree>>;
  /** Inputs of the other resources of the type below the same parent. */
  readonly siblings: readonly Tree[];
  /** Inputs as the cloud holds them, for a change. */
  readonly before?: Tree;
}

/** What Azure Resource Manager refuses beyond what its descriptions say; whoever runs the cloud hands it in. */
export interface Refusals {
  /** Other resources the refusals of a type look at: the property that leads there and the types it may have. */
  relations(type: string): readonly {
    readonly as: string;
    readonly property: string;
    readonly types: readonly RegExp[];
  }[];
  /** Every reason to refuse a resource, or a change of one. */
  refusals(
    type: string,
    inputs: Tree,
    around: Around,
  ): readonly { readonly limit: string; readonly path: string; readonly message: string }[];
}

/** A list without an entry. */
export const NO_REFUSALS: Refusals = { relations: () => [], refusals: () => [] };

/**
 * Refuses what Azure Resource Manager refuses, by a list.
 * @param before Inputs as the cloud holds them, for a change.
 * @throws CloudError with the first reason.
 */
export function refuseAsArm(
  list: Refusals,
  cloud: Cloud,
  type: string,
  id: string,
  inputs: Tree,
  before?: Tree,
): void {
  if (!type.startsWith("azure-native:")) return;
  const relations = list.relations(type);
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
  const [refusal] = list.refusals(type, inputs, {
    related: Object.fromEntries(found.map(([as, { outputs }]) => [as, outputs])),
    siblings: others
      .filter(
        (other) =>
          other.type === type && !same(other.id, id) && parents.some((parent) => isBelow(other.id, parent)),
      )
      .map(({ inputs: sibling }) => sibling),
    ...(before && { before }),
  });
  if (!refusal) return;
  const { path, message, limit } = refusal;
  throw new CloudError(400, "InvalidParameterValue", `${id}: ${path} ${message} (${limit})`);
}

const LOCK = "azure-native:authorization:ManagementLockByScope";

/**
 * Refuses to delete what a lock in the cloud protects: a resource, or anything below one. The lock itself can go.
 * @throws CloudError 409.
 */
export function refuseLocked(cloud: Cloud, id: string): void {
  for (const lock of cloud.ofType(LOCK)) {
    const scope = lock.inputs["scope"];
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

const ORIGIN = "azure-native:cdn:AFDOrigin";
const TARGET = "sharedPrivateLinkResource.privateLink.id";

/**
 * Refuses an origin of Front Door with a private link to what is not there: its private endpoint is made while the origin is
 * (https://github.com/hashicorp/terraform-provider-azurerm/issues/30866). The code of the endpoint's own refusal is taken from that of
 * networks; a link that stays as it was is not made anew.
 * @param before Inputs as the cloud holds them, for a change.
 * @throws CloudError 400
 */
export function refuseUnlinked(cloud: Cloud, type: string, inputs: Tree, before?: Tree): void {
  const target = type === ORIGIN ? stringAt(inputs, TARGET) : undefined;
  if (target === undefined || present(cloud, armKey(target))) return;
  if (before && stringAt(before, TARGET)?.toLowerCase() === target.toLowerCase()) return;
  throw new CloudError(
    400,
    "BadRequest",
    `PrivateEndpointProvisioning Failed. ErrorCode: LinkedResourceNotFound. ErrorMessage: ${target} does not exist.`,
  );
}

function isBelow(id: string, parent: Stored): boolean {
  return id.toLowerCase().startsWith(`${parent.id.toLowerCase()}/`);
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
