import { createHash } from "node:crypto";
import { AddressRange, isGeneric } from "./addresses";
import { replacementsIn } from "./assemble";
import { choices, startsEngine } from "./commands";
import { runsFetched } from "./fetchedCode";
import { blockSources, optionSources } from "./fetchedSettings";
import { ForeignNames } from "./foreignNames";
import { KeyedNames } from "./keyed";
import { managedHost } from "./managedHosts";
import { NamedHosts } from "./namedHosts";
import { Foreign, Perimeter } from "./perimeter";
import { rewritesIn } from "./substitutions";
import { writtenAddresses } from "./writtenAddresses";

const GUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const COMPACT_GUID = /(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/g;
const SUBSCRIPTION = /subscriptions\/+([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/g;
const MANAGEMENT_GROUP = /microsoft\.management\/+managementgroups\/+([\w.()-]+)/g;
/** A place another text is put in. */
const PLACE = String.raw`\$\([\w.-]+\)|[$#]\{[^{}\s]{1,200}\}|\{\{[^{}]{1,200}\}\}|\{[\w.]{0,60}\}|%[a-z_]\w*%|%[svd](?![0-9a-f])|\$[a-z_]\w*`;
/** A run of what host names are made of, with the places in it. */
const DOTTED_RUN = new RegExp(`(?:[a-z0-9_*.-]|${PLACE})+`, "g");
const PLAIN_RUN = /[a-z0-9_*.-]+/g;
const ANY_PLACE = new RegExp(PLACE, "g");
/** What a browser may load: a star in it is a browser's permission, and no host anybody connects with. */
const CONTENT_POLICY = /\b(?:default|connect|img|script|style|font|media|frame|worker)-src\b/;
/** The one label of an address without a domain, behind whoever signs in. */
const SHORT_HOST = /:\/\/(?:[^\s/@]{1,200}@)?([a-z0-9][a-z0-9-]{0,62})(?![\w.@-]|:[^\s/]{0,200}@)/g;
/** The first step of an address's path, which is a bucket wherever buckets have one host together. */
const BUCKET =
  /:\/\/(?:[^\s/@]{1,200}@)?[a-z0-9][a-z0-9.-]{0,252}(?::\d{1,5})?\/([a-z0-9][a-z0-9.-]{1,62})(?![\w@-])/g;
const STORE_PATH =
  /\b(?:(?:s3[an]?|gs|gcs|abfss?|wasbs?|azblob|az|oss|swift|r2|b2|minio):\/\/|https?:\/\/(?:[\w-]{1,63}\.(?:blob|dfs|file)\.core\.windows\.net|(?:[\w.-]{1,100}\.)?s3[\w.-]{0,40}\.amazonaws\.com|storage\.googleapis\.com|[\w-]{1,63}\.r2\.cloudflarestorage\.com)(?::\d{1,5})?\/)([^\s"'`<>,;?#]{1,500})/g;
/** A cluster of Data Explorer, as a query names another one. */
const QUERIED = /\bcluster\(\s{0,9}["']([\w-]{3,63})/g;
const ARN = /\barn:[\w-]{2,20}:[^\s"'`,]{1,2000}/g;
/** Longest host name there is, and some dots to spare. */
const MAX_HOST_CHARS = 300;
const ACCOUNT = /accountname\s*[=:]\s*["']?([a-z0-9]{3,24})/g;
/** A vault by its bare name, as references of sites and functions have it. */
const VAULT_NAME = /@microsoft\.keyvault\([^)]{0,500}?vaultname\s*=\s*([a-z0-9-]{3,24})/g;
/** A stack by its URN, its file, or the state another engine keeps of it. */
const STACK_URN = /urn:pulumi:([\w.-]+)::([\w.-]+)::/g;
const STACK_FILE = /(?<![\w.-])pulumi\.([\w-]+)\.ya?ml(?![\w-])|(?<![\w.-])([\w-]+)\.tfstate(?![\w-])/g;

/** Issuer of an AKS cluster's tokens, with the path that says whose it is, where it stands beside it. */
const ISSUER = /(?:[\w-]+\.)?oid?c\.[\w-]*aks\.[\w.-]+(?::\d+)?(?:\/+[\w-]+){0,2}/g;
/** An issuer in one form: lower case, no scheme, no port, no slash too many. */
export const issuerName = (text: string): string =>
  text
    .trim()
    .replace(/^https?:\/\//, "")
    .replace(/:\d+/, "")
    .replace(/\/+/g, "/")
    .replace(/\/$/, "");
/** Something a tool is called with has a space or a sign of equality; what is called over the network is an address. */
const MAY_CALL = /[\s=]|:\/\//;

const API_VERSION = /(?<![a-z])apiversion["']?\s*[:=]\s*["']?([\w./-]+)/g;
const KIND = /(?<![a-z])kind["']?\s*[:=]\s*["']?([a-z]\w*)/g;

/** Ends of the hosts of what a stack has, for patterns that say them. */
const HOST_ENDS = [".postgres.database.azure.com", ".vault.azure.net", ".blob.core.windows.net"];

/** Stands for a place in a host, and for the same where only letters are allowed. */
const ANYTHING = "\u0001";
const PLACEHOLDER = "zzplacezz";

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Account of the storage emulator, the same on every machine. */
const EMULATOR_ACCOUNT = "devstoreaccount1";

/** Judges texts in canonical form against one stack's perimeter. */
export class Judge {
  private readonly names: ForeignNames;
  private readonly namedHosts: NamedHosts;
  private readonly compactIds: ReadonlyMap<string, Foreign>;
  /** Made when the first encoded bytes are met. */
  private keyed: KeyedNames | undefined;
  /** Any other environment's stack as `project/stack`, in whatever path or address it stands. */
  private readonly anyStack: RegExp | undefined;

  constructor(readonly perimeter: Perimeter) {
    this.names = new ForeignNames(perimeter);
    this.namedHosts = new NamedHosts(perimeter);
    this.compactIds = new Map([...perimeter.ids].map(([id, foreign]) => [id.replace(/-/g, ""), foreign]));
    this.anyStack =
      perimeter.stacks.size === 0
        ? undefined
        : new RegExp(
            `(?<![\\w.-])(?:${[...perimeter.stacks.keys()].map(literally).join("|")})(?![\\w-]|\\.[\\w-]+[/:])`,
            "g",
          );
  }

  /**
   * Everything foreign a text names.
   * @param text in canonical form
   * @param isHost whether it stands where a host is expected, so that a bare number is an address
   */
  judge(text: string, isHost: boolean): Foreign[] {
    const found: Foreign[] = [];
    if (text.length < 3) return found;
    this.ids(text, found);
    this.stacks(text, found);
    if (text.includes(".")) this.hosts(text, found);
    if (text.includes("://") || text.includes("arn:") || text.includes("cluster("))
      this.shortHosts(text, found);
    if (text.includes("://")) this.storePaths(text, found);
    if (text.includes("accountname")) this.accounts(text, found);
    if (text.includes("vaultname")) this.vaults(text, found);
    for (const named of this.names.in(text)) found.push(named);
    this.addresses(text, isHost, found);
    if (text.includes("apiversion")) this.manifests(text, found);
    this.replacements(text, found);
    if (text.includes("aks.")) this.issuers(text, found);
    if (MAY_CALL.test(text)) this.commands(text, found);
    return found;
  }

  /** Issuers of clusters' tokens; the rule that knows the stack's clusters judges whose they are. */
  private issuers(text: string, found: Foreign[]): void {
    for (const [match] of text.matchAll(ISSUER)) {
      const issuer = issuerName(match);
      if (!this.perimeter.owns("issuers", issuer)) found.push({ reach: "issuer", issuer });
    }
  }

  /** Names of others that a text would make of the stack's own, wherever those come to it from. */
  private replacements(text: string, found: Foreign[]): void {
    const pairs = replacementsIn(text);
    const rewrites = rewritesIn(text);
    if (pairs.length === 0 && rewrites.length === 0) return;
    for (const own of this.perimeter.ownNames()) {
      const made = pairs.map(([from, to]) => own.replaceAll(from, to));
      made.push(pairs.reduce((name, [from, to]) => name.replaceAll(from, to), own));
      // A pattern may be meant for the name as it is, or for a host.
      for (const rewrite of rewrites)
        made.push(...["", ...HOST_ENDS].map((end) => rewrite(own + end).split(".")[0] ?? ""));
      for (const name of new Set(made)) if (name !== own) this.push(this.perimeter.names.get(name), found);
    }
  }

  private commands(text: string, found: Foreign[]): void {
    if (startsEngine(text)) found.push({ reach: "engine" });
    const isOutside = (host: string): boolean => !this.perimeter.isInside(host);
    if (runsFetched(text) || optionSources(text).some(isOutside))
      found.push({ reach: text.startsWith("#!") ? "fetchedScript" : "fetchedCode" });
    if (blockSources(text).some(isOutside)) found.push({ reach: "fetchedSettings" });
    const { told, passedOn } = choices(text);
    for (const environment of [
      ...told.map((choice) => this.perimeter.namedEnvironment(choice)),
      ...passedOn.map((choice) => this.perimeter.calledEnvironment(choice)),
    ]) {
      if (environment !== undefined) found.push({ reach: "stackReference", environment });
    }
  }

  /** Each API version of a manifest with the kind that stands next to it; templates of Helm included. */
  private manifests(text: string, found: Foreign[]): void {
    const kinds = [...text.matchAll(KIND)];
    for (const { 1: apiVersion = "", index } of text.matchAll(API_VERSION)) {
      const nearest = kinds.reduce<RegExpExecArray | undefined>(
        (best, kind) => (best && Math.abs(best.index - index) <= Math.abs(kind.index - index) ? best : kind),
        undefined,
      );
      if (nearest) found.push({ reach: "manifest", manifest: { apiVersion, kind: nearest[1] ?? "" } });
    }
  }

  /** Everything foreign bytes name once a key is taken off that changed each of them. */
  bytes(bytes: Uint8Array): Foreign[] {
    const { names, aliases } = this.perimeter;
    this.keyed ??= new KeyedNames([...names, ...aliases]);
    return this.keyed.in(bytes);
  }

  /** Whether a text, exactly as written, is a secret of another environment. */
  secret(raw: string): Foreign | undefined {
    const { secretHashes } = this.perimeter;
    if (secretHashes.length === 0 || raw.length < 8 || raw.length > 1024) return undefined;
    const match = secretHashes.find(
      ({ salt, hash }) => createHash("sha256").update(salt).update(raw).digest("hex") === hash,
    );
    return match && { reach: "secret", environment: match.environment };
  }

  private ids(text: string, found: Foreign[]): void {
    const { perimeter } = this;
    if (text.includes("subscriptions/")) this.subscriptions(text, found);
    if (text.includes("managementgroups/")) {
      for (const [, group = ""] of text.matchAll(MANAGEMENT_GROUP)) {
        if (!perimeter.owns("managementGroups", group)) found.push({ reach: "managementGroup" });
      }
    }
    if (text.length >= 36 && text.includes("-")) {
      for (const [id] of text.matchAll(GUID)) this.push(perimeter.ids.get(id), found);
    }
    if (text.length >= 32 && this.compactIds.size > 0) {
      for (const [id] of text.matchAll(COMPACT_GUID)) this.push(this.compactIds.get(id), found);
    }
  }

  private subscriptions(text: string, found: Foreign[]): void {
    const { perimeter } = this;
    for (const [, id = ""] of text.matchAll(SUBSCRIPTION)) {
      if (!perimeter.owns("subscriptionIds", id))
        found.push({ reach: "subscription", environment: perimeter.ids.get(id)?.environment });
    }
  }

  /** Other environments' stacks: by project and name, by URN, by file. */
  private stacks(text: string, found: Foreign[]): void {
    const { perimeter } = this;
    if (text.includes("/") && this.anyStack)
      for (const [name] of text.matchAll(this.anyStack)) this.push(perimeter.stacks.get(name), found);
    if (text.includes("urn:pulumi:")) {
      for (const [, stack = "", project = ""] of text.matchAll(STACK_URN))
        this.push(perimeter.stacks.get(`${project}/${stack}`), found);
    }
    if (text.includes("pulumi.") || text.includes(".tfstate")) {
      for (const [, file, state = ""] of text.matchAll(STACK_FILE)) {
        const environment = perimeter.calledEnvironment(file ?? state);
        if (environment !== undefined) found.push({ reach: "stackReference", environment });
      }
    }
  }

  private push(foreign: Foreign | undefined, found: Foreign[]): void {
    if (foreign) found.push(foreign);
  }

  private hosts(text: string, found: Foreign[]): void {
    for (const [run] of text.matchAll(/[$#{%]/.test(text) ? DOTTED_RUN : PLAIN_RUN)) {
      if (!run.includes(".")) continue;
      const whole = run.slice(-MAX_HOST_CHARS);
      const places = whole.match(ANY_PLACE);
      // Between places stand whole names too, when what is put in is empty or ends with a separator.
      const parts = places ? [whole.replace(ANY_PLACE, ANYTHING), ...whole.split(ANY_PLACE)] : [whole];
      for (const place of places ?? []) {
        // A place may carry a name of its own: `${HOST:-other.example}`.
        if (place.includes(".")) this.hosts(place.replace(/^[$#%]?[({]*|[)}%]*$/g, ""), found);
      }
      for (const part of parts) {
        const host = part.replace(/\.{2,}/g, ".").replace(/^\.|\.$/g, "");
        if (!host.includes(".")) continue;
        if (host.includes(ANYTHING)) this.pattern(host, found);
        else if (!(host.startsWith("*") && CONTENT_POLICY.test(text))) {
          const isJudged = (places ? false : this.managed(host, found)) || this.alias(host, found);
          if (!isJudged) this.named(host, found);
        }
      }
    }
  }

  private named(host: string, found: Foreign[]): void {
    // A label that is a listed name is found as one.
    if (host.split(".").some((label) => this.perimeter.names.has(label))) return;
    const environment = this.namedHosts.ofWildcard(host) ?? this.namedHosts.environmentOf(host);
    if (environment !== undefined) found.push({ reach: "host", environment });
  }

  /** Addresses that are one label, buckets in an address, and steps of a name of Amazon's: what is there has its owner's name. */
  private shortHosts(text: string, found: Foreign[]): void {
    const names = [
      ...text.matchAll(SHORT_HOST),
      ...text.matchAll(BUCKET),
      ...text.matchAll(QUERIED),
      ...[...text.matchAll(ARN)].flatMap(([arn]) => arn.split(/[:/]/).map((step) => ["", step] as const)),
    ];
    for (const [, host = ""] of names) {
      if (this.perimeter.names.has(host)) continue;
      const environment = this.namedHosts.ofAddress(host);
      if (environment !== undefined) found.push({ reach: "host", environment });
    }
  }

  /** Folders of object stores, which hold several environments' data apart by their paths alone. */
  private storePaths(text: string, found: Foreign[]): void {
    for (const [, path = ""] of text.matchAll(STORE_PATH)) {
      const environment = this.perimeter.calledEnvironment(path);
      if (environment !== undefined) found.push({ reach: "storage", environment });
    }
  }

  /** @returns whether Azure gives such hosts, so that all is said of it */
  private managed(host: string, found: Foreign[]): boolean {
    const managed = managedHost(host);
    if (!managed) return false;
    const { kind, resource, extra } = managed;
    if (kind === "storage" && resource === EMULATOR_ACCOUNT) return true;
    const zone = host.slice(host.indexOf(".") + 1);
    // What ends like a hash may be the end of the name.
    const named = [resource, host.slice(0, host.indexOf("."))];
    const own =
      this.perimeter.ownsZone(host) ||
      (named.some((name) => this.perimeter.ownsHost(kind, name)) &&
        (extra.length === 0 || this.perimeter.ownsZone(zone)));
    if (!own) found.push({ reach: kind, environment: this.perimeter.hostOwner(kind, resource) });
    return true;
  }

  /** A host with a place in it is the stack's own when it can become that, and nobody else's that is known. */
  private pattern(host: string, found: Foreign[]): void {
    const managed = managedHost(host.replaceAll(ANYTHING, PLACEHOLDER));
    if (!managed) return;
    const { kind, resource } = managed;
    const pattern = resource.replaceAll(PLACEHOLDER, ".*");
    // A name that is all place says nothing; what is put in is judged where it stands.
    if (/^(?:\.\*)*$/.test(pattern)) return;
    const { own, foreign } = this.perimeter.matching(kind, new RegExp(`^${pattern}$`));
    if (foreign || !own) found.push({ reach: kind, environment: foreign?.environment, isPattern: true });
  }

  /** @returns whether it is one of another environment's own host names, or below one */
  private alias(host: string, found: Foreign[]): boolean {
    if (this.perimeter.aliases.size === 0) return false;
    for (let name = host; name.includes("."); name = name.slice(name.indexOf(".") + 1)) {
      const foreign = this.perimeter.aliases.get(name);
      if (foreign) {
        found.push(foreign);
        return true;
      }
    }
    return false;
  }

  private accounts(text: string, found: Foreign[]): void {
    for (const [, account = ""] of text.matchAll(ACCOUNT)) {
      if (account !== EMULATOR_ACCOUNT && !this.perimeter.ownsHost("storage", account)) {
        found.push({ reach: "storage", environment: this.perimeter.hostOwner("storage", account) });
      }
    }
  }

  private vaults(text: string, found: Foreign[]): void {
    for (const [, vault = ""] of text.matchAll(VAULT_NAME)) {
      if (!this.perimeter.ownsHost("vault", vault))
        found.push({ reach: "vault", environment: this.perimeter.hostOwner("vault", vault) });
    }
  }

  private addresses(text: string, isHost: boolean, found: Foreign[]): void {
    if (this.perimeter.addresses.length === 0) return;
    for (const range of writtenAddresses(text, isHost)) this.range(range, found);
  }

  private range(range: AddressRange, found: Foreign[]): void {
    if (isGeneric(range)) return;
    const environment = this.perimeter.foreignAddress(range);
    if (environment) found.push({ reach: "address", environment });
  }
}
