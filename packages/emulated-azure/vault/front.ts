import { ArmError } from "./arm/errors";
import type { ArmAnswer } from "./arm/context";
import type { EmulatedCloud } from "./cloud";
import { isTree, stringAt, treeAt, valueAt } from "./model/paths";
import type { Stored, Tree, Value } from "./model/types";

/** Host names of vaults. */
export const VAULT_HOST = /^[a-z0-9-]+\.vault\.azure\.net$/;
const AUDIENCE = "https://vault.azure.net";
const SECRET = "azure-native:keyvault:Secret";

interface VaultRequest {
  readonly method: string;
  readonly url: URL;
  readonly host: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/**
 * The data plane of a vault for secrets: list, read, set and delete
 * (https://learn.microsoft.com/rest/api/keyvault/secrets). The first request without a token is answered with the
 * address to get one from, as clients expect.
 * @throws ArmError
 */
export async function answerVault(cloud: EmulatedCloud, request: VaultRequest): Promise<ArmAnswer> {
  const { method, url, host } = request;
  const name = host.split(".")[0] ?? "";
  const vault = [...cloud.cloud.all()].find(
    ({ type, id, softDeleted }) =>
      type === "azure-native:keyvault:Vault" && !softDeleted && id.toLowerCase().endsWith(`/vaults/${name}`),
  );
  if (!vault) throw new ArmError(404, "VaultNotFound", `The vault ${name} does not exist.`);
  const session = cloud.directory.session(/^Bearer (.+)$/i.exec(request.authorization ?? "")?.[1] ?? "");
  if (!session || cloud.directory.expired(session) || session.audience !== AUDIENCE) {
    throw new ArmError(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.", {
      "WWW-Authenticate": `Bearer authorization="https://login.microsoftonline.com/${cloud.directory.tenantId}", resource="${AUDIENCE}"`,
    });
  }
  const [kind = "", secret, version] = url.pathname.split("/").filter((part) => part !== "");
  if (kind !== "secrets")
    throw new ArmError(404, "NotImplemented", `This emulated vault holds secrets, and no ${kind}.`);
  const scope = secret === undefined ? vault.id : `${vault.id}/secrets/${secret}`;
  const verb = {
    GET: secret === undefined ? "readMetadata" : "getSecret",
    PUT: "setSecret",
    DELETE: "delete",
  }[method];
  if (verb === undefined) throw new ArmError(405, "MethodNotAllowed", `${method} is not allowed here.`);
  const action =
    verb === "delete"
      ? "Microsoft.KeyVault/vaults/secrets/delete"
      : `Microsoft.KeyVault/vaults/secrets/${verb}/action`;
  if (!cloud.rights.may(session.principal, { action, scope, data: true })) {
    throw new ArmError(
      403,
      "Forbidden",
      `Caller is not authorized to perform action on resource.\r\nCaller: appid=${session.principal.appId ?? ""};oid=${session.principal.objectId}\r\nAction: '${action}'\r\nResource: '${scope.toLowerCase()}'\r\nVault: ${name};location=${stringAt(vault.inputs, "location") ?? ""}`,
    );
  }
  refuseLost(cloud, vault);
  void version;
  if (secret === undefined)
    return {
      status: 200,
      body: { value: secretsOf(cloud, vault).map((one) => shown(one, host, false)), nextLink: null },
    };
  const found = secretsOf(cloud, vault).find(({ id }) => id.toLowerCase() === scope.toLowerCase());
  if (method === "PUT")
    return { status: 200, body: shown(await set(cloud, vault, secret, request.body), host, true) };
  if (!found)
    throw new ArmError(
      404,
      "SecretNotFound",
      `A secret with (name/id) ${secret} was not found in this key vault.`,
    );
  if (method === "GET") return { status: 200, body: shown(found, host, true) };
  cloud.cloud.remove(found.key);
  await cloud.hooks.emit({ kind: "deleted", before: found });
  return {
    status: 200,
    body: { ...shown(found, host, false), recoveryId: `https://${host}/deletedsecrets/${secret}` },
  };
}

function refuseLost(cloud: EmulatedCloud, { type, key }: Stored): void {
  const lost = cloud.front.unreachable({ operation: "read", type, name: "", key, itself: true });
  if (lost !== undefined) throw new ArmError(503, "ServiceUnavailable", lost);
}

function secretsOf({ cloud }: EmulatedCloud, vault: Stored): Stored[] {
  const prefix = `${vault.id.toLowerCase()}/secrets/`;
  return [...cloud.all()].filter(({ type, id }) => type === SECRET && id.toLowerCase().startsWith(prefix));
}

/** The longest value of a secret, in bytes (https://learn.microsoft.com/azure/key-vault/secrets/about-secrets). */
const LARGEST_SECRET = 25 * 1024;
const bad = (what: string): ArmError =>
  new ArmError(400, "BadParameter", `The parameter ${what} is missing or invalid.`);

/** What a secret is to be, with every part of the type it has. @throws ArmError 400 */
function secretBody(name: string, given: unknown): Tree {
  if (!/^[0-9a-zA-Z-]{1,127}$/.test(name)) throw bad("secret-name");
  if (!isTree(given as Value)) throw bad("value");
  const body = given as Tree;
  const { value, contentType, attributes, tags } = body;
  if (typeof value !== "string" || Buffer.byteLength(value) > LARGEST_SECRET) throw bad("value");
  if (contentType !== undefined && typeof contentType !== "string") throw bad("contentType");
  if (tags !== undefined && !(isTree(tags) && Object.values(tags).every((tag) => typeof tag === "string")))
    throw bad("tags");
  if (attributes !== undefined && !isTree(attributes)) throw bad("attributes");
  const { enabled, exp } = attributes ?? {};
  if (enabled !== undefined && typeof enabled !== "boolean") throw bad("attributes.enabled");
  if (exp !== undefined && !(typeof exp === "number" && Number.isInteger(exp))) throw bad("attributes.exp");
  return body;
}

async function set(cloud: EmulatedCloud, vault: Stored, secretName: string, given: unknown): Promise<Stored> {
  const body = secretBody(secretName, given);
  const { value, contentType, attributes, tags } = body;
  const dates = treeAt(body, "attributes");
  const inputs: Tree = {
    vaultName: stringAt(vault.inputs, "vaultName") ?? "",
    resourceGroupName: stringAt(vault.inputs, "resourceGroupName") ?? "",
    secretName,
    properties: {
      value: value as string,
      ...(contentType !== undefined && { contentType: contentType as Value }),
      ...(attributes !== undefined && {
        attributes: {
          enabled: dates?.["enabled"] ?? true,
          ...(dates?.["exp"] !== undefined && { expires: dates["exp"] }),
        },
      }),
    },
    ...(tags !== undefined && { tags: tags as Value }),
  };
  const subscriptionId = /^\/subscriptions\/([^/]+)/i.exec(vault.id)?.[1] ?? "";
  const scope = { package: "azure-native", config: { subscriptionId } };
  const model = cloud.model.resource(SECRET);
  const id = model.id(inputs, scope);
  const key = model.key(id, scope);
  const before = cloud.cloud.get(key);
  if (before) cloud.model.update(SECRET, before.id, before.inputs, inputs, scope, cloud.cloud);
  else cloud.model.create(SECRET, "", inputs, scope, cloud.cloud);
  const stored = cloud.cloud.get(key) as Stored;
  await cloud.hooks.emit(before ? { kind: "updated", stored, before } : { kind: "created", stored });
  return stored;
}

function shown({ id, inputs, outputs }: Stored, host: string, whole: boolean): Tree {
  const name = id.slice(id.lastIndexOf("/") + 1);
  const attributes = treeAt(inputs, "properties.attributes") ?? {};
  const version = (stringAt(outputs, "properties.secretUriWithVersion") ?? "").split("/").pop() ?? "";
  const value = valueAt(inputs, "properties.value");
  return {
    id: `https://${host}/secrets/${name}${whole ? `/${version}` : ""}`,
    ...(whole && value !== undefined && { value }),
    attributes: {
      enabled: attributes["enabled"] ?? true,
      ...(attributes["expires"] !== undefined && { exp: attributes["expires"] }),
    },
    ...(inputs["tags"] !== undefined && { tags: inputs["tags"] }),
  };
}
