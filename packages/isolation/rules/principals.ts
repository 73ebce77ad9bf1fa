import { Cursor } from "../read";
import { UNKNOWN, type Context, type ResourceView, type StackView, type Tree, type Value } from "../rule";
import type { Violation } from "../rule";
import { watchOf } from "../context";
import { azureType } from "../declarations";
import { issuerName } from "../judge";
import { kubernetesObjects } from "../objects";
import { TEMPLATE_CARRIER } from "../types/declared";
import { canonical } from "../text";
import { FEDERATION } from "./identity";
import { stackRule } from "./metadata";

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ASSIGNMENT = /:authorization[^:]*:(?:RoleAssignment|PimRole\w+|RoleEligibility\w+)$/;
const ADMINISTRATOR = /:(?:Administrator\w*|\w*A(?:zureAD|ctiveDirectory)Administrator\w*)$/;
const CLUSTER = /:ManagedCluster$/;
const BINDINGS = new Set(["ClusterRoleBinding", "RoleBinding"]);

/** What the program asked for; a preview's outputs may hold less. */
const askedFor = (resource: ResourceView): Cursor => new Cursor(resource.inputs ?? resource.props);

/** Everybody a resource gives rights to, by object id. */
function principalsOf(resource: ResourceView): Cursor[] {
  const { type } = resource;
  const props = askedFor(resource);
  if (ASSIGNMENT.test(type)) return [props.at("principalId"), props.at("objectId")];
  if (ADMINISTRATOR.test(type)) return [props.at("objectId"), props.at("principalId"), props.at("sid")];
  if (CLUSTER.test(type)) return props.at("aadProfile", "adminGroupObjectIDs").items();
  if (/:keyvault[^:]*:Vault$/.test(type)) {
    return props
      .at("properties", "accessPolicies")
      .items()
      .map((policy) => policy.at("objectId"));
  }
  if (/:keyvault[^:]*:AccessPolicy$/.test(type)) {
    return [props.at("policy", "objectId"), props.at("objectId")];
  }
  return kubernetesObjects({ ...resource, props: resource.inputs ?? resource.props })
    .filter(({ kind }) => BINDINGS.has(kind))
    .flatMap(({ object }) => object.at("subjects").items())
    .filter((subject) => GUID.test(canonical(subject.at("name").text ?? "").trim()))
    .map((subject) => subject.at("name"));
}

/** Below these properties Azure says who a resource is. */
const IDENTITY = /^(?:identity|identityProfile|addonProfiles)$/;

/**
 * Object ids Azure gave to the resource: those of an identity, or of the identity a resource has. What the program
 * itself wrote there is a claim, no identity.
 */
function givenIds(resource: ResourceView, into: Set<string>): void {
  const visit = (value: Value | undefined, asked: Value | undefined, depth: number): void => {
    if (typeof value !== "object" || value === null || depth === 0) return;
    for (const [key, inner] of Object.entries(value as Tree)) {
      const request =
        typeof asked === "object" && asked !== null && !Array.isArray(asked)
          ? (asked as Tree)[key]
          : undefined;
      if (typeof inner !== "string") visit(inner, request, depth - 1);
      else if (/^(?:principalId|objectId)$/.test(key) && typeof request !== "string") {
        into.add(inner.toLowerCase());
      }
    }
  };
  const { inputs, props, type } = resource;
  const asked = inputs ?? {};
  if (/:UserAssignedIdentity$/.test(type)) visit({ principalId: props.principalId ?? null }, asked, 1);
  for (const [key, value] of Object.entries(props)) {
    if (IDENTITY.test(key)) visit(value, asked[key], 4);
  }
}

function strangers(stack: StackView, context: Context): Violation[] {
  const { perimeter } = watchOf(context);
  const own = new Set<string>();
  for (const resource of stack.resources) {
    if (/^azure(?:-native)?[^:]*:/.test(resource.type)) givenIds(resource, own);
  }
  return stack.resources.flatMap((resource) =>
    principalsOf(resource).flatMap((place): Violation[] => {
      const id = place.text?.trim().toLowerCase();
      if (id === undefined || own.has(id) || perimeter.owns("principalIds", id)) return [];
      return [
        {
          urn: resource.urn,
          path: place.path,
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
    "Every principal of a role assignment, every database and cluster administrator, every object id of a vault's access policies and of a cluster's role bindings in prod is an identity Azure gave a resource of this stack, or a principal listed for the environment. A tag or another property that repeats the id counts for nothing.",
  why: "One role assignment in prod lets a non-production identity past every check made in non-production stacks.",
  remediation:
    "Assign to an identity of this stack, or list the group's object id in the stack file or policies/inventory.yaml.",
  url: "https://learn.microsoft.com/azure/role-based-access-control/best-practices",
  appliesTo: "prod",
  waf: ["SE:05"],
  mcsb: ["PA-7"],
  check: strangers,
});

const GITHUB = "token.actions.githubusercontent.com";
const withoutSlash = (url: string): string => issuerName(canonical(url));

function issuersOf(stack: StackView): Set<string> {
  return new Set(
    stack.resources
      .filter(({ type, provider }) => CLUSTER.test(type) && provider !== undefined)
      .flatMap(({ props, inputs }) => {
        const issuer = new Cursor(props).at("oidcIssuerProfile", "issuerURL").text;
        const claimed = new Cursor(inputs ?? {}).at("oidcIssuerProfile", "issuerURL").present;
        return issuer && !claimed ? [withoutSlash(issuer)] : [];
      }),
  );
}

/** Issuers of other clusters, in a credential or a template of one. */
function foreignClusters(stack: StackView, context: Context): Violation[] {
  const issued = issuersOf(stack);
  const { scanner } = watchOf(context);
  return stack.resources
    .filter(({ type }) => FEDERATION.test(type) || TEMPLATE_CARRIER.test(azureType(type) ?? ""))
    .flatMap(({ urn, inputs, props }) =>
      scanner
        .scan(inputs ?? props)
        .filter(({ issuer }) => issuer !== undefined && !issued.has(issuer))
        .map(({ path, decoding }) => ({
          urn,
          path,
          decoding,
          message:
            "is the issuer of a cluster this stack does not declare, whose workloads could act as this identity",
        })),
    );
}

function foreignIssuers(stack: StackView, context: Context): Violation[] {
  const isProd = context.environment === "prod";
  const { perimeter } = watchOf(context);
  const issued = issuersOf(stack);
  const clusters = isProd ? [] : foreignClusters(stack, context);
  const isReported = (urn: string): boolean => clusters.some((one) => one.urn === urn);
  const strangers = stack.resources
    .filter(({ type, urn }) => FEDERATION.test(type) && !isReported(urn))
    .flatMap(({ urn, inputs, props }): Violation[] => {
      const given = inputs ?? props;
      if (given.issuer === UNKNOWN || (!isProd && given.issuer === undefined)) return [];
      const issuer = withoutSlash(typeof given.issuer === "string" ? given.issuer : "");
      if (issued.has(issuer) || perimeter.owns("issuers", issuer)) return [];
      if (issuer !== GITHUB) {
        return [
          {
            urn,
            path: "issuer",
            message:
              "is no cluster of this stack, no listed issuer and not GitHub, so whoever signs there could act as this identity",
          },
        ];
      }
      if (given.subject === UNKNOWN) return [];
      const [, repository = "", bound] =
        /^repo:([^:]+)(:environment:[^:]+$)?/.exec(
          canonical(typeof given.subject === "string" ? given.subject : ""),
        ) ?? [];
      // Outside prod another project's inventory need not say whose its pipelines are.
      if (!isProd && (repository === "" || !perimeter.lists("repositories"))) return [];
      // GitHub may write the ids of owner and repository beside their names.
      if (!perimeter.owns("repositories", repository.replace(/@\d+/g, ""))) {
        return [
          { urn, path: "subject", message: "names no GitHub repository that is listed for this environment" },
        ];
      }
      return bound === undefined && isProd
        ? [{ urn, path: "subject", message: "is not bound to the deployment environment of this stack" }]
        : [];
    });
  return [...clusters, ...strangers];
}

/** The issuer is who vouches for the workload. */
export const issuerRule = stackRule({
  id: "ISO-033",
  name: "foreign-issuer",
  title: "Tokens of its own clusters and of its own repository are trusted, no others",
  description:
    "The issuer of a federated credential in prod is a cluster this stack declares, one that policies/inventory.yaml lists under `issuers`, or GitHub for a deployment environment of a repository listed under `repositories`. The same holds outside prod for the issuer, and for the repository where one is listed, whatever part of it signs; in templates too, no credential there trusts a cluster that is neither declared nor listed.",
  why: "Service accounts have the same names in every cluster, and anybody can run an issuer or a repository: with another one, its workloads are production's.",
  remediation:
    "Pass the issuer URL output of the cluster in this stack; for a pipeline, list the repository under repositories in policies/inventory.yaml and name its deployment environment; list any other issuer under issuers.",
  url: "https://learn.microsoft.com/azure/aks/use-oidc-issuer",
  appliesTo: "any",
  waf: ["SE:05"],
  mcsb: ["IM-3"],
  check: foreignIssuers,
});
