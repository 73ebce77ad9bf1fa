import path from "node:path";
import { ConfigError } from "./problems";
import { aroundProblems } from "./pulumiKeys";
import { readYamlFile } from "./yamlFile";

/** Folder of the program that declares what the platform is deployed from. */
export const CONTROL = "control";

/**
 * Checks the stack file of that program, which has no values of its own: the platform's file of the same name says
 * everything, and what stood here would be read by nobody.
 * @param root folder of the platform's own project
 * @throws ConfigError that names every problem of the file at once
 */
export function checkControlFile(root: string, stack: string): void {
  const source = `${CONTROL}/Pulumi.${stack}.yaml`;
  const document = readYamlFile(path.join(root, source), source);
  const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  const config = isMapping(document) ? document["config"] : undefined;
  if (!isMapping(document) || !isMapping(config))
    throw new ConfigError(source, [
      { path: ["config"], found: config, allowed: "a mapping with settings of Pulumi's own" },
    ]);
  const values = Object.entries(config)
    .filter(([key]) => !key.startsWith("pulumi:"))
    .map(([key, found]) => ({
      path: [key],
      found,
      allowed: `nothing: every value stands in Pulumi.${stack}.yaml of the platform`,
    }));
  const problems = [...values, ...aroundProblems(document, config, false)];
  if (problems.length > 0) throw new ConfigError(source, problems);
}
