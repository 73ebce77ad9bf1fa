import type { Perimeter } from "./perimeter";

/** Top-level domains nobody can register: names below them are an organisation's own. */
const PRIVATE = /\.(?:internal|intranet|intra|private|corp|lan|local)$/;
/** Names a cluster gives its services: where they lead is in the plan. Those of a set of clusters lead to any of them. */
const IN_CLUSTER = /\.svc$|\.cluster\.local$/;
/** A host of three labels or more with a domain at its end; a file's name ends otherwise. */
const HOST =
  /^(?:[\w-]+\.){2,}(?!(?:json|ya?ml|tf|tfvars|md|txt|sh|sql|conf|cfg|env|ini|toml|xml|html?|[jt]s|py|go|rs|java|csv|log|gz|zip|tar|tgz|bak|dump|pem|crt|key)$)[a-z]{2,}$/;

/**
 * Finds whose a host is by its own words, where no list has it: a label bears what an environment's names begin with, or a
 * name below another environment's domain, or below one nobody can register, has a word for another environment.
 */
export class NamedHosts {
  private readonly prefixes: readonly (readonly [RegExp, string])[];
  private readonly own: readonly RegExp[];

  constructor(private readonly perimeter: Perimeter) {
    const bearing = (prefix: string): RegExp => new RegExp(`(?:^|[.-])${prefix}(?:[.-]|$)`);
    this.prefixes = [...perimeter.prefixes].map(([prefix, environment]) => [bearing(prefix), environment]);
    this.own = [...perimeter.listed("namePrefixes")].map(bearing);
  }

  /** Name of the other environment a star takes in: every host one step below a domain at which it has one, and nobody else. */
  ofWildcard(host: string): string | undefined {
    const domain = host.slice(2);
    if (!host.startsWith("*.") || this.perimeter.domains.get(domain) !== false) return undefined;
    return [...this.perimeter.aliases].find(([name]) => name.slice(name.indexOf(".") + 1) === domain)?.[1]
      .environment;
  }

  /** Name of the other environment a host of an address is of, which may be one label: `s3://…`, `amqp://…`. */
  ofAddress(host: string): string | undefined {
    if (this.own.some((own) => own.test(host))) return undefined;
    return this.prefixes.find(([prefix]) => prefix.test(host))?.[1];
  }

  /** Name of the other environment a host is of; undefined where its words say nothing. */
  environmentOf(host: string): string | undefined {
    if (!HOST.test(host) || IN_CLUSTER.test(host) || this.own.some((own) => own.test(host))) return undefined;
    const [, borne] = this.prefixes.find(([prefix]) => prefix.test(host)) ?? [];
    return borne ?? (PRIVATE.test(host) || this.isOfOthers(host) ? this.worded(host) : undefined);
  }

  private worded(host: string): string | undefined {
    for (const label of host.split(".")) {
      const environment = this.perimeter.namedEnvironment(label);
      if (environment !== undefined) return environment;
    }
    return undefined;
  }

  /** Whether the closest domain a host is below is that of another environment. */
  private isOfOthers(host: string): boolean {
    for (let name = host; name.includes("."); name = name.slice(name.indexOf(".") + 1)) {
      const isOwn = this.perimeter.domains.get(name);
      if (isOwn !== undefined) return !isOwn;
    }
    return false;
  }
}
