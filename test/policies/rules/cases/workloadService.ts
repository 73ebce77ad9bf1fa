import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const workloadServiceCases: readonly Case[] = [
  {
    rule: "deployment-replicas",
    change: { api: { "spec.replicas": 2 } },
    finds: [["api", "spec.replicas", "must be at least 3 pods, but is 2"]],
  },
  {
    rule: "deployment-replicas",
    change: { scaler: { "spec.minReplicas": 2 } },
    finds: [["scaler", "spec.minReplicas", "must be at least 3 pods, but is 2"]],
  },
  {
    rule: "deployment-replicas",
    change: { status: { "metadata.annotations": undefined } },
    finds: [["status", "spec.replicas", "must be at least 3 pods, but is 1"]],
  },
  {
    rule: "deployment-autoscaled",
    remove: ["scaler"],
    finds: [["api", "", "must have a HorizontalPodAutoscaler"]],
  },
  {
    rule: "deployment-autoscaled",
    change: { scaler: { "spec.maxReplicas": 3, "spec.metrics": [] } },
    finds: [
      ["scaler", "spec.maxReplicas", "must be at least 4 pods, but is 3"],
      ["scaler", "spec.metrics", "must say what it scales by, but is an empty list"],
    ],
  },
  {
    rule: "deployment-autoscaled",
    change: { scaler: { "metadata.namespace": "elsewhere" } },
    finds: [["api", "", "must have a HorizontalPodAutoscaler"]],
  },
  {
    rule: "autoscaler-target",
    change: { scaler: { "spec.scaleTargetRef.name": "apis" } },
    finds: [["scaler", "spec.scaleTargetRef", "must name a Deployment of this stack"]],
  },
  {
    rule: "deployment-disruption-budget",
    remove: ["budget"],
    finds: [["api", "", "must have a PodDisruptionBudget"]],
  },
  {
    rule: "deployment-disruption-budget",
    change: { budget: { "spec.maxUnavailable": undefined, "spec.minAvailable": 3 } },
    finds: [["budget", "spec", "must let 1 to 2 of 3 pods go at once, but lets 0"]],
  },
  {
    rule: "deployment-disruption-budget",
    change: { budget: { "spec.maxUnavailable": "100%" } },
    finds: [["budget", "spec", "must let 1 to 2 of 3 pods go at once, but lets 3"]],
  },
  {
    rule: "deployment-disruption-budget",
    change: { budget: { "spec.maxUnavailable": 0 } },
    finds: [["budget", "spec", "must let 1 to 2 of 3 pods go at once, but lets 0"]],
  },
  {
    rule: "deployment-disruption-budget",
    change: { budget: { "spec.maxUnavailable": undefined } },
    finds: [["budget", "spec", "must have maxUnavailable or minAvailable"]],
  },
  {
    rule: "deployment-disruption-budget",
    change: { budget: { "spec.selector.matchLabels": { "app.kubernetes.io/name": "other" } } },
    finds: [["api", "", "must have a PodDisruptionBudget"]],
  },
  {
    rule: "deployment-disruption-budget",
    add: [
      {
        name: "second-budget",
        type: "kubernetes:policy/v1:PodDisruptionBudget",
        props: {
          metadata: { name: "b", namespace: "shop" },
          spec: {
            minAvailable: 1,
            selector: {
              matchExpressions: [{ key: "app.kubernetes.io/name", operator: "In", values: ["api"] }],
            },
          },
        },
      },
    ],
    finds: [["api", "", "must have one PodDisruptionBudget, but has 2"]],
  },
  {
    rule: "deployment-zone-spread",
    change: { api: { "spec.template.spec.topologySpreadConstraints": undefined } },
    finds: [
      [
        "api",
        "spec.template.spec.topologySpreadConstraints",
        "must spread the pods over topology.kubernetes.io/zone",
      ],
    ],
  },
  {
    rule: "deployment-zone-spread",
    change: {
      api: {
        "spec.template.spec.topologySpreadConstraints[0].labelSelector.matchLabels": {
          "app.kubernetes.io/name": "other",
        },
      },
    },
    finds: [
      [
        "api",
        "spec.template.spec.topologySpreadConstraints",
        "must spread the pods over topology.kubernetes.io/zone",
      ],
    ],
  },
  {
    rule: "single-replica-recreated",
    change: { status: { "spec.strategy.type": "RollingUpdate" } },
    finds: [["status", "spec.strategy.type", 'must be "Recreate", but is "RollingUpdate"']],
  },
  {
    rule: "single-replica-recreated",
    change: {
      status: {
        "metadata.annotations": { "forma3d.com/single-replica-because": "cheap" },
        "spec.replicas": 2,
      },
    },
    finds: [
      [
        "status",
        'metadata.annotations["forma3d.com/single-replica-because"]',
        'must give a reason of at least 15 characters, but is "cheap"',
      ],
      ["status", "spec.replicas", "must be 1, but is 2"],
    ],
  },
  {
    rule: "pod-network-policy",
    remove: ["traffic"],
    finds: [
      ["api", "", "must be selected by a NetworkPolicy for Ingress"],
      ["api", "", "must be selected by a NetworkPolicy for Egress"],
      ["status", "", "must be selected by a NetworkPolicy for Ingress"],
      ["status", "", "must be selected by a NetworkPolicy for Egress"],
      ["backup", "", "must be selected by a NetworkPolicy for Ingress"],
      ["backup", "", "must be selected by a NetworkPolicy for Egress"],
    ],
  },
  {
    rule: "pod-network-policy",
    change: { traffic: { "spec.policyTypes": undefined } },
    finds: [
      ["api", "", "must be selected by a NetworkPolicy for Egress"],
      ["status", "", "must be selected by a NetworkPolicy for Egress"],
      ["backup", "", "must be selected by a NetworkPolicy for Egress"],
    ],
  },
  {
    rule: "pod-network-policy",
    change: { traffic: { "spec.podSelector": { matchLabels: { "app.kubernetes.io/name": "api" } } } },
    finds: [
      ["status", "", "must be selected by a NetworkPolicy for Ingress"],
      ["status", "", "must be selected by a NetworkPolicy for Egress"],
    ],
  },
  {
    rule: "pod-network-policy",
    change: { traffic: { "metadata.namespace": "elsewhere" } },
    finds: [
      ["api", "", "must be selected by a NetworkPolicy for Ingress"],
      ["api", "", "must be selected by a NetworkPolicy for Egress"],
      ["status", "", "must be selected by a NetworkPolicy for Ingress"],
      ["status", "", "must be selected by a NetworkPolicy for Egress"],
      ["backup", "", "must be selected by a NetworkPolicy for Ingress"],
      ["backup", "", "must be selected by a NetworkPolicy for Egress"],
    ],
  },
];
