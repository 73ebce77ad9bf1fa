import { AKS_SERVER_APPLICATION } from "../../azure-facts";
import type { EmulatedCloud } from "../cloud";
import { valueAt } from "../model/paths";
import type { Stored } from "../model/types";
import type { Wish } from "../rights/decide";
import type { Access } from "./front";

const VERBS: Readonly<Record<string, string>> = {
  get: "read",
  list: "read",
  watch: "read",
  create: "write",
  update: "write",
  patch: "write",
  delete: "delete",
  deletecollection: "delete",
};

/** The data action of a request to a cluster, at the cluster or a namespace of it. */
export function wishOf(
  cluster: Stored,
  { verb, group, resource, namespace }: { verb: string; group: string; resource: string; namespace?: string },
): Wish {
  // A part of an object is asked for as the object is, such as a pod's log; entering a pod is a right of its own
  // (https://github.com/kubeguard/guard/blob/master/authz/providers/azure/rbac/checkaccessreqhelper.go).
  const whole = resource === "pods/exec" ? resource : resource.replace(/\/.*/, "");
  const kind = group === "" ? whole : `${group}/${whole}`;
  const right = whole === "pods/exec" ? "action" : (VERBS[verb] ?? verb);
  return {
    action: `Microsoft.ContainerService/managedClusters/${kind}/${right}`,
    scope: namespace === undefined ? cluster.id : `${cluster.id}/namespaces/${namespace}`,
    data: true,
  };
}

/**
 * Who may what in a cluster that leaves it to Azure: a data action for each request, at the cluster or a namespace of it
 * (https://learn.microsoft.com/azure/aks/manage-azure-rbac); and whoever is in a group with the cluster's admin role, everything
 * (https://learn.microsoft.com/javascript/api/@azure-rest/arm-containerservice/managedclusteraadprofile).
 */
export function accessTo(cloud: EmulatedCloud, cluster: Stored): Access {
  const asked = { operation: "read", type: cluster.type, name: "", key: cluster.key, itself: true } as const;
  return {
    reachable: () =>
      cloud.front.swallows(asked) ? "swallowed" : cloud.front.unreachable(asked) === undefined,
    throttledFor: () => cloud.front.throttledFor,
    authenticate: (token) => {
      const session = cloud.directory.session(token);
      if (!session || cloud.directory.expired(session) || session.audience !== AKS_SERVER_APPLICATION)
        return undefined;
      return { name: session.principal.objectId, groups: session.principal.groups };
    },
    forbids: ({ name }, what) => {
      const principal = cloud.directory.byObjectId(name);
      if (principal && cloud.rights.may(principal, wishOf(cluster, what))) return undefined;
      if (principal?.groups.some((group) => administrators(cluster).includes(group))) return undefined;
      return `User does not have access to the resource in Azure. Update role assignment to allow access.`;
    },
  };
}

const administrators = (cluster: Stored): readonly string[] => {
  const groups = valueAt(cluster.inputs, "aadProfile.adminGroupObjectIDs");
  return Array.isArray(groups) ? (groups as string[]) : [];
};
