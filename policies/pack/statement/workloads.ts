import { priorityClassName } from "../../../infra/kubernetes/priorities";
import { IDENTITIES } from "../../../infra/naming";
import { PRODUCT, type StackConfig } from "../../../stacks/schema";
import { SITE_HEALTH, SITES } from "../../../stacks/sites";
import type { Demand } from "../../rules/statement";
import { atLeast, atMost, between, either, GIVEN, holding, NONE, oneOf } from "../../rules/expected";
import { podsAt, probe, WORKLOADS } from "./pods";

const PODS = "infra/kubernetes";
/** Workloads whose image says itself what is started. */
const OF_THEIR_IMAGE = WORKLOADS.filter((name) => name !== "gateway" && name !== "status-page");

/** What serves, and what keeps it serving. */
export function workloads(config: StackConfig, regions: number): Demand[] {
  const { workloads: sizes, edge } = config;
  const named = (
    type: string,
    what: string,
    names: readonly string[],
    is: (name: string) => Demand["is"],
    key = PODS,
  ): Demand[] =>
    names.map((name) => ({
      what: `${what} ${name}`,
      key,
      type,
      where: { "metadata.name": name },
      is: is(name),
      count: regions,
    }));
  const pods = (name: string) => ({ "app.kubernetes.io/name": name });
  return [
    ...named(
      "Deployment",
      "the Deployment",
      WORKLOADS,
      (name) => ({
        "spec.selector.matchLabels": pods(name),
        "spec.template.metadata.labels": pods(name),
        "spec.template.spec.serviceAccountName": name,
      }),
      "workloads",
    ),
    ...named(
      "Service",
      "the Service",
      WORKLOADS,
      (name) => ({ "spec.selector": pods(name), "spec.ports": GIVEN }),
      "workloads",
    ),
    ...named("PodDisruptionBudget", "the disruption budget", WORKLOADS, (name) => ({
      "spec.maxUnavailable": 1,
      "spec.selector.matchLabels": pods(name),
      "spec.unhealthyPodEvictionPolicy": "AlwaysAllow",
    })),
    {
      // A second one for the same pods ends every eviction in an error.
      what: "each disruption budget, of which each workload has one",
      key: PODS,
      type: "PodDisruptionBudget",
      each: { "metadata.name": oneOf(...WORKLOADS), "spec.maxUnavailable": 1 },
    },
    ...named("Deployment", "what serves without a pause:", [...SITES, "gateway"], () => ({
      "spec.strategy.type": "RollingUpdate",
      "spec.template.spec.priorityClassName": priorityClassName(PRODUCT, "serving"),
    })),
    {
      what: "what starts the program of its image",
      key: PODS,
      type: "Deployment",
      where: { "metadata.name": oneOf(...OF_THEIR_IMAGE) },
      each: { "spec.template.spec.containers[].command": NONE },
    },
    ...SITES.map((site): Demand => ({
      what: `the health of ${site}`,
      key: "stacks/sites.ts",
      type: "Deployment",
      where: { "metadata.name": site },
      each: {
        "spec.template.spec.containers[].readinessProbe.httpGet.path": SITE_HEALTH[site].ready,
        "spec.template.spec.containers[].livenessProbe.httpGet.path": SITE_HEALTH[site].live,
      },
    })),
    {
      what: "the settings of api",
      key: "stacks/applications.ts",
      type: "Deployment",
      where: { "metadata.name": "api" },
      members: {
        list: "spec.template.spec.containers",
        by: ["name"],
        of: [
          {
            name: "api",
            env: holding(
              { name: "NODE_ENV", value: "production" },
              { name: "ENVIRONMENT", value: config.environment },
              { name: "PUBLIC_URL", value: `https://${edge.apiHostName}` },
              { name: "DASHBOARD_URL", value: `https://${edge.dashboardHostName}` },
            ),
          },
        ],
      },
      count: regions,
    },
    {
      what: "the priority and the clock of each recovery job",
      key: "infra/kubernetes/priorities.ts",
      type: "CronJob",
      each: {
        "spec.jobTemplate.spec.template.spec.priorityClassName": priorityClassName(PRODUCT, "recovery"),
        "spec.timeZone": "Etc/UTC",
      },
    },
    {
      what: "each Deployment",
      key: PODS,
      type: "Deployment",
      each: {
        "spec.minReadySeconds": atLeast(10),
        "spec.progressDeadlineSeconds": atMost(900),
        "spec.revisionHistoryLimit": atLeast(2),
        "spec.strategy": either(
          { type: "Recreate" },
          { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0 } },
        ),
        "spec.strategy.rollingUpdate.maxUnavailable?": 0,
        // More at once than one outruns connections of the database and nodes.
        "spec.strategy.rollingUpdate.maxSurge?": 1,
        ...podsAt("spec.template.spec"),
        "spec.template.spec.containers[].readinessProbe.successThreshold?": atMost(3),
        ...probe("livenessProbe", 3),
        ...probe("readinessProbe", 3),
        ...probe("startupProbe", 60),
        "spec.template.spec.containers[].lifecycle.preStop.sleep.seconds": atLeast(15),
        "spec.template.spec.containers[].ports": GIVEN,
        "spec.template.spec.containers[].ports[].name": GIVEN,
        "spec.template.spec.terminationGracePeriodSeconds": between(60, 120),
        "spec.template.spec.tolerations": holding(
          ...["not-ready", "unreachable"].map((taint) => ({
            key: `node.kubernetes.io/${taint}`,
            operator: "Exists",
            effect: "NoExecute",
            tolerationSeconds: atMost(60),
          })),
        ),
        "spec.template.spec.topologySpreadConstraints": holding(
          { topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "DoNotSchedule" },
          { topologyKey: "kubernetes.io/hostname" },
        ),
        "spec.template.spec.topologySpreadConstraints[].maxSkew": 1,
        "spec.template.spec.topologySpreadConstraints[].nodeTaintsPolicy": "Honor",
        "spec.template.spec.topologySpreadConstraints[].matchLabelKeys": holding("pod-template-hash"),
        "spec.template.spec.topologySpreadConstraints[].labelSelector.matchLabels": GIVEN,
      },
    },
    {
      what: "each Service behind a load balancer",
      key: "infra/kubernetes/exposure.ts",
      type: "Service",
      where: { "spec.type": "LoadBalancer" },
      each: { "spec.externalTrafficPolicy": "Local" },
    },
    {
      what: "the files of workloads",
      key: "infra/kubernetes/files.ts",
      type: "ConfigMap",
      where: { immutable: true },
      each: { data: GIVEN },
      // Gateway, probes and both parts of the status page; and once the roles of the database.
      count: 4 * regions + 1,
    },
    ...SITES.map((site): Demand => ({
      what: `the room the autoscaler of ${site} has`,
      key: `workloads.${site}`,
      type: "HorizontalPodAutoscaler",
      where: { "metadata.name": site },
      each: {
        "spec.minReplicas": sizes[site].minReplicas,
        "spec.maxReplicas": sizes[site].maxReplicas,
      },
    })),
    {
      what: "each autoscaler",
      key: "workloads",
      type: "HorizontalPodAutoscaler",
      each: {
        "spec.metrics": holding(
          ...["cpu", "memory"].map((name) => ({
            type: "Resource",
            resource: { name, target: { type: "Utilization", averageUtilization: between(30, 80) } },
          })),
        ),
        "spec.behavior.scaleDown.stabilizationWindowSeconds": atLeast(300),
        "spec.behavior.scaleDown.selectPolicy": "Min",
        "spec.behavior.scaleDown.policies[].value": atMost(1),
        "spec.behavior.scaleDown.policies[].periodSeconds": atLeast(60),
        "spec.behavior.scaleDown.policies": GIVEN,
        "spec.behavior.scaleUp.stabilizationWindowSeconds": atMost(60),
        "spec.behavior.scaleUp.selectPolicy": "Max",
        "spec.behavior.scaleUp.policies": holding({
          type: "Percent",
          value: atLeast(100),
          periodSeconds: atMost(60),
        }),
        "spec.behavior.scaleUp.policies[].value": atLeast(1),
        "spec.behavior.scaleUp.policies[].periodSeconds": atMost(60),
      },
    },
    {
      what: "each Job",
      key: PODS,
      type: "Job",
      each: {
        "spec.backoffLimit": atLeast(1),
        "spec.activeDeadlineSeconds": between(60, 14_400),
        ...podsAt("spec.template.spec"),
      },
    },
    {
      what: "each ServiceAccount",
      key: PODS,
      type: "ServiceAccount",
      each: { automountServiceAccountToken: false },
      count: regions,
    },
    ...named(
      "ServiceAccount",
      "the ServiceAccount",
      ["api", "backup", "verify", "drill", "prune", "copy", "preflight"],
      () => ({ 'metadata.annotations["azure.workload.identity/client-id"]': GIVEN }),
    ),
    {
      what: "the identities of workloads",
      key: "infra/naming.ts",
      type: "managedidentity:UserAssignedIdentity",
      each: { resourceName: GIVEN },
      count: IDENTITIES.length * regions,
    },
  ];
}
