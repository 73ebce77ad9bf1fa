import { BACKUP_LIMITS } from "./backup";
import { CLUSTER_LIMITS } from "./cluster";
import { ARM_CHANGES } from "./changes";
import { EDGE_LIMITS } from "./edge";
import { IDENTITY_LIMITS } from "./identity";
import type { ArmLimit, Relation } from "./limit";
import { MONITORING_LIMITS } from "./monitoring";
import { NAMING_LIMITS } from "./names";
import { POSTGRES_CHILD_LIMITS } from "./postgresChildren";
import { POSTGRES_SERVER_LIMITS } from "./postgresServer";
import { STORAGE_LIMITS } from "./storage";
import { VAULT_LIMITS } from "./vault";
import { Cursor, type Outcome } from "../../packages/isolation/read";
import type { Tree } from "../../packages/isolation/rule";

/**
 * What Azure Resource Manager refuses, found before it is asked. The policy rules judge a plan by this list, and
 * the emulated Azure refuses by the very same one, so that the two never disagree.
 */
export const ARM_LIMITS: readonly ArmLimit[] = [
  ...POSTGRES_SERVER_LIMITS,
  ...POSTGRES_CHILD_LIMITS,
  ...STORAGE_LIMITS,
  ...BACKUP_LIMITS,
  ...VAULT_LIMITS,
  ...CLUSTER_LIMITS,
  ...IDENTITY_LIMITS,
  ...MONITORING_LIMITS,
  ...NAMING_LIMITS,
  ...EDGE_LIMITS,
];

/** What the caller knows of a resource's surroundings; what it leaves out is not judged. */
export interface ArmContext {
  /** Properties of the resources in {@link armRelations}, by their `as`. */
  readonly related?: Readonly<Record<string, Tree>>;
  /** Properties of the other resources of this type below the same parent. */
  readonly siblings?: readonly Tree[];
  /** Inputs of the resource as it exists, for a change of it. */
  readonly before?: Tree;
}

/** One refusal: the property at fault and the reason, as `must …`. */
export interface ArmRefusal {
  readonly limit: string;
  readonly path: string;
  readonly message: string;
}

function applicable(type: string): ArmLimit[] {
  return ARM_LIMITS.filter(({ types }) => types.some((pattern) => pattern.test(type)));
}

/** Other resources the limits of a type look at, so that a caller can hand them in. */
export function armRelations(type: string): Relation[] {
  return applicable(type).flatMap(({ relations }) => relations ?? []);
}

/**
 * Every reason Azure would refuse a resource, or a change of one. Unknown values are not judged here.
 * @param type token such as `azure-native:dbforpostgresql:Server`.
 */
export function armRefusals(type: string, inputs: Tree, context: ArmContext = {}): ArmRefusal[] {
  const resource = new Cursor(inputs);
  const around = {
    type,
    related: Object.fromEntries(
      Object.entries(context.related ?? {}).map(([as, properties]) => [as, new Cursor(properties)]),
    ),
    siblings: (context.siblings ?? []).map((properties) => new Cursor(properties)),
  };
  const refusals = (limit: string, outcomes: Outcome[]): ArmRefusal[] =>
    outcomes.flatMap((outcome) =>
      "unknown" in outcome ? [] : [{ limit, path: outcome.path, message: outcome.message }],
    );
  const { before } = context;
  return [
    ...applicable(type).flatMap((limit) => refusals(limit.name, limit.check(resource, around))),
    ...(before === undefined
      ? []
      : ARM_CHANGES.filter(({ types }) => types.some((pattern) => pattern.test(type))).flatMap(({ check }) =>
          refusals("unchangeable", check(new Cursor(before), resource)),
        )),
  ];
}

/** The list as the emulated Azure takes it. */
export const ARM_REFUSALS = { relations: armRelations, refusals: armRefusals };
