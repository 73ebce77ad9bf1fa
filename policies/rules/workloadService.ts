import { cursor, ofType, sameCluster, sameNamespace, selects } from "../../packages/isolation/graph";
import { kubernetes } from "../../packages/isolation/kinds";
import { podsOf, WORKLOADS, type Pods } from "./pods";
import {
  fault,
  given,
  must,
  mustBeWithin,
  mustExist,
  type Cursor,
  type Outcome,
} from "../../packages/isolation/read";
import type { ResourceView, Rule, StackView } from "../../packages/isolation/rule";
import { Selectors } from "./selectors";
import { THRESHOLDS } from "./thresholds";
import { about, resourceRule, stackRule, type Verdict } from "./define";
import { standsBy } from "./standby";

const DOCS = "https://kubernetes.io/docs";
const { replicas } = THRESHOLDS;

const DEPLOYMENT = kubernetes("Deployment");
const AUTOSCALER = kubernetes("HorizontalPodAutoscaler");
const BUDGET = kubernetes("PodDisruptionBudget");
const POLICY = kubernetes("NetworkPolicy");

/**
 * Says why a Deployment runs a single pod, e.g. because its volume or database takes one writer. Such a workload
 * is exempt from the rules on replicas, and must stop the old pod before the new one starts.
 */
const SINGLE_REPLICA_ANNOTATION = "forma3d.com/single-replica-because";

function isSingle(object: Cursor): boolean {
  return (object.at("metadata", "annotations", SINGLE_REPLICA_ANNOTATION).text ?? "").trim().length >= 15;
}

interface Scaled extends Pods {
  readonly resource: ResourceView;
}

function deployments(stack: StackView): Scaled[] {
  return ofType(stack, DEPLOYMENT)
    .flatMap((resource) => podsOf(resource).map((pods) => ({ ...pods, resource })))
    .filter(({ object }) => !object.partial);
}

function replicated(stack: StackView): Scaled[] {
  return deployments(stack).filter(({ object }) => !isExempt(object));
}

const isExempt = (object: Cursor): boolean => isSingle(object) || standsBy(object);

/** Finds the autoscaler of a deployment: by name or, where the name is not known yet, by dependency. */
function autoscalers(stack: StackView): (deployment: Scaled) => ResourceView | undefined {
  const byName = new Map<string, ResourceView[]>();
  const bySource = new Map<string, ResourceView>();
  for (const scaler of ofType(stack, AUTOSCALER)) {
    const target = cursor(scaler).at("spec", "scaleTargetRef");
    const sources = target.at("name").unknown ? (scaler.propertyDependencies.spec ?? []) : [];
    for (const urn of sources) bySource.set(urn, scaler);
    if (sources.length > 0) continue;
    const name = target.at("name").text;
    if (name !== undefined && target.at("kind").value === "Deployment") {
      byName.set(name, [...(byName.get(name) ?? []), scaler]);
    }
  }
  return ({ object, resource }) =>
    bySource.get(resource.urn) ??
    byName
      .get(object.at("metadata", "name").text ?? "")
      ?.find((scaler) => sameCluster(scaler, resource) && sameNamespace(cursor(scaler), object));
}

const enough = stackRule(
  {
    id: "WRK-030",
    name: "deployment-replicas",
    title: `Production services run ${replicas.value} pods or more`,
    description: `Every Deployment has at least ${replicas.value} replicas, and its autoscaler never goes below. One that can only be single says so in the annotation ${SINGLE_REPLICA_ANNOTATION}.`,
    why: "With two pods, a rollout or a drained node leaves one, and the next failure none.",
    severity: "critical",
    framework: { waf: ["RE:05"], risks: ["R03", "R14"] },
    remediation: "Raise minReplicas of the workload to 3.",
    url: `${DOCS}/concepts/workloads/controllers/deployment/`,
    appliesTo: "prod",
  },
  (stack) => {
    const autoscalerOf = autoscalers(stack);
    return deployments(stack).flatMap((deployment): Verdict[] => {
      const { resource, object } = deployment;
      const scaler = autoscalerOf(deployment);
      const enough = (count: Cursor): Outcome[] =>
        given(() => (isExempt(object) ? [] : mustBeWithin(count, replicas.value, Infinity, "pods")));
      const count = object.at("spec", "replicas");
      return [
        // An autoscaler owns the number of pods; the Deployment's own is then only the first.
        ...(scaler && !count.present ? [] : [{ resource, outcomes: enough(count) }]),
        ...(scaler ? [{ resource: scaler, outcomes: enough(cursor(scaler).at("spec", "minReplicas")) }] : []),
      ];
    });
  },
);

const scales = stackRule(
  {
    id: "WRK-031",
    name: "deployment-autoscaled",
    title: "Production services grow with their load",
    description:
      "Every Deployment of several pods has a HorizontalPodAutoscaler with room above its minimum.",
    why: "A burst of orders would exhaust the pods there are, and the survivors of a failure with them.",
    severity: "high",
    framework: { waf: ["RE:06", "PE:05"], risks: ["R03", "R14", "R15"] },
    remediation: "Set maxReplicas of the workload above minReplicas.",
    url: `${DOCS}/tasks/run-application/horizontal-pod-autoscale/`,
    appliesTo: "prod",
  },
  (stack) => {
    const autoscalerOf = autoscalers(stack);
    return replicated(stack).flatMap((deployment): Verdict[] => {
      const scaler = autoscalerOf(deployment);
      if (!scaler) return [about(deployment.resource, "must have a HorizontalPodAutoscaler")];
      const spec = cursor(scaler).at("spec");
      const floor = (spec.at("minReplicas").number ?? 1) + 1;
      return [
        {
          resource: scaler,
          outcomes: [
            ...mustBeWithin(spec.at("maxReplicas"), floor, Infinity, "pods"),
            ...mustExist(spec.at("metrics"), "say what it scales by"),
          ],
        },
      ];
    });
  },
);

const orphan = stackRule(
  {
    id: "WRK-032",
    name: "autoscaler-target",
    title: "An autoscaler scales something",
    description: "scaleTargetRef of every HorizontalPodAutoscaler names a Deployment of the stack.",
    why: "A renamed workload would stay at its first number of pods, and nothing would say so.",
    severity: "high",
    framework: { waf: ["RE:06"], risks: ["R03", "R09"] },
    remediation: "Correct scaleTargetRef.",
    url: `${DOCS}/tasks/run-application/horizontal-pod-autoscale/`,
    appliesTo: "any",
  },
  (stack) => {
    const scaled = new Set(deployments(stack).map(autoscalers(stack)));
    return ofType(stack, AUTOSCALER)
      .filter((scaler) => !scaled.has(scaler))
      .map((scaler) => {
        const target = cursor(scaler).at("spec", "scaleTargetRef");
        const name = target.at("name");
        return {
          resource: scaler,
          outcomes: name.unknown
            ? [{ path: name.path, unknown: true }]
            : fault(target, "must name a Deployment of this stack"),
        };
      });
  },
);

/** Pods that may go at once, of a number that is there; undefined when the budget does not say it in a known way. */
function disruptions(budget: Cursor, pods: number): number | undefined {
  const share = (cursor: Cursor, round: (value: number) => number): number | undefined => {
    const percent = /^(\d+)%$/.exec(cursor.text ?? "")?.[1];
    return percent === undefined ? cursor.number : round((Number(percent) / 100) * pods);
  };
  const [most, least] = [budget.at("spec", "maxUnavailable"), budget.at("spec", "minAvailable")];
  if (most.present) return share(most, Math.ceil);
  const kept = share(least, Math.ceil);
  return kept === undefined ? undefined : pods - kept;
}

const budget = stackRule(
  {
    id: "WRK-033",
    name: "deployment-disruption-budget",
    title: "Draining a node takes one pod at a time, and is always possible",
    description:
      "Every Deployment of several pods has exactly one PodDisruptionBudget, which allows at least one pod to go while the rest stays.",
    why: "Without one, an upgrade may stop all pods at once; one that allows none blocks every upgrade of the cluster.",
    severity: "high",
    framework: { waf: ["RE:05", "OE:11"], risks: ["R03"] },
    remediation: "Add a PodDisruptionBudget with maxUnavailable 1.",
    url: `${DOCS}/tasks/run-application/configure-pdb/`,
    appliesTo: "any",
  },
  (stack) => {
    const autoscalerOf = autoscalers(stack);
    const all = new Selectors(ofType(stack, BUDGET), ["spec", "selector"], false);
    return replicated(stack).flatMap((deployment): Verdict[] => {
      const scaler = autoscalerOf(deployment);
      const least = scaler && cursor(scaler).at("spec", "minReplicas").number;
      const pods = least ?? deployment.object.at("spec", "replicas").number ?? 1;
      if (pods < 2) return [];
      const budgets = all.of(deployment.resource, deployment.object, deployment.labels);
      const [only, ...others] = budgets;
      if (!only) return [about(deployment.resource, "must have a PodDisruptionBudget")];
      if (others.length > 0) {
        return [about(deployment.resource, `must have one PodDisruptionBudget, but has ${budgets.length}`)];
      }
      const allowed = disruptions(cursor(only), pods);
      const spec = cursor(only).at("spec");
      if (allowed === undefined) {
        return [{ resource: only, outcomes: fault(spec, "must have maxUnavailable or minAvailable") }];
      }
      return allowed >= 1 && allowed < pods
        ? []
        : [
            {
              resource: only,
              outcomes: fault(
                spec,
                `must let 1 to ${pods - 1} of ${pods} pods go at once, but lets ${allowed}`,
              ),
            },
          ];
    });
  },
);

const spread = stackRule(
  {
    id: "WRK-034",
    name: "deployment-zone-spread",
    title: "Pods of a production service stand in several zones",
    description: "Every Deployment of several pods spreads them over topology.kubernetes.io/zone.",
    why: "All pods may otherwise be in the zone that is lost.",
    severity: "high",
    framework: { waf: ["RE:05"], risks: ["R03", "R11"] },
    remediation: "Add a topology spread constraint that selects the workload's pods.",
    url: `${DOCS}/concepts/scheduling-eviction/topology-spread-constraints/`,
    appliesTo: "prod",
  },
  (stack) =>
    replicated(stack).flatMap(({ resource, spec, labels }): Verdict[] => {
      const constraints = spec.at("topologySpreadConstraints");
      const spreads = constraints
        .items()
        .some(
          (constraint) =>
            constraint.at("topologyKey").value === "topology.kubernetes.io/zone" &&
            selects(constraint.at("labelSelector"), labels),
        );
      return spreads || constraints.unknown
        ? []
        : [
            {
              resource,
              outcomes: fault(constraints, "must spread the pods over topology.kubernetes.io/zone"),
            },
          ];
    }),
);

const single = resourceRule(
  {
    id: "WRK-035",
    name: "single-replica-recreated",
    title: "A workload that must be single never runs twice",
    description: `A Deployment with the annotation ${SINGLE_REPLICA_ANNOTATION} has one replica, strategy Recreate, and a reason of 15 characters or more.`,
    why: "A rolling update starts the new pod beside the old one, and both write to what takes one writer.",
    severity: "high",
    framework: { waf: ["RE:05"], risks: ["R02", "R03"] },
    remediation: "Set strategy.type to Recreate, or drop the annotation and run several pods.",
    url: `${DOCS}/concepts/workloads/controllers/deployment/#strategy`,
    appliesTo: "any",
    types: [DEPLOYMENT],
  },
  (_, resource) =>
    podsOf(resource).flatMap(({ object }): Outcome[] => {
      const reason = object.at("metadata", "annotations", SINGLE_REPLICA_ANNOTATION);
      if (!reason.present) return [];
      return [
        ...must(reason, () => isSingle(object), "give a reason of at least 15 characters"),
        ...must(object.at("spec", "strategy", "type"), (value) => value === "Recreate", 'be "Recreate"'),
        ...must(
          object.at("spec", "replicas"),
          (value) => value === 1 || value === undefined || standsBy(object),
          "be 1",
        ),
      ];
    }),
);

/** Unsaid, a policy restricts what comes in, and what goes out only if it lists rules for that. */
function directions(spec: Cursor): string[] {
  const stated = spec.at("policyTypes");
  return stated.present ? stated.texts() : ["Ingress", ...(spec.at("egress").present ? ["Egress"] : [])];
}

const network = stackRule(
  {
    id: "WRK-036",
    name: "pod-network-policy",
    title: "Pods talk to nobody they have not named",
    description:
      "Network policies select the pods of every workload and restrict both what comes in and what goes out.",
    why: "A pod that is taken over could otherwise reach every other, the cloud's metadata service and the internet.",
    severity: "high",
    framework: { cis: ["Kubernetes 5.3.2"], mcsb: ["NS-2"], waf: ["SE:06"], risks: ["R07", "R09"] },
    remediation: "Add a policy with policyTypes Ingress and Egress to the namespace.",
    url: `${DOCS}/concepts/services-networking/network-policies/`,
    appliesTo: "any",
  },
  (stack) => {
    const policies = new Selectors(ofType(stack, POLICY), ["spec", "podSelector"], true);
    return ofType(stack, WORKLOADS).flatMap((resource) =>
      podsOf(resource)
        .filter(({ object, spec }) => !object.partial && !spec.unknown)
        .flatMap(({ object, labels }): Verdict[] => {
          const restricted = policies
            .of(resource, object, labels)
            .flatMap((policy) => directions(cursor(policy).at("spec")));
          return ["Ingress", "Egress"]
            .filter((direction) => !restricted.includes(direction))
            .map((direction) => about(resource, `must be selected by a NetworkPolicy for ${direction}`));
        }),
    );
  },
);

export const SERVICE_RULES: readonly Rule[] = [enough, scales, orphan, budget, spread, single, network];
