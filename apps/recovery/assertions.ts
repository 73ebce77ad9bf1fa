import { readFileSync } from "node:fs";
import { load } from "js-yaml";
import type { Client } from "pg";
import { z } from "zod";
import { messageOf, UsageError } from "../../packages/command/errors";
import type { Finding } from "./ladder";
import type { Assertion } from "./options";

const schema = z
  .array(z.strictObject({ id: z.string().regex(/^[a-z0-9][a-z0-9-]*$/), sql: z.string().min(1) }))
  .min(1);

/**
 * Reads user assertions from a YAML or JSON file: a list of `{ id, sql }`.
 * @throws UsageError naming the file and what is wrong in it
 */
export function loadAssertions(file: string): Assertion[] {
  let document: unknown;
  try {
    document = load(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UsageError(`assertions ${file}: ${messageOf(error)}`);
  }
  const parsed = schema.safeParse(document);
  if (!parsed.success) {
    throw new UsageError(
      parsed.error.issues.map(
        ({ path, message }) => `assertions ${file}: ${path.join(".") || "list"}: ${message}`,
      ),
    );
  }
  const ids = parsed.data.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice) throw new UsageError(`assertions ${file}: the id "${twice}" is used twice`);
  return parsed.data;
}

/** Asks one question about the restored data; only the single answer true is a pass. */
export async function ask(client: Client, assertion: Assertion, snapshotAt: string): Promise<Finding> {
  const expected = "true";
  await client.query("BEGIN READ ONLY");
  try {
    await client.query("SELECT set_config('recovery.snapshot_at', $1, true)", [snapshotAt]);
    await client.query("SELECT set_config('search_path', 'public', true)");
    const result = await client.query<unknown[]>({ text: assertion.sql, rowMode: "array" });
    const [row] = result.rows;
    const single = result.rows.length === 1 && row?.length === 1;
    if (!single)
      return { match: false, expected, actual: `${result.rows.length} rows; one boolean is expected` };
    return { match: row[0] === true, expected, actual: String(row[0]) };
  } catch (error) {
    return { match: false, expected, actual: messageOf(error) };
  } finally {
    await client.query("ROLLBACK").catch(() => undefined);
  }
}
