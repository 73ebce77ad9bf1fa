import { DefaultAzureCredential, type TokenCredential } from "@azure/identity";
import { patience, REQUEST_MS } from "./patience";

/** Longest the Azure CLI may take for a token; it asks Entra, and starts slowly on a busy machine. */
const CLI_MS = 60_000;

/**
 * Whoever is signed in: by a workload's identity, or the Azure CLI. What does not answer is not waited for.
 * @param cliMs longest a program may take that is asked for a token
 */
export const signedIn = (cliMs = CLI_MS): TokenCredential =>
  new DefaultAzureCredential({ processTimeoutInMs: cliMs, additionalPolicies: [patience(REQUEST_MS)] });
