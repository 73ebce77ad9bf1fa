import { ArmError } from "../arm/errors";
import { isTree } from "../model/paths";
import type { Tree, Value } from "../model/types";

/** The longest value of a secret, in bytes (https://learn.microsoft.com/azure/key-vault/secrets/about-secrets). */
const LARGEST_SECRET = 25 * 1024;

const bad = (what: string): ArmError =>
  new ArmError(400, "BadParameter", `The parameter ${what} is missing or invalid.`);

/** What a body says of a secret, in the resource manager's words; what it leaves out is absent. */
export interface SecretBody {
  readonly value?: string;
  readonly contentType?: string;
  readonly attributes?: Tree;
  readonly tags?: Tree;
}

const isDate = (value: unknown): boolean =>
  typeof value === "number" && Number.isInteger(value) && value >= 0;

/**
 * What a secret is to be, with every part of the type it has.
 * @param how a `change` has no value
 * @throws ArmError 400
 */
export function bodyOf(name: string, given: unknown, how: "set" | "change"): SecretBody {
  if (!/^[0-9a-zA-Z-]{1,127}$/.test(name)) throw bad("secret-name");
  if (!isTree(given as Value)) throw bad(how === "set" ? "value" : "attributes");
  const { value, contentType, attributes, tags } = given as Tree;
  if (how === "set" && (typeof value !== "string" || Buffer.byteLength(value) > LARGEST_SECRET))
    throw bad("value");
  if (contentType !== undefined && typeof contentType !== "string") throw bad("contentType");
  if (tags !== undefined && !(isTree(tags) && Object.values(tags).every((tag) => typeof tag === "string")))
    throw bad("tags");
  return {
    ...(how === "set" && { value: value as string }),
    ...(contentType !== undefined && { contentType }),
    ...(attributes !== undefined && { attributes: attributesOf(attributes) }),
    ...(tags !== undefined && { tags: tags as Tree }),
  };
}

function attributesOf(given: Value | undefined): Tree {
  if (!isTree(given)) throw bad("attributes");
  const { enabled, exp, nbf } = given;
  if (enabled !== undefined && typeof enabled !== "boolean") throw bad("attributes.enabled");
  for (const [name, date] of Object.entries({ exp, nbf }))
    if (date !== undefined && !isDate(date)) throw bad(`attributes.${name}`);
  if (typeof exp === "number" && typeof nbf === "number" && exp <= nbf) throw bad("attributes.exp");
  return {
    ...(enabled !== undefined && { enabled }),
    ...(exp !== undefined && { expires: exp }),
    ...(nbf !== undefined && { notBefore: nbf }),
  };
}
