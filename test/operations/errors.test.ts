import type { ResourceManagementClient } from "@azure/arm-resources";
import { createHttpHeaders } from "@azure/core-rest-pipeline";
import { failed, messageOf, notRun, passes } from "../../apps/operations/frame/errors";
import { resourceManager } from "../../apps/operations/ground/resources";
import { FailedError } from "../../packages/command/errors";

test("what was not heard may be asked again, and no other answer", () => {
  const coded = (code: unknown) => Object.assign(new Error("x"), { code });
  const again = [
    coded("ECONNRESET"),
    coded("57P03"),
    coded(503),
    Object.assign(new Error("x"), { statusCode: 429 }),
    new Error("timeout expired"),
    new TypeError("fetch failed", { cause: coded("ECONNREFUSED") }),
    new AggregateError([coded("ECONNREFUSED")]),
    new FailedError("2 are needed", { cause: new DOMException("The operation was aborted.", "AbortError") }),
    notRun("kv cannot be read", coded("ECONNRESET")),
    // What is at something else just then says so by a code, or in an operation that failed for it.
    Object.assign(new Error("x"), { statusCode: 409, code: "ServerIsBusy" }),
    Object.assign(new Error("x"), { statusCode: 409, code: "AnotherOperationInProgress" }),
    new Error(
      "Cannot complete operation while server 'x' is busy processing another operation. Try again later.",
    ),
  ];
  const never = [
    coded("28P01"),
    coded("42P01"),
    coded(409),
    coded("AuthorizationFailed"),
    new TypeError("x is not a function"),
    Object.assign(new Error("x"), { statusCode: 409, code: "ScopeLocked" }),
    failed("it was rolled back", coded("ECONNRESET")),
    notRun("kv has no secret"),
    notRun("kv cannot be read", coded(403)),
    new FailedError("2 are needed", {
      cause: Object.assign(new Error("socket hang up"), { statusCode: 403 }),
    }),
    undefined,
  ];
  expect(again.filter((error) => !passes(error))).toEqual([]);
  expect(never.filter((error) => passes(error))).toEqual([]);
});

test("who is not signed in is told so in one sentence, by what Entra says; whom nobody heard is told that", () => {
  const said = (text: string) => messageOf(new Error(text));
  const expired = "AADSTS700082: The refresh token has expired due to inactivity";
  expect(said(`ChainedTokenCredential authentication failed.\nERROR: ${expired}. Trace ID: 1`)).toBe(
    `nobody is signed in to Azure (${expired}): az login, or the settings of a workload identity`,
  );
  expect(said("EnvironmentCredential authentication failed. AADSTS7000215: Invalid client secret.")).toMatch(
    /^nobody is signed in to Azure \(AADSTS7000215: Invalid client secret\): /,
  );
  // Where no metadata service answers there is none; that is no word about Entra.
  expect(said("ChainedTokenCredential authentication failed. ENETUNREACH 169.254.169.254:80; no az")).toMatch(
    /^nobody is signed in to Azure: /,
  );
  for (const why of [
    "getaddrinfo ENOTFOUND login.microsoftonline.com",
    "HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /x",
  ])
    expect(said(`ChainedTokenCredential authentication failed. AzureCliCredential: ${why}`)).toBe(
      "Entra, which signs in to Azure, was not reached",
    );
});

test("a proxy that answers in Azure's place is told by what it says; what is not there has no empty list", async () => {
  const answering = (status: number, bodyAsText: string) =>
    resourceManager({
      pipeline: { sendRequest: () => Promise.resolve({ status, bodyAsText, headers: createHttpHeaders() }) },
    } as unknown as ResourceManagementClient);
  const page = "<html><title>Blocked</title>\n<p>by the proxy</p></html>";
  for (const status of [200, 502])
    await expect(answering(status, page).get("/subscriptions/x", "1")).rejects.toMatchObject({
      statusCode: status,
      message: `management.azure.com answers ${status}, and no JSON: Blocked by the proxy`,
    });
  const gone = JSON.stringify({ error: { code: "ResourceNotFound", message: "no" } });
  await expect(answering(404, gone).list("/subscriptions/x/servers", "1")).rejects.toThrow(
    "there is no /subscriptions/x/servers",
  );
});
