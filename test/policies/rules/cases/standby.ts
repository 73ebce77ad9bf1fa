import { KUBERNETES } from "../kubernetesFixture";
import type { Case, Sketch } from "../stack";

const api = KUBERNETES.find(({ name }) => name === "api") as Sketch;

/** The API as it stands by in the other region's cluster. */
export const standingBy = (changes: { cluster?: string; replicas?: number; name?: string } = {}): Sketch => {
  const { cluster = "elsewhere", replicas = 0, name = "api" } = changes;
  const { metadata, spec } = api.props as { metadata: object; spec: object };
  return {
    ...api,
    name: "api-standby",
    cluster,
    props: {
      metadata: { ...metadata, name, annotations: { "forma3d.com/region-role": "standby" } },
      spec: { ...spec, replicas },
    },
  };
};

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const standbyCases: readonly Case[] = [
  {
    rule: "standby-service-serves-elsewhere",
    add: [standingBy({ replicas: 1 })],
    finds: [["api-standby", "spec.replicas", "must be 0 where the region stands by"]],
  },
  {
    rule: "standby-service-serves-elsewhere",
    add: [standingBy({ name: "ghost" })],
    finds: [
      [
        "api-standby",
        'metadata.annotations["forma3d.com/region-role"]',
        "must have a Deployment that serves in another cluster",
      ],
    ],
  },
  {
    // Marked everywhere, no rule on replicas would see that nothing runs.
    rule: "standby-service-serves-elsewhere",
    change: {
      api: { 'metadata.annotations["forma3d.com/region-role"]': "standby", "spec.replicas": 0 },
    },
    finds: [
      [
        "api",
        'metadata.annotations["forma3d.com/region-role"]',
        "must have a Deployment that serves in another cluster",
      ],
    ],
  },
  {
    // At zero without the mark it is a service that is off.
    rule: "deployment-replicas",
    change: { api: { "spec.replicas": 0 } },
    finds: [["api", "spec.replicas", "must be at least 3 pods, but is 0"]],
  },
  {
    // The mark alone makes nothing small enough.
    rule: "deployment-replicas",
    change: {
      api: { 'metadata.annotations["forma3d.com/region-role"]': "standby", "spec.replicas": 1 },
    },
    finds: [["api", "spec.replicas", "must be at least 3 pods, but is 1"]],
  },
  {
    rule: "single-replica-recreated",
    change: { status: { "spec.replicas": 0 } },
    finds: [["status", "spec.replicas", "must be 1, but is 0"]],
  },
  {
    rule: "standby-pool-serves-elsewhere",
    change: { "user-pool": { "tags.regionRole": "standby" } },
    finds: [["user-pool", "tags.regionRole", "must have a pool of the same name that serves"]],
  },
  {
    rule: "aks-survives-zone-loss",
    change: { "user-pool": { minCount: 0 } },
    finds: [["user-pool", "minCount", "must be at least 3 nodes, but is 0"]],
  },
];
