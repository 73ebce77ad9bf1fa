import { z } from "zod";

/** Strips optional, default and the like off a schema. */
function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema as z.ZodType & { unwrap?: () => z.ZodType };
  while (!(inner instanceof z.ZodArray) && typeof inner.unwrap === "function")
    inner = inner.unwrap() as typeof inner;
  return inner;
}

/** The schema of a value, by where it stands; undefined when nothing may stand there. */
function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  let here: z.ZodType | undefined = schema;
  for (const key of path) {
    const inner: z.ZodType | undefined = here && unwrap(here);
    if (inner instanceof z.ZodObject) {
      const shape = inner.shape as Record<PropertyKey, z.ZodType>;
      here = Object.hasOwn(shape, key) ? shape[key] : undefined;
    } else if (inner instanceof z.ZodArray) here = inner.element as z.ZodType;
    else if (inner instanceof z.ZodRecord) here = inner.valueType as z.ZodType;
    else return undefined;
  }
  return here;
}

/** Whether a text stands at a place of a document. */
export function wantsText(root: z.ZodType, path: readonly PropertyKey[]): boolean {
  const schema = schemaAt(root, path);
  const wanted = schema && unwrap(schema);
  return wanted instanceof z.ZodString || wanted instanceof z.ZodEnum;
}

/** A value as it has to be written in YAML to stay what it is. */
function literal(value: unknown): string {
  if (typeof value !== "string") return String(value);
  return /^(-?\d.*|true|false|null|)$/.test(value) ? JSON.stringify(value) : value;
}

const oneOf = (values: readonly unknown[]): string =>
  values.length === 1 ? literal(values[0]) : `one of ${values.map(literal).join(", ")}`;

function numbers(schema: z.ZodNumber): string {
  const kind = schema.isInt ? "a whole number" : "a number";
  const [min, max] = [schema.minValue, schema.maxValue].map((limit) =>
    limit === null || Math.abs(limit) >= Number.MAX_SAFE_INTEGER ? undefined : limit,
  );
  if (min !== undefined && max !== undefined) return `${kind} from ${min} to ${max}`;
  if (min !== undefined) return `${kind} of at least ${min}`;
  return max === undefined ? kind : `${kind} of at most ${max}`;
}

/** What a schema accepts, in words. */
function words(schema: z.ZodType | undefined): string {
  let here = schema;
  while (here) {
    const meta = here.meta()?.["allowed"];
    if (typeof meta === "string") return meta;
    const inner = here as z.ZodType & { unwrap?: () => z.ZodType };
    if (here instanceof z.ZodArray || typeof inner.unwrap !== "function") break;
    here = inner.unwrap();
  }
  if (here instanceof z.ZodEnum) return oneOf(here.options);
  if (here instanceof z.ZodLiteral) return oneOf([...here.values]);
  if (here instanceof z.ZodNumber) return numbers(here);
  if (here instanceof z.ZodBoolean) return "true or false";
  if (here instanceof z.ZodArray) return `a list, each entry ${words(here.element as z.ZodType)}`;
  if (here instanceof z.ZodObject) return `a mapping with ${Object.keys(here.shape as object).join(", ")}`;
  if (here instanceof z.ZodRecord) return "a mapping of names to values";
  return "text";
}

/** Whether a value must be in quotes to be what a schema wants, or must not be. */
function quotes(schema: z.ZodType | undefined, found: unknown): string {
  const wanted = schema && unwrap(schema);
  if (wanted instanceof z.ZodString && ["number", "boolean", "bigint"].includes(typeof found))
    return ", in quotes";
  // `yes` has no quotes to leave out: it is a text to Pulumi.
  const meant =
    wanted instanceof z.ZodNumber ? /^-?\d/ : wanted instanceof z.ZodBoolean ? /^(true|false)$/ : /^$/;
  return typeof found === "string" && meant.test(found) ? ", without quotes" : "";
}

/** What a bound counts, one of it and several. */
const UNITS: Readonly<Record<string, readonly [one: string, several: string]>> = {
  string: ["character", "characters"],
  array: ["entry", "entries"],
};

function bounded(
  issue: { origin: string; inclusive?: boolean },
  limit: unknown,
  [inside, outside]: [string, string],
): string {
  const unit = UNITS[issue.origin];
  const counted = unit ? ` ${unit[limit === 1 ? 0 : 1]}` : "";
  return `${issue.inclusive === false ? outside : inside} ${String(limit)}${counted}`;
}

/**
 * What may stand where zod found something else, in words; where the schema describes itself, in its own.
 * @param root schema of the whole document
 * @param found what stands there
 */
export function allowedInstead(issue: z.core.$ZodIssue, root: z.ZodType, found: unknown): string {
  const schema = schemaAt(root, issue.path);
  switch (issue.code) {
    case "invalid_type":
      return `${words(schema)}${quotes(schema, found)}`;
    case "invalid_value":
      return `${oneOf(issue.values)}${issue.values.some((one) => typeof one !== "string" && String(one) === found) ? ", without quotes" : ""}`;
    case "invalid_key":
      return issue.issues.map(({ message }) => message).join("; ");
    case "too_small":
      if (!issue.message.startsWith("Too small")) return issue.message;
      if (schema && unwrap(schema) instanceof z.ZodNumber) return words(schema);
      return bounded(issue, issue.minimum, ["at least", "more than"]);
    case "too_big":
      if (!issue.message.startsWith("Too big")) return issue.message;
      if (schema && unwrap(schema) instanceof z.ZodNumber) return words(schema);
      return bounded(issue, issue.maximum, ["at most", "less than"]);
    case "unrecognized_keys": {
      const here = schema && unwrap(schema);
      const keys = here instanceof z.ZodObject ? Object.keys(here.shape as object) : [];
      return keys.length > 0 ? `only ${keys.join(", ")}` : "nothing here";
    }
    case "invalid_format":
      if (issue.message.startsWith("Invalid")) return words(schema);
      return issue.message;
    default:
      return issue.message;
  }
}
