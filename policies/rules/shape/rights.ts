import { cursor, linked, ofType } from "../../../packages/isolation/graph";
import { azure, FEDERATED_CREDENTIAL, kubernetes, ROLE_ASSIGNMENT } from "../../../packages/isolation/kinds";
import type { Cursor } from "../../../packages/isolation/read";
import type { ResourceView, StackView, Tree, Value } from "../../../packages/isolation/rule";
import { allContainers, podsOf, WORKLOADS } from "../pods";
import { programOf, stemOf } from "./names";
import { sourcesOf } from "./sources";

const called = ({ name }: ResourceView, { resources: [root] }: StackView): string =>
  stemOf(name, programOf(root?.urn ?? ""));

const comesFrom = (stack: StackView, resource: ResourceView, property: string): string => {
  const stems = sourcesOf(stack, resource, property).map((one) => called(one, stack));
  return [...new Set(stems)].sort().join(" ") || "listed";
};

/** The end of a text that is the same in every environment: a role's GUID, a service account or deployment environment. */
const endOf = (value: Value | undefined, separator: string, parts: number): string =>
  typeof value === "string" ? value.split(separator).slice(-parts).join(separator) : "";

const texts = (value: Value | undefined): string[] =>
  Array.isArray(value) ? (value as readonly Value[]).filter((one) => typeof one === "string") : [];

/** A value in one form, whatever the order of its keys. */
function told(value: Value | undefined): string {
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(told).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "";
  const entries = Object.entries(value as Tree).map(([key, inner]) => `${key}:${told(inner)}`);
  return `{${entries.sort().join(",")}}`;
}

/** With whom a network policy lets its pods talk, one line for each peer. */
function trafficOf(resource: ResourceView): string[] {
  const spec = cursor(resource).at("spec");
  const pods = told(spec.at("podSelector").value);
  const lines = (direction: string, list: string, may: string): string[] =>
    spec
      .at(direction)
      .items()
      .flatMap((rule) => {
        const peers = rule.at(list).items();
        const ports = told(rule.at("ports").value);
        const whom = peers.length > 0 ? peers.map(({ value }) => told(value)) : ["everybody"];
        return whom.map((peer) => `${pods} ${may} ${peer} at ${ports}`);
      });
  return [...lines("ingress", "from", "may be reached by"), ...lines("egress", "to", "may reach")];
}

/** Where an image is from, without its tag and digest, and without the stack's own registry, which holds copies. */
function repositoryOf(image: string, stack: StackView): string {
  const repository = image.replace(/@.*$/, "").replace(/:[^/:]*$/, "");
  const own = ofType(stack, azure("containerregistry", "Registry"))
    .map((registry) => `${cursor(registry).at("registryName").text ?? ""}.azurecr.io/`)
    .find((registry) => repository.startsWith(registry));
  return own === undefined ? repository : repository.slice(own.length);
}

/** What a workload's pods run, one line for each container. */
function programsOf(resource: ResourceView, stack: StackView): string[] {
  return podsOf(resource)
    .flatMap(({ spec }) => allContainers(spec))
    .flatMap((container) => {
      const image = container.at("image").text;
      if (image === undefined) return [];
      return [
        `${called(resource, stack)} runs ${container.at("name").text ?? ""} of ${repositoryOf(image, stack)}`,
      ];
    });
}

/**
 * Every right a stack gives, every identity it trusts somebody with, whom its pods may talk to and what they run, in one line
 * each, and what gives it.
 */
export function rightsOf(stack: StackView): { right: string; resource: ResourceView }[] {
  const line = (type: RegExp, tell: (resource: ResourceView) => string | string[]) =>
    ofType(stack, type).flatMap((resource) => [tell(resource)].flat().map((right) => ({ right, resource })));
  const rbac = (resource: ResourceView): string => {
    const object = cursor(resource);
    const named = (place: Cursor): string =>
      [place.at("kind").text, place.at("name").text].filter(Boolean).join(" ");
    const whom = object.at("subjects").items().map(named).sort().join(", ");
    return `${whom} has ${named(object.at("roleRef"))}`;
  };
  return [
    ...line(ROLE_ASSIGNMENT, (one) => {
      const given = linked(stack, one, "roleDefinitionId", azure("authorization", "RoleDefinition"));
      const role =
        given.length > 0
          ? comesFrom(stack, one, "roleDefinitionId")
          : endOf(one.props.roleDefinitionId, "/", 1);
      return `${comesFrom(stack, one, "principalId")} has ${role} on ${comesFrom(stack, one, "scope")}`;
    }),
    ...line(azure("authorization", "RoleDefinition"), (one) => {
      const [permission] = Array.isArray(one.props.permissions) ? (one.props.permissions as Tree[]) : [];
      const all = [...texts(permission?.actions), ...texts(permission?.dataActions)].sort();
      const count = Array.isArray(one.props.permissions) ? one.props.permissions.length : 0;
      return `${called(one, stack)} is ${count} of ${all.join(", ")}`;
    }),
    ...line(
      FEDERATED_CREDENTIAL,
      (one) => `${comesFrom(stack, one, "resourceName")} is ${endOf(one.props.subject, ":", 2)}`,
    ),
    ...line(kubernetes("NetworkPolicy"), trafficOf),
    ...line(WORKLOADS, (one) => programsOf(one, stack)),
    ...line(/^kubernetes:rbac\.authorization\.k8s\.io\/[^:]+:(?:Cluster)?RoleBinding$/, rbac),
  ];
}
