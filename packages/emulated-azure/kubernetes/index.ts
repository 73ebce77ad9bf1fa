/** The API of a Kubernetes cluster over HTTPS, with a controller that turns deployments and jobs into pods. */
export { Api } from "./api";
export { serveKubernetes, type Access, type KubernetesFront, type User } from "./front";
export { Clusters } from "./clusters";
export { kubeconfig } from "./kubeconfig";
export type { Stored } from "./stored";
export type { PodBehaviour, PodRun } from "./pods";
export { StatusError } from "./status";
export { Machine, type Image } from "./machine";
