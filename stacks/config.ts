import * as pulumi from "@pulumi/pulumi";
import { CONFIG_SECRETS } from "../infra/secrets/secretCatalogue";
import { fromText, parseStackConfig, SECRET_VALUES, setSecretCommand } from "./files";
import { ConfigError } from "./problems";
import { PRODUCT, StackConfig } from "./schema";
import { backupWarnings } from "./schema/recoveryRules";
import { secretDateWarnings } from "./secretDates";
import { supportWarnings } from "./supportDates";

/** What the program is told about the stack it deploys. */
export interface LoadedConfig {
  config: StackConfig;
  /** Values an operator set with `pulumi config set --secret`, by secret name. */
  secretValues: Record<string, pulumi.Output<string>>;
}

/**
 * Reads and checks the stack's configuration: the only place that reads `pulumi.Config`.
 * @throws pulumi.RunError that lists every problem, printed without a stack trace.
 */
export function loadStackConfig(): LoadedConfig {
  const source = new pulumi.Config(PRODUCT);
  const values = Object.fromEntries(
    Object.keys(pulumi.runtime.allConfig())
      .filter((key) => key.startsWith(`${PRODUCT}:`))
      .map((key) => key.slice(PRODUCT.length + 1))
      .filter((key) => key !== SECRET_VALUES)
      .map((key) => [key, fromText(key, source.require(key))]),
  );
  try {
    const stack = pulumi.getStack();
    const config = parseStackConfig(values, `Pulumi.${stack}.yaml`, { stack });
    const today = new Date();
    const warnings = [
      ...secretDateWarnings(config, today),
      ...supportWarnings(config, today),
      ...backupWarnings(config),
    ];
    for (const warning of warnings) void pulumi.log.warn(warning);
    return { config, secretValues: secretValues(source) };
  } catch (error) {
    throw error instanceof ConfigError ? new pulumi.RunError(error.message) : error;
  }
}

/**
 * The operator's secrets. One that is missing is named with the command that sets it; a plan goes on without it,
 * an update stops.
 */
function secretValues(source: pulumi.Config): Record<string, pulumi.Output<string>> {
  const given = source.getObject<Record<string, string>>(SECRET_VALUES) ?? {};
  const missing = CONFIG_SECRETS.filter((name) => !given[name]);
  if (missing.length > 0) {
    const text = [
      `${missing.length} secret${missing.length === 1 ? " has" : "s have"} no value; set ${missing.length === 1 ? "it" : "each"} with:`,
      ...missing.map((name) => `  ${setSecretCommand(pulumi.getStack(), name)}`),
    ].join("\n");
    if (!pulumi.runtime.isDryRun()) throw new pulumi.RunError(text);
    void pulumi.log.warn(text);
  }
  return Object.fromEntries(
    CONFIG_SECRETS.map((name) => [name, pulumi.secret(given[name] ?? `${name} is not set`)]),
  );
}
