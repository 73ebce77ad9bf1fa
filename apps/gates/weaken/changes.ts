import { UNKNOWN, type Tree, type Value } from "../../../packages/isolation/rule";

/** One thing done to one resource, and nothing else. */
export interface Change {
  /** Property path with `[]` for any index, e.g. `spec.template.spec.containers[].image`; empty: the resource as a whole. */
  readonly path: string;
  readonly how: "remove" | "disable" | "lower" | "raise" | "widen";
  /** The tree after it; absent: the resource is gone. */
  readonly props?: Tree;
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

function* below(value: Value, path: string, put: Put): Generator<Change> {
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

/** Every single change that takes something away of a resource, switches it, lowers or widens it. */
export function* changesOf(props: Tree): Generator<Change> {
  yield { path: "", how: "remove" };
  yield* below(props as Value, "", (value) => (value ?? {}) as Tree);
}
