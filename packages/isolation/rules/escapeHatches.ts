import { Cursor } from "../read";
import type { Context, ResourceView, Violation } from "../rule";
import { watchOf } from "../context";
import { kubernetesObjects } from "../objects";
import { canonical } from "../text";
import { resourceRule } from "./metadata";

/** Resources that run code, whose doing no plan shows. */
export const EXECUTABLE =
  /^(?:pulumi-(?:nodejs|python|go|dotnet|java):dynamic[^:]*:|command:|docker(?:-build)?:|azure-native[^:]*:resources[^:]*:(?:AzureCliScript|AzurePowerShellScript|DeploymentScript)$|azure-native[^:]*:compute[^:]*:(?:VirtualMachineRunCommand|VirtualMachineExtension|VirtualMachineScaleSetExtension)\w*$|null:|terraform:|pulumiservice:)/;

function runsCode({ type }: ResourceView): Violation[] {
  return EXECUTABLE.test(type)
    ? [{ path: "", message: "runs code whose doing no plan shows; declare resources instead" }]
    : [];
}

/** Code reaches what it wants. */
export const executableRule = resourceRule({
  id: "ISO-050",
  name: "no-executables",
  title: "Outside prod, no resource runs code",
  description:
    "Commands, dynamic resources, deployment scripts and container builds are not part of a stack outside prod.",
  why: "The code of a dynamic resource is not even sent to the policy engine; a script can ask any API for anything.",
  remediation:
    "Use a declared resource, or run the step as a Job in the cluster, behind its network policy and identity.",
  url: "https://www.pulumi.com/docs/iac/concepts/resources/dynamic-providers/",
  appliesTo: "nonProd",
  types: [EXECUTABLE],
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

/** API groups whose objects make an operator create cloud resources or fetch manifests. */
const OPERATOR_GROUPS =
  /(?:^|\.)(?:azure\.com|crossplane\.io|upbound\.io|toolkit\.fluxcd\.io|argoproj\.io|pulumi\.com|terraform\.io|cnrm\.cloud\.google\.com|infrastructure\.cluster\.x-k8s\.io)$/;
/** Of those groups, kinds that only describe traffic or identity inside the cluster. */
const HARMLESS_KINDS = new Set(["AzureIdentityBinding", "Rollout", "AnalysisTemplate", "AnalysisRun"]);

function operates(resource: ResourceView): Violation[] {
  return kubernetesObjects(resource)
    .filter(({ group, kind }) => OPERATOR_GROUPS.test(group) && !HARMLESS_KINDS.has(kind))
    .map(({ object }) => ({
      path: object.at("kind").path || "kind",
      message: "makes an operator create or fetch resources that no plan shows; declare them in the stack",
    }));
}

/** Resources behind the cluster's back. */
export const operatorRule = resourceRule({
  id: "ISO-052",
  name: "no-operators",
  title: "Outside prod, no operator creates cloud resources",
  description:
    "No object of Azure Service Operator, Crossplane, Flux, Argo CD or similar operators is part of a stack outside prod.",
  why: "What the operator creates, with the operator's own rights, never passes a policy.",
  remediation:
    "Declare the resource with the azure-native provider, or the manifest with the kubernetes provider.",
  url: "https://azure.github.io/azure-service-operator/",
  appliesTo: "nonProd",
  check: operates,
});

function hidesValues(resource: ResourceView): Violation[] {
  const props = new Cursor(resource.props);
  const findings: Violation[] = [];
  const files = props.at("valueYamlFiles");
  if (/^kubernetes[^:]*:helm[^:]*:Release$/.test(resource.type)) {
    for (const file of files.items()) {
      if (file.at("text").text === undefined) {
        findings.push({
          path: file.path,
          message: "is read by the provider after the preview; pass the values inline",
        });
      }
    }
  }
  for (const { kind, object } of kubernetesObjects(resource)) {
    if (kind === "SealedSecret") {
      findings.push({
        path: object.at("spec", "encryptedData").path,
        message: "cannot be read by any rule; use a SecretProviderClass",
      });
    }
  }
  return findings;
}

/** What cannot be read cannot be judged. */
export const hiddenValuesRule = resourceRule({
  id: "ISO-053",
  name: "no-hidden-values",
  title: "Outside prod, every value is in the plan",
  description:
    "No value file that only the Helm provider reads, and no sealed secret, is part of a stack outside prod.",
  why: "A connection string in them is invisible to every rule.",
  remediation: "Pass Helm values inline; mount secrets from the stack's own vault.",
  url: "https://www.pulumi.com/registry/packages/kubernetes/api-docs/helm/v3/release/",
  appliesTo: "nonProd",
  check: hidesValues,
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
    "Visibility and automatic approval of a Private Link service name the stack's own subscription only, and an approved connection says whose endpoint it is.",
  why: "A private endpoint approved for another subscription is a cable past every firewall.",
  remediation: "List the stack's own subscription; approve endpoints by id.",
  url: "https://learn.microsoft.com/azure/private-link/private-link-service-overview#control-service-exposure",
  appliesTo: "any",
  types: [/PrivateLinkService$/, /PrivateEndpointConnection\w*$/],
  check: admits,
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
