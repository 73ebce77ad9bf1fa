import { failOver, POLICY_LOCKED, refusedPolicyChange } from "../../model/azure/storage";
import { guid } from "../../model/cloud";
import { lastName } from "../../model/ids";
import { numberAt, stringAt, valueAt } from "../../model/paths";
import type { Stored, Tree } from "../../model/types";
import { ArmAnswer, ArmContext, ArmRequest, textIn } from "../context";
import { ArmError, notFound } from "../errors";
import { requireConditions } from "../conditions";
import { accepted, perform } from "../perform";
import { shown } from "../views";
import type { ActionTable } from "./table";

const ACCOUNT = "azure-native:storage:StorageAccount";

function account(context: ArmContext, { route }: ArmRequest): Stored {
  const found = context.cloud.get(`arm:${route.target.toLowerCase()}`);
  if (!found) throw notFound("Microsoft.Storage/storageAccounts", lastName(route.target), route.group);
  return found;
}

async function failover(context: ArmContext, request: ArmRequest): Promise<ArmAnswer> {
  const before = account(context, request);
  const name = lastName(before.id);
  const attempt = { operation: "update" as const, urn: "", type: ACCOUNT, name, key: before.key };
  const started = await perform(context, attempt, before.key, async (done) => {
    const stored = failOver(context.cloud, before);
    done(stored);
    await context.hooks.emit({ kind: "failed-over", stored });
  });
  return accepted(context, request, started, { result: () => undefined, bare: true });
}

/** Keys of an account, the same for one seed; refused where keys are switched off for good. */
function listKeys(context: ArmContext, request: ArmRequest): ArmAnswer {
  const found = account(context, request);
  if (valueAt(found.outputs, "allowSharedKeyAccess") === false) {
    throw new ArmError(
      403,
      "KeyBasedAuthenticationNotPermitted",
      "Key based authentication is not permitted on this storage account.",
    );
  }
  const value = (key: string): string =>
    Buffer.from(guid(context.cloud.seed, found.id, key).repeat(2)).toString("base64");
  return {
    status: 200,
    body: {
      keys: ["key1", "key2"].map((keyName) => ({ keyName, value: value(keyName), permissions: "FULL" })),
    },
  };
}

/**
 * Changes an immutability policy as only its state allows: one that is locked stays, and only gets longer
 * (https://learn.microsoft.com/azure/storage/blobs/immutable-storage-overview#locked-versus-unlocked-policies).
 */
function onPolicy(change: (policy: Stored, body: Tree) => Tree) {
  return async (context: ArmContext, request: ArmRequest): Promise<ArmAnswer> => {
    const { route, conditions, body } = request;
    const before = context.cloud.get(`arm:${route.target.toLowerCase()}`);
    if (!before) throw notFound(route.armType, "default", route.group);
    // Its ETag has to be sent (the operation's description in @azure/arm-storage).
    if (conditions.ifMatch === undefined)
      throw new ArmError(
        400,
        "MissingRequiredHeader",
        "An HTTP header that's mandatory for this request is not specified: If-Match.",
      );
    requireConditions(request, before);
    const stored = { ...before, outputs: { ...before.outputs, ...change(before, body) } };
    context.cloud.put(stored);
    await context.hooks.emit({ kind: "updated", stored, before });
    return { status: 200, body: shown(stored, context) };
  };
}

function extended({ outputs }: Stored, body: Tree): Tree {
  const name = "immutabilityPeriodSinceCreationInDays";
  const [days, wanted] = [numberAt(outputs, name) ?? 0, numberAt(body, `properties.${name}`) ?? 0];
  if (stringAt(outputs, "state") !== POLICY_LOCKED || wanted <= days) throw refusedPolicyChange();
  return { [name]: wanted };
}

function nameAvailability(context: ArmContext, { body }: ArmRequest): ArmAnswer {
  const name = textIn(body, "name") ?? "";
  const taken = [...context.cloud.all()].some(
    ({ type, outputs }) =>
      type === ACCOUNT && stringAt(outputs, "name")?.toLowerCase() === name.toLowerCase(),
  );
  return {
    status: 200,
    body: {
      nameAvailable: !taken,
      ...(taken && {
        reason: "AlreadyExists",
        message: `The storage account named ${name} is already taken.`,
      }),
    },
  };
}

export const STORAGE_ACTIONS: ActionTable = {
  "POST Microsoft.Storage/storageAccounts/failover": failover,
  "POST Microsoft.Storage/storageAccounts/listKeys": listKeys,
  "POST Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies/lock": onPolicy(
    () => ({
      state: POLICY_LOCKED,
    }),
  ),
  "POST Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies/extend":
    onPolicy(extended),
  "POST Microsoft.Storage/checkNameAvailability": nameAvailability,
};
