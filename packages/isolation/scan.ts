import { UNKNOWN } from "./rule";
import { Decoded, decodings, inGroups } from "./decode";
import { COMMAND_MARK, commandLine, mayBeSetting, toolSetting } from "./commands";
import { BYTES_MARK } from "./keyed";
import { Judge } from "./judge";
import { Foreign } from "./perimeter";
import { assembled, called } from "./assemble";
import {
  type Assembled,
  EXPANDED_STEPS,
  expansions,
  fragments,
  leavesPlace,
  mayBePiece,
  opened,
  pieceText,
  Settings,
} from "./siblings";
import { listsIn } from "./lists";
import { filtered } from "./pipelines";
import {
  canonical,
  expandedWithin,
  hasPlace,
  joined,
  textOfCodes,
  withoutQuotedPrintable,
  withoutUtf7,
} from "./text";
import { type Refusal, refusalOfObject } from "./traffic";

/** Something foreign, where it was found, and how it was decoded, outermost step first. */
export interface Hit extends Foreign {
  readonly path: string;
  readonly decoding: readonly string[];
  /** Whether it stands in prose that nothing connects with. */
  readonly isProse: boolean;
}

/** What one text gives, wherever it stands. */
type Found = Foreign & { readonly decoding: readonly string[] };

/** Most steps a text is decoded in a row. */
const MAX_DEPTH = 12;
/** Most characters decoded from one text in all steps together. */
const MAX_DECODED = 8 * 1024 * 1024;
/**
 * Texts up to this length are remembered: labels, names and settings repeat all over a program, and inputs come back as
 * outputs. A program of 5,000 resources has about a million characters of them.
 */
const MAX_REMEMBERED_CHARS = 512;
const MAX_REMEMBERED_IN_ALL = 4 * 1024 * 1024;
const NOTHING: readonly Found[] = [];

/** What is known of one text: asked for once, and kept with it. */
interface Known {
  /** What it gives where no host is expected. */
  plain?: readonly Found[];
  /** The same where one is. */
  host?: readonly Found[];
  /** Whether it leaves a place its neighbours could fill. */
  place?: boolean;
  /** Whether it could be a piece of a name its neighbours complete. */
  piece?: boolean;
  /** What it is as one. */
  pieceText?: string;
  /** Whether a property of this name holds a host. */
  namesHost?: boolean;
  /** Whether one can be a setting that tools read. */
  namesSetting?: boolean;
}

/** What the texts of an object may be to each other. */
interface AmongTexts {
  readonly leavePlace: boolean;
  readonly mayComplete: boolean;
  /** What is known of each value that is a text. */
  readonly known: readonly (Known | undefined)[];
}

/** Settings that hold a host, by the words in their names. */
const HOST_KEY =
  /host|addr|(?:^|[_-])ip(?:$|s$|[_-])|server|endpoint|target|upstream|dsn|url|conn|destination|^ip$/i;
/** Properties people write for people. */
const PROSE_KEY = /^(?:description|notes?|message|summary|comment)$/i;
/** Places whose texts programs read, whatever the key says. */
const DATA_KEY = /^(?:data|stringData|binaryData|env|values|value|args|command|config|template|parameters)$/i;

/** What every name, address and identifier holds, before it is brought to its canonical form: three of its characters in a row. */
const MAY_NAME = /[a-z0-9.:_\-\u00aa\u00ad\u00b2\u00b3\u00b9\u00ba\u00bc-\u00be]{3}/i;

/** Nothing is encoded in so few letters, digits and blanks: the shortest encoding of the shortest name has twelve in a row. */
const isShortAndPlain = (text: string): boolean =>
  text.length < 16 && /^[\w .-]*$/.test(text) && !/[\w-]{12}/.test(text);

/** A text, and the steps it was decoded by; nothing more is decoded from a final one. */
interface DecodedText {
  readonly text: string;
  readonly decoding: readonly string[];
  readonly final: boolean;
}

const WHOLE_HOST = /[\w-]+\.[\w-]+\.[a-z]{2,}/i;

interface Frame {
  readonly value: unknown;
  readonly key: string | number | undefined;
  readonly parent: Frame | undefined;
  readonly isHost: boolean;
  /** Inside an object that refuses traffic, where naming somebody else keeps him out. */
  readonly refuses: boolean;
  /** Inside an object that decides about traffic: how it refuses. */
  readonly refusal: Refusal | undefined;
  /** Texts whose places are filled by neighbours, and judged filled in. */
  readonly filled?: ReadonlySet<string>;
}

/** Finds everything foreign in property trees. Remembers what it has judged; make one per run. */
export class Scanner {
  private readonly remembered = new Map<string, Known>();
  private rememberedChars = 0;
  private readonly foreignNames: ReadonlySet<string>;

  constructor(readonly judge: Judge) {
    const { names, aliases, ids } = judge.perimeter;
    this.foreignNames = new Set([...names.keys(), ...aliases.keys(), ...ids.keys()]);
  }

  /**
   * Walks a tree leaf by leaf, keys included. Unknown values are passed over; nothing in a tree makes it throw.
   * @param refusal how the tree refuses traffic, where it decides about traffic
   * @param root path to start from
   */
  scan(tree: unknown, refusal?: Refusal, root = ""): Hit[] {
    const hits = new Map<string, Hit>();
    this.walk(tree, refusal, (frame, found, isKey) => {
      const path = this.pathOf(frame, isKey, root);
      const isProse = !isKey && found.decoding.length === 0 && isProseAt(frame);
      const id = `${identity(found)} ${path}`;
      const earlier = hits.get(id);
      if (!earlier || (earlier.isProse && !isProse)) hits.set(id, { ...found, path, isProse });
    });
    return [...hits.values()];
  }

  /** What a text gives on its own. */
  text(raw: string, isHost = false): readonly Found[] {
    return this.foundIn(raw, this.knownOf(raw), isHost);
  }

  private foundIn(raw: string, known: Known, isHost: boolean): readonly Found[] {
    if (isHost) return (known.host ??= this.judgeText(raw, true));
    return (known.plain ??= this.judgeText(raw, false));
  }

  private knownOf(raw: string): Known {
    const before = this.remembered.get(raw);
    if (before) return before;
    const known: Known = {};
    if (raw.length > MAX_REMEMBERED_CHARS) return known;
    this.rememberedChars += raw.length;
    if (this.rememberedChars > MAX_REMEMBERED_IN_ALL) {
      this.remembered.clear();
      this.rememberedChars = raw.length;
    }
    this.remembered.set(raw, known);
    return known;
  }

  private walk(
    tree: unknown,
    refusal: Refusal | undefined,
    report: (frame: Frame, found: Found, isKey: boolean) => void,
  ): void {
    const seen = new Set<object>();
    const settings = new Settings(tree);
    const pending: Frame[] = [
      { value: tree, key: undefined, parent: undefined, isHost: false, refuses: false, refusal },
    ];
    for (let frame = pending.pop(); frame; frame = pending.pop()) {
      const { value, isHost } = frame;
      if (typeof value === "string") {
        this.reportAll(frame, this.text(value, isHost), false, report);
      } else if (typeof value === "number") {
        if (isHost && Number.isInteger(value))
          this.reportAll(frame, this.text(String(value), true), false, report);
      } else if (typeof value === "object" && value !== null && !seen.has(value)) {
        seen.add(value);
        this.open(frame, value, settings, pending, report);
      }
    }
  }

  private reportAll(
    frame: Frame,
    found: readonly Found[],
    isKey: boolean,
    report: (frame: Frame, found: Found, isKey: boolean) => void,
  ): void {
    for (const one of found) {
      if (frame.refuses && isKeptOut(one.reach, frame)) continue;
      if (one.isPattern && typeof frame.value === "string" && frame.filled?.has(frame.value)) continue;
      if (!isKey && isNobodys(one) && this.isRestOfOwn(frame)) continue;
      report(frame, one, isKey);
    }
  }

  private open(
    frame: Frame,
    value: object,
    settings: Settings,
    pending: Frame[],
    report: (frame: Frame, found: Found, isKey: boolean) => void,
  ): void {
    const refusal = frame.refusal ?? refusalOfObject(value);
    const refuses = frame.refuses || (refusal?.refuses(value) ?? false);
    const values: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
    const texts = this.amongTexts(value, values);
    const expanded = texts.leavePlace ? expansions(value, settings) : [];
    const filled = expanded.length > 0 ? filledBy(expanded, frame.filled) : frame.filled;
    const child = (key: string | number, inner: unknown): Frame => ({
      value: inner,
      ...(filled && { filled }),
      key,
      parent: frame,
      isHost: typeof key === "number" ? frame.isHost : this.namesHost(key, value),
      refuses: refuses || (refusal?.exempt.has(String(key)) ?? false),
      refusal,
    });
    if (Array.isArray(value)) {
      values.forEach((inner, index) => {
        if (!this.isClean(inner, texts.known[index], frame.isHost)) pending.push(child(index, inner));
      });
    } else {
      Object.keys(value).forEach((key, index) => {
        const inner = values[index];
        const known = this.knownOf(key);
        const named = this.foundIn(key, known, false);
        if (named.length > 0) this.reportAll(child(key, inner), named, true, report);
        const isHost = key === "value" ? this.namesHost(key, value) : this.isHostName(key, known);
        if (!this.isClean(inner, texts.known[index], isHost)) pending.push(child(key, inner));
        known.namesSetting ??= mayBeSetting(key);
        const setting = known.namesSetting ? toolSetting(key, inner, value) : undefined;
        if (setting !== undefined) this.reportAll(child(key, inner), this.text(setting), false, report);
      });
    }
    const pieced = texts.mayComplete ? fragments(value, this.foreignNames, this.pieceText) : [];
    for (const { key, text, via } of [...expanded, ...pieced]) {
      const found = this.text(text, true).map((one) => ({ ...one, decoding: [via, ...one.decoding] }));
      this.reportAll(child(key, text), found, false, report);
    }
    // The two parts of a container's command line are read together, one level up.
    const line = frame.key === "command" || frame.key === "args" ? undefined : commandLine(value);
    if (line) {
      const found = this.text(line.text).filter(({ reach }) => OF_A_CALL.has(reach));
      this.reportAll(child(line.key, line.text), found, false, report);
    }
    const whole = inOne(value);
    if (whole !== undefined) {
      const found = this.text(whole).map((one) => ({ ...one, decoding: ["joined", ...one.decoding] }));
      this.reportAll({ ...frame, refuses, refusal }, found, false, report);
    }
  }

  /** Whether a property of an object holds a host, by its name, or by that of the setting it is the value of. */
  private namesHost(key: string, owner: object): boolean {
    const name = key === "value" ? (owner as { name?: unknown }).name : key;
    return typeof name === "string" && this.isHostName(name, this.knownOf(name));
  }

  private isHostName(name: string, known: Known): boolean {
    return (known.namesHost ??= HOST_KEY.test(name));
  }

  /**
   * What the texts of an object may be to each other: whether one leaves a place, further down too where it has an environment, and
   * whether one, of a list of settings too, could be a piece of a name. And what is known of each, in their order: it is asked for
   * again where each is judged.
   */
  private amongTexts(owner: object, values: readonly unknown[]): AmongTexts {
    const isList = Array.isArray(owner);
    let leavePlace =
      !isList && Array.isArray((owner as { env?: unknown }).env) && this.leavesPlace(owner, EXPANDED_STEPS);
    let mayComplete = false;
    const all = values.map((entry) => {
      const isText = typeof entry === "string";
      const text = typeof entry === "object" && entry !== null ? (entry as { value?: unknown }).value : entry;
      if (typeof text !== "string") return undefined;
      const known = this.knownOf(text);
      if (isText && !isList) leavePlace ||= known.place ??= leavesPlace(text);
      mayComplete ||= known.piece ??= mayBePiece(opened(text), this.foreignNames);
      return isText ? known : undefined;
    });
    return { leavePlace, mayComplete, known: all };
  }

  /** Whether a text so many steps below an object leaves a place. */
  private leavesPlace(owner: object, steps: number): boolean {
    for (const key of Object.keys(owner)) {
      const value = (owner as Record<string, unknown>)[key];
      if (typeof value === "string") {
        const known = this.knownOf(value);
        if ((known.place ??= leavesPlace(value))) return true;
      } else if (steps > 1 && typeof value === "object" && value !== null) {
        if (this.leavesPlace(value, steps - 1)) return true;
      }
    }
    return false;
  }

  private readonly pieceText = (text: string): string => (this.knownOf(text).pieceText ??= pieceText(text));

  /** Whether a value is none to go into, or a text or address with nothing in it: most are, and need no place made for them. */
  private isClean(value: unknown, known: Known | undefined, isHost: boolean): boolean {
    if (typeof value === "string" && known) return this.foundIn(value, known, isHost).length === 0;
    if (typeof value === "number") return !isHost || !Number.isInteger(value);
    return typeof value !== "object" || value === null;
  }

  private judgeText(raw: string, isHost: boolean): readonly Found[] {
    if (isShortAndPlain(raw)) {
      const secret = this.judge.secret(raw);
      const found = this.judge.judge(canonical(raw), isHost);
      if (secret) found.unshift(secret);
      return found.length === 0 ? NOTHING : found.map((one) => ({ ...one, decoding: [] }));
    }
    const found = this.decoded(raw, isHost);
    return found.length === 0 ? NOTHING : found;
  }

  private decoded(raw: string, isHost: boolean): Found[] {
    const found = new Map<string, Found>();
    const seen = new Set<string>();
    let budget = MAX_DECODED;
    const add = (foreign: Foreign, decoding: readonly string[]): void => {
      const id = identity(foreign);
      const earlier = found.get(id);
      if (!earlier || (earlier.isPattern && !foreign.isPattern)) found.set(id, { ...foreign, decoding });
    };
    const pending: DecodedText[] = [{ text: raw, decoding: [], final: false }];
    const open = (next: Decoded, decoding: readonly string[], isTooDeep: boolean): void => {
      budget -= isTooDeep ? 0 : sizeOf(next);
      if (isTooDeep) {
        if (!("text" in next && (next.final || seen.has(next.text)))) add({ reach: "opaque" }, decoding);
      } else if ("tooLarge" in next || budget < 0) {
        add({ reach: "opaque" }, decoding);
      } else if ("tree" in next) {
        this.walk(next.tree, undefined, (_, inner) => add(inner, [...decoding, ...inner.decoding]));
      } else {
        pending.push(...readingsOf(next.text, decoding, next.final ?? false, raw));
      }
    };
    for (let step = pending.shift(); step; step = pending.shift()) {
      const { text, decoding, final } = step;
      if (seen.has(text)) continue;
      seen.add(text);
      const secret = this.judge.secret(text);
      if (secret) add(secret, decoding);
      if (final && !MAY_NAME.test(text)) continue;
      for (const foreign of this.judged(text, isHost)) add(foreign, decoding);
      if (final) continue;
      for (const foreign of this.listed(text)) add(foreign, [...decoding, "joined"]);
      for (const next of decodings(text)) open(next, [...decoding, next.via], decoding.length >= MAX_DEPTH);
    }
    return [...found.values()];
  }

  /** What the lists of a text name once their members are joined, of what is known to be another environment's. */
  private listed(text: string): Foreign[] {
    return listsIn(text).flatMap((list) =>
      fragments(list, this.foreignNames)
        .flatMap((made) => this.judge.judge(canonical(made.text), true))
        .filter(({ environment }) => environment !== undefined),
    );
  }

  /** What one text names, but for what it fills in or makes whole itself. */
  private judged(text: string, isHost: boolean): Foreign[] {
    if (text.startsWith(BYTES_MARK))
      return this.judge.bytes(Buffer.from(text.slice(BYTES_MARK.length), "hex"));
    const judged = this.judge.judge(canonical(text), isHost);
    const isFilled = this.fillsItself(text, judged, isHost);
    const isMade = this.isMadeOwn(text, judged, isHost);
    return judged.filter((one) => !(one.isPattern && isFilled) && !(isMade && isNobodys(one)));
  }

  /** Whether the places a text leaves are gone once it is filled in by itself. */
  private fillsItself(text: string, judged: readonly Foreign[], isHost: boolean): boolean {
    if (!judged.some(({ isPattern }) => isPattern)) return false;
    const filled = canonical(assembled(expandedWithin(text)));
    return !this.judge.judge(filled, isHost).some(({ isPattern }) => isPattern);
  }

  /** Whether the hosts nobody listed in a text are none once what it joins and filters itself is joined and filtered. */
  private isMadeOwn(text: string, judged: readonly Foreign[], isHost: boolean): boolean {
    if (!judged.some(isNobodys)) return false;
    const made = withoutUtf7(withoutQuotedPrintable(filtered(joined(text))));
    return [made, called(made)].some(
      (one) => one !== text && !this.judge.judge(canonical(one), isHost).some(isNobodys),
    );
  }

  /** Whether a member of a list is the rest of a name that begins in the one before it, and is the stack's own in whole. */
  private isRestOfOwn({ value, key, parent }: Frame): boolean {
    const list = parent?.value;
    if (typeof value !== "string" || typeof key !== "number" || !Array.isArray(list)) return false;
    const before: unknown = list[key - 1];
    if (typeof before !== "string" || before.length > MAX_REMEMBERED_CHARS) return false;
    const [first, rest] = [opened(before), opened(value)];
    const strangers = (text: string): boolean => this.judge.judge(canonical(text), false).some(isNobodys);
    return /[\w-]$/.test(first) && /^[\w.-]/.test(rest) && strangers(rest) && !strangers(first + rest);
  }

  /** The path of a frame, without keys that could carry what was found. */
  private pathOf(frame: Frame, isKey: boolean, root: string): string {
    const parts: string[] = [];
    for (let at: Frame | undefined = frame; at && at.key !== undefined; at = at.parent) {
      if (typeof at.key === "number") parts.push(`[${at.key}]`);
      else if ((isKey && at === frame) || !this.isShowable(at.key)) parts.push(`.{key ${this.position(at)}}`);
      else parts.push(/[.[\]]/.test(at.key) ? `["${at.key}"]` : `.${at.key}`);
    }
    const path = `${root}${parts.reverse().join("")}`;
    return path.startsWith(".") ? path.slice(1) : path;
  }

  private isShowable(key: string): boolean {
    return /^[A-Za-z$_.][\w$.:/-]{0,99}$/.test(key) && this.text(key).length === 0;
  }

  private position(frame: Frame): number {
    return Object.keys(frame.parent?.value ?? {}).indexOf(String(frame.key)) + 1;
  }
}

/** What the members of a list or map are the pieces of: character codes, or an encoded text cut into equal groups. */
function inOne(value: object): string | undefined {
  const members = Object.values(value) as unknown[];
  if (members.length < 3) return undefined;
  if (typeof members[0] === "number") return textOfCodes(members);
  const isText = members.every((member) => typeof member === "string" && member.length <= 4096);
  return isText && inGroups(members as string[]) ? members.join("") : undefined;
}

/** Texts whose every place is filled, by these or further up. */
function filledBy(
  expanded: readonly Assembled[],
  above: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  const complete = expanded.filter(({ text }) => !hasPlace(text)).flatMap(({ from }) => from ?? []);
  return complete.length > 0 ? new Set([...(above ?? []), ...complete]) : above;
}

function identity({ reach, environment, manifest, issuer = "" }: Foreign): string {
  return `${reach} ${environment ?? ""} ${manifest ? `${manifest.apiVersion} ${manifest.kind}` : issuer}`;
}

/** What a command line decodes is a command line as well: `echo … | base64 -d | sh`. */
function readingsOf(text: string, decoding: readonly string[], final: boolean, raw: string): DecodedText[] {
  const isCommand = raw.startsWith(COMMAND_MARK) && !final && !text.startsWith(COMMAND_MARK);
  return [text, ...(isCommand ? [COMMAND_MARK + text] : [])].map((one) => ({ text: one, decoding, final }));
}

function sizeOf(next: Decoded): number {
  return "text" in next ? next.text.length : 0;
}

/** Properties of a refusing rule that say whom it keeps out by host name. */
const REFUSED_HOSTS = /^(?:(?:source|target|destination)Fqdns|targetUrls|fqdnTags|hosts|notHosts)$/;

/** Whether what a refusal names is what it keeps out: an address, or a host where hosts are refused. */
function isKeptOut(reach: Foreign["reach"], frame: Frame): boolean {
  if (reach === "address") return true;
  const key = typeof frame.key === "number" ? frame.parent?.key : frame.key;
  return typeof key === "string" && REFUSED_HOSTS.test(key) && HOST_REACHES.has(reach);
}
/** What a command line says as a whole; whatever else is in it stands in one of its parts. */
const OF_A_CALL: ReadonlySet<Foreign["reach"]> = new Set(["stackReference", "engine", "fetchedCode"]);
/** A host of Azure's that is not the stack's, and of which nobody said whose it is. */
const isNobodys = ({ reach, environment, isPattern }: Foreign): boolean =>
  environment === undefined && isPattern !== true && HOST_REACHES.has(reach);
const HOST_REACHES: ReadonlySet<Foreign["reach"]> = new Set([
  "database",
  "vault",
  "storage",
  "cluster",
  "host",
]);

function isProseAt(frame: Frame): boolean {
  const { key, value } = frame;
  if (typeof key !== "string" || !PROSE_KEY.test(key.split("/").pop() ?? key) || typeof value !== "string")
    return false;
  if (/:\/\/|[@=;{}]/.test(value) || value.trim().split(/\s+/).length < 3) return false;
  for (let at = frame.parent; at; at = at.parent) {
    if (typeof at.key !== "string") continue;
    // Controllers read annotations: there a sentence may name something, but not spell out a host.
    if (DATA_KEY.test(at.key) || (at.key === "annotations" && WHOLE_HOST.test(value))) return false;
  }
  return true;
}

/** Paths at which a tree holds {@link UNKNOWN}. */
export function unknownPaths(tree: unknown): string[] {
  const paths: string[] = [];
  const pending: { value: unknown; path: string }[] = [{ value: tree, path: "" }];
  for (let at = pending.pop(); at; at = pending.pop()) {
    const { value, path } = at;
    if (value === UNKNOWN) paths.push(path);
    else if (Array.isArray(value)) {
      value.forEach((inner: unknown, index) => pending.push({ value: inner, path: `${path}[${index}]` }));
    } else if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        pending.push({ value: inner, path: path === "" ? key : `${path}.${key}` });
      }
    }
  }
  return paths.reverse();
}
