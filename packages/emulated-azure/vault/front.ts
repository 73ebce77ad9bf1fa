import { ArmError, refuseThrottled, Swallowed } from "../arm/errors";
import { Forbidden, refuseByNetwork } from "./forbidden";
import { paged } from "../arm/paging";
import type { ArmAnswer, ArmContext } from "../arm/context";
import { lastName } from "../model/ids";
import type { Vantage } from "../network/vantage";
import { treeAt, valueAt } from "../model/paths";
import type { Stored, Tree } from "../model/types";
import { bodyOf } from "./bodies";
import { Secrets, versionOf } from "./secrets";

/** Host names of vaults. */
export const VAULT_HOST = /^[a-z0-9-]+\.vault\.azure\.net$/;
const AUDIENCE = "https://vault.azure.net";
const VAULT = "azure-native:keyvault:Vault";
/** Versions of the service (https://learn.microsoft.com/rest/api/keyvault/secrets and the clients' `KnownVersions`). */
const API_VERSIONS = [
  "2016-10-01",
  "7.0",
  "7.1",
  "7.2",
  "7.3",
  "7.4",
  "7.5",
  "7.6",
  "2025-07-01",
  "2026-04-01",
];
/** Most secrets of one page (https://learn.microsoft.com/rest/api/keyvault/secrets/get-secrets/get-secrets#uri-parameters). */
const PAGE = 25;
/** Kinds a vault holds beside secrets, and what of secrets is not here. */
const ELSEWHERE =
  /^\/(keys|certificates|storage|deleted(keys|certificates|storage)|rng|secrets\/(restore|[^/]+\/backup))(\/|$)/;

interface VaultRequest {
  readonly method: string;
  readonly url: URL;
  readonly host: string;
  readonly from: Vantage;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** One request once it is known what it asks for. */
interface Asked {
  readonly secrets: Secrets;
  readonly host: string;
  readonly url: URL;
  /** The secret's name, where the path has one. */
  readonly name: string;
  readonly version: string | undefined;
  readonly body: unknown;
}

/** Data action, as built-in roles name it, and what it does; nothing is answered with 204. */
type Operation = readonly [right: string, act: (asked: Asked) => object | void | Promise<object>];

const NAME = "([^/]+)";
const OPERATIONS: readonly (readonly [method: string, path: RegExp, operation: Operation])[] = [
  ["GET", /^\/secrets$/, ["readMetadata/action", ({ secrets, ...asked }) => listed(asked, secrets.all())]],
  ["GET", new RegExp(`^/secrets/${NAME}/versions$`), ["readMetadata/action", versions]],
  ["GET", new RegExp(`^/secrets/${NAME}(?:/${NAME})?$`), ["getSecret/action", read]],
  ["PUT", new RegExp(`^/secrets/${NAME}$`), ["setSecret/action", write]],
  ["PATCH", new RegExp(`^/secrets/${NAME}(?:/${NAME})?$`), ["update/action", change]],
  ["DELETE", new RegExp(`^/secrets/${NAME}$`), ["delete", remove]],
  ["GET", /^\/deletedsecrets$/, ["readMetadata/action", deleted]],
  ["GET", new RegExp(`^/deletedsecrets/${NAME}$`), ["readMetadata/action", deletedOne]],
  ["POST", new RegExp(`^/deletedsecrets/${NAME}/recover$`), ["recover/action", recover]],
  ["DELETE", new RegExp(`^/deletedsecrets/${NAME}$`), ["purge/action", purge]],
];

/**
 * The data plane of a vault for secrets (https://learn.microsoft.com/rest/api/keyvault/secrets). The first request without a
 * token is answered with the address to get one from, as clients expect.
 * @throws ArmError; Unreachable, Swallowed when nobody answers
 */
export async function answerVault(cloud: ArmContext, request: VaultRequest): Promise<ArmAnswer> {
  const { method, url, host, from, body } = request;
  const vault = vaultOf(cloud, host);
  const session = cloud.directory.session(/^Bearer (.+)$/i.exec(request.authorization ?? "")?.[1] ?? "");
  if (!session || cloud.directory.expired(session) || session.audience !== AUDIENCE) {
    throw new ArmError(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.", {
      "WWW-Authenticate": `Bearer authorization="https://login.microsoftonline.com/${cloud.directory.tenantId}", resource="${AUDIENCE}"`,
    });
  }
  refuseByNetwork(cloud, from, vault, session.principal);
  // https://learn.microsoft.com/azure/key-vault/general/overview-throttling
  refuseThrottled(
    cloud.front.throttledFor,
    "Throttled",
    "Request was not processed because too many requests were received.",
  );
  refuseVersion(url.searchParams.get("api-version"));
  const { name, version, operation } = operationOf(method, url.pathname);
  const scope = name === "" ? vault.id : `${vault.id}/secrets/${name}`;
  const action = `Microsoft.KeyVault/vaults/secrets/${operation[0]}`;
  if (!cloud.rights.may(session.principal, { action, scope, data: true })) {
    throw new Forbidden(
      "ForbiddenByRbac",
      "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.",
      {
        vault,
        principal: session.principal,
        details: [`Action: '${action}'`, `Resource: '${scope.toLowerCase()}'`],
      },
    );
  }
  refuseLost(cloud, vault);
  const secrets = new Secrets(cloud, vault);
  const done = await operation[1]({ secrets, host, url, name, version, body });
  return done ? { status: 200, body: done } : { status: 204 };
}

function vaultOf({ cloud }: ArmContext, host: string): Stored {
  const name = host.split(".")[0] ?? "";
  const found = cloud
    .ofType(VAULT)
    .find(({ id, softDeleted }) => !softDeleted && id.toLowerCase().endsWith(`/vaults/${name}`));
  if (!found) throw new ArmError(404, "VaultNotFound", `The vault ${name} does not exist.`);
  return found;
}

function refuseVersion(asked: string | null): void {
  if (asked === null) throw new ArmError(400, "BadParameter", "api-version must be specified");
  // Previews come and go; each is as its version.
  if (API_VERSIONS.includes(asked.replace(/-preview(\.\d+)?$/, ""))) return;
  throw new ArmError(
    400,
    "BadParameter",
    `The specified version (${asked}) isn't recognized. Consider using the latest supported version (${API_VERSIONS.at(-1) ?? ""}).`,
  );
}

function operationOf(method: string, pathname: string) {
  const path = pathname.replace(/(?<=.)\/+$/, "");
  const kind = ELSEWHERE.exec(path)?.[1];
  if (kind !== undefined)
    throw new ArmError(501, "NotImplemented", `This emulated vault holds secrets, and no ${kind}.`);
  const known = OPERATIONS.flatMap(([allowed, pattern, operation]) => {
    const found = pattern.exec(path);
    return found ? [{ allowed, operation, name: found[1] ?? "", version: found[2] }] : [];
  });
  const found = known.find(({ allowed }) => allowed === method);
  if (found) return found;
  if (known.length > 0) throw new ArmError(405, "MethodNotAllowed", `${method} is not allowed here.`);
  throw new ArmError(404, "NotFound", `There is nothing at ${path} of a vault.`);
}

function refuseLost({ front }: ArmContext, { type, key }: Stored): void {
  const asked = { operation: "read", type, name: "", key, itself: true } as const;
  const lost = front.unreachable(asked);
  if (front.swallows(asked)) throw new Swallowed(lost);
  if (lost !== undefined) throw new ArmError(503, "ServiceUnavailable", lost);
}

/** A page of secrets. @param show how each is shown */
function listed({ host, url }: Pick<Asked, "host" | "url">, all: readonly Stored[], show = asItem): object {
  const given = url.searchParams.get("maxresults");
  if (given !== null && !(/^\d+$/.test(given) && Number(given) >= 1 && Number(given) <= PAGE))
    throw new ArmError(400, "BadParameter", `maxresults must be a number from 1 to ${PAGE}.`);
  const size = given === null ? PAGE : Number(given);
  const { value, nextLink } = paged(all, `https://${host}`, url, size);
  return { value: value.map((one) => show(one, host)), nextLink: nextLink ?? null };
}

const asItem = (stored: Stored, host: string): Tree => shown(stored, host, "item");

/** Each by its own address. */
function versions({ secrets, name, ...asked }: Asked): object {
  return listed(asked, secrets.versions(name), (stored, host) => shown(stored, host, "version"));
}

function read({ secrets, name, version, host }: Asked): object {
  const found = secrets.get(name, version);
  // https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#secret-attributes: outside nbf and exp it is read all the same.
  if (treeAt(found.inputs, "properties.attributes")?.["enabled"] === false)
    throw new ArmError(403, "Forbidden", "Operation get is not allowed on a disabled secret.");
  return shown(found, host, "whole");
}

async function write({ secrets, name, body, host }: Asked): Promise<object> {
  return shown(await secrets.set(name, bodyOf(name, body, "set")), host, "whole");
}

async function change({ secrets, name, version, body, host }: Asked): Promise<object> {
  return shown(await secrets.change(name, version, bodyOf(name, body, "change")), host, "version");
}

async function remove({ secrets, name, host }: Asked): Promise<object> {
  return shownDeleted(await secrets.remove(name), secrets, host);
}

function deleted({ secrets, ...asked }: Asked): object {
  return listed(asked, secrets.deleted(), (stored, host) => ({
    ...asItem(stored, host),
    ...recovery(stored, secrets, host),
  }));
}

function deletedOne({ secrets, name, host }: Asked): object {
  return shownDeleted(secrets.deletedCalled(name), secrets, host);
}

async function recover({ secrets, name, host }: Asked): Promise<object> {
  return shown(await secrets.recover(name), host, "version");
}

function purge({ secrets, name }: Asked): void {
  secrets.purge(name);
}

function shownDeleted(stored: Stored, secrets: Secrets, host: string): object {
  return { ...shown(stored, host, "version"), ...recovery(stored, secrets, host) };
}

function recovery(stored: Stored, secrets: Secrets, host: string): Tree {
  const { deletedDate, scheduledPurgeDate } = secrets.datesOf(stored);
  return { recoveryId: `https://${host}/deletedsecrets/${nameOf(stored)}`, deletedDate, scheduledPurgeDate };
}

const nameOf = ({ id }: Stored): string => lastName(id);

const addressOf = (stored: Stored, host: string): string =>
  `https://${host}/secrets/${nameOf(stored)}/${versionOf(stored)}`;

/**
 * @param as `whole`: with its value, by its version's address; `version`: without the value; `item`: as lists show it, by the
 * secret's address
 */
function shown(stored: Stored, host: string, as: "whole" | "version" | "item"): Tree {
  const { inputs, outputs } = stored;
  const given = treeAt(inputs, "properties.attributes") ?? {};
  const made = treeAt(outputs, "properties.attributes") ?? {};
  const value = valueAt(inputs, "properties.value");
  const contentType = valueAt(inputs, "properties.contentType");
  const attributes = {
    enabled: given["enabled"] ?? true,
    nbf: given["notBefore"],
    exp: given["expires"],
    created: made["created"],
    updated: made["updated"],
    recoveryLevel: "Recoverable",
  };
  return {
    id: as === "item" ? `https://${host}/secrets/${nameOf(stored)}` : addressOf(stored, host),
    ...(as === "whole" && value !== undefined && { value }),
    ...(contentType !== undefined && { contentType }),
    attributes: Object.fromEntries(Object.entries(attributes).filter(([, one]) => one !== undefined)) as Tree,
    ...(inputs["tags"] !== undefined && { tags: inputs["tags"] }),
  };
}
