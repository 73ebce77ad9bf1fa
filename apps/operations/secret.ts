import { spawnSync } from "node:child_process";
import { text } from "node:stream/consumers";
import { SECRET_CATALOG, SecretEntry } from "../../infra/secrets/secretCatalogue";
import { expiry } from "../../infra/secrets/secretLife";
import { stackPlatformNames } from "../../stacks/names";
import { readStacks } from "../../stacks/files";
import type { StackConfig } from "../../stacks/schema";
import { KEY_VAULT_API } from "../../packages/azure-facts";
import { FailedError, NotRunError, UsageError } from "../../packages/command/errors";
import { createCommand, runCommand } from "../../packages/command/program";
import { projectRoot } from "../../packages/command/root";
import { prompt } from "./frame/prompt";

/** Longest the Azure CLI may take for one vault: where nothing answers it waits for ever. */
const PUT_MS = 120_000;

const ROOT = projectRoot(__dirname);

const list = (names: readonly string[]): string => names.join(", ");

function externalSecret(name: string): SecretEntry {
  const external = SECRET_CATALOG.filter(({ source }) => source === "external");
  const found = external.find((entry) => entry.name === name);
  if (!found) {
    throw new UsageError(
      `"${name}" is no external secret; allowed: ${list(external.map((entry) => entry.name))}`,
    );
  }
  return found;
}

function stackConfig(stack: string): StackConfig {
  const stacks = readStacks(ROOT);
  const found = stacks[stack];
  if (!found) throw new UsageError(`stack "${stack}" has no file; allowed: ${list(Object.keys(stacks))}`);
  return found;
}

/** Reads the value: from a person without showing it, otherwise all of standard input without its last line break. */
async function readValue(name: string): Promise<string> {
  const value = process.stdin.isTTY
    ? await prompt(`value of ${name}: `, undefined, { hidden: true })
    : (await text(process.stdin)).replace(/\r?\n$/, "").replaceAll("\r\n", "\n");
  if (!value) throw new UsageError("the value is empty");
  return value;
}

/**
 * Writes the secret into the vault of one region. Through Azure's management endpoint, because the vaults' own answer
 * private endpoints only; the value goes by standard input, so that no process list shows it.
 */
function put(
  config: StackConfig,
  place: { resourceGroup: string; vault: string },
  name: string,
  body: object,
) {
  const url =
    `https://management.azure.com/subscriptions/${config.azure.subscriptionId}/resourceGroups/${place.resourceGroup}` +
    `/providers/Microsoft.KeyVault/vaults/${place.vault}/secrets/${name}?api-version=${KEY_VAULT_API}`;
  const { status, signal, stderr, error } = spawnSync(
    "az",
    ["rest", "--method", "put", "--url", url, "--body", "@-", "--output", "none", "--only-show-errors"],
    { input: JSON.stringify(body), encoding: "utf8", timeout: PUT_MS },
  );
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === "ENOENT") throw new NotRunError("az is not installed here, or not on PATH");
  if (code === "ETIMEDOUT")
    throw new FailedError(`${place.vault}: az did not end within ${PUT_MS / 1000} s; type the same again`);
  if (error) throw new FailedError(`az: ${error.message}`);
  if (status === 0) return;
  const lines = stderr.trim().split(/\s*\n\s*/);
  // Where az itself broke, only the end of its traceback says by what.
  const said = /^Traceback /m.test(stderr) ? lines.at(-1) : lines.join(" ");
  throw new FailedError(
    `${place.vault}: ${said || `az ended with ${signal ?? String(status)}`}; type the same again`,
  );
}

async function setSecret(stack: string, name: string): Promise<void> {
  const entry = externalSecret(name);
  const config = stackConfig(stack);
  const { primary, secondary } = stackPlatformNames(config);
  const value = await readValue(name);
  const today = new Date().toISOString().slice(0, 10);
  const expires = expiry(today, Math.min(entry.rotationDays, config.vault.secretRotationDays));
  const body = {
    properties: { value, contentType: entry.contentType, attributes: { enabled: true, exp: expires } },
  };
  for (const place of [primary, ...(secondary ? [secondary] : [])]) {
    put(config, place, name, body);
    const day = new Date(expires * 1000).toISOString().slice(0, 10);
    console.log(`set ${name} in ${place.vault}, valid until ${day}`);
  }
}

export async function main(): Promise<void> {
  const names = list(SECRET_CATALOG.filter(({ source }) => source === "external").map(({ name }) => name));
  await runCommand(
    createCommand(
      "secret",
      "Puts a partner's secret, read from standard input, into the vault of every region of a stack.",
      { 0: "set in every region", 1: "Azure refused, or did not answer", 3: "there is no Azure CLI here" },
      "Needs the Azure CLI, signed in with the right Microsoft.KeyVault/vaults/secrets/write.",
    )
      .argument("<stack>", "whose vaults")
      .argument("<name>", `one of ${names}`)
      .action(setSecret),
  );
}
