import { Cursor } from "../../read";
import { UNKNOWN, type Context, type ResourceView, type Tree, type Violation } from "../../rule";
import { watchOf } from "../context";
import { resourceRule } from "./metadata";

/** Providers that act on an Azure subscription. */
const AZURE_PROVIDER = /^pulumi:providers:azure(?:-native(?:_[^:]*)?)?$/;
const KUBERNETES_PROVIDER = /^pulumi:providers:kubernetes$/;

function pinned(props: Tree, prefix: string, context: Context): Violation[] {
  const { subscriptionId, tenantId } = props;
  if (subscriptionId === UNKNOWN) {
    return context.isDryRun
      ? []
      : [{ path: `${prefix}subscriptionId`, message: "is still unknown during the update" }];
  }
  if (typeof subscriptionId !== "string" || subscriptionId.trim() === "") {
    return [
      {
        path: `${prefix}subscriptionId`,
        message: "is not pinned, so the subscription comes from whoever runs the command",
      },
    ];
  }
  const { perimeter } = watchOf(context);
  const findings: Violation[] = [];
  const id = subscriptionId.trim().toLowerCase();
  if (!perimeter.owns("subscriptionIds", id)) {
    const environment = perimeter.ids.get(id)?.environment;
    findings.push({
      path: `${prefix}subscriptionId`,
      environment: environment ?? "an environment outside the inventory",
      message: `is not a subscription of this stack but of ${environment ?? "an environment outside the inventory"}`,
    });
  }
  if (
    typeof tenantId === "string" &&
    perimeter.environment &&
    !perimeter.owns("tenantIds", tenantId.trim().toLowerCase())
  ) {
    findings.push({ path: `${prefix}tenantId`, message: "is not the tenant of this stack's environment" });
  }
  return findings;
}

function subscriptionOf(resource: ResourceView, context: Context): Violation[] {
  if (AZURE_PROVIDER.test(resource.type)) return pinned(resource.props, "", context);
  const { provider } = resource;
  return provider && AZURE_PROVIDER.test(provider.type) ? pinned(provider.props, "provider.", context) : [];
}

/** Where a deployment goes must be in the plan, not in the environment of whoever runs it. */
export const pinnedProviderRule = resourceRule({
  id: "ISO-040",
  name: "pinned-subscription",
  title: "Every Azure provider pins the stack's own subscription",
  description:
    "Each Azure provider, and the provider of each Azure resource, states a `subscriptionId` that belongs to the stack's environment, and no other tenant.",
  why: "Without it the subscription comes from ARM_SUBSCRIPTION_ID or `az login`, which no plan shows: the same program then deploys into production.",
  remediation: "Pass the explicit provider made from the stack file's azure.subscriptionId.",
  url: "https://www.pulumi.com/registry/packages/azure-native/installation-configuration/",
  appliesTo: "any",
  check: subscriptionOf,
});

const isPath = (text: string): boolean => text.trim() !== "" && !/[\n{]/.test(text);

function clusterOf(resource: ResourceView): Violation[] {
  if (!KUBERNETES_PROVIDER.test(resource.type)) return [];
  const props = new Cursor(resource.props);
  const kubeconfig = props.at("kubeconfig");
  if (kubeconfig.unknown || props.at("renderYamlToDirectory").present) return [];
  if (kubeconfig.text === undefined ? !kubeconfig.present : kubeconfig.text.trim() === "") {
    return [
      {
        path: "kubeconfig",
        message: "is not given, so the cluster comes from the kubeconfig of whoever runs the command",
      },
    ];
  }
  return kubeconfig.text !== undefined && isPath(kubeconfig.text)
    ? [
        {
          path: "kubeconfig",
          message: "is a file name, so what cluster it leads to is not in the plan; pass its content",
        },
      ]
    : [];
}

/** The same for clusters. */
export const clusterProviderRule = resourceRule({
  id: "ISO-041",
  name: "pinned-cluster",
  title: "Every Kubernetes provider carries its kubeconfig",
  description:
    "A Kubernetes provider is given the content of a kubeconfig, whose API server ISO-005 can judge: no file name, no context of the machine it runs on.",
  why: "The current context of a laptop is a production cluster sooner or later.",
  remediation: "Build the kubeconfig from the cluster this stack declares.",
  url: "https://www.pulumi.com/registry/packages/kubernetes/api-docs/provider/",
  appliesTo: "any",
  types: [KUBERNETES_PROVIDER],
  check: clusterOf,
});

export const providerRules = [pinnedProviderRule, clusterProviderRule];
