import * as authorization from "@pulumi/azure-native/authorization";
import * as pulumi from "@pulumi/pulumi";

/**
 * Options of a resource that holds data: Pulumi refuses to delete it, and leaves it in Azure when it is taken out
 * of the program or of the state.
 */
export function dataOptions(
  protect: boolean,
  opts: pulumi.CustomResourceOptions,
): pulumi.CustomResourceOptions {
  return { ...opts, protect, retainOnDelete: protect };
}

/**
 * Forbids deletion of a resource in Azure itself, whoever tries. Never put one on a private DNS zone: a database
 * failover rewrites its records.
 */
export function deleteLock(
  name: string,
  scope: pulumi.Input<string>,
  notes: string,
  opts: pulumi.CustomResourceOptions,
): authorization.ManagementLockByScope {
  return new authorization.ManagementLockByScope(
    name,
    { lockName: "cannot-delete", level: authorization.LockLevel.CanNotDelete, scope, notes },
    opts,
  );
}
