import { createHash } from "node:crypto";
import type { z } from "zod";
import { messageOf } from "../../packages/command/errors";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Keys in alphabetical order at every depth, so that equal documents have equal bytes. */
function canonical(value: Json): Json {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, canonical(value[key] as Json)]),
  );
}

const serialise = (value: unknown) => JSON.stringify(canonical(value as Json));

/** SHA-256 over the canonical JSON of everything but `digest`. */
export function digestOf(document: object): string {
  const rest = Object.fromEntries(Object.entries(document).filter(([key]) => key !== "digest"));
  return createHash("sha256").update(serialise(rest)).digest("hex");
}

/** The document with its own digest, as it is stored. */
export function seal<T extends object>(document: T): T & { digest: string } {
  return { ...document, digest: digestOf(document) };
}

export function encode(document: object): string {
  return serialise(document);
}

/**
 * Reads a stored document. Not one bit may differ from what was written: its bytes must be the canonical form of
 * its content, and its content must have the digest it carries.
 * @throws Error saying what is wrong
 */
export function decode<S extends z.ZodType<{ digest: string }>>(schema: S, text: string): z.infer<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`is no JSON: ${messageOf(error)}`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [wrong = ""] = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new Error(`does not have the expected form: ${wrong}`);
  }
  if (serialise(value) !== text) throw new Error("is not in the form it was written in");
  if (digestOf(value as object) !== parsed.data.digest) throw new Error("contradicts its own digest");
  return parsed.data;
}
