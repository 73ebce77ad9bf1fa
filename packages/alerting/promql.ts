import { parser } from "@prometheus-io/lezer-promql";

/** What is wrong with a PromQL expression; undefined when it parses. */
export function promqlProblem(expression: string): string | undefined {
  if (expression.trim() === "") return "is empty";
  let at: number | undefined;
  parser.parse(expression).iterate({
    enter: (node) => {
      if (node.type.isError) at ??= node.from;
    },
  });
  if (at === undefined) return undefined;
  const rest = expression.slice(at, at + 20);
  return rest ? `does not parse at character ${at + 1}, near "${rest}"` : "does not parse: it ends too early";
}

/** Names of the time series an expression reads, each once. */
export function seriesOf(expression: string): string[] {
  const names = new Set<string>();
  parser.parse(expression).iterate({
    enter: (node) => {
      if (node.name !== "VectorSelector") return;
      const identifier = node.node.getChild("Identifier");
      if (identifier) names.add(expression.slice(identifier.from, identifier.to));
    },
  });
  return [...names];
}
