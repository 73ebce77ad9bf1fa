import { Cursor } from "../read";
import { selects } from "../graph";
import { type StackView, type Value, type Violation } from "../rule";
import { kubernetesObjects, nameOf, podLabels, podSpecs, type KubernetesObject } from "../objects";
import { stackRule } from "./metadata";
import { references } from "./workloads";

/** Environment variables and ports that make a container a database client. */
const CLIENT_TEXT =
  /postgres(?:ql)?:\/\/|\bpghost\b|database_url|postgres\.database|(?:^|[^0-9])(?:5432|6432)(?:$|[^0-9])/i;

const isClientText = (value: Value | undefined): boolean =>
  JSON.stringify(value ?? null, (_, inner: unknown) => (typeof inner === "symbol" ? "" : inner)).match(
    CLIENT_TEXT,
  ) !== null;

/** Settings of a ConfigMap or Secret in clear text. */
function settings({ object }: KubernetesObject): Value {
  const encoded = object.at("data").entries();
  return [
    object.at("data").value ?? null,
    object.at("stringData").value ?? null,
    ...encoded.map(([, value]) => Buffer.from(value.text ?? "", "base64").toString("utf8")),
  ];
}

const POLICIES = new Set(["NetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"]);

/**
 * Whether a policy selects pods by their labels and limits where they go: a NetworkPolicy of type Egress, or a
 * Cilium policy with a rule on egress. What a selector says beyond labels and expressions on them selects nothing.
 */
function guards({ kind, object }: KubernetesObject, namespace: string, labels: Cursor): boolean {
  if (kind === "NetworkPolicy") {
    const isEgress =
      object.at("spec", "policyTypes").texts().includes("Egress") ||
      (!object.at("spec", "policyTypes").present && object.at("spec", "egress").present);
    const selector = object.at("spec", "podSelector");
    return (
      isEgress &&
      nameOf({ kind, group: "", object }).namespace === namespace &&
      (!selector.present || selector.unknown || selects(selector, labels, true))
    );
  }
  const isClusterwide = kind === "CiliumClusterwideNetworkPolicy";
  if (!isClusterwide && nameOf({ kind, group: "", object }).namespace !== namespace) return false;
  return [object.at("spec"), ...object.at("specs").items()].some(
    (spec) =>
      (spec.at("egress").items().length > 0 || spec.at("egressDeny").items().length > 0) &&
      spec.at("enableDefaultDeny", "egress").value !== false &&
      selects(spec.at("endpointSelector"), labels, true),
  );
}

function unguarded(stack: StackView): Violation[] {
  const objects = stack.resources.flatMap((resource) =>
    kubernetesObjects({ ...resource, props: resource.inputs ?? resource.props }).map((found) => ({
      ...found,
      urn: resource.urn,
    })),
  );
  const namespaces = new Set(
    objects.filter(({ kind }) => kind === "Namespace").map((found) => nameOf(found).name),
  );
  const policies = objects.filter(({ kind }) => POLICIES.has(kind));
  const key = (kind: string, namespace: string, name: string | undefined) =>
    `${kind}/${namespace}/${name ?? ""}`;
  const connecting = new Set(
    objects
      .filter((found) => /^(?:ConfigMap|Secret)$/.test(found.kind) && isClientText(settings(found)))
      .map((found) => key(found.kind, nameOf(found).namespace, nameOf(found).name)),
  );
  return objects.flatMap((found): Violation[] => {
    const { namespace } = nameOf(found);
    if (!namespaces.has(namespace) && namespace !== "default") return [];
    const clients = podSpecs(found).filter(
      (spec) =>
        isClientText(spec.value) ||
        references(spec).some(({ kind, name }) => connecting.has(key(kind, namespace, name.text))),
    );
    if (clients.length === 0) return [];
    const outside = clients.find((spec) => spec.at("hostNetwork").value === true);
    if (outside) {
      return [
        {
          urn: found.urn,
          path: outside.at("hostNetwork").path,
          message: "puts a database client into its node's network, where no policy limits its egress",
        },
      ];
    }
    const open = clients.find(
      (spec) => !policies.some((policy) => guards(policy, namespace, podLabels(found, spec))),
    );
    return open === undefined
      ? []
      : [
          {
            urn: found.urn,
            path: "spec",
            message: `connects to a database from namespace ${namespace}, where no policy limits its egress`,
          },
        ];
  });
}

/** A database client may only leave its namespace through a policy that says where to. */
export const egressRequiredRule = stackRule({
  id: "ISO-023",
  name: "egress-policy-required",
  title: "Database clients have an egress policy",
  description:
    "Every pod outside prod that connects to a database, by its own settings or by a ConfigMap or Secret it refers to, in a namespace the stack declares or in `default`, is selected by a policy that limits its egress, and is not in its node's network.",
  why: "A host name put together at run time is invisible in a plan; the network is where it is stopped.",
  remediation: "Add a NetworkPolicy with policyTypes [Egress] that names the stack's own endpoints.",
  url: "https://kubernetes.io/docs/concepts/services-networking/network-policies/",
  appliesTo: "nonProd",
  waf: ["SE:06"],
  check: unguarded,
});
