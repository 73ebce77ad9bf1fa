import { isTree } from "../model/paths";
import type { Tree, Value } from "../model/types";
import type { Kind } from "./kinds";
import type { Metadata, Stored } from "./stored";
import { invalid } from "./status";

/** The parts of a spec that stay as they were made (https://kubernetes.io/docs/concepts/workloads/controllers/). */
const IMMUTABLE: Readonly<Record<string, readonly string[]>> = {
  Deployment: ["selector"],
  Job: ["template", "selector", "completions"],
};
/** Kinds that find their pods by labels. */
const SELECTING = new Set(["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"]);
/** Kinds of objects that hold data, which may be marked as fixed. */
const HOLDING = new Set(["ConfigMap", "Secret"]);

/** What is no object, or no list, counts as an empty one: whether a field has the right type is judged before. */
const treeOf = (value: unknown): Tree => (isTree(value as Value) ? (value as Tree) : {});
const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function containers(template: Tree, at: string): string[] {
  const found = listOf(treeOf(template["spec"])["containers"]).map(treeOf);
  if (found.length === 0) return [`${at}.spec.containers: Required value`];
  return found.flatMap((container, i) =>
    ["name", "image"]
      .filter((field) => !container[field])
      .map((field) => `${at}.spec.containers[${i}].${field}: Required value`),
  );
}

function selecting(spec: Tree): string[] {
  const [selector, template] = [treeOf(spec["selector"]), treeOf(spec["template"])];
  const replicas = Number(spec["replicas"] ?? 1);
  const wanted = Object.entries(treeOf(selector["matchLabels"]));
  const isGiven = wanted.length > 0 || listOf(selector["matchExpressions"]).length > 0;
  const labels = treeOf(treeOf(template["metadata"])["labels"]);
  const problems = containers(template, "spec.template");
  if (!wanted.every(([name, value]) => labels[name] === value))
    problems.unshift(
      `spec.template.metadata.labels: Invalid value: ${JSON.stringify(labels)}: \`selector\` does not match template \`labels\``,
    );
  if (!isGiven) problems.unshift("spec.selector: Required value");
  if (replicas < 0)
    problems.unshift(`spec.replicas: Invalid value: ${replicas}: must be greater than or equal to 0`);
  return problems;
}

/** Pods of a job end: the API server fills in `Always` where no policy is given, and refuses that. */
function ending(template: Tree, at: string): string[] {
  const policy = treeOf(template["spec"])["restartPolicy"] ?? "Always";
  const problems = containers(template, at);
  if (policy !== "Never" && policy !== "OnFailure")
    problems.push(
      `${at}.spec.restartPolicy: Unsupported value: ${JSON.stringify(policy)}: supported values: "OnFailure", "Never"`,
    );
  return problems;
}

function problemsOf(kind: Kind, object: Stored): string[] {
  const spec = treeOf(object.spec);
  if (SELECTING.has(kind.kind)) return selecting(spec);
  if (kind.kind === "Job") return ending(treeOf(spec["template"]), "spec.template");
  if (kind.kind !== "CronJob") return [];
  const template = treeOf(treeOf(treeOf(spec["jobTemplate"])["spec"])["template"]);
  return [
    ...(spec["schedule"] ? [] : ["spec.schedule: Required value"]),
    ...ending(template, "spec.jobTemplate.spec.template"),
  ];
}

function changed(kind: Kind, old: Stored, next: Stored): string[] {
  if (HOLDING.has(kind.kind) && old["immutable"] === true) {
    const isKept = ["data", "binaryData", "immutable"].every((key) => isSame(old[key], next[key]));
    return isKept ? [] : ["data: Forbidden: field is immutable when `immutable` is set"];
  }
  return (IMMUTABLE[kind.kind] ?? [])
    .filter((field) => !isSame(old.spec?.[field], next.spec?.[field]))
    .map((field) => `spec.${field}: Invalid value: field is immutable`);
}

/**
 * Refuses what the API server's validation refuses once the types of all fields are right
 * (https://github.com/kubernetes/kubernetes/tree/master/pkg/apis, `validation`).
 * @param old the object as it is, where one is changed
 * @throws StatusError 422 with everything that is wrong
 */
export function refuseInvalid(kind: Kind, object: Stored, old?: Stored): void {
  const problems = [...problemsOf(kind, object), ...(old ? changed(kind, old, object) : [])];
  if (problems.length === 0) return;
  const { name = "" } = (object.metadata as Metadata | undefined) ?? {};
  const title = `${kind.group ? `${kind.kind}.${kind.group}` : kind.kind} "${name}"`;
  const [first = ""] = problems;
  throw invalid(`${title} is invalid: ${problems.length === 1 ? first : `[${problems.join(", ")}]`}`);
}
