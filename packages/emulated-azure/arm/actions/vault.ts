import { lastName } from "../../model/ids";
import { textAt, valueAt } from "../../model/paths";
import type { Stored, Tree } from "../../model/types";
import { ArmAnswer, ArmContext, ArmRequest, list } from "../context";
import { ArmError } from "../errors";
import { shown } from "../views";
import type { ActionTable } from "./table";

const VAULT = "azure-native:keyvault:Vault";

function deleted({ cloud }: ArmContext): Stored[] {
  return [...cloud.all()].filter(({ type, softDeleted }) => type === VAULT && softDeleted === true);
}

function place({ inputs }: Stored): string {
  return textAt(inputs, "location").toLowerCase().replaceAll(" ", "");
}

function nameOf({ id }: Stored): string {
  return lastName(id);
}

function view(stored: Stored, subscription: string): Tree {
  const location = place(stored);
  const days = (valueAt(stored.inputs, "properties.softDeleteRetentionInDays") as number | undefined) ?? 90;
  return {
    id: `/subscriptions/${subscription}/providers/Microsoft.KeyVault/locations/${location}/deletedVaults/${nameOf(stored)}`,
    name: nameOf(stored),
    type: "Microsoft.KeyVault/deletedVaults",
    properties: {
      vaultId: stored.id,
      location,
      tags: (stored.inputs["tags"] as Tree | undefined) ?? {},
      purgeProtectionEnabled: valueAt(stored.inputs, "properties.enablePurgeProtection") === true,
      retentionDays: days,
    },
  };
}

function one(context: ArmContext, { route }: ArmRequest, name: string, location: string): Stored {
  const found = deleted(context).find(
    (stored) =>
      nameOf(stored).toLowerCase() === name.toLowerCase() && place(stored) === location.toLowerCase(),
  );
  if (!found)
    throw new ArmError(404, "DeletedVaultNotFound", `The specified deleted vault '${name}' does not exist.`);
  void route;
  return found;
}

function partsOf(path: string): { location: string; name: string } {
  const [, location = "", name = ""] = /\/locations\/([^/]+)\/deletedVaults\/([^/]+)/i.exec(path) ?? [];
  return { location, name };
}

function purge(context: ArmContext, request: ArmRequest): ArmAnswer {
  const { location, name } = partsOf(request.route.path);
  const found = one(context, request, name, location);
  if (valueAt(found.inputs, "properties.enablePurgeProtection") === true) {
    throw new ArmError(
      409,
      "DeletedVaultPurge",
      `Operation 'DeletedVaultPurge' is not allowed because purge protection is enabled for '${name}'.`,
    );
  }
  context.cloud.remove(found.key);
  return { status: 200 };
}

/** A PUT of a vault that asks for the deleted one of its name. */
export function asksForRecovery(body: Tree): boolean {
  return textAt(body, "properties.createMode").toLowerCase() === "recover";
}

/** Brings a deleted vault back as it was. */
export async function recover(context: ArmContext, { route }: ArmRequest): Promise<ArmAnswer> {
  const found = context.cloud.get(`arm:${route.path.toLowerCase()}`);
  if (!found?.softDeleted) {
    throw new ArmError(
      404,
      "DeletedVaultNotFound",
      `The specified deleted vault '${lastName(route.path)}' does not exist.`,
    );
  }
  const { softDeleted, ...stored } = found;
  void softDeleted;
  context.cloud.put(stored);
  await context.hooks.emit({ kind: "created", stored });
  return { status: 200, body: shown(stored, context) };
}

export const VAULT_ACTIONS: ActionTable = {
  "GET Microsoft.KeyVault/deletedVaults": (context, { route }) =>
    list(deleted(context).map((stored) => view(stored, route.subscription))),
  "GET Microsoft.KeyVault/deletedManagedHSMs": () => list([]),
  "GET Microsoft.KeyVault/locations/deletedVaults": (context, request) => {
    const { location, name } = partsOf(request.route.path);
    return { status: 200, body: view(one(context, request, name, location), request.route.subscription) };
  },
  "POST Microsoft.KeyVault/locations/deletedVaults/purge": purge,
  "POST Microsoft.KeyVault/checkNameAvailability": (context, { body }) => {
    const name = textAt(body, "name");
    const taken = [...context.cloud.all()].some(
      (stored) => stored.type === VAULT && nameOf(stored).toLowerCase() === name.toLowerCase(),
    );
    return { status: 200, body: { nameAvailable: !taken, ...(taken && { reason: "AlreadyExists" }) } };
  },
};
