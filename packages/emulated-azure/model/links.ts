import { stringAt, strings } from "./paths";
import { Cloud, CloudError, ResourceModel, Scope, Tree } from "./types";

/** What of a resource's inputs leads to other resources. */
export class Links {
  private idShapes: Set<string> | undefined;

  constructor(private readonly types: ReadonlyMap<string, ResourceModel>) {}

  /**
   * ARM ids of this subscription among the inputs must lead somewhere, as far as the tables know their type.
   * @throws CloudError 404
   */
  require(inputs: Tree, id: string, scope: Scope, cloud: Cloud): void {
    const subscription = stringAt(scope.config, "subscriptionId");
    if (scope.package !== "azure-native" || subscription === undefined) return;
    const own = `/subscriptions/${subscription}/resourcegroups/`.toLowerCase();
    for (const { path, text } of strings(inputs)) {
      const linked = text.toLowerCase();
      if (!linked.startsWith(own) || !this.shapesOfIds().has(shapeOfId(text))) continue;
      // What a resource is attached to has been looked for among its parents.
      if (id.toLowerCase().startsWith(`${linked}/providers/`)) continue;
      if (!present(cloud, `arm:${linked}`)) {
        throw new CloudError(
          404,
          "LinkedResourceNotFound",
          `${id}: ${path} names ${text}, which does not exist.`,
        );
      }
    }
  }

  private shapesOfIds(): Set<string> {
    if (!this.idShapes) {
      const scope: Scope = { package: "azure-native", config: { subscriptionId: "s" } };
      this.idShapes = new Set(
        [...this.types.values()]
          .filter((model) => model.type.startsWith("azure-native:") && !model.mayComeLater)
          .map((model) =>
            shapeOfId(model.id(Object.fromEntries(model.idInputs.map((n) => [n, "x"])), scope)),
          ),
      );
    }
    return this.idShapes;
  }
}

/** An id with its names taken out: `subscriptions/*` and so on. */
function shapeOfId(id: string): string {
  return id
    .toLowerCase()
    .split("/")
    .filter((part) => part !== "")
    .map((part, i, all) => (i % 2 === 1 && all[i - 1] !== "providers" ? "*" : part))
    .join("/");
}

/** Whether something is there that is not only deleted softly. */
export function present(cloud: Cloud, key: string): boolean {
  const stored = cloud.get(key);
  return stored !== undefined && !stored.softDeleted;
}
