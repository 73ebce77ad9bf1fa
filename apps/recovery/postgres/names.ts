import type { Client } from "pg";
import { FailedError } from "../../../packages/command/errors";

/** Catalogues whose names a dump repeats in statements, each with the column of the name. */
const NAMED = [
  ["pg_namespace", "nspname"],
  ["pg_class", "relname"],
  ["pg_attribute", "attname"],
  ["pg_proc", "proname"],
  ["pg_type", "typname"],
  ["pg_constraint", "conname"],
  ["pg_trigger", "tgname"],
  ["pg_policy", "polname"],
  ["pg_rewrite", "rulename"],
] as const;
const SHOWN = 5;

/**
 * A database of encoding SQL_ASCII takes any bytes for a name, and nobody can tell which characters they are: what is no
 * UTF-8 comes back as another name.
 * @throws FailedError naming what has such a name, its bytes as `\xe9`
 */
export async function requireLegibleNames(client: Client): Promise<void> {
  const parts = NAMED.map(
    ([catalogue, column]) =>
      `SELECT '${catalogue}' AS catalogue, pg_catalog.convert_to(${column}::text, 'SQL_ASCII') AS name
       FROM pg_catalog.${catalogue} WHERE ${column}::text ~ '[^\\x01-\\x7f]'`,
  );
  const { rows } = await client.query<{ catalogue: string; name: Buffer }>(parts.join(" UNION "));
  const illegible = rows.filter(({ name }) => !isUtf8(name)).map(({ name }) => `"${escaped(name)}"`);
  if (illegible.length === 0) return;
  const names = [...new Set(illegible)].sort();
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  throw new FailedError(
    `the database has encoding SQL_ASCII, and names in it that are no UTF-8: ${names.slice(0, SHOWN).join(", ")}${more}; ` +
      "a restore could not make them again: rename them, or move the content to a database of encoding UTF8",
  );
}

function isUtf8(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString("utf8"), "utf8").equals(bytes);
}

const escaped = (bytes: Buffer): string =>
  [...bytes].map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`)).join("");
