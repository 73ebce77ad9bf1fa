import type { Client } from "pg";
import { messageOf } from "../../../packages/command/errors";
import type { Manifest } from "../types";
import { quoteIdentifier, withClient } from "./connect";
import { withDatabase, type ServerConnection } from "./connection";
import { readTables } from "./inventory";
import type { TocEntry } from "./toc";

/** Databases Azure keeps for itself on every flexible server. */
const OF_AZURE = ["azure_maintenance", "azure_sys"];
/** Made by initdb for clients that need some database to connect to. */
const MAINTENANCE = "postgres";

/** Databases of a server that hold somebody's data; `postgres` only when somebody made tables there. */
export async function userDatabases(client: Client, server: ServerConnection): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT datname AS name FROM pg_catalog.pg_database
     WHERE datallowconn AND NOT datistemplate AND datname <> ALL($1)
       AND pg_catalog.has_database_privilege(oid, 'CONNECT') ORDER BY 1`,
    [OF_AZURE],
  );
  const names = rows.map(({ name }) => name);
  if (!names.includes(MAINTENANCE)) return names;
  const tables = await withClient(withDatabase(server, MAINTENANCE), readTables);
  return tables.length > 0 ? names : names.filter((name) => name !== MAINTENANCE);
}

/** Catalogues of what a dump would make, with the column that names the schema. */
const MADE = [
  ["pg_class", "relnamespace"],
  ["pg_proc", "pronamespace"],
  ["pg_type", "typnamespace"],
  ["pg_collation", "collnamespace"],
  ["pg_operator", "oprnamespace"],
  ["pg_ts_config", "cfgnamespace"],
  ["pg_ts_dict", "dictnamespace"],
] as const;

/** True when a database holds nothing a restore could collide with. */
export async function isEmptyDatabase(client: Client): Promise<boolean> {
  const ofExtension = (catalogue: string, oid: string) => `EXISTS (SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.${catalogue}'::regclass AND d.objid = ${oid} AND d.deptype IN ('e', 'i'))`;
  const parts = MADE.map(
    ([catalogue, column]) => `SELECT o.oid FROM pg_catalog.${catalogue} o
      JOIN pg_catalog.pg_namespace n ON n.oid = o.${column}
      WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND NOT ${ofExtension(catalogue, "o.oid")}`,
  );
  const { rows } = await client.query<{ empty: boolean }>(`
    SELECT NOT EXISTS (${parts.join(" UNION ALL ")}
      UNION ALL SELECT oid FROM pg_catalog.pg_largeobject_metadata
      UNION ALL SELECT n.oid FROM pg_catalog.pg_namespace n
        WHERE nspname NOT IN ('information_schema', 'public') AND nspname !~ '^pg_'
          AND NOT ${ofExtension("pg_namespace", "n.oid")}) AS empty`);
  return rows[0]?.empty === true;
}

/** Release from which on a database may compare text by other means than the C library. */
const FIRST_MAJOR_WITH_PROVIDERS = 15;

/**
 * Creates a database of the backup's encoding, locale and locale provider.
 * @param owner default: who creates it
 * @returns the locale used instead when the server cannot have the backup's
 */
export async function createDatabase(
  client: Client,
  name: string,
  { server, properties }: Pick<Manifest, "server" | "properties">,
  owner?: string,
): Promise<string | undefined> {
  const literal = (text: string) => client.escapeLiteral(text);
  const { rows } = await client.query<{ major: number }>(
    "SELECT current_setting('server_version_num')::int / 10000 AS major",
  );
  const choices = localeChoices({ server, properties }, rows[0]?.major ?? 0, literal);
  for (const [index, { options, instead }] of choices.entries()) {
    try {
      await client.query(
        `CREATE DATABASE ${quoteIdentifier(name)} ${ownedBy(owner)} TEMPLATE template0 ENCODING ${literal(server.encoding)} ${options}`,
      );
      return instead;
    } catch (error) {
      if (index === choices.length - 1 || !/locale|provider|\bICU\b/i.test(messageOf(error))) throw error;
    }
  }
  return undefined;
}

/** For CREATE DATABASE. */
export const ownedBy = (owner: string | undefined): string =>
  owner === undefined ? "" : `OWNER ${quoteIdentifier(owner)}`;

/** Ways to create a database for a backup, the right one first; `instead` names a locale that is not the backup's. */
function localeChoices(
  { server, properties }: Pick<Manifest, "server" | "properties">,
  major: number,
  literal: (text: string) => string,
): { options: string; instead?: string }[] {
  const known = major >= FIRST_MAJOR_WITH_PROVIDERS;
  const fallbacks = server.encoding === "UTF8" ? ["C.UTF-8", "C"] : ["C"];
  const own = `LC_COLLATE ${literal(server.collate)} LC_CTYPE ${literal(server.ctype)}`;
  const others = fallbacks.map((locale) => ({
    options: `LC_COLLATE ${literal(locale)} LC_CTYPE ${literal(locale)}`,
    instead: locale,
  }));
  const libc = [{ options: own, instead: undefined }, ...others].map(({ options, instead }) => ({
    options: known ? `LOCALE_PROVIDER libc ${options}` : options,
    instead,
  }));
  const { localeProvider = "libc", locale, icuRules } = properties ?? {};
  if (localeProvider === "libc" || !locale) return libc;
  const given =
    localeProvider === "icu"
      ? `ICU_LOCALE ${literal(locale)}${icuRules ? ` ICU_RULES ${literal(icuRules)}` : ""}`
      : `BUILTIN_LOCALE ${literal(locale)}`;
  // What the provider does not decide is still the C library's; its locale need not be the same.
  const provided = [own, ...others.map(({ options }) => options)].map((options) => ({
    options: `LOCALE_PROVIDER ${localeProvider} ${given} ${options}`,
  }));
  return [
    ...(known ? provided : []),
    ...libc.map(({ options, instead }) => ({ options, instead: instead ?? server.collate })),
  ];
}

/**
 * Whether the backup's database has no schema `public`, which every new one has. A dump lists each schema, `public` only
 * where it is not as it comes; the inventory has counted it where it is there.
 */
export function lacksPublic(
  { inventory }: Pick<Manifest, "inventory">,
  entries: readonly TocEntry[],
): boolean {
  const listed = entries.filter(({ kind }) => kind === "SCHEMA");
  return (inventory.objects.schema ?? 0) === listed.length && !listed.some(({ name }) => name === "public");
}

export async function dropPublic(database: ServerConnection): Promise<void> {
  await withClient(database, (client) => client.query("DROP SCHEMA IF EXISTS public"));
}

/** How a backup's database compares text, for a message. */
export const localeOf = ({ server, properties }: Pick<Manifest, "server" | "properties">): string =>
  properties && properties.localeProvider !== "libc"
    ? `${properties.localeProvider} ${properties.locale ?? ""}`
    : server.collate;

export async function dropDatabase(maintenance: ServerConnection, name: string): Promise<void> {
  await withClient(maintenance, (client) =>
    client.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`),
  );
}
