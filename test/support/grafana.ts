import path from "node:path";
import * as ts from "typescript";

/** Grafana's own description of what it loads: the types that its project generates from its schemas. */
const SCHEMA = path.join(path.dirname(require.resolve("@grafana/schema/package.json")), "dist/types");
const CHECKED = "/checked.ts";

/** What Prometheus' data source adds to a query and to an annotation: the schema leaves that to each data source. */
const PROMETHEUS = `
type Query = DataQuery & { expr: string; legendFormat?: string; instant?: boolean; format?: "table" | "time_series" };
type Annotation = AnnotationQuery<Query> & { expr: string; step: string; titleFormat: string; textFormat: string };
type Checked = Omit<Dashboard, "annotations" | "panels"> & {
  annotations: { list: Annotation[] };
  panels: (Omit<Panel, "targets"> & { targets: Query[] })[];
};`;

/** In JSON an enumeration is its values, not the names TypeScript gives them. */
function withValues(text: string): string {
  return text.replace(/export declare enum (\w+) \{([^}]*)\}/g, (_, name: string, body: string) => {
    const values = [...body.matchAll(/=\s*("[^"]*"|'[^']*'|-?\d+)/g)].map(([, value]) => value);
    return `export type ${name} = ${values.join(" | ")};`;
  });
}

/** A program of one text, and Grafana's types. */
function problemsOf(text: string): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const read = host.readFile.bind(host);
  host.readFile = (file) => {
    if (file === CHECKED) return text;
    const found = read(file);
    return found !== undefined && file.startsWith(SCHEMA) ? withValues(found) : found;
  };
  host.fileExists = (file) => file === CHECKED || ts.sys.fileExists(file);
  host.getSourceFile = (file, version) => {
    const found = host.readFile(file);
    return found === undefined ? undefined : ts.createSourceFile(file, found, version);
  };
  const program = ts.createProgram([CHECKED], options, host);
  return program
    .getSemanticDiagnostics(program.getSourceFile(CHECKED))
    .concat(program.getSyntacticDiagnostics())
    .map(({ messageText, start = 0 }) => {
      const near = text.slice(Math.max(0, start - 40), start + 40).replace(/\s+/g, " ");
      return `${ts.flattenDiagnosticMessageText(messageText, "\n").split("\n").at(-1)?.trim() ?? ""} near …${near}…`;
    });
}

/**
 * What Grafana's schema has against dashboards in its JSON model: fields it does not know, values it does not take,
 * options of a panel that its kind does not have.
 */
export function grafanaProblems(
  dashboards: readonly {
    readonly panels: readonly { readonly type: string; readonly options?: unknown }[];
  }[],
): string[] {
  const from = (file: string): string => JSON.stringify(path.join(SCHEMA, file));
  const kinds = [...new Set(dashboards.flatMap(({ panels }) => panels.map(({ type }) => type)))];
  const optioned = kinds.filter((kind) =>
    dashboards.some(({ panels }) => panels.some((p) => p.type === kind && p.options)),
  );
  const options = optioned.map((kind) => {
    const all = dashboards.flatMap(({ panels }) =>
      panels.filter((p) => p.type === kind && p.options).map((p) => p.options),
    );
    return `const ${kind}: Partial<import(${from(`raw/composable/${kind}/panelcfg/x/types.gen`)}).Options>[] = ${JSON.stringify(all)};`;
  });
  const known = kinds.map(
    (kind) => `type Known_${kind} = typeof import(${from(`raw/composable/${kind}/panelcfg/x/types.gen`)});`,
  );
  return problemsOf(
    [
      `import type { AnnotationQuery, Dashboard, DataQuery, Panel } from ${from("index")};`,
      PROMETHEUS,
      ...known,
      ...options,
      `export const dashboards: Checked[] = ${JSON.stringify(dashboards)};`,
    ].join("\n"),
  );
}
