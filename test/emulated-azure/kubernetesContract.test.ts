import * as k8s from "@kubernetes/client-node";
import { Api, kubeconfig } from "../../packages/emulated-azure/kubernetes";
import { missingKubernetesPrograms, startKubernetesApi } from "../../packages/local-servers/kubernetesApi";
import { serveToUsers, USERS } from "../support/kubernetesUsers";

/** What an API server says by itself, before any controller acts: the emulated one is held to what the real one says. */

const NAMESPACE = "shop";
type User = (typeof USERS)[number];

/** An API server with the namespace, an operator who may do anything in it, and a reader who may not see Secrets. */
interface Ground {
  /** @param user undefined: nobody the server knows */
  as(user: User | undefined): k8s.KubeConfig;
  stop(): Promise<void>;
}

function config(url: string, certificate: string, token: string | undefined): k8s.KubeConfig {
  const found = new k8s.KubeConfig();
  found.loadFromString(kubeconfig({ name: "shop", url, certificate }, token ?? "unknown", NAMESPACE));
  return found;
}

async function emulated(): Promise<Ground> {
  const api = new Api({ unschedulable: () => "0/0 nodes are available", run: () => new Promise(() => {}) });
  api.namespace(NAMESPACE);
  const { url, certificate, stop } = await serveToUsers(api);
  return { as: (user) => config(url, certificate, user), stop };
}

async function real(): Promise<Ground> {
  const server = await startKubernetesApi(USERS);
  const make = async (where: string, body: object): Promise<void> => {
    const { status } = await server.request("POST", where, body);
    if (status !== 201) throw new Error(`${where}: ${status}`);
  };
  const rbac = "rbac.authorization.k8s.io";
  const inNamespace = `/apis/${rbac}/v1/namespaces/${NAMESPACE}`;
  await make("/api/v1/namespaces", { metadata: { name: NAMESPACE } });
  const rules: Record<User, object[]> = {
    operator: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }],
    reader: [
      { apiGroups: ["", "apps"], resources: ["pods", "deployments"], verbs: ["get", "list", "watch"] },
    ],
  };
  for (const user of USERS) {
    const metadata = { name: user };
    await make(`${inNamespace}/roles`, { metadata, rules: rules[user] });
    await make(`${inNamespace}/rolebindings`, {
      metadata,
      roleRef: { apiGroup: rbac, kind: "Role", name: user },
      subjects: [{ apiGroup: rbac, kind: "User", name: user }],
    });
  }
  return {
    as: (user) => config(server.url, server.certificate, user && server.token(user)),
    stop: () => server.stop(),
  };
}

const missing = missingKubernetesPrograms();
const required = process.env["REQUIRE_KUBERNETES_API"] === "1";
const grounds = [
  { name: "the emulated API server", start: emulated, here: true },
  { name: "a real API server", start: real, here: missing.length === 0 || required },
];

const template = (name: string) => ({
  metadata: { labels: { app: name } },
  spec: { containers: [{ name, image: "first" }] },
});
const deployment = (name: string, replicas = 2): k8s.V1Deployment => ({
  metadata: { name, namespace: NAMESPACE, labels: { app: name } },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name) },
});
const code = (expected: number): object => ({ code: expected });
/** A refusal's status and reason, as programs read them; the client keeps no body of a 401. */
async function refusal(
  work: Promise<unknown>,
): Promise<{ code: number; reason: string | undefined } | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    const { code: status, body } = error as { code: number; body: string | undefined };
    return { code: status, reason: body && (JSON.parse(body) as { reason: string }).reason };
  }
}

for (const { name, start, here } of grounds)
  (here ? describe : describe.skip)(name, () => {
    let ground: Ground;
    let apps: k8s.AppsV1Api;
    let batch: k8s.BatchV1Api;
    let core: k8s.CoreV1Api;
    const at = { namespace: NAMESPACE };

    beforeAll(async () => {
      ground = await start();
      const operator = ground.as("operator");
      apps = operator.makeApiClient(k8s.AppsV1Api);
      batch = operator.makeApiClient(k8s.BatchV1Api);
      core = operator.makeApiClient(k8s.CoreV1Api);
      await apps.createNamespacedDeployment({ ...at, body: deployment("api") });
      await batch.createNamespacedCronJob({
        ...at,
        body: {
          metadata: { name: "nightly" },
          spec: {
            schedule: "0 3 * * *",
            jobTemplate: {
              spec: { template: { ...template("nightly"), spec: { ...job().template.spec } } },
            },
          },
        },
      });
    });
    afterAll(() => ground.stop());

    const job = () => ({
      template: {
        metadata: { labels: { app: "nightly" } },
        spec: { restartPolicy: "Never", containers: [{ name: "nightly", image: "first" }] },
      },
    });
    const read = () => apps.readNamespacedDeployment({ name: "api", ...at });
    const merge = k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.MergePatch);
    const strategic = k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.StrategicMergePatch);
    const jsonPatch = k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.JsonPatch);

    test("a scale is changed by a merge patch, and by no number below nothing", async () => {
      const scaleTo = (replicas: number) =>
        apps.patchNamespacedDeploymentScale({ name: "api", ...at, body: { spec: { replicas } } }, merge);
      // A zero is left out of the answer.
      expect((await scaleTo(0)).spec?.replicas).toBeUndefined();
      expect((await read()).spec?.replicas).toBe(0);
      expect((await scaleTo(3)).spec?.replicas).toBe(3);
      expect(await refusal(scaleTo(-1))).toEqual({ code: 422, reason: "Invalid" });
      expect((await read()).spec?.replicas).toBe(3);
    });

    test("a name is there once, and what is not there is not found", async () => {
      expect(await refusal(apps.createNamespacedDeployment({ ...at, body: deployment("api") }))).toEqual({
        code: 409,
        reason: "AlreadyExists",
      });
      expect(await refusal(apps.readNamespacedDeployment({ name: "none", ...at }))).toEqual({
        code: 404,
        reason: "NotFound",
      });
      expect(
        await refusal(apps.patchNamespacedDeployment({ name: "none", ...at, body: {} }, strategic)),
      ).toEqual({ code: 404, reason: "NotFound" });
      expect(await refusal(batch.deleteNamespacedJob({ name: "none", ...at }))).toEqual({
        code: 404,
        reason: "NotFound",
      });
    });

    test("a change of the spec makes a generation, one of labels none; each makes a version", async () => {
      const before = await read();
      const labelled = await apps.patchNamespacedDeployment(
        { name: "api", ...at, body: { metadata: { labels: { tier: "one" } } } },
        strategic,
      );
      expect(labelled.metadata?.generation).toBe(before.metadata?.generation);
      expect(labelled.metadata?.labels).toEqual({ app: "api", tier: "one" });
      const paused = await apps.patchNamespacedDeployment(
        { name: "api", ...at, body: { spec: { paused: true } } },
        strategic,
      );
      expect(paused.metadata?.generation).toBe((before.metadata?.generation ?? 0) + 1);
      const versions = [before, labelled, paused].map(({ metadata }) => metadata?.resourceVersion);
      expect(new Set(versions).size).toBe(3);
    });

    test("a change made on an old copy is refused, and so is one of what cannot change", async () => {
      const old = await read();
      const replace = (body: k8s.V1Deployment) =>
        apps.replaceNamespacedDeployment({ name: "api", ...at, body });
      await replace({ ...old, metadata: { ...old.metadata, labels: { app: "api", a: "b" } } });
      expect(await refusal(replace(old))).toEqual({ code: 409, reason: "Conflict" });
      const now = await read();
      const moved = { ...now, spec: { ...now.spec!, selector: { matchLabels: { app: "other" } } } };
      expect(await refusal(replace(moved))).toEqual({ code: 422, reason: "Invalid" });
    });

    test("what a kind must have is asked for", async () => {
      const make = (spec: object) =>
        apps.createNamespacedDeployment({
          ...at,
          body: { metadata: { name: "wrong" }, spec } as k8s.V1Deployment,
        });
      const selector = { matchLabels: { app: "wrong" } };
      const invalid = { code: 422, reason: "Invalid" };
      expect(await refusal(make({ template: template("wrong") }))).toEqual(invalid);
      expect(await refusal(make({ selector, template: template("other") }))).toEqual(invalid);
      expect(await refusal(make({ selector, template: { ...template("wrong"), spec: {} } }))).toEqual(
        invalid,
      );
      expect(
        await refusal(apps.createNamespacedDeployment({ ...at, body: { ...deployment("Not_A_Name") } })),
      ).toEqual(invalid);
    });

    test("a CronJob is suspended by a patch; lists are patched by name, and by place", async () => {
      const suspended = await batch.patchNamespacedCronJob(
        { name: "nightly", ...at, body: { spec: { suspend: true } } },
        strategic,
      );
      expect(suspended.spec).toMatchObject({ suspend: true, schedule: "0 3 * * *" });
      const added = await apps.patchNamespacedDeployment(
        {
          name: "api",
          ...at,
          body: { spec: { template: { spec: { containers: [{ name: "side", image: "second" }] } } } },
        },
        strategic,
      );
      expect(added.spec?.template.spec?.containers.map(({ name: one }) => one).sort()).toEqual([
        "api",
        "side",
      ]);
      const place = (added.spec?.template.spec?.containers ?? []).findIndex(({ name: one }) => one === "api");
      const image = `/spec/template/spec/containers/${place}/image`;
      const changed = await apps.patchNamespacedDeployment(
        { name: "api", ...at, body: [{ op: "replace", path: image, value: "third" }] },
        jsonPatch,
      );
      expect(changed.spec?.template.spec?.containers[place]?.image).toBe("third");
      const untrue = [
        { op: "test", path: image, value: "first" },
        { op: "replace", path: image, value: "fourth" },
      ];
      expect(
        await refusal(apps.patchNamespacedDeployment({ name: "api", ...at, body: untrue }, jsonPatch)),
      ).toMatchObject({ code: 422 });
      expect((await read()).spec?.template.spec?.containers[place]?.image).toBe("third");
    });

    test("a job is made from a CronJob, once under a name, and its template stays", async () => {
      const { spec } = await batch.readNamespacedCronJob({ name: "nightly", ...at });
      const make = () =>
        batch.createNamespacedJob({
          ...at,
          body: { metadata: { name: "by-hand" }, spec: spec?.jobTemplate.spec },
        });
      const made = await make();
      expect(made.spec?.template.metadata?.labels).toMatchObject({ "job-name": "by-hand" });
      expect(await refusal(make())).toEqual({ code: 409, reason: "AlreadyExists" });
      const patch = { spec: { template: { spec: { restartPolicy: "OnFailure" } } } };
      expect(
        await refusal(batch.patchNamespacedJob({ name: "by-hand", ...at, body: patch }, strategic)),
      ).toEqual({ code: 422, reason: "Invalid" });
    });

    test("a list is asked for by labels and by name, and by nothing that is none", async () => {
      const named = await batch.listNamespacedCronJob({ ...at, fieldSelector: "metadata.name=nightly" });
      expect(named.items.map(({ metadata }) => metadata?.name)).toEqual(["nightly"]);
      const none = await batch.listNamespacedCronJob({ ...at, fieldSelector: "metadata.name=none" });
      expect(none.items).toEqual([]);
      const labelled = await apps.listNamespacedDeployment({ ...at, labelSelector: "app in (api),app!=x" });
      expect(labelled.items.map(({ metadata }) => metadata?.name)).toEqual(["api"]);
      await expect(apps.listNamespacedDeployment({ ...at, labelSelector: "app in" })).rejects.toMatchObject(
        code(400),
      );
      await expect(
        apps.listNamespacedDeployment({ ...at, fieldSelector: "spec.nothing=1" }),
      ).rejects.toMatchObject(code(400));
    });

    test("a ConfigMap that may not be changed is not, until it is made anew", async () => {
      const body = { metadata: { name: "fixed" }, data: { a: "1" }, immutable: true };
      await core.createNamespacedConfigMap({ ...at, body });
      const patch = { data: { a: "2" } };
      expect(
        await refusal(core.patchNamespacedConfigMap({ name: "fixed", ...at, body: patch }, merge)),
      ).toEqual({ code: 422, reason: "Invalid" });
      await core.deleteNamespacedConfigMap({ name: "fixed", ...at });
      expect((await core.createNamespacedConfigMap({ ...at, body: { ...body, ...patch } })).data).toEqual({
        a: "2",
      });
    });

    test("whoever has no token is unknown, and a reader can neither write nor read Secrets", async () => {
      const reader = ground.as("reader");
      const pods = reader.makeApiClient(k8s.CoreV1Api);
      expect((await pods.listNamespacedPod(at)).items).toBeDefined();
      expect(await refusal(pods.listNamespacedSecret(at))).toEqual({ code: 403, reason: "Forbidden" });
      expect(await refusal(pods.deleteCollectionNamespacedPod(at))).toEqual({
        code: 403,
        reason: "Forbidden",
      });
      expect(
        await refusal(
          reader
            .makeApiClient(k8s.AppsV1Api)
            .patchNamespacedDeploymentScale({ name: "api", ...at, body: { spec: { replicas: 9 } } }, merge),
        ),
      ).toEqual({ code: 403, reason: "Forbidden" });
      const nobody = ground.as(undefined).makeApiClient(k8s.CoreV1Api);
      expect(await refusal(nobody.listNamespacedPod(at))).toMatchObject({ code: 401 });
    });
  });

test("REQUIRE_KUBERNETES_API=1 is not set where a program is missing", () => {
  expect(required ? missing : []).toEqual([]);
});
