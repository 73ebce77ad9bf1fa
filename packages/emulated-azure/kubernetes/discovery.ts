import { apiVersionOf, KINDS } from "./kinds";

const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const SUBRESOURCE_VERBS: Readonly<Record<string, readonly string[]>> = {
  status: ["get", "patch", "update"],
  scale: ["get", "patch", "update"],
  log: ["get"],
  eviction: ["create"],
  exec: ["create", "get"],
};

const groups = () => [...new Set(KINDS.filter(({ group }) => group !== "").map(({ group }) => group))];

/** What clients ask first: version and catalogue of the API. Undefined for any other path. */
export function discovery(pathname: string): object | undefined {
  if (pathname === "/version")
    return { major: "1", minor: "35", gitVersion: "v1.35.0", gitTreeState: "clean", platform: "linux/amd64" };
  if (pathname === "/api") return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
  if (pathname === "/apis") {
    const named = groups().map((name) => {
      const version = KINDS.find(({ group }) => group === name)?.version ?? "v1";
      const offered = { groupVersion: `${name}/${version}`, version };
      return { name, versions: [offered], preferredVersion: offered };
    });
    return { kind: "APIGroupList", apiVersion: "v1", groups: named };
  }
  const asked = /^\/(?:api|apis)\/(.+?)\/?$/.exec(pathname)?.[1];
  const kinds = KINDS.filter((kind) => apiVersionOf(kind) === asked);
  if (kinds.length === 0) return undefined;
  const resources = kinds.flatMap(({ plural, kind, namespaced, shortNames, computed, subresources = [] }) => [
    {
      name: plural,
      singularName: kind.toLowerCase(),
      namespaced,
      kind,
      verbs: computed ? ["get", "list"] : VERBS,
      ...(shortNames && { shortNames }),
    },
    ...subresources.map((part) => ({
      name: `${plural}/${part}`,
      singularName: "",
      namespaced,
      kind: part === "scale" ? "Scale" : kind,
      verbs: SUBRESOURCE_VERBS[part],
      ...(part === "scale" && { group: "autoscaling", version: "v1" }),
    })),
  ]);
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion: asked, resources };
}
