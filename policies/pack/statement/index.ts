import { PROD_ENVIRONMENT } from "../../../packages/isolation/derive";
import { fromText, parseStackConfig, SECRET_VALUES } from "../../../stacks/files";
import { readOwnStacks } from "../../../stacks/inventory";
import { ConfigError } from "../../../stacks/problems";
import { CONTROL_PROJECT } from "../../../stacks/names";
import { PRODUCT, type StackConfig } from "../../../stacks/schema";
import type { Production } from "../../rules/production";
import type { Demand, Statements } from "../../rules/statement";
import { catalogued } from "./catalogue";
import { clusters } from "./clusters";
import { controlPlane } from "./control";
import { databaseServers } from "./database";
import { edgeStrength } from "./edge";
import { governance } from "./governance";
import { guards } from "./guards";
import { images } from "./images";
import { namespaces, traffic } from "./namespaces";
import { networks } from "./networks";
import { present } from "./places";
import { recovery } from "./recovery";
import { scrapes } from "./scrapes";
import { shapesOf } from "./shapes";
import { watch } from "./watch";
import { workloads } from "./workloads";

/** What one production stack must have, by its stack file, the catalogues and the lists of what guards it. */
export function statementOf(config: StackConfig): Demand[] {
  const regions = present(config).length;
  return [
    ...catalogued(config),
    ...edgeStrength(config),
    ...networks(config),
    ...databaseServers(config),
    ...guards(config),
    ...governance(config, regions),
    ...watch(config),
    ...clusters(config, regions),
    ...namespaces(config, regions),
    ...scrapes(regions, config),
    ...workloads(config, regions),
    ...images(config),
    ...recovery(config, regions),
    ...traffic(regions),
  ];
}

/** The statements of every production stack, and of what it is deployed from. */
export function statementsOf(stacks: Readonly<Record<string, StackConfig>>): Statements {
  return new Map(
    Object.entries(stacks)
      .filter(([, { environment }]) => environment === PROD_ENVIRONMENT)
      .flatMap(([stack, config]) => [
        [`${PRODUCT}/${stack}`, statementOf(config)],
        [`${CONTROL_PROJECT}/${stack}`, controlPlane(config)],
      ]),
  );
}

/** A run as the engine describes it: the stack, and its configuration as texts, by `project:key`. */
export interface RunOf {
  readonly stack: string;
  readonly config: Readonly<Record<string, string>>;
}

/** The stack's configuration in this run, which may lay values over the stack file; undefined when it has none that is valid. */
function configOf({ stack, config }: RunOf): StackConfig | undefined {
  const prefix = `${PRODUCT}:`;
  const values = Object.entries(config).flatMap(([key, text]) => {
    const name = key.slice(prefix.length);
    return key.startsWith(prefix) && name !== SECRET_VALUES ? [[name, fromText(name, text)] as const] : [];
  });
  try {
    return values.length === 0 ? undefined : parseStackConfig(Object.fromEntries(values), stack);
  } catch (error) {
    // The program refuses it in clear words; until then the stack file is what counts.
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/**
 * What is written down about production by the project in a folder, for a run. Another project's has no stack file of this
 * product, and so nothing.
 * @throws ConfigError as {@link readOwnStacks}
 */
export function readProduction(root: string, run: RunOf): Production {
  const own = configOf(run);
  const stacks = { ...readOwnStacks(root), ...(own && { [run.stack]: own }) };
  return { statements: statementsOf(stacks), shapes: shapesOf(stacks) };
}
