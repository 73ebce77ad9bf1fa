import { Cursor } from "../../read";
import type { Context, ResourceView, StackView, Violation } from "../../rule";
import { watchOf } from "../context";
import { canonical } from "../text";
import { resourceRule, stackRule } from "./metadata";

const AUTHORIZATION = /^azure(?:-native)?[^:]*:authorization[^:]*:/;
const SCOPES = /^(?:scope|assignableScopes|scopes|principalScope|appScopeId|directoryScopeId)$/;

function scopeViolations(resource: ResourceView, context: Context): Violation[] {
  const findings = watchOf(context)
    .hitsOf(resource)
    .filter(({ reach }) => reach === "managementGroup")
    .map(({ path, decoding }): Violation => ({
      path,
      decoding,
      message: "names a management group, which holds the subscriptions of several environments",
    }));
  if (!AUTHORIZATION.test(resource.type)) return findings;
  for (const [key, value] of new Cursor(resource.props).entries()) {
    if (!SCOPES.test(key)) continue;
    for (const scope of value.text === undefined ? value.items() : [value]) {
      const text = canonical(scope.text ?? "-").trim();
      if (/^\/*$/.test(text) || /^\/*providers\/microsoft\.(?:billing|subscription)\b/.test(text)) {
        findings.push({
          path: scope.path,
          message: "is the whole tenant, every environment included; name a resource or resource group",
        });
      }
    }
  }
  return findings;
}

/** A scope above the subscription takes in other environments without naming them. */
export const ancestorScopeRule = resourceRule({
  id: "ISO-030",
  name: "ancestor-scope",
  title: "No right or deployment reaches above the subscription",
  description: "Nothing is scoped to a management group or to the tenant, which contain other environments.",
  why: "Rights are inherited: a role on the management group is a role on the production database.",
  remediation: "Scope it to the resource, or to the stack's own resource group.",
  url: "https://learn.microsoft.com/azure/role-based-access-control/scope-overview",
  appliesTo: "any",
  waf: ["SE:05"],
  mcsb: ["PA-7"],
  check: scopeViolations,
});

const FEDERATION =
  /:(?:FederatedIdentityCredential|ApplicationFederatedIdentityCredential|FlexibleFederatedIdentityCredential)$/;

function subjectViolations(resource: ResourceView, context: Context): Violation[] {
  if (!FEDERATION.test(resource.type)) return [];
  const cursor = new Cursor(resource.props);
  const others = context.inventory.environments.filter(
    ({ name }) => name !== watchOf(context).perimeter.environment,
  );
  return ["subject", "claimsMatchingExpression", "issuer"].flatMap((key): Violation[] => {
    const place = cursor.at(key);
    const text = canonical(place.text ?? place.at("value").text ?? "");
    if (/[*?]|\bmatches\b/.test(text)) {
      return [
        {
          path: place.path,
          message: "is a pattern that other environments' workloads match too; name one subject",
        },
      ];
    }
    if (/:pull_request$/.test(text)) {
      return [
        {
          path: place.path,
          message: "lets every pull request act as this identity; bind it to a deployment environment",
        },
      ];
    }
    const [, deployment] = /:environment:([^:]+)/.exec(text) ?? [];
    const own = watchOf(context).perimeter.environment;
    if (
      context.environment === "prod" &&
      deployment !== undefined &&
      own !== undefined &&
      !deployment.startsWith(own)
    ) {
      return [
        { path: place.path, message: `lets a deployment environment other than ${own} act as this identity` },
      ];
    }
    const named = others.find(({ name }) => new RegExp(`(?:^|[:/])${name}(?:$|[:/])`).test(text));
    return named
      ? [
          {
            path: place.path,
            environment: named.name,
            message: `lets workloads of ${named.name} act as this identity`,
          },
        ]
      : [];
  });
}

/** Who may become an identity is as important as what the identity may do. */
export const federationRule = resourceRule({
  id: "ISO-031",
  name: "federated-subject",
  title: "A federated credential trusts one workload of its own environment",
  description:
    "The subject of a federated identity credential is one exact workload: no pattern, no pull request, and none of another environment.",
  why: "A wildcard subject lets a workload of the other environment ask for the same token.",
  remediation: "Name issuer, namespace and service account, or the deployment environment of this stack.",
  url: "https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations",
  appliesTo: "any",
  waf: ["SE:05"],
  mcsb: ["IM-3"],
  check: subjectViolations,
});

/** Issuers of AKS clusters; each cluster has one of its own. */
const CLUSTER_ISSUER = /\.oic\.(?:prod-)?aks\.azure\./;

function foreignIssuers(stack: StackView): Violation[] {
  const issued = new Set<string>();
  for (const { type, props } of stack.resources) {
    if (/:ManagedCluster$/.test(type)) stringsOf(props, issued);
  }
  return stack.resources
    .filter(({ type }) => FEDERATION.test(type))
    .flatMap((resource): Violation[] => {
      const { issuer } = resource.props;
      const origins = resource.propertyDependencies.issuer ?? [];
      if (typeof issuer !== "string" || !CLUSTER_ISSUER.test(issuer)) return [];
      return origins.some((urn) => stack.byUrn.has(urn)) || issued.has(issuer.toLowerCase())
        ? []
        : [
            {
              urn: resource.urn,
              path: "issuer",
              message:
                "is no cluster of this stack, so another cluster's workloads could act as this identity",
            },
          ];
    });
}

/** The issuer is who vouches for the workload. */
export const issuerRule = stackRule({
  id: "ISO-033",
  name: "foreign-issuer",
  title: "Prod trusts tokens of its own clusters only",
  description:
    "The issuer of a federated credential in prod, where it is an AKS cluster, is a cluster this stack declares.",
  why: "Service accounts have the same names in every cluster: with another cluster's issuer, its workloads are production's.",
  remediation: "Pass the issuer URL output of the cluster in this stack.",
  url: "https://learn.microsoft.com/azure/aks/use-oidc-issuer",
  appliesTo: "prod",
  waf: ["SE:05"],
  mcsb: ["IM-3"],
  check: foreignIssuers,
});

const ASSIGNMENT = /:authorization[^:]*:(?:RoleAssignment|PimRole\w+|RoleEligibility\w+)$/;
const PRINCIPALS = ["principalId", "objectId"];

function stringsOf(value: unknown, into: Set<string>, depth = 8): Set<string> {
  if (typeof value === "string") into.add(value.toLowerCase());
  else if (typeof value === "object" && value !== null && depth > 0) {
    Object.values(value).forEach((inner) => stringsOf(inner, into, depth - 1));
  }
  return into;
}

function strangers(stack: StackView, context: Context): Violation[] {
  const { perimeter } = watchOf(context);
  const own = new Set<string>();
  for (const { type, props } of stack.resources) {
    if (!ASSIGNMENT.test(type) && !/^pulumi:/.test(type)) stringsOf(props, own);
  }
  return stack.resources
    .filter(({ type }) => ASSIGNMENT.test(type))
    .flatMap((resource) =>
      PRINCIPALS.flatMap((key): Violation[] => {
        const principal = resource.props[key];
        const origins = resource.propertyDependencies[key] ?? [];
        if (typeof principal !== "string" || origins.some((urn) => stack.byUrn.has(urn))) return [];
        const id = principal.toLowerCase();
        return own.has(id) || perimeter.owns("principalIds", id)
          ? []
          : [
              {
                urn: resource.urn,
                path: key,
                message: "is neither an identity of this stack nor a listed principal of its environment",
              },
            ];
      }),
    );
}

/** Rights on production go to identities of production. */
export const principalRule = stackRule({
  id: "ISO-032",
  name: "foreign-principal",
  title: "Rights in prod go to prod's own identities",
  description:
    "Every principal of a role assignment in prod is an identity this stack declares or a principal listed for the environment.",
  why: "One role assignment in prod lets a non-production identity past every check made in non-production stacks.",
  remediation:
    "Assign to an identity of this stack, or list the group's object id in the stack file or policies/inventory.yaml.",
  url: "https://learn.microsoft.com/azure/role-based-access-control/best-practices",
  appliesTo: "prod",
  waf: ["SE:05"],
  mcsb: ["PA-7"],
  check: strangers,
});
