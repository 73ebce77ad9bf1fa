import { UNKNOWN, type ResourceView, type Tree, type Value } from "../../../packages/isolation/rule";

/** One thing done to one resource, and nothing else. */
export interface Change {
  /**
   * Property path with `[]` for any index, e.g. `spec.template.spec.containers[].image`; `options.<name>` for an option; empty: the
   * resource as a whole.
   */
  readonly path: string;
  readonly how: "remove" | "disable" | "lower" | "raise" | "widen" | "swap";
  /** The resource after it; absent: it is gone. */
  readonly to?: ResourceView;
}

/** A change of inputs. */
interface Edit extends Omit<Change, "to"> {
  readonly props: Tree;
}

/** Words that say something is on or closed, and what says the opposite. */
const OPPOSITES: Readonly<Record<string, string>> = {
  enabled: "Disabled",
  disabled: "Enabled",
  on: "off",
  off: "on",
  true: "false",
  false: "true",
  deny: "Allow",
  allow: "Deny",
  required: "Optional",
  block: "Log",
  prevention: "Detection",
  zoneredundant: "Disabled",
  samezone: "Disabled",
  locked: "Unlocked",
  cannotdelete: "NotSpecified",
  secret: "Anonymous",
  premium_azurefrontdoor: "Standard_AzureFrontDoor",
  standard_gzrs: "Standard_LRS",
  standard_ragzrs: "Standard_LRS",
  standard_zrs: "Standard_LRS",
  standard_grs: "Standard_LRS",
  standard: "Free",
  premium: "Basic",
  tls1_2: "TLS1_0",
  tls12: "TLS10",
  httpsonly: "HttpAndHttps",
  restricted: "privileged",
  production: "development",
  baseline: "privileged",
  runtimedefault: "Unconfined",
  retain: "Delete",
  forbid: "Allow",
  donotschedule: "ScheduleAnyway",
  requiredduringschedulingignoredduringexecution: "preferred",
};

const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3})(?:\/\d{1,2})?$/;
const DURATION = /^P(?=.)(?:\d+[DW])?(?:T(?:\d+[HMS])+)?$/;
const CRON = /^(?:[\d*/,-]+\s+){4}[\d*/,-]+$/;
const IMAGE = /^(?<repository>[^@\s]+)(?<digest>@sha256:[0-9a-f]{64})$/;
const QUANTITY = /^(\d+(?:\.\d+)?)(m|Ki|Mi|Gi|Ti|[smhd])$/;

/** Texts a text could be weakened to; none for a name, which leads elsewhere instead of being weaker. */
function weakerTexts(text: string): [Change["how"], string][] {
  const opposite = OPPOSITES[text.toLowerCase()];
  if (opposite !== undefined) return [["disable", opposite]];
  if (ADDRESS.test(text)) return [["widen", "0.0.0.0/0"]];
  if (DURATION.test(text))
    return [
      ["lower", "PT1M"],
      ["raise", "P1D"],
    ];
  const { repository, digest } = IMAGE.exec(text)?.groups ?? {};
  if (repository !== undefined && digest !== undefined)
    return [
      ["lower", `${repository}:1`],
      ["swap", `${repository}${digest.slice(0, -8)}0123abcd`],
      ["swap", `registry.example/${repository.replace(/^[^/]+\//, "")}${digest}`],
    ];
  if (CRON.test(text)) return [["lower", "0 0 1 1 *"]];
  const [, amount, unit = ""] = QUANTITY.exec(text) ?? [];
  if (amount === undefined) return [];
  return [
    ["lower", `${Math.max(1, Math.floor(Number(amount) / 10))}${unit}`],
    ["raise", `${Number(amount) * 10}${unit}`],
  ];
}

/** Values that could stand in place of a leaf. */
function weaker(value: Value): [Change["how"], Value][] {
  if (typeof value === "boolean") return [["disable", !value]];
  if (typeof value === "number")
    return [
      ["lower", Math.floor(value / 10)],
      ["raise", value * 10 + 1],
    ];
  return typeof value === "string" ? weakerTexts(value) : [];
}

type Put = (value: Value | undefined) => Tree;

function* below(value: Value, path: string, put: Put): Generator<Edit> {
  if (value === UNKNOWN || value === null) return;
  for (const [how, other] of weaker(value)) if (other !== value) yield { path, how, props: put(other) };
  if (Array.isArray(value)) {
    const list = value as readonly Value[];
    for (const [index, inner] of list.entries()) {
      const within = `${path}[]`;
      const set: Put = (one) =>
        put(list.flatMap((old, at): Value[] => (at !== index ? [old] : one === undefined ? [] : [one])));
      yield { path: within, how: "remove", props: set(undefined) };
      yield* below(inner, within, set);
    }
  } else if (typeof value === "object") {
    const tree = value as Tree;
    for (const [key, inner] of Object.entries(tree)) {
      const within = path === "" ? key : `${path}.${key}`;
      const set: Put = (one) => {
        const { [key]: _, ...rest } = tree;
        return put((one === undefined ? rest : { ...tree, [key]: one }) as Value);
      };
      yield { path: within, how: "remove", props: set(undefined) };
      yield* below(inner, within, set);
    }
  }
}

/** The other region's resource where there is one, or else the next of its type. */
function twinOf(one: ResourceView, alike: readonly ResourceView[]): ResourceView | undefined {
  const elsewhere = one.name.replace(/\b(primary|secondary)\b/g, (place) =>
    place === "primary" ? "secondary" : "primary",
  );
  return (
    alike.find(({ name }) => name === elsewhere && name !== one.name) ??
    alike[alike.indexOf(one) + 1] ??
    alike[0]
  );
}

/** Everything one could take from another of its type: each property with what it comes from. */
function* swaps(one: ResourceView, alike: readonly ResourceView[]): Generator<Change> {
  const twin = twinOf(one, alike);
  if (!twin || twin === one) return;
  for (const [key, value] of Object.entries(one.props)) {
    const { [key]: other } = twin.props;
    const [own, others] = [one, twin].map(({ propertyDependencies }) => propertyDependencies[key] ?? []);
    if (other === undefined || told([value, own]) === told([other, others])) continue;
    const propertyDependencies = { ...one.propertyDependencies, [key]: others ?? [] };
    yield {
      path: key,
      how: "swap",
      to: { ...one, props: { ...one.props, [key]: other }, propertyDependencies },
    };
  }
}

const told = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) => (one === UNKNOWN ? "unknown" : one));

/** What protects it no longer, and what is no longer sent. */
function* loosened({ opts, ...one }: ResourceView): Generator<Change> {
  if (opts.protect)
    yield { path: "options.protect", how: "disable", to: { ...one, opts: { ...opts, protect: false } } };
  for (const path of ["*", ...Object.keys(one.props)])
    if (!opts.ignoreChanges.includes(path) && !opts.ignoreChanges.includes("*"))
      yield {
        path: `options.ignoreChanges.${path}`,
        how: "widen",
        to: { ...one, opts: { ...opts, ignoreChanges: [...opts.ignoreChanges, path] } },
      };
  for (const path of opts.additionalSecretOutputs)
    yield {
      path: `options.additionalSecretOutputs.${path}`,
      how: "remove",
      to: {
        ...one,
        opts: {
          ...opts,
          additionalSecretOutputs: opts.additionalSecretOutputs.filter((other) => other !== path),
        },
      },
    };
}

/** Whether nothing of a change is ever sent: it is of what the resource ignores. */
const isIgnored = ({ opts: { ignoreChanges } }: ResourceView, { path }: Change): boolean =>
  path !== "" &&
  !path.startsWith("options.") &&
  ignoreChanges.some(
    (one) => one === "*" || path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`),
  );

/**
 * Every single change that takes something away of a resource, switches it, lowers or widens it, gives it what another of its type
 * has, or loosens an option of it. What a resource ignores is not tried: nothing of it is sent.
 * @param alike resources of its type, itself among them
 */
export function* changesOf(one: ResourceView, alike: readonly ResourceView[]): Generator<Change> {
  yield { path: "", how: "remove" };
  for (const { props, ...change } of below(one.props as Value, "", (value) => (value ?? {}) as Tree))
    if (!isIgnored(one, change)) yield { ...change, to: { ...one, props } };
  for (const change of swaps(one, alike)) if (!isIgnored(one, change)) yield change;
  yield* loosened(one);
}
