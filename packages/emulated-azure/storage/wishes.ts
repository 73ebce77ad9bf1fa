import type { Wish } from "../rights/decide";

const SERVICE = "Microsoft.Storage/storageAccounts/blobServices";
const BLOBS = `${SERVICE}/containers/blobs`;

/**
 * The right a request to a blob service needs
 * (https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory#permissions-for-blob-service-operations).
 * @param account ARM id of the account.
 * @param path Decoded, without the slash it begins with.
 */
export function wishOf(account: string, method: string, path: string, query: URLSearchParams): Wish {
  const comp = query.get("comp") ?? "";
  const [container = "", ...blob] = path.split("/");
  const service = `${account}/blobServices/default`;
  const scope = container === "" ? service : `${service}/containers/${container}`;
  const reads = method === "GET" || method === "HEAD";
  const of = (action: string, data: boolean): Wish => ({ action, scope, data });
  if (container === "") {
    if (comp === "list") return of(`${SERVICE}/containers/read`, false);
    if (comp === "userdelegationkey") return of(`${SERVICE}/generateUserDelegationKey/action`, false);
    return of(`${SERVICE}/${reads ? "read" : "write"}`, false);
  }
  if (blob.length === 0 || query.get("restype") === "container") {
    if (comp === "list") return of(`${BLOBS}/read`, true);
    if (comp === "lease") return of(`${SERVICE}/containers/lease/action`, false);
    return of(`${SERVICE}/containers/${reads ? "read" : method === "DELETE" ? "delete" : "write"}`, false);
  }
  if (comp === "tags") return of(`${BLOBS}/tags/${reads ? "read" : "write"}`, true);
  if (reads || comp === "query") return of(`${BLOBS}/read`, true);
  if (method !== "DELETE") return of(`${BLOBS}/write`, true);
  return of(query.has("versionid") ? `${BLOBS}/deleteBlobVersion/action` : `${BLOBS}/delete`, true);
}
