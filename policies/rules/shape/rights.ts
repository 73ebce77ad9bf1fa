import { cursor, linked, ofType } from "../../../packages/isolation/graph";
import { azure, FEDERATED_CREDENTIAL, ROLE_ASSIGNMENT } from "../../../packages/isolation/kinds";
import type { Cursor } from "../../../packages/isolation/read";
import type { ResourceView, StackView, Tree, Value } from "../../../packages/isolation/rule";
import { sourcesOf } from "./sources";

/** A resource's name without its environment and its place, which are other words elsewhere. */
const stemOf = ({ name }: ResourceView, { resources: [root] }: StackView): string => {
  const [, , stack = "", , project = ""] = (root?.urn ?? "").split(":");
  const product = project.split("-")[0] ?? project;
  return name.replace(`${product}-${stack}-`, "").replace(/^(?:primary|secondary)(?=-)/, "*");
};

const comesFrom = (stack: StackView, resource: ResourceView, property: string): string => {
  const stems = sourcesOf(stack, resource, property).map((one) => stemOf(one, stack));
  return [...new Set(stems)].sort().join(" ") || "listed";
};

/** The end of a text that is the same in every environment: a role's GUID, a service account or deployment environment. */
const endOf = (value: Value | undefined, separator: string, parts: number): string =>
  typeof value === "string" ? value.split(separator).slice(-parts).join(separator) : "";

const texts = (value: Value | undefined): string[] =>
  Array.isArray(value) ? (value as readonly Value[]).filter((one) => typeof one === "string") : [];

/** Every right a stack gives and every identity it trusts somebody with, in one line each, and what gives it. */
export function rightsOf(stack: StackView): { right: string; resource: ResourceView }[] {
  const line = (type: RegExp, tell: (resource: ResourceView) => string) =>
    ofType(stack, type).map((resource) => ({ right: tell(resource), resource }));
  const rbac = (resource: ResourceView): string => {
    const object = cursor(resource);
    const called = (place: Cursor): string =>
      [place.at("kind").text, place.at("name").text].filter(Boolean).join(" ");
    const whom = object.at("subjects").items().map(called).sort().join(", ");
    return `${whom} has ${called(object.at("roleRef"))}`;
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
      return `${stemOf(one, stack)} is ${count} of ${all.join(", ")}`;
    }),
    ...line(
      FEDERATED_CREDENTIAL,
      (one) => `${comesFrom(stack, one, "resourceName")} is ${endOf(one.props.subject, ":", 2)}`,
    ),
    ...line(/^kubernetes:rbac\.authorization\.k8s\.io\/[^:]+:(?:Cluster)?RoleBinding$/, rbac),
  ];
}
