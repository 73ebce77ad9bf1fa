import { execFile, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import * as k8s from "@kubernetes/client-node";
import { Api, kubeconfig } from "../../packages/emulated-azure/kubernetes";
import { serveToUsers, USERS, type Served } from "../support/kubernetesUsers";

const NAMESPACE = "shop";
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kubernetes-clients-"));
const room = { nodes: 3 };
const jobs = { exitCode: 0 };
const api = new Api({
  unschedulable: () => (room.nodes > 0 ? undefined : "0/0 nodes are available"),
  run: (pod, log) => {
    const name = pod.spec?.containers[0].name as string;
    log(`${name} starts\n`);
    if (pod.metadata.labels?.["job-name"])
      return Promise.resolve({ state: "finished", exitCode: jobs.exitCode });
    const broken = pod.spec?.containers[0].image === "broken";
    return Promise.resolve({ state: broken ? "crashing" : "ready" });
  },
});
let front: Served;
let config: k8s.KubeConfig;
let apps: k8s.AppsV1Api;
let batch: k8s.BatchV1Api;
let core: k8s.CoreV1Api;

const template = (name: string, image = "first") => ({
  metadata: { labels: { app: name } },
  spec: { containers: [{ name, image, env: [{ name: "A", value: "1" }] }] },
});
/** Pods that end. */
const ending = (name: string) => ({
  ...template(name),
  spec: { ...template(name).spec, restartPolicy: "Never" },
});
const deployment = (name: string, replicas: number) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: NAMESPACE },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name) },
});
const cronJob = (name: string) => ({
  apiVersion: "batch/v1",
  kind: "CronJob",
  metadata: { name, namespace: NAMESPACE },
  spec: {
    schedule: "0 3 * * *",
    suspend: false,
    jobTemplate: { spec: { backoffLimit: 0, template: ending(name) } },
  },
});

beforeAll(async () => {
  api.namespace(NAMESPACE);
  api.create(deployment("api", 2));
  api.create(cronJob("nightly"));
  front = await serveToUsers(api);
  for (const user of USERS) {
    const text = kubeconfig({ name: "shop", ...front }, user, NAMESPACE);
    fs.writeFileSync(path.join(folder, user), text);
  }
  config = new k8s.KubeConfig();
  config.loadFromFile(path.join(folder, "operator"));
  apps = config.makeApiClient(k8s.AppsV1Api);
  batch = config.makeApiClient(k8s.BatchV1Api);
  core = config.makeApiClient(k8s.CoreV1Api);
});
afterAll(async () => {
  await front.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Waits, without a clock of its own, until something holds. */
async function eventually<T>(ask: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const value = await ask();
    if (holds(value) || tries === 300) return value;
    await sleep(10);
  }
}
const read = (name: string) => apps.readNamespacedDeployment({ name, namespace: NAMESPACE });
const ready = (name: string, count: number) =>
  eventually(
    () => read(name),
    ({ status }) => (status?.readyReplicas ?? 0) === count && status?.replicas === count,
  );
const pods = async (app: string) =>
  (await core.listNamespacedPod({ namespace: NAMESPACE, labelSelector: `app=${app}` })).items;

describe("the official client", () => {
  test("scales a deployment down to nothing and up again, and pods follow", async () => {
    expect((await ready("api", 2)).status?.availableReplicas).toBe(2);
    const scaleTo = (replicas: number) =>
      apps.patchNamespacedDeploymentScale(
        { name: "api", namespace: NAMESPACE, body: { spec: { replicas } } },
        k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.MergePatch),
      );
    await scaleTo(0);
    await ready("api", 0);
    expect(await pods("api")).toEqual([]);
    await scaleTo(3);
    expect((await ready("api", 3)).status?.conditions?.[0]).toMatchObject({
      type: "Available",
      status: "True",
    });
    await expect(scaleTo(-1)).rejects.toMatchObject({ code: 422 });
  });

  test("pods wait while no node has room, and are placed when one has", async () => {
    room.nodes = 0;
    api.create(deployment("late", 1));
    const [waiting] = await eventually(
      () => pods("late"),
      ([pod]) => pod?.status?.conditions !== undefined,
    );
    expect(waiting?.status).toMatchObject({ phase: "Pending", conditions: [{ reason: "Unschedulable" }] });
    room.nodes = 1;
    api.controller.plan();
    expect((await ready("late", 1)).status?.readyReplicas).toBe(1);
  });

  test("a template that never gets ready replaces nothing that serves", async () => {
    const patch = [{ op: "replace", path: "/spec/template/spec/containers/0/image", value: "broken" }];
    await apps.patchNamespacedDeployment(
      { name: "late", namespace: NAMESPACE, body: patch },
      k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.JsonPatch),
    );
    const state = await eventually(
      () => read("late"),
      ({ status }) => status?.replicas === 2,
    );
    expect(state.status).toMatchObject({ replicas: 2, readyReplicas: 1, updatedReplicas: 1 });
  });

  test("a CronJob is suspended by a patch, a job made from it runs once, and its log is what it printed", async () => {
    await batch.patchNamespacedCronJob(
      { name: "nightly", namespace: NAMESPACE, body: { spec: { suspend: true } } },
      k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.StrategicMergePatch),
    );
    expect(() => api.controller.trigger(NAMESPACE, "nightly")).toThrow(/suspended/);
    const { spec } = await batch.readNamespacedCronJob({ name: "nightly", namespace: NAMESPACE });
    const make = (name: string) =>
      batch.createNamespacedJob({
        namespace: NAMESPACE,
        body: { metadata: { name }, spec: spec?.jobTemplate.spec },
      });
    await make("by-hand");
    const job = (name: string) => batch.readNamespacedJob({ name, namespace: NAMESPACE });
    const done = await eventually(
      () => job("by-hand"),
      ({ status }) => status?.conditions !== undefined,
    );
    expect(done.status).toMatchObject({ succeeded: 1, conditions: [{ type: "Complete", status: "True" }] });
    const list = await core.listNamespacedPod({ namespace: NAMESPACE, labelSelector: "job-name=by-hand" });
    const name = list.items[0]?.metadata?.name ?? "";
    expect(await core.readNamespacedPodLog({ name, namespace: NAMESPACE })).toBe("nightly starts\n");
    await expect(make("by-hand")).rejects.toMatchObject({ code: 409 });
    jobs.exitCode = 1;
    await make("failing");
    const failed = await eventually(
      () => job("failing"),
      ({ status }) => status?.conditions !== undefined,
    );
    expect(failed.status).toMatchObject({ failed: 1, conditions: [{ type: "Failed" }] });
  });

  test("a change made on an old copy is refused, and so is one of what cannot change", async () => {
    const old = await read("api");
    await apps.replaceNamespacedDeployment({
      name: "api",
      namespace: NAMESPACE,
      body: { ...old, metadata: { ...old.metadata, labels: { a: "b" } } },
    });
    await expect(
      apps.replaceNamespacedDeployment({ name: "api", namespace: NAMESPACE, body: old }),
    ).rejects.toMatchObject({ code: 409 });
    const moved = {
      ...(await read("api")),
      spec: { ...old.spec!, selector: { matchLabels: { app: "other" } } },
    };
    await expect(
      apps.replaceNamespacedDeployment({ name: "api", namespace: NAMESPACE, body: moved }),
    ).rejects.toMatchObject({ code: 422 });
  });

  test("whoever has no token is unknown, and a reader can neither write nor read secrets", async () => {
    const reader = new k8s.KubeConfig();
    reader.loadFromFile(path.join(folder, "reader"));
    const as = reader.makeApiClient(k8s.CoreV1Api);
    expect((await as.listNamespacedPod({ namespace: NAMESPACE })).items.length).toBeGreaterThan(0);
    await expect(as.listNamespacedSecret({ namespace: NAMESPACE })).rejects.toMatchObject({ code: 403 });
    await expect(as.deleteCollectionNamespacedPod({ namespace: NAMESPACE })).rejects.toMatchObject({
      code: 403,
    });
    const nobody = new k8s.KubeConfig();
    nobody.loadFromOptions({
      clusters: config.clusters,
      users: [{ name: "x" }],
      contexts: [{ name: "x", cluster: "shop", user: "x" }],
      currentContext: "x",
    });
    await expect(nobody.makeApiClient(k8s.CoreV1Api).listNode()).rejects.toMatchObject({ code: 401 });
  });
});

/** kubectl itself, where it is on PATH; its output, or its complaint. */
const hasKubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;
async function kubectl(...args: string[]): Promise<string> {
  const flags = ["--kubeconfig", path.join(folder, "operator"), "--cache-dir", path.join(folder, "cache")];
  const { stdout } = await promisify(execFile)("kubectl", [...flags, ...args], {
    env: { PATH: process.env.PATH, HOME: folder },
  });
  return stdout;
}

test("kubectl, where it is installed: get, scale, restart, status, undo, job, wait, logs, patch, delete", async () => {
  if (!hasKubectl) return expect(spawnSync("kubectl").error).toBeDefined();
  jobs.exitCode = 0;
  expect(await kubectl("get", "deployments", "--output", "name")).toContain("deployment.apps/api\n");
  await kubectl("scale", "deployment/api", "--replicas", "2");
  expect(await kubectl("rollout", "status", "deployment/api", "--timeout", "30s")).toContain(
    "successfully rolled out",
  );
  const before = (await pods("api")).map(({ metadata }) => metadata?.name);
  await kubectl("rollout", "restart", "deployment/api");
  await kubectl("rollout", "status", "deployment/api", "--timeout", "30s");
  const restarted = (await pods("api")).map(({ metadata }) => metadata?.name);
  expect(restarted).toHaveLength(2);
  expect(restarted.filter((name) => before.includes(name))).toEqual([]);

  await kubectl("set", "image", "deployment/api", "api=second");
  await kubectl("rollout", "status", "deployment/api", "--timeout", "30s");
  await kubectl("rollout", "undo", "deployment/api");
  await kubectl("rollout", "status", "deployment/api", "--timeout", "30s");
  expect((await pods("api")).map(({ spec }) => spec?.containers[0]?.image)).toEqual(["first", "first"]);

  // The job goes over the wire as protobuf.
  await kubectl("create", "job", "typed", "--from", "cronjob/nightly");
  const [made] = (
    await batch.listNamespacedJob({ namespace: NAMESPACE, fieldSelector: "metadata.name=typed" })
  ).items;
  expect(made?.metadata?.annotations).toEqual({ "cronjob.kubernetes.io/instantiate": "manual" });
  expect(made?.metadata?.ownerReferences).toMatchObject([{ kind: "CronJob", name: "nightly" }]);
  await expect(kubectl("create", "job", "other", "--image", "first")).rejects.toThrow(/unknown format/);
  await kubectl("wait", "--for", "condition=complete", "job/typed", "--timeout", "30s");
  expect(await kubectl("logs", "job/typed")).toBe("nightly starts\n");
  await kubectl("patch", "cronjob/nightly", "--patch", '{"spec":{"suspend":false}}');
  expect(api.controller.trigger(NAMESPACE, "nightly").metadata.name).toMatch(/^nightly-/);
  await kubectl("delete", "job", "typed");
  await expect(kubectl("get", "job", "typed")).rejects.toThrow(/NotFound/);
  await expect(kubectl("get", "deployment", "none")).rejects.toThrow(/deployments.apps "none" not found/);
}, 180_000);
