import type * as k8s from "@kubernetes/client-node";
import { messageOf, notRun } from "../frame/errors";
import { patientConfig, type SignIn } from "./signIn";
import type { Annotations, ClusterGround, ClusterObject, DeploymentView } from "./types";

const statusOf = (error: unknown): number | undefined => (error as { code?: number }).code;
const unless =
  (code: number) =>
  (error: unknown): undefined => {
    if (statusOf(error) !== code) throw error;
  };

/** Longest a request may take: a region that is lost may swallow it, and say nothing. */
const REQUEST_SECONDS = 30;
/** Lines kept of each container's log, and bytes. */
const LOG_LINES = 20_000;
const LOG_BYTES = 4 * 1024 * 1024;

/**
 * One cluster by its API. The context of the kubeconfig bears the cluster's name, as `az aks get-credentials` makes it.
 * @param signIn who asks, whatever the kubeconfig says of users; left out, they do
 * @param seconds longest a request may take
 */
export function kubernetes(
  config: k8s.KubeConfig,
  library: typeof k8s,
  context: string,
  signIn?: SignIn,
  seconds = REQUEST_SECONDS,
): ClusterGround {
  if (!config.getContextObject(context))
    throw notRun(
      `the kubeconfig has no context ${context}; get it: az aks get-credentials --name ${context}`,
    );
  const own = patientConfig(library, seconds, signIn);
  own.loadFromString(config.exportConfig());
  own.setCurrentContext(context);
  const apps = own.makeApiClient(library.AppsV1Api);
  const batch = own.makeApiClient(library.BatchV1Api);
  const core = own.makeApiClient(library.CoreV1Api);
  const merge = library.setHeaderOptions("Content-Type", library.PatchStrategy.MergePatch);
  const patch = (annotations: Annotations, spec: object) => ({ metadata: { annotations }, spec });
  const ground: ClusterGround = {
    async deployments(namespace) {
      const { items } = await apps.listNamespacedDeployment({ namespace });
      return items.map(viewOf);
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
    async restart(namespace, name, podAnnotations) {
      const body = { spec: { template: { metadata: { annotations: podAnnotations } } } };
      await apps.patchNamespacedDeployment({ namespace, name, body }, merge);
    },
    async services(namespace) {
      const { items } = await core.listNamespacedService({ namespace });
      return items.map(({ metadata, spec }) => ({
        name: metadata?.name ?? "",
        selector: spec?.selector ?? {},
        annotations: metadata?.annotations ?? {},
      }));
    },
    async setService(namespace, name, selector, annotations) {
      const { spec } = await core.readNamespacedService({ namespace, name });
      const gone = Object.fromEntries(Object.keys(spec?.selector ?? {}).map((key) => [key, null]));
      const body = patch(annotations, { selector: { ...gone, ...selector } });
      await core.patchNamespacedService({ namespace, name, body }, merge);
    },
    async secret(namespace, name) {
      const found = await core.readNamespacedSecret({ namespace, name }).catch(unless(404));
      return (
        found &&
        Object.fromEntries(
          Object.entries(found.data ?? {}).map(([key, value]) => [
            key,
            Buffer.from(value, "base64").toString(),
          ]),
        )
      );
    },
    async create(object) {
      await objects().create(object).catch(unless(409));
    },
    async find({ apiVersion, kind, metadata }) {
      const found = await objects().read({ apiVersion, kind, metadata }).catch(unless(404));
      return found as ClusterObject | undefined;
    },
    async remove(object) {
      await objects().delete(object).catch(unless(404));
    },
    async logs(namespace) {
      const { items } = await core.listNamespacedPod({ namespace });
      const kept: Record<string, string> = {};
      for (const { metadata, spec } of items)
        for (const { name: container } of spec?.containers ?? []) {
          const name = metadata?.name ?? "";
          const which = {
            namespace,
            name,
            container,
            tailLines: LOG_LINES,
            limitBytes: LOG_BYTES,
            timestamps: true,
          };
          kept[`${name}/${container}`] = await core
            .readNamespacedPodLog(which)
            // A container that never started has none.
            .catch((error: unknown) => `no log: ${error instanceof Error ? error.message : String(error)}\n`);
        }
      return kept;
    },
    async runCronJob(namespace, cronJob, job) {
      const { spec } = await batch.readNamespacedCronJob({ namespace, name: cronJob });
      const template = spec?.jobTemplate;
      const body = { metadata: { ...template?.metadata, name: job }, spec: template?.spec };
      await batch.createNamespacedJob({ namespace, body }).catch(unless(409));
    },
    async job(namespace, name) {
      const found = await batch.readNamespacedJob({ namespace, name }).catch(unless(404));
      if (!found) return undefined;
      const is = (type: string) =>
        found.status?.conditions?.some((c) => c.type === type && c.status === "True") ?? false;
      return is("Complete") ? "complete" : is("Failed") ? "failed" : "running";
    },
  };
  return plain(ground, context, signIn);

  function objects(): k8s.KubernetesObjectApi {
    return library.KubernetesObjectApi.makeApiClient(own);
  }
}

/**
 * The same, whose errors say what the API server said, and not how the client was told. Who is not known to it any more signs in
 * again, once; what it refused it did not do.
 */
function plain(ground: ClusterGround, context: string, signIn?: SignIn): ClusterGround {
  type Call = (...args: unknown[]) => Promise<unknown>;
  const signedIn =
    (call: Call): Call =>
    async (...args) => {
      try {
        return await call(...args);
      } catch (error) {
        if (statusOf(error) !== 401 || !signIn) throw error;
        signIn.refused();
        return await call(...args);
      }
    };
  return Object.fromEntries(
    Object.entries(ground).map(([name, call]) => [
      name,
      (...args: unknown[]) =>
        signedIn(call as Call)(...args).catch((error: unknown) => {
          throw said(error, context);
        }),
    ]),
  ) as unknown as ClusterGround;
}

function said(error: unknown, context: string): unknown {
  const { code, body } = error as { code?: number; body?: unknown };
  const plainly = (message: string) => Object.assign(new Error(message, { cause: error }), { code });
  // Why a request was not heard, its client says of the cause alone.
  if (error instanceof TypeError && error.cause !== undefined)
    return new Error(messageOf(error.cause), { cause: error });
  if (code === 401)
    return plainly(`the sign-in to ${context} has ended: sign in to Azure again, and type the same command`);
  if (code === undefined || typeof body !== "string") return error;
  try {
    return plainly((JSON.parse(body) as { message?: string }).message ?? body);
  } catch {
    // Something before the API server answered.
    return plainly(body);
  }
}

function viewOf({ metadata, spec, status }: k8s.V1Deployment): DeploymentView {
  const replicas = spec?.replicas ?? 1;
  const {
    observedGeneration = 0,
    updatedReplicas = 0,
    replicas: all = 0,
    readyReplicas: ready = 0,
  } = status ?? {};
  return {
    name: metadata?.name ?? "",
    replicas,
    ready,
    annotations: metadata?.annotations ?? {},
    podAnnotations: spec?.template.metadata?.annotations ?? {},
    // With an autoscaler there may be more pods than were asked for here, never fewer.
    rolledOut:
      observedGeneration >= (metadata?.generation ?? 0) &&
      updatedReplicas >= replicas &&
      updatedReplicas === all &&
      ready === all,
    secrets: (spec?.template.spec?.containers ?? []).flatMap(({ env = [] }) =>
      env.flatMap(({ valueFrom }) => {
        const { name: secret, key } = valueFrom?.secretKeyRef ?? {};
        return secret && key ? [{ secret, key }] : [];
      }),
    ),
  };
}
