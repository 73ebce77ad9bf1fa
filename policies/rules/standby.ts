import { cursor, ofType, sameCluster, sameNamespace } from "../../packages/isolation/graph";
import * as kinds from "../../packages/isolation/kinds";
import { podsOf } from "./pods";
import { fault, type Cursor } from "../../packages/isolation/read";
import type { ResourceView, Rule, StackView } from "../../packages/isolation/rule";
import { stackRule, type Verdict } from "./define";

const DOCS = "https://learn.microsoft.com/azure";

/** Says of a Deployment that its region stands by: it is there at zero, so that taking over is to set a number. */
const REGION_ROLE_ANNOTATION = "forma3d.com/region-role";

/** The same of a pool for applications, which may then be empty. */
const REGION_ROLE_TAG = "regionRole";

const STANDBY = "standby";

/** Whether a Deployment belongs to a region that stands by, and runs nothing there. */
export function standsBy(object: Cursor): boolean {
  return saysStandby(object) && object.at("spec", "replicas").value === 0;
}

/** Whether a pool for applications belongs to a region that stands by. */
export function poolStandsBy(pool: Cursor): boolean {
  return pool.at("mode").value === "User" && saysPoolStandsBy(pool);
}

function saysPoolStandsBy(pool: Cursor): boolean {
  return pool.at("tags", REGION_ROLE_TAG).value === STANDBY;
}

function saysStandby(object: Cursor): boolean {
  return object.at("metadata", "annotations", REGION_ROLE_ANNOTATION).value === STANDBY;
}

interface Deployed {
  readonly resource: ResourceView;
  readonly object: Cursor;
}

function deployments(stack: StackView): Deployed[] {
  return ofType(stack, kinds.kubernetes("Deployment"))
    .flatMap((resource) => podsOf(resource).map(({ object }) => ({ resource, object })))
    .filter(({ object }) => !object.partial);
}

function isTwin(one: Deployed, other: Deployed): boolean {
  return (
    !saysStandby(other.object) &&
    one.object.at("metadata", "name").text === other.object.at("metadata", "name").text &&
    sameNamespace(one.object, other.object) &&
    !sameCluster(one.resource, other.resource)
  );
}

const services = stackRule(
  {
    id: "REC-060",
    name: "standby-service-serves-elsewhere",
    title: "What stands by in one region serves in the other",
    description: `A Deployment with the annotation ${REGION_ROLE_ANNOTATION} "${STANDBY}" has 0 replicas, and one of the same name without it is in another cluster.`,
    why: "The rules on replicas leave it out: marked so everywhere, nothing would run at all.",
    severity: "critical",
    framework: { waf: ["RE:05", "RE:09"], risks: ["R11"] },
    remediation: "Give exactly one region the role serving.",
    url: `${DOCS}/well-architected/reliability/highly-available-multi-region-design`,
    appliesTo: "any",
  },
  (stack) => {
    const all = deployments(stack);
    return all
      .filter(({ object }) => saysStandby(object))
      .flatMap((one): Verdict[] => {
        const { resource, object } = one;
        const replicas = object.at("spec", "replicas");
        if (!standsBy(object)) {
          return replicas.unknown
            ? [{ resource, outcomes: [{ path: replicas.path, unknown: true }] }]
            : [{ resource, outcomes: fault(replicas, "must be 0 where the region stands by") }];
        }
        if (all.some((other) => isTwin(one, other))) return [];
        const mark = object.at("metadata", "annotations", REGION_ROLE_ANNOTATION);
        return [{ resource, outcomes: fault(mark, "must have a Deployment that serves in another cluster") }];
      });
  },
);

const pools = stackRule(
  {
    id: "REC-061",
    name: "standby-pool-serves-elsewhere",
    title: "Beside a pool that stands by there is one that serves",
    description: `A pool with the tag ${REGION_ROLE_TAG} "${STANDBY}" has one of the same name without it beside it.`,
    why: "The rule on the size of pools lets it be empty: marked so everywhere, no application would survive a zone.",
    severity: "critical",
    framework: { waf: ["RE:05", "RE:09"], risks: ["R11"] },
    remediation: "Give exactly one region the role serving.",
    url: `${DOCS}/well-architected/reliability/highly-available-multi-region-design`,
    appliesTo: "any",
  },
  (stack) => {
    const all = ofType(stack, kinds.AGENT_POOL);
    const serving = new Set(all.filter((pool) => !saysPoolStandsBy(cursor(pool))).map(kinds.azureName));
    return all
      .filter((pool) => saysPoolStandsBy(cursor(pool)) && !serving.has(kinds.azureName(pool)))
      .map((resource) => ({
        resource,
        outcomes: fault(
          cursor(resource).at("tags", REGION_ROLE_TAG),
          "must have a pool of the same name that serves",
        ),
      }));
  },
);

export const STANDBY_RULES: readonly Rule[] = [services, pools];
