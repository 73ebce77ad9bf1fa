import { PulumiCommand } from "@pulumi/pulumi/automation";

/** Oldest engine that attaches to providers, streams events and encrypts state the way the rehearsal needs. */
export const MINIMUM_VERSION = "3.248.0";

/** The engine, or why there is none. */
export type Cli =
  { readonly command: PulumiCommand; readonly version: string } | { readonly missing: string };

/** Looks for `pulumi` on PATH. */
export async function findCli(): Promise<Cli> {
  let command: PulumiCommand;
  try {
    command = await PulumiCommand.get({ skipVersionCheck: true });
  } catch {
    return {
      missing: `the pulumi command was not found on PATH; install Pulumi ${MINIMUM_VERSION} or newer (https://www.pulumi.com/docs/install/)`,
    };
  }
  const version = command.version?.version ?? "unknown";
  if (!command.version || command.version.compare(MINIMUM_VERSION) < 0) {
    return { missing: `pulumi ${version} on PATH is too old; ${MINIMUM_VERSION} or newer is needed` };
  }
  return { command, version };
}
