import { cursor, sameCluster, sameNamespace, selects } from "../../packages/isolation/graph";
import type { Cursor } from "../../packages/isolation/read";
import type { ResourceView } from "../../packages/isolation/rule";

const ANYWHERE = "";

/** Objects that select pods by labels, found by what they select, so that large stacks stay quick. */
export class Selectors {
  /** By one pair of labels the selector demands. */
  private readonly byLabel = new Map<string, ResourceView[]>();
  /** Those that demand no single pair, by namespace; {@link ANYWHERE} where it is not known. */
  private readonly byNamespace = new Map<string, ResourceView[]>();

  /**
   * @param place path of the selector, e.g. `["spec", "podSelector"]`.
   * @param emptySelectsAll whether `{}` selects every pod of the namespace, as it does in a NetworkPolicy.
   */
  constructor(
    objects: readonly ResourceView[],
    private readonly place: readonly string[],
    private readonly emptySelectsAll: boolean,
  ) {
    for (const object of objects) {
      const root = cursor(object);
      const pair = this.selector(root)
        .at("matchLabels")
        .entries()
        .find(([, value]) => value.text !== undefined);
      if (pair) add(this.byLabel, label(pair[0], pair[1].text), object);
      else add(this.byNamespace, namespaceOf(root), object);
    }
  }

  /** Objects that select pods with these labels, described by this object of a resource. */
  of(resource: ResourceView, object: Cursor, labels: Cursor): ResourceView[] {
    const namespace = namespaceOf(object);
    const general =
      namespace === ANYWHERE
        ? [...this.byNamespace.values()].flat()
        : [...(this.byNamespace.get(namespace) ?? []), ...(this.byNamespace.get(ANYWHERE) ?? [])];
    const specific = labels
      .entries()
      .flatMap(([key, value]) => this.byLabel.get(label(key, value.text)) ?? []);
    return [...general, ...specific].filter((candidate) => {
      const root = cursor(candidate);
      if (!sameCluster(candidate, resource)) return false;
      return sameNamespace(root, object) && selects(this.selector(root), labels, this.emptySelectsAll);
    });
  }

  private selector(root: Cursor): Cursor {
    return root.at(...this.place);
  }
}

function namespaceOf(object: Cursor): string {
  const namespace = object.at("metadata", "namespace");
  return namespace.unknown ? ANYWHERE : (namespace.text ?? "default");
}

function label(key: string, value: string | undefined): string {
  return `${key}=${value ?? ""}`;
}

function add(map: Map<string, ResourceView[]>, key: string, object: ResourceView): void {
  const list = map.get(key);
  if (list) list.push(object);
  else map.set(key, [object]);
}
