import type { Client } from "pg";
import { FailedError, UsageError } from "../../packages/command/errors";
import {
  planOmissions,
  superusersOnly,
  type LeftOut,
  type LooseConstraints,
  type Omissions,
} from "./leaveOut";
import type { RestoreOptions } from "./options";
import { planOwnership, type OwnershipPlan } from "./ownership";
import { createMissingRoles } from "./postgres/roles";
import { missingExtensions } from "./postgres/pgRestore";
import { LargeObjectSum } from "./postgres/rows";
import type { Target } from "./postgres/target";
import type { TocEntry } from "./postgres/toc";
import { manifestOf, selectEntries } from "./selection";
import type { Manifest } from "./types";

/** What was decided before anything is written. */
export interface Preparation {
  plan: OwnershipPlan;
  /** Entries that are not restored. */
  without: ReadonlySet<number>;
  loose: LooseConstraints;
  leftOut: LeftOut[];
  /** What the backup never held. */
  notDumped: readonly LeftOut[];
  /** Entries that are restored. */
  entries: TocEntry[];
  /** What the restored database is to hold: the manifest, or the part of it that was asked for. */
  expected: Manifest;
  warnings: string[];
}

const NO_OBJECTS: Manifest["largeObjects"] = { count: 0, bytes: 0, sum: new LargeObjectSum().toString() };

/**
 * Decides what of an archive a restore brings back, and whether the server can take it.
 * @throws UsageError when something that was named is not there, or roles are missing that a replaced database needs
 * @throws FailedError when the server does not offer an extension
 */
export async function prepareRestore(
  client: Client,
  target: Target,
  manifest: Manifest,
  all: readonly TocEntry[],
  options: RestoreOptions,
): Promise<Preparation> {
  const largeObjects = options.masking?.rules.largeObjects;
  const selection = options.only && selectEntries(all, options.only);
  const asked = selection?.entries ?? all;
  const made = options.createRoles ? await createMissingRoles(client, asked, manifest.inventory.roles) : [];
  const plan = await planOwnership(client, asked);
  const skips = [...(options.provision ? superusersOnly(asked) : []), ...(options.skip ?? [])];
  const omissions = planOmissions(asked, skips, plan.missingRoles, largeObjects);
  if (target.kind === "replace") requireRoles(plan, omissions);
  const part = selection ? manifestOf(manifest, selection) : manifest;
  const missing = (await missingExtensions(client, part.inventory)).filter(
    (extension) => !omissions.list.some(({ kind, name }) => kind === "extension" && name === extension),
  );
  if (missing.length > 0) {
    throw new FailedError(
      `the server does not offer the extensions ${missing.join(", ")}; allow them first (azure.extensions)`,
    );
  }
  const entries = asked.filter(({ dumpId }) => !omissions.entries.has(dumpId));
  const kept = new Set(entries.map(({ dumpId }) => dumpId));
  const leftOut = [...(selection?.leftOut ?? []), ...omissions.list];
  const notDumped = selection ? [] : (manifest.notDumped ?? []);
  return {
    plan,
    without: new Set(all.map(({ dumpId }) => dumpId).filter((id) => !kept.has(id))),
    loose: omissions.loose,
    leftOut,
    notDumped,
    entries,
    expected: selection || largeObjects === "drop" ? { ...part, largeObjects: NO_OBJECTS } : part,
    warnings: [
      ...made.map((role) => `role ${role} was made without login; logins come with their passwords`),
      ...incomplete(plan),
      ...leftOut.map(({ kind, name, reason }) => `${kind} ${name} is left out: ${reason}`),
      ...notDumped.map(({ kind, name, reason }) => `${kind} ${name} is not in the backup: ${reason}`),
    ],
  };
}

function incomplete({ keep, missingRoles, foreignOwners, ofPublic }: OwnershipPlan): string[] {
  const unchanged = `schema public stays with its owner on this server: ${ofPublic ?? ""} cannot have it here`;
  if (keep) return ofPublic === undefined ? [] : [unchanged];
  const reasons = [
    ...missingRoles.map((role) => `role ${role} does not exist`),
    ...foreignOwners.map((role) => `the restoring role is no member of ${role}`),
  ];
  return [`not every owner and grant is restored: ${reasons.join(", ")}`];
}

/**
 * What takes the place of a database that works must work too: roles without their rights would be an outage.
 * @throws UsageError naming the roles that are not there or out of reach, unless they were named to be left out
 */
export function requireRoles(plan: OwnershipPlan, omissions: Omissions): void {
  const wanted = (role: string) => !omissions.roles.includes(role);
  const missing = plan.missingRoles.filter(wanted);
  const foreign = plan.foreignOwners.filter(wanted);
  if (missing.length + foreign.length === 0) return;
  const [first = ""] = [...missing, ...foreign];
  throw new UsageError([
    ...missing.map((role) => `role ${role} of the backup does not exist on the server; create it first`),
    ...foreign.map(
      (role) => `the restoring role may not act for ${role}, who owns or has granted part of the backup`,
    ),
    `nothing was changed; to restore without them add --skip role:${first}`,
  ]);
}
