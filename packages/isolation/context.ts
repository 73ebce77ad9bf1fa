import { UNKNOWN, type Context, type ProviderView, type ResourceView, type Value } from "./rule";
import type { Inventory } from "./inventory";
import { Judge } from "./judge";
import { declarationOf } from "./declarations";
import { Perimeter } from "./perimeter";
import { Hit, Scanner } from "./scan";
import { canonical } from "./text";
import { refusalOf } from "./traffic";

/** What is remembered about one stack during one run. */
export class Watch {
  readonly scanner: Scanner;
  /** Whether the stack declared a database server a replica or restore could come from. */
  declaresServer = false;
  private readonly hits = new WeakMap<ResourceView, readonly Hit[]>();
  private readonly providers = new Map<string, { content: string; hits: readonly Hit[] }>();

  constructor(readonly perimeter: Perimeter) {
    this.scanner = new Scanner(new Judge(perimeter));
  }

  /** Everything foreign in a resource and in the provider it is deployed with. */
  hitsOf(resource: ResourceView): readonly Hit[] {
    let hits = this.hits.get(resource);
    if (!hits) {
      this.learn(resource);
      hits = [
        ...this.scanner.scan(resource.props, refusalOf(resource.type)),
        ...(resource.provider ? this.providerHits(resource.provider) : []),
      ];
      this.hits.set(resource, hits);
    }
    return hits;
  }

  private providerHits(provider: ProviderView): readonly Hit[] {
    const content = JSON.stringify(provider.props, (_, value: unknown) =>
      value === UNKNOWN ? { unknown: true } : value,
    );
    const known = this.providers.get(provider.urn);
    if (known?.content === content) return known.hits;
    const hits = this.scanner.scan(provider.props, undefined, "provider");
    this.providers.set(provider.urn, { content, hits });
    return hits;
  }

  /** A name the stack itself declares in its own subscription is its own from then on. */
  private learn(resource: ResourceView): void {
    const { type, props, provider } = resource;
    const declared = declarationOf(type);
    if (!declared) return;
    if (declared.type === "dbforpostgresql:Server" && isOrigin(props.createMode)) this.declaresServer = true;
    if (!provider || !this.isOwnSubscription(provider.props.subscriptionId)) return;
    for (const key of declared.keys) {
      const name = props[key];
      if (typeof name === "string") this.perimeter.declare(declared.kind, canonical(name).trim());
    }
  }

  isOwnSubscription(subscriptionId: Value | undefined): boolean {
    return (
      typeof subscriptionId === "string" &&
      this.perimeter.owns("subscriptionIds", subscriptionId.trim().toLowerCase())
    );
  }
}

const isOrigin = (createMode: Value | undefined): boolean =>
  createMode === undefined ||
  createMode === null ||
  (typeof createMode === "string" && /^(default|create)$/i.test(createMode));

const watches = new WeakMap<Inventory, Map<string, Watch>>();

/** The watch over the stack a rule is judging. */
export function watchOf(context: Context): Watch {
  let ofInventory = watches.get(context.inventory);
  if (!ofInventory) watches.set(context.inventory, (ofInventory = new Map()));
  const key = `${context.project}/${context.stack}`;
  let watch = ofInventory.get(key);
  if (!watch)
    ofInventory.set(
      key,
      (watch = new Watch(new Perimeter(context.inventory, context.project, context.stack))),
    );
  return watch;
}

/** Starts afresh for the next run of a stack. */
export function forget(context: Context): void {
  watches.get(context.inventory)?.delete(`${context.project}/${context.stack}`);
}

/** How an environment is named in a message. */
export function whose(environment: string | undefined): string {
  return environment ?? "an environment outside the inventory";
}
