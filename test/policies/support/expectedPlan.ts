import fs from "node:fs";
import path from "node:path";
import { UNKNOWN, type ResourceView, type Tree } from "../../../packages/isolation/rule";
import { ROOT } from "./names";

interface Planned {
  urn: string;
  type: string;
  inputs: unknown;
  protect: boolean;
  dependencies: string[];
  propertyDependencies: Record<string, string[]>;
  options: { ignoreChanges?: string[]; deleteBeforeReplace?: boolean; additionalSecretOutputs?: string[] };
}

function known(value: unknown): unknown {
  if (value === "[unknown]" || value === "[secret]") return UNKNOWN;
  if (Array.isArray(value)) return value.map(known);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, known(inner)]));
}

/** Resources of a plan, as a policy is shown them in the preview of a first deployment. */
export const viewsOf = (resources: readonly Planned[]): readonly ResourceView[] =>
  resources.map(({ urn, type, inputs, protect, dependencies, propertyDependencies, options }) => ({
    urn,
    type,
    name: urn.split("::").at(-1) ?? "",
    props: known(inputs) as Tree,
    unknownPaths: [],
    opts: {
      protect,
      ignoreChanges: options.ignoreChanges ?? [],
      aliases: [],
      additionalSecretOutputs: options.additionalSecretOutputs ?? [],
      ...(options.deleteBeforeReplace && { deleteBeforeReplace: true }),
    },
    dependencies,
    propertyDependencies,
  }));

/** An expected plan of test/expected. */
export const expectedPlan = (file: string): readonly ResourceView[] =>
  viewsOf(
    (JSON.parse(fs.readFileSync(path.join(ROOT, "test/expected", file), "utf8")) as { resources: Planned[] })
      .resources,
  );
