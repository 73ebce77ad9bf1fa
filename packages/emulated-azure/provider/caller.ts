import { kindNamed } from "../kubernetes/kinds";
import { wishOf as clusterWish } from "../kubernetes/access";
import { CloudError, type Cloud, type Model, type Scope, type Tree } from "../model/types";
import type { Rights, Wish } from "../rights/decide";
import type { Principal } from "../rights/directory";
import { wishFor, type Verb } from "../rights/wishes";
import { refuseUnfetched } from "./vaultReferences";

const CLUSTER = "azure-native:containerservice:ManagedCluster";

/** One operation of the engine's. */
export interface Asked {
  readonly type: string;
  readonly id: string;
  readonly verb: Verb;
  /** What is sent; conditions look at it. */
  readonly inputs?: Tree;
  readonly scope: Scope;
}

/** Whose requests a provider front takes: each is decided as the resource manager and the clusters decide. */
export class Caller {
  /** @param principal Who asks at this moment. */
  constructor(
    private readonly principal: () => Principal,
    private readonly rights: Rights,
    private readonly model: Model,
    private readonly cloud: Cloud,
  ) {}

  /** @throws CloudError 403, worded as the service words it */
  demand(asked: Asked): void {
    const wish = asked.scope.package === "kubernetes" ? this.inCluster(asked) : this.ofManager(asked);
    if (wish) this.require(wish);
  }

  /** The same for a function. @throws CloudError 403 */
  demandFunction(token: string, args: Tree, scope: Scope): void {
    const wish = this.model.invokeNeeds(token, args, scope);
    if (wish) this.require(wish);
  }

  /** Refuses what names secrets that its own identity may not fetch. @throws CloudError 400 */
  demandFetched(type: string, inputs: Tree): void {
    refuseUnfetched(this.cloud, this.rights, type, inputs);
  }

  private require(wish: Wish): void {
    const principal = this.principal();
    if (this.rights.may(principal, wish)) return;
    const { objectId, appId = objectId } = principal;
    throw new CloudError(
      403,
      "AuthorizationFailed",
      `The client '${appId}' with object id '${objectId}' does not have authorization to perform action '${wish.action}' over scope '${wish.scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
    );
  }

  private ofManager({ type, id, verb, inputs, scope }: Asked): Wish | undefined {
    const resource = this.model.resource(type);
    if (resource.armType === undefined || resource.stateOnly) return undefined;
    const there = this.cloud.get(resource.key(id, scope));
    return wishFor(resource.armType, id, verb, inputs, there?.inputs);
  }

  private inCluster({ type, id, verb, scope }: Asked): Wish | undefined {
    const [, apiVersion = "", kind = ""] = type.split(":");
    const known = kindNamed(apiVersion.replace(/^core\//, ""), kind);
    const name = this.model.resource(type).key(id, scope).split(":")[1] ?? "";
    const cluster = [...this.cloud.all()].find(
      (stored) => stored.type === CLUSTER && stored.id.toLowerCase().endsWith(`/${name.toLowerCase()}`),
    );
    // A cluster of somebody else's decides for itself.
    if (!cluster) return undefined;
    const group = known?.group ?? apiVersion.split("/")[0] ?? "";
    const resource = known?.plural ?? `${kind.toLowerCase()}s`;
    const namespace = id.includes("/") ? id.split("/")[0] : undefined;
    return clusterWish(cluster, { group, resource, verb, namespace });
  }
}
