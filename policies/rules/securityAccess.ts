import { cursor, linked, ofType } from "../../packages/isolation/graph";
import * as kinds from "../../packages/isolation/kinds";
import { objects } from "./pods";
import { fault, ifPresent, must, mustBeText, mustExist } from "../../packages/isolation/read";
import type { ResourceView, Rule } from "../../packages/isolation/rule";
import { THRESHOLDS } from "./thresholds";
import { resourceRule, stackRule } from "./define";

const DOCS = "https://learn.microsoft.com/azure";
const { requiredTags } = THRESHOLDS;

/** Built-in roles that may change anything or hand out rights. */
const BROAD_ROLES: Readonly<Record<string, string>> = {
  "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
  "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
  "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
  "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
};

const roleScope = resourceRule(
  {
    id: "SEC-050",
    name: "role-no-broad-assignment",
    title: "Nobody owns a whole subscription",
    description: `No assignment of ${Object.values(BROAD_ROLES).join(", ")} has a subscription, a management group or the tenant as its scope.`,
    why: "One stolen token of such an identity is the end of the environment, backups included.",
    severity: "critical",
    framework: { mcsb: ["PA-1", "PA-7"], waf: ["SE:05"], risks: ["R07", "R08"] },
    remediation: "Assign a narrow role on the one resource the identity needs.",
    url: `${DOCS}/role-based-access-control/best-practices`,
    appliesTo: "any",
    types: [kinds.ROLE_ASSIGNMENT],
  },
  (assignment) => {
    const definition = assignment.at("roleDefinitionId");
    const scope = assignment.at("scope");
    const role = BROAD_ROLES[(definition.text ?? "").toLowerCase().split("/").at(-1) ?? ""];
    if (!role) return [];
    const wide =
      /^(\/subscriptions\/[^/]+|\/providers\/microsoft\.management\/managementgroups\/[^/]+)?\/?$/i;
    return must(
      scope,
      (value) => typeof value === "string" && !wide.test(value),
      `be a resource group or narrower for ${role}`,
    );
  },
);

const customRoles = resourceRule(
  {
    id: "SEC-051",
    name: "role-no-wildcard",
    title: "A custom role names what it allows",
    description:
      "No action or data action of a role definition is a bare wildcard, or grants rights on rights.",
    why: "A role that allows everything is Owner under another name.",
    severity: "critical",
    framework: { cis: ["1.23"], mcsb: ["PA-7"], waf: ["SE:05"], risks: ["R08"] },
    remediation: "List the operations one by one.",
    url: `${DOCS}/role-based-access-control/custom-roles`,
    appliesTo: "any",
    types: [kinds.azure("authorization", "RoleDefinition")],
  },
  (role) =>
    role
      .at("permissions")
      .items()
      .flatMap((permission) => [...permission.at("actions").items(), ...permission.at("dataActions").items()])
      .flatMap((action) =>
        must(
          action,
          (value) =>
            typeof value === "string" &&
            !/^\*(\/.*)?$|^microsoft\.authorization\/(\*|.*\/write)/i.test(value),
          "name one operation, and none on authorization",
        ),
      ),
);

/** Effects of Azure Policy that change nothing by themselves. */
const JUDGING_EFFECTS = /^(deny|audit|denyaction)$/i;

const assignments = resourceRule(
  {
    id: "SEC-054",
    name: "policy-assignment-judges",
    title: "Azure Policy judges, and changes nothing",
    description:
      "An assignment names a definition of Microsoft's, is enforced, has no identity, leaves nothing of its scope out, and its effect is deny or audit.",
    why: "An assignment with an identity deploys what no plan shows; one that is off is a rule everybody believes in.",
    severity: "high",
    framework: { mcsb: ["PV-1", "PV-2"], waf: ["SE:01", "SE:05"], risks: ["R07", "R09"] },
    remediation: "Assign a built-in definition with deny or audit, and declare what is to be deployed.",
    url: `${DOCS}/governance/policy/concepts/assignment-structure`,
    appliesTo: "any",
    types: [kinds.azure("authorization", "PolicyAssignment")],
  },
  (assignment) => [
    ...must(
      assignment.at("policyDefinitionId"),
      (value) =>
        typeof value === "string" &&
        /^\/providers\/microsoft\.authorization\/policy(set)?definitions\/[0-9a-f-]{36}$/i.test(value),
      "be a definition of Microsoft's",
    ),
    ...ifPresent(assignment.at("enforcementMode"), (mode) => mustBeText(mode, "Default")),
    ...must(assignment.at("identity"), (value) => value === undefined, "be absent"),
    ...must(
      assignment.at("notScopes"),
      (value) => value === undefined || (Array.isArray(value) && value.length === 0),
      "be empty",
    ),
    ...must(
      assignment.at("parameters", "effect", "value"),
      (value) => typeof value === "string" && JUDGING_EFFECTS.test(value),
      "be deny or audit",
    ),
  ],
);

const purposes = stackRule(
  {
    id: "SEC-052",
    name: "identity-one-purpose",
    title: "An identity serves one workload",
    description: "All federated credentials of an identity name the same service account.",
    why: "Two workloads on one identity have the rights of both, and neither shows in the log.",
    severity: "high",
    framework: { mcsb: ["PA-7", "IM-3"], waf: ["SE:05"], risks: ["R07", "R08"] },
    remediation: "Give the second workload an identity of its own.",
    url: "https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations",
    appliesTo: "any",
  },
  (stack) => {
    const first = new Map<string, ResourceView>();
    return ofType(stack, kinds.FEDERATED_CREDENTIAL).flatMap((credential) => {
      const identity = linked(stack, credential, "resourceName", kinds.IDENTITY)[0];
      const key = identity?.urn ?? cursor(credential).at("resourceName").text ?? credential.urn;
      const other = first.get(key);
      if (!other) first.set(key, credential);
      const [mine, theirs] = [credential, other ?? credential].map((one) => cursor(one).at("subject"));
      if (mine?.text === undefined || theirs?.text === undefined || mine.text === theirs.text) return [];
      return [
        {
          resource: credential,
          outcomes: fault(mine, `must be ${theirs.text}, the workload the identity serves`),
        },
      ];
    });
  },
);

/** Types that take tags and stand for something that costs or holds something. */
const TAGGED = [
  kinds.azure("resources", "ResourceGroup"),
  kinds.SERVER,
  kinds.STORAGE_ACCOUNT,
  kinds.VAULT,
  kinds.CLUSTER,
  kinds.IDENTITY,
  kinds.FRONT_DOOR,
  kinds.azure(
    "network",
    "VirtualNetwork",
    "NatGateway",
    "PublicIPAddress",
    "PrivateEndpoint",
    "NetworkSecurityGroup",
  ),
  kinds.azure("privatedns", "PrivateZone"),
  kinds.azure("operationalinsights", "Workspace"),
  kinds.azure("monitor", "AzureMonitorWorkspace", "ActionGroup", "MetricAlert", "ScheduledQueryRule"),
  kinds.azure("frontdoor", "Policy"),
];

const tags = resourceRule(
  {
    id: "SEC-060",
    name: "required-tags",
    title: "Every resource says whose it is",
    description: `Resources that take tags have ${requiredTags.value.join(", ")}.`,
    why: "An alarm at night needs an owner, a bill a cost centre, and an audit the class of the data.",
    severity: "medium",
    framework: { mcsb: ["AM-1"], waf: ["CO:03", "OE:05"], risks: ["R09"] },
    remediation: "Pass the component the tags of platformTags.",
    url: `${DOCS}/cloud-adoption-framework/ready/azure-best-practices/resource-tagging`,
    appliesTo: "any",
    types: TAGGED,
  },
  (resource) => requiredTags.value.flatMap((tag) => mustExist(resource.at("tags", tag))),
);

const rbac = resourceRule(
  {
    id: "SEC-080",
    name: "kubernetes-rbac-narrow",
    title: "Kubernetes roles name what they allow",
    description: "No rule has a wildcard for resources or verbs, and nobody is bound to cluster-admin.",
    why: "A pod with such an account owns the cluster, secrets of every workload included.",
    severity: "critical",
    framework: {
      cis: ["Kubernetes 5.1.1", "Kubernetes 5.1.3"],
      mcsb: ["PA-7"],
      waf: ["SE:05"],
      risks: ["R07", "R08"],
    },
    remediation: "List resources and verbs; bind people through Azure RBAC.",
    url: "https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
    appliesTo: "any",
    types: [kinds.kubernetes("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")],
  },
  (_, resource) =>
    objects(resource).flatMap((object) => [
      ...object
        .at("rules")
        .items()
        .flatMap((rule) => ["resources", "verbs"].flatMap((key) => rule.at(key).items()))
        .flatMap((item) => must(item, (value) => value !== "*", "name what it allows")),
      ...ifPresent(object.at("roleRef", "name"), (name) =>
        must(name, (value) => value !== "cluster-admin", "be a narrower role than cluster-admin"),
      ),
    ]),
);

export const ACCESS_RULES: readonly Rule[] = [roleScope, customRoles, assignments, purposes, tags, rbac];
