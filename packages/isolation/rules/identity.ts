import { Cursor } from "../read";
import type { Context, ResourceView, Violation } from "../rule";
import { watchOf } from "../context";
import { otherEnvironment } from "../environmentWords";
import { canonical, percentDecoded } from "../text";
import { resourceRule } from "./metadata";

const AZURE = /^azure(?:-native)?[^:]*:/;
const AUTHORIZATION = /^azure(?:-native)?[^:]*:authorization[^:]*:/;
/** Where a scope has to begin; the tenant, and whatever a provider has beside subscriptions, is above them all. */
const SUBSCRIPTION = /^\/*subscriptions\/+[^/]/;
const MANAGEMENT_GROUP = /microsoft\.management\/+managementgroups\/+[\w.()-]/;
/** What a provider has beside subscriptions: accounts of bills, groups of subscriptions, the tenant. */
const BESIDE = /^\/*providers\//;
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
  if (!AZURE.test(resource.type)) return findings;
  // Elsewhere a scope may be a word of the service's own.
  const isAbove = (text: string): boolean =>
    AUTHORIZATION.test(resource.type) ? !SUBSCRIPTION.test(text) : BESIDE.test(text);
  for (const [key, value] of new Cursor(resource.props).entries()) {
    if (!SCOPES.test(key)) continue;
    for (const scope of value.text === undefined ? value.items() : [value]) {
      const text = canonical(scope.text ?? "").trim();
      // What is found as a management group is told as one.
      if (scope.text !== undefined && isAbove(text) && !MANAGEMENT_GROUP.test(text)) {
        findings.push({
          path: scope.path,
          message:
            "is not inside a subscription, so it takes in every environment; name a resource or resource group",
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

/** Trust in tokens somebody else issues. */
export const FEDERATION =
  /:(?:FederatedIdentityCredential|ApplicationFederatedIdentityCredential|FlexibleFederatedIdentityCredential)$/;

function subjectViolations(resource: ResourceView, context: Context): Violation[] {
  if (!FEDERATION.test(resource.type)) return [];
  const cursor = new Cursor(resource.props);
  const { perimeter } = watchOf(context);
  const others = context.inventory.environments.flatMap(({ name }) =>
    name === perimeter.environment ? [] : [name],
  );
  return ["subject", "claimsMatchingExpression", "issuer"].flatMap((key): Violation[] => {
    const place = cursor.at(key);
    const text = canonical(percentDecoded(place.text ?? place.at("value").text ?? ""));
    if (/[*?]|\bmatches\b/.test(text)) {
      return [
        {
          path: place.path,
          message: "is a pattern that other environments' workloads match too; name one subject",
        },
      ];
    }
    if (/:pull_request(?:$|:)|refs\/pull\//.test(text)) {
      return [
        {
          path: place.path,
          message: "lets every pull request act as this identity; bind it to a deployment environment",
        },
      ];
    }
    const [, deployment] = /\benvironment:([^:'"\s]+)/.exec(text) ?? [];
    if (
      context.environment === "prod" &&
      deployment !== undefined &&
      !perimeter.owns("deployments", deployment)
    ) {
      return [
        {
          path: place.path,
          message: `lets a deployment environment other than those of ${perimeter.environment ?? "this stack"} act as this identity`,
        },
      ];
    }
    // Every issuer of AKS has `prod-aks` in its host, and whose repository it is, is judged by its list.
    if (key === "issuer" || (deployment !== undefined && perimeter.owns("deployments", deployment)))
      return [];
    const named = otherEnvironment(text.replace(/\brepo:[^:]+/, ""), others);
    return named === undefined
      ? []
      : [
          {
            path: place.path,
            environment: named,
            message: `lets workloads of ${named} act as this identity`,
          },
        ];
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
