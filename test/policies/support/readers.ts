import {
  isGeneric,
  parseAddress,
  rangesOf,
  subtract,
  type AddressRange,
} from "../../../packages/isolation/addresses";
import { assembled, called, replacementsIn } from "../../../packages/isolation/assemble";
import { otherBases } from "../../../packages/isolation/bases";
import { mayBeBrotli } from "../../../packages/isolation/brotli";
import { mayBeDeflate } from "../../../packages/isolation/deflate";
import { bytesDecoded, type Decoded } from "../../../packages/isolation/bytes";
import { spelled } from "../../../packages/isolation/codes";
import { choices, commandLine, startsEngine, toolSetting } from "../../../packages/isolation/commands";
import { sealedText } from "../../../packages/isolation/containers";
import { azureType, declarationOf } from "../../../packages/isolation/declarations";
import { decodings } from "../../../packages/isolation/decode";
import { makeupOf } from "../../../packages/isolation/makeup";
import { otherEnvironment } from "../../../packages/isolation/environmentWords";
import { ForeignNames } from "../../../packages/isolation/foreignNames";
import { issuerName, Judge } from "../../../packages/isolation/judge";
import { coversManagedSuffix, managedHost } from "../../../packages/isolation/managedHosts";
import { type Foreign, Perimeter } from "../../../packages/isolation/perimeter";
import { filtered } from "../../../packages/isolation/pipelines";
import { toldTo } from "../../../packages/isolation/programs";
import { type Hit, Scanner } from "../../../packages/isolation/scan";
import { expansions, fragments, leavesPlace, opened, Settings } from "../../../packages/isolation/siblings";
import * as text from "../../../packages/isolation/text";
import { refusalOf } from "../../../packages/isolation/traffic";
import { writtenAddresses } from "../../../packages/isolation/writtenAddresses";
import { mendOf } from "../../../policies/pack/mend";
import { INVENTORY } from "./smallInventory";
import { PROGRAMS } from "./smallPrograms";

const dotted = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
const span = ({ first, last }: AddressRange): string => `${dotted(first)}-${dotted(last)}`;
const step = (one: Decoded): string =>
  `${one.via}: ${"tree" in one ? JSON.stringify(one.tree) : "text" in one ? `${one.text}${one.final ? " (final)" : ""}` : "unreadable"}`;
const reach = ({ reach: what, environment = "nobody", isPattern, manifest, issuer }: Foreign): string =>
  [what, environment, ...(isPattern ? ["pattern"] : []), ...(manifest ? [manifest.kind] : []), issuer ?? ""]
    .join(" ")
    .trim();
const scanner = (): Scanner => new Scanner(new Judge(new Perimeter(INVENTORY, "shop", "trial")));
const hit = (one: Hit): string =>
  `${reach(one)} at ${one.path}${one.isProse ? ", in prose" : ""}${one.decoding.length > 0 ? ` by ${one.decoding.join(" → ")}` : ""}`;
const names = (): ForeignNames => new ForeignNames(new Perimeter(INVENTORY, "shop", "trial"));

/** What reads a text, a value or a small program, by what it is called in test/policies/expected/readings.json. */
export const READERS: Readonly<Record<string, (input: never) => unknown>> = {
  address: (input: string) => [parseAddress(input)].map((one) => one && span(one))[0] ?? null,
  ranges: (input: string) => rangesOf(input).map(span),
  generic: (input: string) => rangesOf(input).map(isGeneric),
  subtract: ([from, ...holes]: string[]) =>
    rangesOf(from ?? "").flatMap((one) => subtract(one, holes.flatMap(rangesOf)).map(span)),
  written: (input: string) => writtenAddresses(input, false).map(span),
  writtenHost: (input: string) => writtenAddresses(input, true).map(span),
  visible: text.visible,
  untagged: text.untagged,
  percent: text.percentDecoded,
  unescaped: text.unescaped,
  codes: text.fromCodes,
  quotedPrintable: text.withoutQuotedPrintable,
  markup: text.withoutMarkup,
  utf7: text.withoutUtf7,
  entities: text.withoutEntities,
  joined: text.joined,
  expanded: text.expandedWithin,
  hasPlace: text.hasPlace,
  assignments: (input: string) => Object.fromEntries(text.assignments(input)),
  decodings: (input: string) => decodings(input).map(step),
  makeup: makeupOf,
  bytes: (hex: string) => bytesDecoded(Buffer.from(hex, "hex"), "bytes").map(step),
  bases: (input: string) => otherBases(input, makeupOf(input)).map(step),
  spelled,
  sealed: (input: string) => sealedText(input) ?? null,
  brotli: (hex: string) => mayBeBrotli(Buffer.from(hex, "hex")),
  deflate: (hex: string) => mayBeDeflate(Buffer.from(hex, "hex"), 16),
  opened,
  leavesPlace,
  expansions: (owner: object) =>
    expansions(owner, new Settings(owner)).map(({ key, text: made, via }) => `${key} ${via}: ${made}`),
  fragments: (owner: object) =>
    fragments(owner, new Set(["psql-shop-live1", "kv-shop-live1"])).map(
      ({ key, text: made, via }) => `${key} ${via}: ${made}`,
    ),
  assembled,
  called,
  replacements: (input: string) => replacementsIn(input).map(([from, to]) => `${from} by ${to}`),
  filtered,
  choices,
  engine: startsEngine,
  toldTo,
  commandLine: (owner: object) => commandLine(owner) ?? null,
  setting: ([key, value, owner]: [string, string, object]) => toolSetting(key, value, owner) ?? null,
  host: (input: string) => managedHost(input) ?? null,
  coversSuffix: coversManagedSuffix,
  declaration: (type: string) => [azureType(type) ?? null, declarationOf(type) ?? null],
  otherEnvironment: (input: string) => otherEnvironment(input, ["live1", "blue"]) ?? null,
  issuer: issuerName,
  names: (input: string) => names().in(input).map(reach),
  judged: (input: string) => scanner().judge.judge(input, false).map(reach),
  scanned: (tree: unknown) => scanner().scan(tree).map(hit),
  refusal: ([type, object]: [string, object]) => {
    const refusal = refusalOf(type);
    return refusal ? { refuses: refusal.refuses(object), exempt: [...refusal.exempt] } : null;
  },
  key: ([type, path]: [string, string]) =>
    mendOf(
      { id: "REC-001", name: "some-rule", remediation: "Mend it." },
      { urn: `urn:pulumi:prod::shop::${type}::one`, path },
      "prod",
    ).key ?? null,
  ...PROGRAMS,
};
