import { execFile } from "node:child_process";
import path from "node:path";
import * as k8s from "@kubernetes/client-node";
import { onPath } from "../../packages/local-servers/onPath";

/** The real program, where there is one. */
export const KUBECTL = onPath("kubectl");

export interface Ran {
  ok: boolean;
  said: string;
}

/** Runs a step as its page has it: with the real program, else by the requests it stands for. */
export function runKubectl(
  command: string,
  env: Readonly<Record<string, string>>,
  kubeconfig: string,
): Promise<Ran> {
  if (!KUBECTL) return byClient(command, env, kubeconfig);
  const options = {
    env: { ...env, PATH: process.env.PATH, KUBECONFIG: kubeconfig, HOME: path.dirname(kubeconfig) },
    encoding: "utf8" as const,
  };
  return new Promise((resolve) => {
    execFile("bash", ["--norc", "-uc", command], options, (error, stdout, stderr) =>
      resolve({ ok: error === null, said: `${stdout}${stderr}` }),
    );
  });
}

const PLURALS: Readonly<Record<string, [string, string]>> = {
  pods: ["/api/v1", "pods"],
  events: ["/api/v1", "events"],
  nodes: ["/api/v1", "nodes"],
  jobs: ["/apis/batch/v1", "jobs"],
  hpa: ["/apis/autoscaling/v2", "horizontalpodautoscalers"],
  deployment: ["/apis/apps/v1", "deployments"],
  "podmonitors.azmonitoring.coreos.com": ["/apis/azmonitoring.coreos.com/v1", "podmonitors"],
};

/** The same through the official client. */
async function byClient(command: string, env: Readonly<Record<string, string>>, file: string): Promise<Ran> {
  const words = command
    .replace(/"?\$([A-Z_]+)"?/g, (_, name: string) => env[name] ?? "")
    .split(/\s+/)
    .slice(1);
  const flag = (name: string): string | undefined => words[words.indexOf(`--${name}`) + 1];
  const has = (name: string): boolean => words.includes(`--${name}`);
  const config = new k8s.KubeConfig();
  config.loadFromFile(file);
  const apps = config.makeApiClient(k8s.AppsV1Api);
  const namespace = flag("namespace") ?? "default";
  const patch = (name: string, body: object) =>
    apps.patchNamespacedDeployment(
      { name, namespace, body },
      k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.StrategicMergePatch),
    );
  const named = (word = ""): string => word.slice(word.indexOf("/") + 1);
  const [verb = "", second = "", third = ""] = words;
  try {
    switch (verb) {
      case "scale":
        await patch(named(second), { spec: { replicas: Number(flag("replicas")) } });
        return { ok: true, said: "scaled" };
      case "rollout":
        return { ok: true, said: await rollout(second, named(third), { apps, namespace, patch }) };
      case "create": {
        const batch = config.makeApiClient(k8s.BatchV1Api);
        const cron = await batch.readNamespacedCronJob({ name: named(flag("from")), namespace });
        const metadata = { name: words.at(-1)! };
        await batch.createNamespacedJob({ namespace, body: { metadata, spec: cron.spec!.jobTemplate.spec } });
        return { ok: true, said: "created" };
      }
      case "logs": {
        const core = config.makeApiClient(k8s.CoreV1Api);
        const target = words.find((word) => /^(deployment|job)\//.test(word)) ?? "";
        const { items } = await core.listNamespacedPod({ namespace });
        const [pod] = items.filter(({ metadata }) => metadata!.name!.startsWith(`${named(target)}-`));
        const container = has("container") ? flag("container") : undefined;
        return {
          ok: true,
          said: await core.readNamespacedPodLog({ name: pod!.metadata!.name!, namespace, container }),
        };
      }
      case "get":
      case "describe": {
        const [group, plural] = PLURALS[second] ?? ["", ""];
        const [, of, version] = group.split("/").slice(1);
        const custom = config.makeApiClient(k8s.CustomObjectsApi);
        const core = config.makeApiClient(k8s.CoreV1Api);
        if (plural === "pods") await core.listNamespacedPod({ namespace, labelSelector: flag("selector") });
        else if (plural === "events") await core.listNamespacedEvent({ namespace });
        else if (plural === "nodes") await core.listNode();
        else if (has("all-namespaces"))
          await custom.listClusterCustomObject({ group: of!, version: version!, plural });
        else await custom.listNamespacedCustomObject({ group: of!, version: version!, namespace, plural });
        return { ok: true, said: "" };
      }
      default:
        throw new Error(`nobody knows the requests of kubectl ${verb}`);
    }
  } catch (error) {
    return { ok: false, said: String(error) };
  }
}

async function rollout(
  verb: string,
  name: string,
  {
    apps,
    namespace,
    patch,
  }: { apps: k8s.AppsV1Api; namespace: string; patch: (name: string, body: object) => Promise<unknown> },
): Promise<string> {
  const annotation = { "kubectl.kubernetes.io/restartedAt": "now" };
  const restarted = { spec: { template: { metadata: { annotations: annotation } } } };
  if (verb === "restart") {
    const all = name === "deployment" ? (await apps.listNamespacedDeployment({ namespace })).items : [];
    const names = all.length > 0 ? all.map(({ metadata }) => metadata!.name!) : [name];
    for (const one of names) await patch(one, restarted);
  }
  if (verb === "undo") {
    const { items } = await apps.listNamespacedReplicaSet({ namespace });
    const own = items.filter(({ metadata }) => metadata!.ownerReferences?.[0]?.name === name);
    const revision = (set: k8s.V1ReplicaSet) =>
      Number(set.metadata!.annotations!["deployment.kubernetes.io/revision"]);
    const before = own.sort((one, other) => revision(other) - revision(one))[1];
    await patch(name, { spec: { template: before!.spec!.template } });
  }
  return verb;
}
