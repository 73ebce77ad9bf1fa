import type * as k8s from "@kubernetes/client-node";
import { notRun } from "../frame/errors";
import type { Annotations, ClusterGround } from "./types";

const statusOf = (error: unknown): number | undefined => (error as { code?: number }).code;

/** One cluster by its API. The context of the kubeconfig bears the cluster's name, as `az aks get-credentials` makes it. */
export function kubernetes(config: k8s.KubeConfig, library: typeof k8s, context: string): ClusterGround {
  if (!config.getContextObject(context))
    throw notRun(
      `the kubeconfig has no context ${context}; get it: az aks get-credentials --name ${context}`,
    );
  const own = new library.KubeConfig();
  own.loadFromString(config.exportConfig());
  own.setCurrentContext(context);
  const apps = own.makeApiClient(library.AppsV1Api);
  const batch = own.makeApiClient(library.BatchV1Api);
  const merge = library.setHeaderOptions("Content-Type", library.PatchStrategy.MergePatch);
  const patch = (annotations: Annotations, spec: object) => ({ metadata: { annotations }, spec });
  return {
    async deployments(namespace) {
      const { items } = await apps.listNamespacedDeployment({ namespace });
      return items.map(({ metadata, spec, status }) => ({
        name: metadata?.name ?? "",
        replicas: spec?.replicas ?? 1,
        ready: status?.readyReplicas ?? 0,
        annotations: metadata?.annotations ?? {},
      }));
    },
    async cronJobs(namespace) {
      const { items } = await batch.listNamespacedCronJob({ namespace });
      return items.map(({ metadata, spec }) => ({
        name: metadata?.name ?? "",
        suspended: spec?.suspend ?? false,
        annotations: metadata?.annotations ?? {},
      }));
    },
    async setDeployment(namespace, name, replicas, annotations) {
      await apps.patchNamespacedDeployment(
        { namespace, name, body: patch(annotations, { replicas }) },
        merge,
      );
    },
    async setCronJob(namespace, name, suspend, annotations) {
      await batch.patchNamespacedCronJob({ namespace, name, body: patch(annotations, { suspend }) }, merge);
    },
    async runCronJob(namespace, cronJob, job) {
      const { spec } = await batch.readNamespacedCronJob({ namespace, name: cronJob });
      const template = spec?.jobTemplate;
      const body = { metadata: { ...template?.metadata, name: job }, spec: template?.spec };
      await batch.createNamespacedJob({ namespace, body }).catch((error: unknown) => {
        if (statusOf(error) !== 409) throw error;
      });
    },
    async job(namespace, name) {
      try {
        const { status } = await batch.readNamespacedJob({ namespace, name });
        const is = (type: string) =>
          status?.conditions?.some((c) => c.type === type && c.status === "True") ?? false;
        return is("Complete") ? "complete" : is("Failed") ? "failed" : "running";
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    },
  };
}
