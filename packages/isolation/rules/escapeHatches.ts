import { Cursor } from "../read";
import type { Context, ResourceView, Violation } from "../rule";
import { watchOf } from "../context";
import { canonical } from "../text";
import { allPlaces, mayHold } from "../places";
import { misdeclared } from "../types/declared";
import type { Reach } from "../perimeter";
import type { Danger } from "../types/listed";
import { fetchedParts, fetchedSettings, startedRunbooks } from "./fetchedParts";
import { handedOver } from "./handedOver";
import { resourceRule } from "./metadata";

/** Resources that run code, whose doing no plan shows. */
export const EXECUTABLE =
  /^(?:pulumi-(?:nodejs|python|go|dotnet|java):dynamic[^:]*:|command:|docker(?:-build)?:|azure-native[^:]*:resources[^:]*:(?:AzureCliScript|AzurePowerShellScript|DeploymentScript)$|azure-native[^:]*:compute[^:]*:(?:VirtualMachineRunCommand|VirtualMachineExtension|VirtualMachineScaleSetExtension)\w*$|null:|terraform:|pulumiservice:)/;

/** What is wrong with the types a resource declares, at any depth, of one sort. */
function declaring(resource: ResourceView, context: Context, ...dangers: Danger[]): Violation[] {
  return misdeclared(resource, context.environment === "prod", watchOf(context).hitsOf(resource))
    .filter(({ danger }) => dangers.includes(danger))
    .map(({ path, why, type }) => ({ path, message: path === "" ? why : `declares ${type}, which ${why}` }));
}

/** Properties of machines and sites that make them fetch and run something, whatever their type is called. */
const INLINE_CODE = /^(?:extensionProfile|galleryApplications|runCommands)$/;
const FETCHED_CODE = /^WEBSITE_RUN_FROM_PACKAGE$/;

function inlineCode(resource: ResourceView): Violation[] {
  if (!/^azure-native[^:]*:(?:compute|web|resources|authorization)[^:]*:/.test(resource.type)) return [];
  return [...allPlaces(new Cursor(resource.props))].flatMap((place) => {
    const isPackage =
      FETCHED_CODE.test(place.at("name").text ?? "") && /^https?:/i.test(place.at("value").text ?? "");
    return [
      ...place
        .entries()
        .filter(
          ([key, inner]) =>
            (INLINE_CODE.test(key) && Object.keys(inner.value ?? {}).length > 0) ||
            (FETCHED_CODE.test(key) && /^https?:/i.test(inner.text ?? "")),
        ),
      ...(isPackage ? [["value", place.at("value")] as const] : []),
    ].map(([, inner]) => ({
      path: inner.path,
      message:
        "makes it fetch and run code that no plan shows; declare resources, or build it into the image",
    }));
  });
}

/** Where a text is run or called: in containers, when a machine starts, and by what sends requests. */
const RUN =
  /ontainers\[\d+\]|(?:^|\.)(?:userData|customData|commandToExecute|appCommandLine|startupCommand|linuxFxVersion|ur[il]|serviceUri|endpointUrl)$|\.(?:sh|bash|ps1)"\]$/;

const RUNS_FETCHED =
  "runs what it fetches, which no plan shows; build it into the image, or install a package by its version";
const STARTS: ReadonlyMap<Reach, string> = new Map([
  ["engine", "starts an engine that changes infrastructure behind the plan; declare resources instead"],
  ["fetchedCode", RUNS_FETCHED],
  ["fetchedScript", RUNS_FETCHED],
  [
    "fetchedSettings",
    "has a program fetch its settings from outside, which no plan shows; put them into a ConfigMap of the stack",
  ],
]);

/** What says by itself that it is run or read by a program, wherever it stands. */
const ANYWHERE: ReadonlySet<Reach> = new Set(["fetchedScript", "fetchedSettings"]);

function startsOthers(resource: ResourceView, context: Context): Violation[] {
  const hits = watchOf(context)
    .hitsOf(resource)
    .filter(({ path, reach }) => STARTS.has(reach) && (RUN.test(path) || ANYWHERE.has(reach)));
  // A command line as a whole says what one of its words says already.
  return hits
    .filter(
      ({ path, reach }) => !hits.some((other) => other.reach === reach && other.path.startsWith(`${path}[`)),
    )
    .map(({ path, decoding, reach }) => ({ path, decoding, message: STARTS.get(reach) ?? "" }));
}

function runsCode(resource: ResourceView, context: Context): Violation[] {
  const nested = [
    ...declaring(resource, context, "code"),
    ...inlineCode(resource),
    ...startsOthers(resource, context),
    ...fetchedParts(resource),
    ...fetchedSettings(resource, context),
    ...handedOver(resource),
    ...startedRunbooks(resource),
  ];
  return nested.length === 0 && EXECUTABLE.test(resource.type)
    ? [{ path: "", message: "runs code whose doing no plan shows; declare resources instead" }]
    : nested;
}

/** Code reaches what it wants. */
export const executableRule = resourceRule({
  id: "ISO-050",
  name: "no-executables",
  title: "No resource runs code behind the plan",
  description:
    "Commands, dynamic resources, deployment scripts, machine extensions, registry tasks, runbooks and container builds are not part of a stack, not inside templates either, no container or machine starts an engine such as Pulumi or Terraform, or runs what it fetches by an address, or has its settings fetched from outside, no alert starts a runbook, and what a controller fetches and runs (WebAssembly, plugins) is pinned by its digest.",
  why: "The code of a dynamic resource is not even sent to the policy engine; a script can ask any API for anything.",
  remediation:
    "Use a declared resource, or run the step as a Job in the cluster, behind its network policy and identity.",
  url: "https://www.pulumi.com/docs/iac/concepts/resources/dynamic-providers/",
  appliesTo: "any",
  check: runsCode,
});

const DEPLOYMENT =
  /^azure(?:-native)?[^:]*:(?:resources|core|deployment)[^:]*:(?:Deployment\w*|TemplateDeployment|ResourceGroupTemplateDeployment|TemplateSpec\w*|Resource|Blueprint\w*)$/;
const LINKS =
  /^(?:templatelink|parameterslink|primaryscripturi|supportingscripturis|templatespecversionid|queryString)$/i;

function* places(cursor: Cursor, depth: number): Generator<[string, Cursor]> {
  if (depth === 0) return;
  for (const [key, inner] of cursor.entries()) {
    yield [key, inner];
    yield* places(inner, depth - 1);
  }
  for (const inner of cursor.items()) yield* places(inner, depth - 1);
}

function fetchesTemplates(resource: ResourceView): Violation[] {
  if (!DEPLOYMENT.test(resource.type)) return [];
  return [...places(new Cursor(resource.props), 6)]
    .filter(([key, value]) => LINKS.test(key) && value.present)
    .map(([, value]) => ({
      path: value.path,
      message: "is fetched from elsewhere, so what it deploys is not in the plan; put it inline",
    }));
}

/** A template that is fetched is not in the plan. */
export const remoteTemplateRule = resourceRule({
  id: "ISO-051",
  name: "no-remote-templates",
  title: "Templates are inline",
  description: "Azure deployments carry their template and parameters themselves instead of linking to them.",
  why: "A linked template is read by Azure after the preview and can declare anything, a replica of production included.",
  remediation: "Put the template inline, where every rule reads it, or declare its resources directly.",
  url: "https://learn.microsoft.com/azure/azure-resource-manager/templates/linked-templates",
  appliesTo: "any",
  types: [DEPLOYMENT],
  check: fetchesTemplates,
});

/** Places of a cluster provider's compositions that are fetched when they are used. */
const FETCHED =
  /^(?:https?|oci|git|ssh|s3|gs|azblob|file|hg)[:@]|^git@|::|[?&]ref=|\.git(?:\/|$)|^(?:[\w-]+\.)+[a-z]{2,}\/[^/]+\//i;

/** Charts whose purpose is to fetch manifests or programs, or to let others create resources. */
const OPERATOR_CHART =
  /(?:^|\/)(?:argo-?cd(?:-apps)?|argocd-image-updater|argo-(?:workflows|events)|flux2?(?:-sync|-multi-tenancy)?|flux-(?:operator|instance)|fleet(?:-crd|-agent)?|crossplane|upbound|azure-service-operator|aso2?|tekton[\w-]*|jenkins|gha-runner-scale-set(?:-controller)?|actions-runner-controller|gitlab-(?:runner|agent)|azp-agent|terraform[\w-]*|tofu-controller|pulumi-kubernetes-operator|kyverno(?:-policies)?|kro|kapp-controller|rancher|open-cluster-management|karmada|helm-operator|weave-gitops|keptn|spinnaker|atlantis|cluster-api-operator|olm)(?:$|[:@?-]\d|\.tgz$|:)/i;

/** Add-ons of AKS that somebody has looked at. */
const ADDONS =
  /^(?:omsagent|azurepolicy|azureKeyvaultSecretsProvider|ingressApplicationGateway|httpApplicationRouting|openServiceMesh|kubeDashboard|aciConnectorLinux|confcom|webApplicationRouting)$/i;
const MAY_HAVE_ADDONS = /:(?:ManagedCluster|Resource|Deployment\w*|TemplateSpecVersion)$/;

function strangeAddons({ type, props }: ResourceView): Violation[] {
  if (!MAY_HAVE_ADDONS.test(type) || !mayHold(props, (_, key) => /^addonProfiles$/i.test(key ?? "")))
    return [];
  return [...allPlaces(new Cursor(props))]
    .flatMap((place) => place.entries())
    .filter(([key]) => /^addonProfiles$/i.test(key))
    .flatMap(([, addons]) => addons.entries())
    .filter(([name, addon]) => !ADDONS.test(name) && addon.at("enabled").value !== false)
    .map(([, { path }]) => ({
      path,
      message: "installs into the cluster what nobody has looked at, such as what fetches manifests",
    }));
}

/** What makes others create or fetch, and manifests and programs that are themselves fetched. */
function operates(resource: ResourceView, context: Context): Violation[] {
  const findings = declaring(resource, context, "manifests");
  const root = new Cursor(resource.props);
  if (/^kubernetes:helm\.sh/.test(resource.type)) {
    const chart = root.at("chart");
    if (chart.text !== undefined && OPERATOR_CHART.test(chart.text.trim())) {
      findings.push({
        path: chart.path,
        message: "installs what fetches or creates resources that no plan shows; declare them in the stack",
      });
    }
  }
  if (/^kubernetes:(?:yaml|kustomize)/.test(resource.type)) {
    for (const place of [
      root.at("file"),
      root.at("directory"),
      root.at("files"),
      ...root.at("files").items(),
    ]) {
      if (place.text !== undefined && FETCHED.test(place.text.trim())) {
        findings.push({
          path: place.path,
          message: "is fetched from elsewhere; keep the manifest in the project",
        });
      }
    }
  }
  findings.push(...strangeAddons(resource));
  for (const key of ["postrender", "postRenderer", "postRender"]) {
    if (root.at(key).present) {
      findings.push({
        path: key,
        message: "runs a program over the manifests after the preview; put what it changes into the values",
      });
    }
  }
  return findings;
}

/** Resources behind the cluster's back. */
export const operatorRule = resourceRule({
  id: "ISO-052",
  name: "no-operators",
  title: "Nobody creates resources behind the plan",
  description:
    "No object that makes an operator create or fetch resources (Azure Service Operator, Crossplane, Flux, Argo CD, Tekton and their like), no chart that installs one, no cluster extension, no add-on of AKS that nobody has looked at, no fetched manifest and no post-renderer of Helm is part of a stack.",
  why: "What the operator creates, with the operator's own rights, never passes a policy.",
  remediation:
    "Declare the resource with the azure-native provider, or the manifest with the kubernetes provider.",
  url: "https://azure.github.io/azure-service-operator/",
  appliesTo: "any",
  check: operates,
});

const REPLICATION = /:ObjectReplicationPolicy$/;

function replicates(resource: ResourceView, context: Context): Violation[] {
  const { perimeter } = watchOf(context);
  const root = new Cursor(resource.props);
  return ["sourceAccount", "destinationAccount"].flatMap((key) =>
    [root.at(key), root.at("properties", key)].flatMap((place): Violation[] => {
      const text = canonical(place.text ?? "");
      if (text === "") return [];
      const account = text.split("/").filter(Boolean).pop() ?? "";
      return perimeter.ownsHost("storage", account)
        ? []
        : [
            {
              path: place.path,
              message: "is not a storage account of this stack, so its blobs would be copied across the line",
            },
          ];
    }),
  );
}

/** Replication carries data across the line while nobody looks. */
export const replicationRule = resourceRule({
  id: "ISO-054",
  name: "replication-inside",
  title: "Blobs are replicated inside the environment",
  description: "Source and destination of an object replication policy are storage accounts of the stack.",
  why: "A replication policy copies every backup to the other account as soon as it is written.",
  remediation: "Replicate to an account of this stack, or use the account's own geo-redundancy.",
  url: "https://learn.microsoft.com/azure/storage/blobs/object-replication-prevent-cross-tenant-policies",
  appliesTo: "any",
  types: [REPLICATION],
  check: replicates,
});

function admits(resource: ResourceView, context: Context): Violation[] {
  const { perimeter } = watchOf(context);
  const root = new Cursor(resource.props);
  const findings: Violation[] = [];
  for (const list of ["privateLinkServiceConnections", "manualPrivateLinkServiceConnections"]) {
    for (const connection of root.at(list).items()) {
      const target = [
        connection.at("privateLinkServiceId"),
        connection.at("properties", "privateLinkServiceId"),
      ].find(({ present }) => present);
      // An id says whose it is, and the rule on subscriptions judges it; an alias says nothing.
      if (target?.text !== undefined && !/^\s*\/+subscriptions\//i.test(target.text)) {
        findings.push({
          path: target.path,
          message: "is an alias, which does not say whose service it leads to; name the service by its id",
        });
      }
    }
  }
  for (const key of ["visibility", "autoApproval"]) {
    for (const subscription of root.at(key, "subscriptions").items()) {
      const id = canonical(subscription.text ?? "");
      if (!perimeter.owns("subscriptionIds", id)) {
        findings.push({
          path: subscription.path,
          message: "lets a subscription that is not this stack's connect",
        });
      }
    }
  }
  if (/PrivateEndpointConnection\w*$/.test(resource.type)) {
    const state = [
      root.at("privateLinkServiceConnectionState"),
      root.at("properties", "privateLinkServiceConnectionState"),
    ].find(({ present }) => present);
    const endpoint = [root.at("privateEndpoint", "id"), root.at("properties", "privateEndpoint", "id")].find(
      ({ present }) => present,
    );
    if (/^approved$/i.test(state?.at("status").text ?? "") && !endpoint) {
      findings.push({
        path: state?.path ?? "",
        message: "approves a private endpoint without saying whose; state `privateEndpoint.id`",
      });
    }
  }
  return findings;
}

/** An approved private endpoint is a cable into the environment. */
export const privateLinkRule = resourceRule({
  id: "ISO-055",
  name: "private-link-inside",
  title: "Private links are offered to the stack's own subscription",
  description:
    "Visibility and automatic approval of a Private Link service name the stack's own subscription only, an endpoint names its service by id, and an approved connection says whose endpoint it is.",
  why: "A private endpoint approved for another subscription is a cable past every firewall.",
  remediation: "List the stack's own subscription; approve endpoints by id.",
  url: "https://learn.microsoft.com/azure/private-link/private-link-service-overview#control-service-exposure",
  appliesTo: "any",
  types: [/Private(?:Link|Endpoint)/],
  check: admits,
});

const REMEDY =
  "declare it with a listed type, or have the type reviewed and add it with reason, owner and end to `types` in policies/inventory.yaml";

function unlisted(resource: ResourceView, context: Context): Violation[] {
  if (context.environment === "prod" && UNTYPED.test(resource.type)) return [];
  const { environment } = watchOf(context).perimeter;
  const isAdded = (type: string): boolean =>
    (context.inventory.types ?? []).some(
      (added) =>
        added.type.toLowerCase() === type.toLowerCase() &&
        (!added.environments || added.environments.includes(environment ?? "")),
    );
  return misdeclared(resource, context.environment === "prod", watchOf(context).hitsOf(resource))
    .filter(({ danger, type }) =>
      danger === "unlisted" ? !isAdded(type) : danger === "above" || danger === "identities",
    )
    .map(({ danger, path, why, type }) => ({
      path,
      message:
        danger === "unlisted"
          ? `declares ${type}, which ${why} for ${context.environment === "prod" ? "prod" : "this environment"}; ${REMEDY}`
          : `declares ${type}, which ${why}; a waiver with reason, owner and end can allow it`,
    }));
}

/** A list of what is allowed holds where a list of what is bad has an end. */
export const listedTypeRule = resourceRule({
  id: "ISO-058",
  name: "listed-types-only",
  title: "Only types somebody has looked at are declared",
  description:
    "Every Azure type and Kubernetes kind, at any depth (templates, generic resources, lists, manifests in texts, values of charts), is on the reviewed list; what acts above the subscription or hands out identities needs a waiver.",
  why: "A type nobody has looked at can run code, fetch manifests or reach above the subscription without naming anything of another environment.",
  remediation: `Use a listed type (docs/isolation.md), or ${REMEDY}.`,
  url: "https://learn.microsoft.com/azure/cloud-adoption-framework/govern/",
  appliesTo: "any",
  mcsb: ["AM-2"],
  check: unlisted,
});

/** Resources that declare others by Azure's own names, which rules on typed resources do not read. */
const UNTYPED =
  /^azure-native[^:]*:(?:resources|deploymentstacks|blueprint)[^:]*:(?:Deployment\w*|TemplateSpec\w*|Resource|Blueprint\w*)$/;

/** What is declared in another language than the rules' own is judged by none of them. */
export const untypedRule = resourceRule({
  id: "ISO-057",
  name: "no-untyped-resources",
  title: "Prod declares typed resources only",
  description:
    "No Azure template deployment, deployment stack, template spec or generic resource is part of a prod stack, whatever it holds.",
  why: "Rules on servers, vaults, accounts and clusters read typed resources: the same weak server in a template passes them all.",
  remediation: "Declare each resource with its own azure-native type.",
  url: "https://www.pulumi.com/registry/packages/azure-native/api-docs/resources/resource/",
  appliesTo: "prod",
  types: [UNTYPED],
  check: ({ type }) =>
    UNTYPED.test(type)
      ? [
          {
            path: "",
            message: "declares resources that no rule on their strength reads; use their own types",
          },
        ]
      : [],
});
