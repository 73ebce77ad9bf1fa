import { failOver } from "../../model/azure/storage";
import { guid } from "../../model/cloud";
import { stringAt, valueAt } from "../../model/paths";
import type { Stored } from "../../model/types";
import { ArmAnswer, ArmContext, ArmRequest, textIn } from "../context";
import { ArmError, notFound } from "../errors";
import { accepted, perform } from "../perform";
import type { ActionTable } from "./table";

const ACCOUNT = "azure-native:storage:StorageAccount";

function account(context: ArmContext, { route }: ArmRequest): Stored {
  const found = context.cloud.get(`arm:${route.target.toLowerCase()}`);
  if (!found)
    throw notFound(
      "Microsoft.Storage/storageAccounts",
      route.target.slice(route.target.lastIndexOf("/") + 1),
      route.group,
    );
  return found;
}

async function failover(context: ArmContext, request: ArmRequest): Promise<ArmAnswer> {
  const before = account(context, request);
  const name = before.id.slice(before.id.lastIndexOf("/") + 1);
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
  "POST Microsoft.Storage/checkNameAvailability": nameAvailability,
};
