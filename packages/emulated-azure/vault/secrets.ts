import { randomBytes } from "node:crypto";
import { ArmError } from "../arm/errors";
import type { ArmContext } from "../arm/context";
import { merge, numberAt, stringAt, treeAt, valueAt } from "../model/paths";
import type { Stored, Tree, Value } from "../model/types";
import type { CloudStore } from "../store/cloud";
import type { SecretBody } from "./bodies";

const SECRET = "azure-native:keyvault:Secret";
/** Days a deleted secret is kept where the vault does not say (https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview). */
const KEPT_DAYS = 90;
const DAY_SECONDS = 86_400;

/** Versions of before, oldest first, and when a secret was deleted; by the cloud, since they go with it. */
interface Past {
  readonly versions: Map<string, Stored[]>;
  readonly deletedAt: Map<string, number>;
}
const PAST = new WeakMap<CloudStore, Past>();

function pastOf({ cloud }: ArmContext): Past {
  const known = PAST.get(cloud) ?? { versions: new Map(), deletedAt: new Map() };
  PAST.set(cloud, known);
  return known;
}

/** Last part of the address of a version. */
export const versionOf = ({ outputs }: Stored): string =>
  (stringAt(outputs, "properties.secretUriWithVersion") ?? "").split("/").pop() ?? "";

/** Keeps what a secret was, whichever front changed it. */
export function keepVersions(cloud: ArmContext): void {
  cloud.hooks.on((event) => {
    if (event.kind !== "updated" || event.stored.type !== SECRET) return;
    if (versionOf(event.before) === versionOf(event.stored)) return;
    const { versions } = pastOf(cloud);
    versions.set(event.stored.key, [...(versions.get(event.stored.key) ?? []), event.before]);
  });
}

/** The secrets of one vault: as they are, as they were, and those that were deleted and can come back. */
export class Secrets {
  private readonly past: Past;

  constructor(
    private readonly cloud: ArmContext,
    private readonly vault: Stored,
  ) {
    this.past = pastOf(cloud);
  }

  all(): Stored[] {
    return this.held().filter(({ softDeleted }) => !softDeleted);
  }

  deleted(): Stored[] {
    return this.held().filter(({ softDeleted }) => softDeleted === true);
  }

  /** Every version, the newest last. @throws ArmError 404 */
  versions(name: string): Stored[] {
    const current = this.get(name);
    return [...(this.past.versions.get(current.key) ?? []), current];
  }

  /** @throws ArmError 404 */
  get(name: string, version?: string): Stored {
    const current = this.all().find(({ id }) => isCalled(id, name));
    const found =
      current && version !== undefined
        ? this.versions(name).find((one) => versionOf(one) === version)
        : current;
    if (!found)
      throw new ArmError(
        404,
        "SecretNotFound",
        `A secret with (name/id) ${name}${version === undefined ? "" : `/${version}`} was not found in this key vault.`,
      );
    return found;
  }

  /** @throws ArmError 404 */
  deletedCalled(name: string): Stored {
    const found = this.deleted().find(({ id }) => isCalled(id, name));
    if (!found)
      throw new ArmError(
        404,
        "SecretNotFound",
        `Deleted Secret not found: ${name} is not in a deleted state.`,
      );
    return found;
  }

  /** A new version, which has nothing of the one before. */
  async set(name: string, { value = "", contentType, attributes, tags }: SecretBody): Promise<Stored> {
    this.refuseDeleted(name);
    const { cloud, model, hooks } = this.cloud;
    const inputs: Tree = {
      vaultName: stringAt(this.vault.inputs, "vaultName") ?? "",
      resourceGroupName: stringAt(this.vault.inputs, "resourceGroupName") ?? "",
      secretName: name,
      properties: {
        value,
        ...(contentType !== undefined && { contentType }),
        ...(attributes && { attributes: { enabled: true, ...attributes } }),
      },
      ...(tags && { tags }),
    };
    const subscriptionId = /^\/subscriptions\/([^/]+)/i.exec(this.vault.id)?.[1] ?? "";
    const scope = { package: "azure-native", config: { subscriptionId } };
    const secret = model.resource(SECRET);
    const key = secret.key(secret.id(inputs, scope), scope);
    const before = cloud.get(key);
    if (before) model.update(SECRET, before.id, before.inputs, inputs, scope, cloud);
    else model.create(SECRET, "", inputs, scope, cloud);
    const stored = this.dated(cloud.get(key) as Stored, randomBytes(16).toString("hex"));
    cloud.put(stored);
    await hooks.emit(before ? { kind: "updated", stored, before } : { kind: "created", stored });
    return stored;
  }

  /** Another content type, tags or attributes of a version, whose value stays. @throws ArmError 404 */
  async change(name: string, version: string | undefined, body: SecretBody): Promise<Stored> {
    const found = this.get(name, version);
    const { contentType, attributes, tags } = body;
    const properties: Tree = {
      ...(contentType !== undefined && { contentType }),
      ...(attributes && { attributes }),
    };
    const with_ = (tree: Tree): Tree => ({ ...merge(tree, { properties }), ...(tags && { tags }) });
    const changed = this.dated({ ...found, inputs: with_(found.inputs), outputs: with_(found.outputs) });
    const { cloud, hooks } = this.cloud;
    if (cloud.get(found.key) === found) {
      cloud.put(changed);
      await hooks.emit({ kind: "updated", stored: changed, before: found });
    } else {
      const older = this.past.versions.get(found.key) ?? [];
      this.past.versions.set(
        found.key,
        older.map((one) => (one === found ? changed : one)),
      );
    }
    return changed;
  }

  /** @throws ArmError 404 */
  async remove(name: string): Promise<Stored> {
    const found = this.get(name);
    this.cloud.cloud.put({ ...found, softDeleted: true });
    this.past.deletedAt.set(found.key, this.now());
    await this.cloud.hooks.emit({ kind: "deleted", before: found });
    return found;
  }

  /** @throws ArmError 404 */
  async recover(name: string): Promise<Stored> {
    const { softDeleted: _, ...stored } = this.deletedCalled(name);
    this.cloud.cloud.put(stored);
    await this.cloud.hooks.emit({ kind: "created", stored });
    return stored;
  }

  /** @throws ArmError 403 where the vault keeps what was deleted, 404 */
  purge(name: string): void {
    const { key } = this.deletedCalled(name);
    if (valueAt(this.vault.inputs, "properties.enablePurgeProtection") === true)
      throw new ArmError(
        403,
        "Forbidden",
        `Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service will automatically purge it after the retention period has passed.`,
      );
    this.cloud.cloud.remove(key);
    this.past.versions.delete(key);
  }

  /** When a deleted secret was, and when it is gone for good; seconds since 1970. */
  datesOf({ key }: Stored): { deletedDate: number; scheduledPurgeDate: number } {
    const deletedDate = this.past.deletedAt.get(key) ?? this.now();
    const days = numberAt(this.vault.inputs, "properties.softDeleteRetentionInDays") ?? KEPT_DAYS;
    return { deletedDate, scheduledPurgeDate: deletedDate + days * DAY_SECONDS };
  }

  private held(): Stored[] {
    const prefix = `${this.vault.id.toLowerCase()}/secrets/`;
    return this.cloud.cloud.ofType(SECRET).filter(({ id }) => id.toLowerCase().startsWith(prefix));
  }

  private refuseDeleted(name: string): void {
    if (!this.deleted().some(({ id }) => isCalled(id, name))) return;
    throw new ArmError(
      409,
      "Conflict",
      `Secret ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.`,
    );
  }

  private now(): number {
    return Math.floor(this.cloud.now().getTime() / 1_000);
  }

  /** @param version a new one; as it is unless given */
  private dated(stored: Stored, version?: string): Stored {
    const uri = stringAt(stored.outputs, "properties.secretUri") ?? "";
    const created =
      version === undefined ? treeAt(stored.outputs, "properties.attributes")?.["created"] : this.now();
    const properties = {
      ...(version !== undefined && { secretUriWithVersion: `${uri}/${version}` }),
      attributes: { created: (created ?? this.now()) as Value, updated: this.now() },
    };
    return { ...stored, outputs: merge(stored.outputs, { properties }) };
  }
}

const isCalled = (id: string, name: string): boolean =>
  id.toLowerCase().endsWith(`/secrets/${name.toLowerCase()}`);
