import { createHash } from "node:crypto";
import { AddressRange, isGeneric, parseAddress, rangesOf } from "./addresses";
import { choices, startsEngine } from "./commands";
import { KeyedNames } from "./keyed";
import { managedHost } from "./managedHosts";
import { Foreign, Perimeter } from "./perimeter";
import { reversed } from "./text";

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
/** Longest host name there is, and some dots to spare. */
const MAX_HOST_CHARS = 300;
const NAME = /[a-z0-9][a-z0-9-]*/g;
const ACCOUNT = /accountname\s*[=:]\s*["']?([a-z0-9]{3,24})/g;
const DOTTED = /(?<![\w.])\d{1,10}(?:\.\d{1,10}){3}(?:\/\d{1,2})?(?![\w]|\.\d)/g;
const DOTTED_SPAN = /(\d{1,3}(?:\.\d{1,3}){3})\s*-\s*(\d{1,3}(?:\.\d{1,3}){3})/g;
/** Addresses as names of public services that resolve to whatever address their name holds. */
const DASHED = /(?:(?<![\w-])|(?<=\bip-)|(?<=-))(?<!\d-)(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})(?=\.[a-z])/g;
/** Addresses backwards, as the names of their pointers are, whole or a block of them. */
const POINTER = /(?<![\w.-])((?:\d{1,3}\.){1,4})in-addr\.arpa/g;
/** Addresses whose parts are spans: `10.20.*.*`, `10.20.0.[1-9]`, `10.20.0.{4,5}`. */
const SPANNED =
  /(?<![\w.])\d{1,3}(?:\.(?:\d{1,3}(?:-\d{1,3})?|\*|\[\d{1,3}-\d{1,3}\]|\{\d{1,3}(?:(?:,|\.\.)\d{1,3})*\})){1,3}(?![\w.]|-\d)/g;
const HEXED = /(?<![0-9a-f])([0-9a-f]{8})(?=\.(?:nip|sslip|xip)\.io)/g;
const IPV6 = /[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?::?\d{1,3}(?:\.\d{1,3}){3})?(?:\/\d{1,3})?/g;
/** Where a bare number is an address: after a scheme or user, or as the value of a host setting. */
const NUMERIC_HOST =
  /(?=\d)(?<=@|\/\/|(?:host|hostaddr|server|address|addr|ip)["']?\s*[=:]\s*["']?|-h\s*|--host[ =])(0x[0-9a-f]{1,8}(?:\.0x[0-9a-f]{1,2}){0,3}|\d{1,12}(?:\.\d{1,12}){0,3})(?![\w.])/g;
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
/** Something a tool is called with has a space or a sign of equality. */
const MAY_CALL = /[\s=]/;

const API_VERSION = /(?<![a-z])apiversion["']?\s*[:=]\s*["']?([\w./-]+)/g;
const KIND = /(?<![a-z])kind["']?\s*[:=]\s*["']?([a-z]\w*)/g;

/** Stands for a place in a host, and for the same where only letters are allowed. */
const ANYTHING = "\u0001";
const PLACEHOLDER = "zzplacezz";

/** Shortest name that is looked for in disguise: shorter ones turn up by chance. */
const MIN_DISGUISED_CHARS = 8;
/** A name with each letter moved on in the alphabet. */
const shifted = (name: string, by: number): string =>
  name.replace(/[a-z]/g, (letter) => String.fromCharCode(((letter.charCodeAt(0) - 97 + by) % 26) + 97));
const mirrored = (name: string): string =>
  name.replace(/[a-z]/g, (letter) => String.fromCharCode(219 - letter.charCodeAt(0)));
/** Every printable character moved half way round, in lower case, as texts are judged. */
const halfRound = (name: string): string =>
  name.replace(/[!-~]/g, (one) => String.fromCharCode(33 + ((one.charCodeAt(0) + 14) % 94))).toLowerCase();
/** Disguises by the name in them: every run that is judged looks for those of the same names. */
const disguises = new Map<string, readonly string[]>();
/** A name backwards, mirrored, and with its letters moved on in the alphabet. */
function disguisesOf(name: string): readonly string[] {
  const known = disguises.get(name) ?? [
    reversed(name),
    mirrored(name),
    ...Array.from({ length: 25 }, (_, by) => shifted(name, by + 1)),
  ];
  disguises.set(name, known);
  return known;
}
const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const bare = (name: string): string => name.replace(/[^a-z0-9]/g, "");

/** Shortest name, in letters and digits, that is looked for with anything between them. */
const MIN_BARE_CHARS = 12;
/** Longest text that is looked through for such names. */
const MAX_BARE_CHARS = 256 * 1024;
/** What does not stand between the characters of a name as it is usually written. */
const ODD_BETWEEN = /[^a-z0-9._\-/:]/;

/** Account of the storage emulator, the same on every machine. */
const EMULATOR_ACCOUNT = "devstoreaccount1";

/** The part of a text that holds so many letters and digits, after so many others. */
function spanOf(text: string, before: number, length: number): string {
  let [seen, start] = [0, -1];
  for (let at = 0; at < text.length; at++) {
    if (!/[a-z0-9]/.test(text[at] ?? "")) continue;
    if (seen === before) start = at;
    if (++seen === before + length) return text.slice(start, at + 1);
  }
  return "";
}

/** Judges texts in canonical form against one stack's perimeter. */
export class Judge {
  private readonly oddNames: readonly [string, Foreign][];
  private readonly compactIds: ReadonlyMap<string, Foreign>;
  /** Names written backwards, or with letters shifted by half the alphabet. */
  private readonly disguised: ReadonlyMap<string, Foreign>;
  private readonly disguisedHosts: readonly [string, Foreign][];
  private readonly halfRound: readonly [string, Foreign][];
  /** Names by their letters and digits alone, forwards and backwards, and what finds any of them. */
  private readonly bareNames: ReadonlyMap<string, Foreign>;
  private readonly anyBareName: RegExp | undefined;
  /** Made when the first encoded bytes are met. */
  private keyed: KeyedNames | undefined;
  /** Any other environment's stack as `project/stack`, in whatever path or address it stands. */
  private readonly anyStack: RegExp | undefined;

  constructor(readonly perimeter: Perimeter) {
    this.oddNames = [...perimeter.names].filter(([name]) => !/^[a-z0-9][a-z0-9-]*$/.test(name));
    this.compactIds = new Map([...perimeter.ids].map(([id, foreign]) => [id.replace(/-/g, ""), foreign]));
    this.disguised = new Map(
      [...perimeter.names]
        .filter(([name]) => name.length >= MIN_DISGUISED_CHARS)
        .flatMap(([name, foreign]) => disguisesOf(name).map((one): [string, Foreign] => [one, foreign])),
    );
    this.disguisedHosts = [...perimeter.aliases]
      .filter(([name]) => name.length >= MIN_DISGUISED_CHARS)
      .flatMap(([name, foreign]) => [
        [reversed(name), foreign],
        [shifted(name, 13), foreign],
      ]);
    this.halfRound = [...perimeter.names]
      .filter(([name]) => name.includes("-"))
      .map(([name, foreign]) => [halfRound(name), foreign]);
    this.bareNames = new Map(
      [...perimeter.names]
        .filter(([name]) => bare(name).length >= MIN_BARE_CHARS)
        .flatMap(([name, foreign]): [string, Foreign][] => [
          [bare(name), foreign],
          [reversed(bare(name)), foreign],
        ]),
    );
    this.anyStack =
      perimeter.stacks.size === 0
        ? undefined
        : new RegExp(
            `(?<![\\w.-])(?:${[...perimeter.stacks.keys()].map(literally).join("|")})(?![\\w-]|\\.[\\w-]+[/:])`,
            "g",
          );
    this.anyBareName =
      this.bareNames.size === 0 ? undefined : new RegExp([...this.bareNames.keys()].join("|"), "g");
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
    if (text.includes(".")) this.hosts(text, found);
    if (text.includes("accountname")) this.accounts(text, found);
    this.namesIn(text, found);
    this.addressesIn(text, isHost, found);
    if (text.includes("apiversion")) this.manifests(text, found);
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

  private commands(text: string, found: Foreign[]): void {
    if (startsEngine(text)) found.push({ reach: "engine" });
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
    if (text.includes("subscriptions/")) {
      for (const [, id = ""] of text.matchAll(SUBSCRIPTION)) {
        if (!perimeter.owns("subscriptionIds", id)) {
          found.push({ reach: "subscription", environment: perimeter.ids.get(id)?.environment });
        }
      }
    }
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
        else {
          if (!places) this.managed(host, found);
          this.alias(host, found);
        }
      }
    }
  }

  private managed(host: string, found: Foreign[]): void {
    const managed = managedHost(host);
    if (!managed) return;
    const { kind, resource, extra } = managed;
    const zone = host.slice(host.indexOf(".") + 1);
    const own =
      this.perimeter.ownsZone(host) ||
      (this.perimeter.ownsHost(kind, resource) && (extra.length === 0 || this.perimeter.ownsZone(zone)));
    if (!own) found.push({ reach: kind, environment: this.perimeter.hostOwner(kind, resource) });
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

  private alias(host: string, found: Foreign[]): void {
    if (this.perimeter.aliases.size === 0) return;
    for (let name = host; name.includes("."); name = name.slice(name.indexOf(".") + 1)) {
      const foreign = this.perimeter.aliases.get(name);
      if (foreign) {
        found.push(foreign);
        return;
      }
    }
  }

  private accounts(text: string, found: Foreign[]): void {
    for (const [, account = ""] of text.matchAll(ACCOUNT)) {
      if (account !== EMULATOR_ACCOUNT && !this.perimeter.ownsHost("storage", account)) {
        found.push({ reach: "storage", environment: this.perimeter.hostOwner("storage", account) });
      }
    }
  }

  private namesIn(text: string, found: Foreign[]): void {
    const { names } = this.perimeter;
    if (names.size === 0) return;
    const mayFollowFlag = text.includes("-h");
    for (const token of text.match(NAME) ?? []) {
      if (token.length < 3) continue;
      const isFramed = token.endsWith("-") || token[1] === "-";
      const foreign =
        names.get(token) ??
        (isFramed ? names.get(token.replace(/-+$/, "").replace(/^.-/, "")) : undefined) ??
        // The context Azure writes for administrators.
        (token.endsWith("-admin") ? names.get(token.slice(0, -"-admin".length)) : undefined) ??
        this.disguised.get(token);
      if (foreign) found.push(foreign);
      else if (mayFollowFlag && token[0] === "h" && text.includes(`-${token}`))
        this.push(names.get(token.slice(1)), found);
    }
    for (const [name, foreign] of this.oddNames) if (text.includes(name)) found.push(foreign);
    if (text.includes("\\"))
      for (const [name, foreign] of this.halfRound) if (text.includes(name)) found.push(foreign);
    if (text.length >= MIN_BARE_CHARS && text.length <= MAX_BARE_CHARS && ODD_BETWEEN.test(text))
      this.scattered(text, found);
    if (text.includes("."))
      for (const [host, foreign] of this.disguisedHosts) if (text.includes(host)) found.push(foreign);
  }

  /** Names whose characters stand apart, with blanks, commas, quotes or anything else that is no letter between them. */
  private scattered(text: string, found: Foreign[]): void {
    if (!this.anyBareName) return;
    const squeezed = text.replace(/[^a-z0-9]+/g, "");
    for (const { 0: name, index } of squeezed.matchAll(this.anyBareName)) {
      const span = spanOf(text, index, name.length);
      // Hyphens, dots and underscores are how names are written: those are judged as they stand.
      if (ODD_BETWEEN.test(span)) this.push(this.bareNames.get(name), found);
    }
  }

  private addressesIn(text: string, isHost: boolean, found: Foreign[]): void {
    if (this.perimeter.addresses.length === 0) return;
    if (/\d\.\d/.test(text)) {
      for (const [token] of text.matchAll(DOTTED)) this.address(token, found);
      for (const [, from = "", to = ""] of text.matchAll(DOTTED_SPAN)) {
        const [first, last] = [parseAddress(from)?.first, parseAddress(to)?.last];
        if (first !== undefined && last !== undefined && first <= last) this.range({ first, last }, found);
      }
    }
    if (/\d-\d/.test(text) && text.includes(".")) {
      for (const [, ...parts] of text.matchAll(DASHED)) this.address(parts.join("."), found);
    }
    if (text.includes("in-addr.arpa")) {
      for (const [, parts = ""] of text.matchAll(POINTER)) {
        const bytes = parts.slice(0, -1).split(".").reverse();
        this.address(`${[...bytes, "0", "0", "0"].slice(0, 4).join(".")}/${bytes.length * 8}`, found);
      }
    }
    if (/\d\.(?:[\d.]{0,8})[*[{]/.test(text)) {
      for (const [token] of text.matchAll(SPANNED)) {
        if (!/[*[{]/.test(token)) continue;
        const span = token.replace(
          /\{(\d+)(?:[^}]*?(\d+))?\}/g,
          (_, from: string, to = from) => `${from}-${to}`,
        );
        for (const range of rangesOf(span)) this.range(range, found);
      }
    }
    if (text.includes("ip.io")) {
      for (const [, hex = ""] of text.matchAll(HEXED)) this.address(`0x${hex}`, found);
    }
    if (text.includes(":") && (text.includes("::") || /(?:[0-9a-f]{1,4}:){5}/.test(text))) {
      for (const [token] of text.matchAll(IPV6)) if (/[0-9a-f]/.test(token)) this.address(token, found);
    }
    for (const [, token = ""] of /\d/.test(text) ? text.matchAll(NUMERIC_HOST) : [])
      this.address(token, found);
    if (isHost && /^[\s["']*(?:0x[0-9a-f]|\d)[0-9a-fx.]*[\s\]"']*$/.test(text)) {
      this.address(text.replace(/[\s"']/g, ""), found);
    }
  }

  private address(token: string, found: Foreign[]): void {
    // A leading zero means octal to some resolvers and nothing to others; both readings count.
    const readings = [token, token.replace(/(?<=^|\.)0+(?=\d)/g, "")];
    for (const reading of new Set(readings)) {
      const range = parseAddress(reading);
      if (range) this.range(range, found);
    }
  }

  private range(range: AddressRange, found: Foreign[]): void {
    if (isGeneric(range)) return;
    const environment = this.perimeter.foreignAddress(range);
    if (environment) found.push({ reach: "address", environment });
  }
}
