import { UsageError } from "../../packages/command/errors";
import { rolesOf } from "./ownership";
import type { TocEntry } from "./postgres/toc";
import type { leftOutSchema } from "./types";
import type { z } from "zod";

/** An object of the backup that a restore leaves out; its kind in lower case, as `--skip` takes it: `event-trigger`. */
export type LeftOut = z.infer<typeof leftOutSchema>;

/** What a restore does not bring back: entries of the archive, and roles whose ownership and rights are given up. */
export interface Omissions {
  entries: ReadonlySet<number>;
  roles: readonly string[];
  list: LeftOut[];
  loose: LooseConstraints;
}

/** Constraints that come back for new rows only, because rows of the backup break them. */
export interface LooseConstraints {
  /** Names of checks; those within a table's or a domain's definition are no entries of their own. */
  checks: string[];
  /** Foreign keys and their comments. */
  foreignKeys: TocEntry[];
}

/** `kind:name`, or `kind:all`. */
export interface Skip {
  kind: string;
  name: string;
  /** Why, where nobody has asked for it by `--skip`. */
  reason?: string;
}

/** Kinds a restore can do without: no rows are lost with them. */
export const SKIPPABLE = [
  ...[
    "constraint",
    "index",
    "event-trigger",
    "extension",
    "foreign-data-wrapper",
    "function",
    "policy",
    "procedure",
    "publication",
  ],
  ...["role", "server", "statistics", "trigger", "user-mapping", "view"],
] as const;
const ALL = "all";
const SKIPPED = "--skip";
const FOR_NEW_ROWS = "--skip: for new rows only (NOT VALID)";
const NEW_ROWS_OR_NONE = `${FOR_NEW_ROWS}; a partitioned table's not at all before PostgreSQL 18`;
/** Rows are lost with these, or what keeps them right. */
const HOLDS_DATA = new Set([
  "TABLE",
  "TABLE DATA",
  "SEQUENCE",
  "MATERIALIZED VIEW",
  "CONSTRAINT",
  "FK CONSTRAINT",
]);
/** What keeps rows right: left out by name alone, and with what was. */
const KEEPS_ROWS_RIGHT = new Set(["constraint", "index"]);
const CONSTRAINTS = new Set(["CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT"]);

/**
 * Objects that only a superuser may create; on a managed server its provider may let the administrator. None of them
 * holds rows.
 */
export function superusersOnly(entries: readonly TocEntry[]): Skip[] {
  const wide = new Set(
    entries.filter(({ kind }) => kind === "PUBLICATION TABLES IN SCHEMA").flatMap((one) => one.dependencies),
  );
  return entries
    .filter(
      ({ kind, dumpId, definition }) =>
        kind === "EVENT TRIGGER" ||
        kind === "FOREIGN DATA WRAPPER" ||
        (kind === "PUBLICATION" && (wide.has(dumpId) || / FOR ALL TABLES\b/.test(definition))),
    )
    .map((entry) => ({ kind: kindOf(entry), name: entry.name, reason: "only a superuser may create it" }));
}

/** @throws UsageError saying what is allowed */
export function parseSkip(text: string): Skip {
  const [, kind = "", name = ""] = /^([^:]*):(.*)$/s.exec(text) ?? [];
  if (!(SKIPPABLE as readonly string[]).includes(kind) || !name) {
    throw new UsageError(
      `--skip ${text}: expected <kind>:<name> or <kind>:${ALL}; kinds: ${SKIPPABLE.join(", ")}`,
    );
  }
  if (KEEPS_ROWS_RIGHT.has(kind) && name === ALL)
    throw new UsageError(
      `--skip ${text}: what keeps rows right is left out by its own name, not all of a kind`,
    );
  return { kind, name };
}

const kindOf = ({ kind }: TocEntry) => kind.toLowerCase().replaceAll(" ", "-");

/** An entry that is left out, as a report names it. */
export const leftOutFor = (entry: TocEntry, reason: string): LeftOut => ({
  kind: kindOf(entry),
  name: entry.schema ? `${entry.schema}.${entry.name}` : entry.name,
  reason,
});

/** Names by which an object may be called: alone, with its schema, and a function without its arguments. */
function namesOf({ kind, name, schema }: TocEntry): string[] {
  const bare = kind === "FUNCTION" || kind === "PROCEDURE" ? [name, name.replace(/\(.*$/s, "")] : [name];
  // A policy's and a trigger's name stands behind its table's: `orders only_own`.
  const own = kind === "POLICY" || kind === "TRIGGER" ? [name.slice(name.indexOf(" ") + 1)] : [];
  // A constraint's as well, and it is called as the server calls it: `orders.positive`.
  const dotted = CONSTRAINTS.has(kind) ? [name.replace(" ", "."), name.slice(name.indexOf(" ") + 1)] : [];
  return [...bare, ...own, ...dotted].flatMap((one) => (schema ? [one, `${schema}.${one}`] : [one]));
}

/**
 * What a restore leaves out: what was named, what needs a role that is not there, and what depends on either.
 * @param missing roles the server lacks
 * @param largeObjects whether they come back
 * @throws UsageError when something named is not in the backup, or tables would go with it
 */
export function planOmissions(
  entries: readonly TocEntry[],
  skips: readonly Skip[],
  missing: readonly string[],
  largeObjects: "keep" | "drop" = "keep",
): Omissions {
  const reasons = new Map<number, string>();
  const checks: string[] = [];
  const roles = skips.filter(({ kind }) => kind === "role").map(({ name }) => name);
  for (const { kind, name, reason = SKIPPED } of skips.filter((skip) => skip.kind !== "role")) {
    const matching = entries.filter(
      (entry) => isOfKind(entry, kind) && (name === ALL || namesOf(entry).includes(name)),
    );
    // Only the database that is made knows whether there is such a check.
    if (matching.length === 0 && kind === "constraint") checks.push(name);
    else if (matching.length === 0 && name !== ALL)
      throw new UsageError(`--skip ${kind}:${name}: the backup has no such ${kind}`);
    for (const { dumpId } of matching) reasons.set(dumpId, reason);
  }
  for (const entry of entries) {
    if (entry.kind !== "POLICY" && entry.kind !== "USER MAPPING") continue;
    const role = rolesOf(entry).find((one) => missing.includes(one));
    if (role !== undefined) reasons.set(entry.dumpId, `role ${role} does not exist`);
  }
  if (largeObjects === "drop")
    for (const { dumpId, kind } of entries)
      if (/^BLOBS?( METADATA)?$/.test(kind)) reasons.set(dumpId, "--mask");
  addDependents(entries, reasons);
  addMappings(entries, reasons);
  const list = entries
    .filter(({ dumpId, kind }) => reasons.has(dumpId) && !["ACL", "COMMENT"].includes(kind))
    .map((entry) => {
      const reason = reasons.get(entry.dumpId) ?? "";
      return leftOutFor(
        entry,
        entry.kind === "FK CONSTRAINT" && reason === SKIPPED ? NEW_ROWS_OR_NONE : reason,
      );
    });
  const named = entries.filter(
    ({ dumpId, kind }) => kind === "FK CONSTRAINT" && reasons.get(dumpId) === SKIPPED,
  );
  const ids = new Set(named.map(({ dumpId }) => dumpId));
  const comments = entries.filter(
    ({ kind, dependencies }) => kind === "COMMENT" && dependencies.some((id) => ids.has(id)),
  );
  return {
    entries: new Set(reasons.keys()),
    roles,
    list: [...list, ...checks.map((name) => ({ kind: "constraint", name, reason: FOR_NEW_ROWS }))],
    loose: { checks, foreignKeys: [...named, ...comments] },
  };
}

const isOfKind = (entry: TocEntry, kind: string) =>
  kind === "constraint" ? CONSTRAINTS.has(entry.kind) : kindOf(entry) === kind;

/** A user mapping needs its server, and of that a dump says no more than the name: `USER MAPPING api SERVER other`. */
function addMappings(entries: readonly TocEntry[], reasons: Map<number, string>): void {
  const servers = entries.filter(({ kind, dumpId }) => kind === "SERVER" && reasons.has(dumpId));
  for (const { kind, name, dumpId } of entries) {
    if (kind !== "USER MAPPING" || reasons.has(dumpId)) continue;
    const server = servers.find((one) => name.endsWith(` SERVER ${one.name}`));
    if (server) reasons.set(dumpId, `it needs server ${server.name}`);
  }
}

function addDependents(entries: readonly TocEntry[], reasons: Map<number, string>): void {
  const byId = new Map(entries.map((entry) => [entry.dumpId, entry]));
  for (let before = -1; before !== reasons.size;) {
    before = reasons.size;
    for (const entry of entries) {
      const needed = entry.dependencies.find((id) => reasons.has(id));
      if (needed === undefined || reasons.has(entry.dumpId)) continue;
      const { kind = "", name = "" } = byId.get(needed) ?? {};
      const withKey = kind.endsWith("CONSTRAINT") || kind === "INDEX";
      if (HOLDS_DATA.has(entry.kind) && !(withKey && entry.kind.endsWith("CONSTRAINT"))) {
        throw new UsageError(
          `--skip: ${entry.kind.toLowerCase()} ${entry.schema}.${entry.name} needs ${kind.toLowerCase()} ${name}, which therefore cannot be left out`,
        );
      }
      reasons.set(entry.dumpId, `it needs ${kind.toLowerCase()} ${name}`);
      // What a view with a circle in it asks comes after it: without, it would answer, and be wrong.
      if (entry.kind === "RULE" && entry.name.endsWith(" _RETURN"))
        for (const id of entry.dependencies)
          if (byId.get(id)?.kind === "VIEW") reasons.set(id, `it needs ${kind.toLowerCase()} ${name}`);
    }
  }
}
