import {
  missingKubernetesPrograms,
  startKubernetesApi,
  type KubernetesAnswer,
  type KubernetesApi,
} from "../../packages/local-servers/kubernetesApi";
import { readStacks } from "../../stacks/files";
import { projectRoot } from "../../packages/command/root";
import type { ResourceDocument } from "../../apps/tools/render/plan";
import { planStack } from "../support/plan";
import { until } from "../support/until";

/** An object as the API has it. */
interface Sent {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [key: string]: unknown };
  spec?: unknown;
}

interface Container {
  name: string;
  image: string;
  [key: string]: unknown;
}

interface Pod {
  metadata: Record<string, unknown>;
  spec: {
    containers: [Container, ...Container[]];
    [key: string]: unknown;
  };
}

const missing = missingKubernetesPrograms();
const required = process.env["REQUIRE_KUBERNETES_API"] === "1";
const onServer = missing.length === 0 || required ? describe : describe.skip;

test("REQUIRE_KUBERNETES_API=1 is not set where a program is missing", () => {
  expect(required ? missing : []).toEqual([]);
});

/** Kinds of the add-ons that AKS brings; their own schemas are not public, so that any field of them is taken. */
const ADD_ONS = [
  { group: "secrets-store.csi.x-k8s.io", kind: "SecretProviderClass", plural: "secretproviderclasses" },
  { group: "azmonitoring.coreos.com", kind: "PodMonitor", plural: "podmonitors" },
];

function definition({ group, kind, plural }: (typeof ADD_ONS)[number]): Sent {
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, plural },
      versions: [{ name: "v1", served: true, storage: true, schema }],
    },
  };
}

/** Asks a server for objects by their kinds. */
class Client {
  private readonly kinds = new Map<string, Promise<{ name: string; kind: string; namespaced: boolean }[]>>();
  constructor(private readonly api: KubernetesApi) {}

  /** Where the objects of a kind are, in a namespace where they have one. */
  async collection({ apiVersion, kind, metadata: { namespace } }: Sent): Promise<string> {
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const known =
      this.kinds.get(root) ??
      this.api.request("GET", root).then(({ body }) => (body["resources"] ?? []) as never);
    this.kinds.set(root, known);
    const found = (await known).find((one) => one.kind === kind && !one.name.includes("/"));
    if (!found) throw new Error(`the server knows no ${kind} of ${apiVersion}`);
    return `${root}${found.namespaced ? `/namespaces/${namespace ?? "default"}` : ""}/${found.name}`;
  }

  /** As the provider sends it: a server-side apply in which an unknown field is an error. */
  async apply(object: Sent): Promise<KubernetesAnswer> {
    const query = "fieldManager=pulumi-kubernetes&fieldValidation=Strict";
    return this.api.request(
      "PATCH",
      `${await this.collection(object)}/${object.metadata.name}?${query}`,
      object,
    );
  }

  async create(object: Sent): Promise<KubernetesAnswer> {
    return this.api.request("POST", `${await this.collection(object)}?fieldValidation=Strict`, object);
  }

  /** What the controller of quotas does: it counts, and only then anything is held to them. */
  async count(quota: Sent, used: Record<string, string>): Promise<KubernetesAnswer> {
    const { hard } = quota.spec as { hard: Record<string, string> };
    const nothing = Object.fromEntries(Object.keys(hard).map((name) => [name, "0"]));
    const path = `${await this.collection(quota)}/${quota.metadata.name}/status`;
    const { body } = await this.api.request("GET", path);
    return this.api.request("PUT", path, { ...body, status: { hard, used: { ...nothing, ...used } } });
  }
}

/** Resources after what they depend on, their parents' dependencies left aside. */
function inOrder(resources: readonly ResourceDocument[]): ResourceDocument[] {
  const byUrn = new Map(resources.map((one) => [one.urn, one]));
  const done = new Set<ResourceDocument>();
  const visit = (one: ResourceDocument): void => {
    if (done.has(one)) return;
    for (const urn of one.dependencies) {
      const before = byUrn.get(urn);
      if (before) visit(before);
    }
    done.add(one);
  };
  resources.forEach(visit);
  return [...done];
}

/** The pod of an object that makes pods, as its controller would make the first. */
function podOf({ kind, metadata, spec }: Sent): Sent[] {
  const made = spec as { template?: Pod; jobTemplate?: { spec: { template: Pod } } } | undefined;
  const pod = made?.template ?? made?.jobTemplate?.spec.template;
  if (!pod) return [];
  const name = `${kind.toLowerCase()}-${metadata.name}`.slice(0, 63);
  const { namespace } = metadata;
  return [
    {
      apiVersion: "v1",
      kind: "Pod",
      ...pod,
      metadata: { ...pod.metadata, name, ...(namespace && { namespace }) },
    },
  ];
}

const told = ({ kind, metadata }: Sent, { status, warnings, body }: KubernetesAnswer): string[] =>
  status < 300 && warnings.length === 0
    ? []
    : [`${kind} ${metadata.name}: ${status} ${[...warnings, body.message ?? ""].join(" ")}`];

const root = projectRoot(__dirname);
/** Every cluster of every stack, as it is and with the roles of two regions changed over. */
const CLUSTERS = Object.entries(readStacks(root)).flatMap(([stack, { regions }]) => {
  const places = Object.entries(regions);
  const [one, other] = places;
  const exchanged = one &&
    other && { [`regions.${one[0]}.role`]: other[1].role, [`regions.${other[0]}.role`]: one[1].role };
  return places.flatMap(([place, { role }]) => [
    { stack, place, role, config: {} },
    ...(exchanged
      ? [{ stack, place, role: exchanged[`regions.${place}.role`] ?? role, config: exchanged }]
      : []),
  ]);
});

onServer.each(CLUSTERS)(
  "a real API server takes what $stack sends to its $place cluster, $role",
  ({ stack, place, config }) => {
    let api: KubernetesApi;
    let client: Client;
    let objects: Sent[];
    const own = (kind: string): Sent[] => objects.filter((one) => one.kind === kind);

    beforeAll(async () => {
      const { resources } = await planStack(stack, { resolve: true, config });
      const here = resources.filter(
        ({ type, provider }) =>
          type.startsWith("kubernetes:") && provider?.includes(`-${place}-kubernetes::`) === true,
      );
      objects = inOrder(here).map(({ inputs }) => inputs as unknown as Sent);
      api = await startKubernetesApi();
      client = new Client(api);
      for (const one of ADD_ONS) {
        await client.create(definition(one));
        await until(`${one.kind} is served`, async () => {
          const { status } = await api.request("GET", `/apis/${one.group}/v1/${one.plural}`);
          return status === 200;
        });
      }
    });
    afterAll(async () => {
      await api.stop();
    });

    test("each object in the order of the engine, no field unknown, no warning; sent again, it stays as it is", async () => {
      expect(objects.length).toBeGreaterThan(50);
      const problems: string[] = [];
      const versions = new Map<Sent, unknown>();
      for (const object of objects) {
        const answer = await client.apply(object);
        problems.push(...told(object, answer));
        versions.set(
          object,
          (answer.body["metadata"] as { resourceVersion?: string } | undefined)?.resourceVersion,
        );
      }
      expect(problems).toEqual([]);
      for (const object of objects) {
        const { body } = await client.apply(object);
        const { resourceVersion } = body["metadata"] as { resourceVersion: string };
        if (resourceVersion !== versions.get(object))
          problems.push(`${object.kind} ${object.metadata.name} changed`);
      }
      expect(problems).toEqual([]);
    });

    test("a pod of each workload and job, under limits, quota, pod security and the rules for images", async () => {
      const problems: string[] = [];
      for (const quota of own("ResourceQuota")) problems.push(...told(quota, await client.count(quota, {})));
      const pods = objects.flatMap(podOf);
      expect(pods.length).toBeGreaterThan(10);
      // Policies are enforced some time after they were made.
      const policed = (await refusals())["an image by its tag"];
      if (policed)
        await until("the rules for images hold", async () => policed.refused.test(await tried(policed.pod)));
      for (const pod of pods) problems.push(...told(pod, await client.create(pod)));
      expect(problems).toEqual([]);
    });

    test("and refuses what they forbid", async () => {
      const said: Record<string, string> = {};
      const expected: Record<string, unknown> = {};
      for (const [name, { pod, refused }] of Object.entries(await refusals())) {
        said[name] = await tried(pod);
        expected[name] = expect.stringMatching(refused);
      }
      expect(said).toEqual(expected);
      const [quota] = own("ResourceQuota");
      if (!quota) throw new Error("no quota");
      const { hard } = quota.spec as { hard: Record<string, string> };
      expect(told(quota, await client.count(quota, { pods: hard["pods"] ?? "" }))).toEqual([]);
      // What admits pods learns of a quota's count a moment later.
      const one = good();
      await until("no pod more than the quota has", async () =>
        /exceeded quota: platform/.test(
          await tried({ ...one, metadata: { ...one.metadata, name: "one-more" } }),
        ),
      );
    });

    const good = (): Sent => {
      const [pod] = own("Deployment").flatMap(podOf);
      if (!pod) throw new Error("no deployment");
      return pod;
    };

    /** Tries a pod without making it. */
    async function tried(pod: Sent): Promise<string> {
      const { status, body } = await api.request("POST", `${await client.collection(pod)}?dryRun=All`, pod);
      return status < 300 ? "taken" : (body.message ?? String(status));
    }

    async function refusals(): Promise<Record<string, { pod: Sent; refused: RegExp }>> {
      const changed = (change: (spec: Pod["spec"]) => void): Sent => {
        const pod = structuredClone(good());
        pod.metadata = { ...pod.metadata, name: "strange" };
        change(pod.spec as Pod["spec"]);
        return pod;
      };
      return {
        "an image by its tag": {
          pod: changed(
            ({ containers: [first] }) => (first.image = first.image.replace(/@sha256:.*/, ":latest")),
          ),
          refused: /ValidatingAdmissionPolicy 'forma3d-images' .* denied request/,
        },
        "an image of a stranger's": {
          pod: changed(
            ({ containers: [first] }) => (first.image = `docker.io/stranger/miner@sha256:${"1a".repeat(32)}`),
          ),
          refused: /ValidatingAdmissionPolicy 'forma3d-images' .* denied request/,
        },
        "a privileged container": {
          pod: changed(({ containers: [first] }) => (first["securityContext"] = { privileged: true })),
          refused: /violates PodSecurity "restricted:v[\d.]+": .*privileged/,
        },
        "a folder of the node": {
          pod: changed((spec) => {
            const volumes = (spec["volumes"] ?? []) as object[];
            spec["volumes"] = [...volumes, { name: "node", hostPath: { path: "/" } }];
          }),
          refused: /violates PodSecurity "restricted:v[\d.]+": .*hostPath/,
        },
        "the node's network": {
          pod: changed((spec) => (spec["hostNetwork"] = true)),
          refused: /violates PodSecurity "restricted:v[\d.]+": .*host namespaces/,
        },
        "an account nobody made": {
          pod: changed((spec) => (spec["serviceAccountName"] = "nobody")),
          refused: /serviceaccount "nobody" not found/,
        },
      };
    }
  },
);
