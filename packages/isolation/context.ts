import { isDeepStrictEqual } from "node:util";
import { UNKNOWN, type Context, type ProviderView, type ResourceView, type Tree, type Value } from "./rule";
import type { Inventory } from "./inventory";
import { Judge } from "./judge";
import { declarationOf } from "./declarations";
import { Perimeter } from "./perimeter";
import { Hit, Scanner } from "./scan";
import { canonical } from "./text";
import { refusalOf } from "./traffic";

/** What is remembered about one stack during one run. */
class Watch {
  readonly scanner: Scanner;
  /** Whether the stack declared a database server a replica or restore could come from. */
  declaresServer = false;
  private readonly hits = new WeakMap<ResourceView, readonly Hit[]>();
  /** The resource that was asked for last, and what is foreign in it: a dozen rules ask one after the other. */
  private last: { readonly resource: ResourceView; readonly hits: readonly Hit[] } | undefined;
  /** Inputs in which nothing foreign was found, with the provider they were judged with. */
  private readonly clean = new WeakMap<Tree, ProviderView | undefined>();
  private readonly providers = new Map<string, { content: string; hits: readonly Hit[] }>();

  constructor(readonly perimeter: Perimeter) {
    this.scanner = new Scanner(new Judge(perimeter));
  }

  /** Everything foreign in a resource and in the provider it is deployed with. */
  hitsOf(resource: ResourceView): readonly Hit[] {
    if (this.last?.resource !== resource) this.last = { resource, hits: this.found(resource) };
    return this.last.hits;
  }

  private found(resource: ResourceView): readonly Hit[] {
    let hits = this.hits.get(resource);
    if (!hits) {
      this.learn(resource);
      hits = this.isRepeated(resource)
        ? []
        : [
            ...this.scanner.scan(resource.props, refusalOf(resource.type)),
            ...(resource.provider ? this.providerHits(resource.provider) : []),
          ];
      if (hits.length === 0) this.clean.set(resource.props, resource.provider);
      this.hits.set(resource, hits);
    }
    return hits;
  }

  /** Whether a resource came out exactly as it was asked for, and nothing was found then: names only become the stack's own. */
  private isRepeated({ inputs, props, provider }: ResourceView): boolean {
    if (!inputs || !this.clean.has(inputs)) return false;
    return inputs === props && isDeepStrictEqual(this.clean.get(inputs), provider);
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

/** By inventory, project and stack: every rule asks for every resource, so no key is put together for it. */
const watches = new WeakMap<Inventory, Map<string, Map<string, Watch>>>();

/** The watch over the stack a rule is judging. */
export function watchOf({ inventory, project, stack }: Context): Watch {
  return watches.get(inventory)?.get(project)?.get(stack) ?? startWatch(inventory, project, stack);
}

function startWatch(inventory: Inventory, project: string, stack: string): Watch {
  const projects = watches.get(inventory) ?? new Map<string, Map<string, Watch>>();
  const stacks = projects.get(project) ?? new Map<string, Watch>();
  const watch = new Watch(new Perimeter(inventory, project, stack));
  watches.set(inventory, projects.set(project, stacks.set(stack, watch)));
  return watch;
}

/** Starts afresh for the next run of a stack. */
export function forget({ inventory, project, stack }: Context): void {
  watches.get(inventory)?.get(project)?.delete(stack);
}

/** How an environment is named in a message. */
export function whose(environment: string | undefined): string {
  return environment ?? "an environment outside the inventory";
}
