import path from "node:path";
import { Caller } from "../../packages/emulated-azure/provider/caller";
import { guid } from "../../packages/emulated-azure/model/cloud";
import type { Cloud, Model } from "../../packages/emulated-azure/model/types";
import { Rights } from "../../packages/emulated-azure/rights/decide";
import { Directory, type Principal } from "../../packages/emulated-azure/rights/directory";
import { grant } from "../../packages/emulated-azure/rights/grant";
import { stackPlatformNames } from "../../stacks/files";
import { StackConfig } from "../../stacks/schema";
import type { RoleDefinitionFile } from "../operations/rights";
import { assignedRoles, assignmentCondition } from "../tools/permissions/needs";
import { previewerRole } from "../tools/permissions/previewer";
import { readPlan } from "../tools/plan/planOutput";

/** Who runs the engine: whoever makes the first update, and the two identities of the pipelines. */
export const IDENTITIES = ["owner", "deploy", "preview"] as const;
export type Identity = (typeof IDENTITIES)[number];

/** Where a role is given. */
export type Place = "subscription" | "resource group of each region" | "resource group of the primary";

/** One line of the table of docs/deploying.md; a test holds them equal. */
export interface Given {
  readonly identity: Identity;
  readonly role: string;
  readonly place: Place;
}

/** Roles that are not Azure's own, with their actions. */
const ROLE_AUTHOR = "Forma3D role author";
const PREVIEWER = "Forma3D previewer $STACK";

/** The roles of docs/deploying.md, without those on the state: here it is a folder. */
export const GIVEN: readonly Given[] = [
  // Step 8: the first update is somebody's who owns the subscription and is in the clusters' group of administrators.
  { identity: "owner", role: "Owner", place: "subscription" },
  { identity: "owner", role: "Azure Kubernetes Service RBAC Cluster Admin", place: "subscription" },
  { identity: "preview", role: "Reader", place: "subscription" },
  {
    identity: "preview",
    role: "Azure Kubernetes Service Cluster User Role",
    place: "resource group of each region",
  },
  { identity: "preview", role: PREVIEWER, place: "subscription" },
  { identity: "deploy", role: "Contributor", place: "subscription" },
  { identity: "deploy", role: "Role Based Access Control Administrator", place: "subscription" },
  { identity: "deploy", role: "Locks Contributor", place: "subscription" },
  { identity: "deploy", role: "Resource Policy Contributor", place: "subscription" },
  { identity: "deploy", role: ROLE_AUTHOR, place: "resource group of the primary" },
  {
    identity: "deploy",
    role: "Azure Kubernetes Service RBAC Cluster Admin",
    place: "resource group of each region",
  },
  {
    identity: "deploy",
    role: "Azure Kubernetes Service Cluster User Role",
    place: "resource group of each region",
  },
];

/** What of a stack decides who may what. */
export interface Platform {
  readonly root: string;
  readonly stack: string;
  readonly config: StackConfig;
}

/**
 * The identities of a stack in a cloud, with their roles given, and who of them asks at the moment.
 * @throws UsageError for a stack without a committed plan, from which the condition on assigning roles is read
 */
export class Identities {
  private readonly principals = new Map<Identity, Principal>();
  readonly caller: Caller;
  private current: Identity = "owner";

  /** @param given Who holds what; as the page has it unless said otherwise. */
  constructor(
    cloud: Cloud,
    model: Model,
    { root, stack, config }: Platform,
    given: readonly Given[] = GIVEN,
  ) {
    const directory = new Directory(cloud);
    for (const identity of IDENTITIES)
      this.principals.set(identity, directory.add({ displayName: `forma3d-${stack}-${identity}` }));
    const { primary, secondary } = stackPlatformNames(config);
    const subscription = `/subscriptions/${config.azure.subscriptionId}`;
    const group = ({ resourceGroup }: { resourceGroup: string }): string =>
      `${subscription}/resourceGroups/${resourceGroup}`;
    const scopes: Readonly<Record<Place, readonly string[]>> = {
      subscription: [subscription],
      "resource group of the primary": [group(primary)],
      "resource group of each region": [primary, ...(secondary ? [secondary] : [])].map(group),
    };
    const roles = assignedRoles(readPlan(path.join(root, `test/expected/${stack}.json`)).resources);
    for (const { identity, role, place } of given) {
      for (const scope of scopes[place])
        grant(cloud, {
          principal: this.of(identity),
          role: this.define(cloud, role, subscription, stack),
          scope,
          ...(role === "Role Based Access Control Administrator" && {
            condition: assignmentCondition(roles),
          }),
        });
    }
    this.caller = new Caller(() => this.of(this.current), new Rights(cloud, directory), model, cloud);
  }

  /** From here on the engine runs as this identity. */
  actAs(identity: Identity): void {
    this.current = identity;
  }

  private of(identity: Identity): Principal {
    return this.principals.get(identity) as Principal;
  }

  /** A role of the page's own is defined in the cloud, and given by its GUID. */
  private define(cloud: Cloud, role: string, subscription: string, stack: string): string {
    const subscriptionId = subscription.split("/")[2] ?? "";
    const definitions: Readonly<Record<string, Partial<RoleDefinitionFile>>> = {
      [ROLE_AUTHOR]: {
        Actions: ["read", "write", "delete"].map((verb) => `Microsoft.Authorization/roleDefinitions/${verb}`),
      },
      [PREVIEWER]: previewerRole({ stack, subscriptionId }),
    };
    const definition = definitions[role];
    if (!definition) return role;
    const {
      Actions: actions = [],
      DataActions: dataActions = [],
      NotDataActions: notDataActions = [],
    } = definition;
    const name = guid(cloud.seed, role);
    const id = `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${name}`;
    const inputs = {
      roleDefinitionId: name,
      roleName: role,
      scope: subscription,
      permissions: [{ actions, notActions: [], dataActions, notDataActions }],
      assignableScopes: [subscription],
    };
    cloud.put({
      key: `arm:${id.toLowerCase()}`,
      type: "azure-native:authorization:RoleDefinition",
      id,
      inputs,
      outputs: inputs,
    });
    return name;
  }
}
