import { JSON_SCHEMA, load } from "js-yaml";
import { Cursor } from "../read";
import { UNKNOWN, type Context, type ResourceView, type Tree, type Value, type Violation } from "../rule";
import { watchOf } from "../context";
import { managedHost } from "../managedHosts";
import { canonical } from "../text";
import { resourceRule } from "./metadata";

const PROVIDER = /^pulumi:providers:(.+)/;
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
  // Nested values of a provider arrive as JSON.
  const others = parsed(new Cursor(props).at("auxiliaryTenantIds"))?.texts() ?? [];
  if (perimeter.environment && others.some((one) => !perimeter.owns("tenantIds", one.trim().toLowerCase()))) {
    findings.push({
      path: `${prefix}auxiliaryTenantIds`,
      message: "names a tenant that is not of this stack's environment",
    });
  }
  return findings;
}

function subscriptionOf(resource: ResourceView, context: Context): Violation[] {
  if (AZURE_PROVIDER.test(resource.type)) return pinned(resource.props, "", context);
  const { provider } = resource;
  return provider && AZURE_PROVIDER.test(provider.type) ? pinned(provider.props, "provider.", context) : [];
}

/** Where a deployment goes must be in the plan, not in the environment of whoever runs it. */
const pinnedProviderRule = resourceRule({
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

/** A folder above the program's own, or from the root of a disk or somebody's home. */
const LEAVES_PROJECT = /^\s*(?:[/\\~]|[a-z]:)|(?:^|[/\\])\.\.(?:[/\\]|$)/i;

const isPath = (text: string): boolean => text.trim() !== "" && !/[\n{]/.test(text);

/** The content of a kubeconfig, given as an object or as JSON or YAML; undefined when it is none. */
function parsed(kubeconfig: Cursor): Cursor | undefined {
  if (kubeconfig.text === undefined) return kubeconfig;
  try {
    const content = load(kubeconfig.text, { schema: JSON_SCHEMA });
    return typeof content === "object" && content !== null ? new Cursor(content as Value) : undefined;
  } catch {
    return undefined;
  }
}

/** ISO-005 judges whose an Azure API server is; any other name or address leads to a cluster nobody can tell. */
function serversOf(kubeconfig: Cursor): Violation[] {
  const path = "kubeconfig";
  const clusters = parsed(kubeconfig)?.at("clusters").items() ?? [];
  if (clusters.length === 0) return [{ path, message: "names no cluster that can be judged" }];
  return clusters.flatMap((entry): Violation[] => {
    const cluster = entry.at("cluster");
    const server = cluster.at("server");
    if (cluster.at("proxy-url").present) {
      return [{ path, message: "goes through a proxy, which leads wherever it likes" }];
    }
    if (server.unknown) return [];
    const url = canonical(server.text ?? "").trim();
    const host = URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, "") : "";
    return managedHost(host)?.kind === "cluster"
      ? []
      : [{ path, message: "leads to an API server that is not the Azure host name of a cluster" }];
  });
}

function clusterOf(resource: ResourceView): Violation[] {
  if (!KUBERNETES_PROVIDER.test(resource.type)) return [];
  const props = new Cursor(resource.props);
  const kubeconfig = props.at("kubeconfig");
  const folder = props.at("renderYamlToDirectory");
  if (folder.present && LEAVES_PROJECT.test(folder.text ?? ""))
    return [
      { path: folder.path, message: "writes manifests outside the project, for whoever applies them there" },
    ];
  if (kubeconfig.unknown || folder.present) return [];
  if (kubeconfig.text === undefined ? !kubeconfig.present : kubeconfig.text.trim() === "") {
    return [
      {
        path: "kubeconfig",
        message: "is not given, so the cluster comes from the kubeconfig of whoever runs the command",
      },
    ];
  }
  if (kubeconfig.text !== undefined && isPath(kubeconfig.text)) {
    return [
      {
        path: "kubeconfig",
        message: "is a file name, so what cluster it leads to is not in the plan; pass its content",
      },
    ];
  }
  return serversOf(kubeconfig);
}

/** The same for clusters. */
const clusterProviderRule = resourceRule({
  id: "ISO-041",
  name: "pinned-cluster",
  title: "Every Kubernetes provider carries its kubeconfig",
  description:
    "A Kubernetes provider is given the content of a kubeconfig whose API servers are Azure host names of clusters, which ISO-005 judges: no file name, no other host or address, no proxy, no context of the machine it runs on. What renders manifests writes them into the project.",
  why: "The current context of a laptop is a production cluster sooner or later.",
  remediation: "Build the kubeconfig from the cluster this stack declares.",
  url: "https://www.pulumi.com/registry/packages/kubernetes/api-docs/provider/",
  appliesTo: "any",
  types: [KUBERNETES_PROVIDER],
  check: clusterOf,
});

/** Providers this project uses: each acts where rules of this family see it act, or nowhere. */
const PACKAGES = new Set(["azure-native", "kubernetes", "random", "pulumi"]);

function unjudged(type: string): boolean {
  const [, name] = PROVIDER.exec(type) ?? [];
  // Versions of one package carry a suffix, e.g. azure-native_storage_v20240101.
  return name !== undefined && !PACKAGES.has(name.replace(/^azure-native_\w+$/, "azure-native"));
}

function strangeProvider({ type, provider }: ResourceView): Violation[] {
  const strange = [
    { path: "", of: type },
    { path: "provider", of: provider?.type ?? "" },
  ].find(({ of }) => unjudged(of));
  return strange
    ? [{ path: strange.path, message: "belongs to a package whose target and doing no rule judges" }]
    : [];
}

const PLAIN = ["version", "pluginChecksums"];
/**
 * Settings of each package that somebody has looked at. Others say where a token comes from, what program is run, where the plugin
 * is fetched, or what files of the machine are read.
 */
const SETTINGS: Readonly<Record<string, ReadonlySet<string>>> = {
  "azure-native": new Set([
    ...PLAIN,
    ...["subscriptionId", "tenantId", "auxiliaryTenantIds", "environment", "location", "clientId"],
    ...["clientSecret", "useOidc", "useMsi", "useDefaultAzureCredential", "disablePulumiPartnerId"],
  ]),
  kubernetes: new Set([
    ...PLAIN,
    ...["kubeconfig", "clusterIdentifier", "cluster", "context", "namespace", "kubeClientSettings"],
    ...["deleteUnreachable", "skipUpdateUnreachable", "enableServerSideApply", "enablePatchForce"],
    ...["enableConfigMapMutable", "enableSecretMutable", "suppressDeprecationWarnings"],
    ...["suppressHelmHookWarnings", "suppressHelmReleaseBetaWarning", "renderYamlToDirectory"],
  ]),
  random: new Set(PLAIN),
};

function strangeSettings({ type, props }: ResourceView): Violation[] {
  const [, name = ""] = PROVIDER.exec(type) ?? [];
  const allowed = SETTINGS[name.replace(/^azure-native_\w+$/, "azure-native")];
  if (!allowed) return [];
  return Object.entries(props)
    .filter(([key, value]) => !key.startsWith("__") && value !== null && value !== "" && !allowed.has(key))
    .map(([key]) => ({
      path: key,
      message:
        "is a setting nobody has looked at: it can say whose tokens are used, what is run or fetched, and what the machine adds",
    }));
}

/** A provider does as its settings say. */
const providerSettingsRule = resourceRule({
  id: "ISO-043",
  name: "listed-provider-settings",
  title: "Providers are given only settings that somebody has looked at",
  description:
    "A provider of azure-native, kubernetes or random has settings of the reviewed list only, and a kubeconfig runs no program but kubelogin.",
  why: "A token's address, a plugin's source, a program that signs in or a file of the machine makes a provider act as somebody else, or run what no plan shows.",
  remediation:
    "Leave the setting out, or have it reviewed and add it to packages/isolation/rules/providers.ts with a rule that judges its value.",
  url: "https://www.pulumi.com/docs/iac/concepts/resources/providers/",
  appliesTo: "any",
  types: [PROVIDER],
  check: (resource) => [...strangeSettings(resource), ...programsOf(resource)],
});

/** Programs a kubeconfig has run to sign in: kubelogin, as the machine finds it, and no other. */
function programsOf({ type, props }: ResourceView): Violation[] {
  if (!KUBERNETES_PROVIDER.test(type)) return [];
  const users = parsed(new Cursor(props).at("kubeconfig"))?.at("users").items() ?? [];
  return users.flatMap((entry): Violation[] => {
    const user = entry.at("user");
    const command = user.at("exec", "command");
    const isOther = user.at("exec").present && !command.unknown && command.text !== "kubelogin";
    return isOther || user.at("auth-provider").present
      ? [{ path: "kubeconfig", message: "runs a program other than kubelogin to sign in" }]
      : [];
  });
}

/** A provider takes what the program does not say from the environment of whoever runs it. */
const knownProviderRule = resourceRule({
  id: "ISO-042",
  name: "known-provider",
  title: "Only providers that rules judge are used",
  description:
    "Providers are of the packages azure-native, kubernetes and random; every other package is refused, whatever its settings.",
  why: "PGHOST, VAULT_ADDR or ARM_SUBSCRIPTION_ID decide where other providers act, and no plan shows them; some run code. In prod, what another provider declares passes by every rule on strength.",
  remediation:
    "Declare the resource with azure-native or kubernetes, or add the package to packages/isolation/rules/providers.ts together with a rule that pins its target.",
  url: "https://www.pulumi.com/docs/iac/concepts/resources/providers/",
  appliesTo: "any",
  check: strangeProvider,
});

export const providerRules = [
  pinnedProviderRule,
  clusterProviderRule,
  knownProviderRule,
  providerSettingsRule,
];
