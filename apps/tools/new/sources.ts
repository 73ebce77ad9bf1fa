import fs from "node:fs";
import path from "node:path";
import * as ts from "typescript";

/** Where in a source file something is added: a declared list, map or function, by name; further keys lead into it. */
export type Place = readonly [declared: string, ...keys: string[]];

type Container = ts.ArrayLiteralExpression | ts.ObjectLiteralExpression;

function* nodes(node: ts.Node): Generator<ts.Node> {
  yield node;
  for (const child of node.getChildren()) yield* nodes(child);
}

/** Without `as const`, `satisfies …` and brackets around it. */
function bare(node: ts.Node | undefined): ts.Node | undefined {
  return node &&
    (ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isParenthesizedExpression(node))
    ? bare(node.expression)
    : node;
}

const isContainer = (node: ts.Node | undefined): node is Container =>
  node !== undefined && (ts.isArrayLiteralExpression(node) || ts.isObjectLiteralExpression(node));

function functionNamed(source: ts.SourceFile, name: string): ts.Block | undefined {
  for (const node of nodes(source)) {
    if (ts.isFunctionDeclaration(node) && node.name?.text === name) return node.body;
  }
  return undefined;
}

/** The list or map a name is declared as, or that a function of the name returns. */
function declared(source: ts.SourceFile, name: string): ts.Node | undefined {
  for (const node of nodes(source)) {
    if (ts.isVariableDeclaration(node) && node.name.getText() === name) return bare(node.initializer);
  }
  const last = functionNamed(source, name)?.statements.at(-1);
  return last && ts.isReturnStatement(last) ? bare(last.expression) : undefined;
}

/** Below a map the value of a key, below a list the element one of whose values is the key. */
function inside(container: ts.Node | undefined, key: string): ts.Node | undefined {
  if (container && ts.isObjectLiteralExpression(container)) {
    const found = container.properties.find(
      (property) => property.name?.getText().replaceAll('"', "") === key,
    );
    return found && ts.isPropertyAssignment(found) ? bare(found.initializer) : undefined;
  }
  if (container && ts.isArrayLiteralExpression(container)) {
    return container.elements.find(
      (element) =>
        ts.isObjectLiteralExpression(element) &&
        element.properties.some(
          (property) =>
            ts.isPropertyAssignment(property) &&
            ts.isStringLiteral(property.initializer) &&
            property.initializer.text === key,
        ),
    );
  }
  return undefined;
}

/**
 * Changes of source files that are written together, in the project's format, and can be taken back together.
 * A place that is not found is an error of the scaffold, which a test of it shows: `Error` with file and place.
 */
export class Sources {
  private readonly before = new Map<string, string | undefined>();

  constructor(private readonly root: string) {}

  /** Files that were written, from the repository's root. */
  get files(): string[] {
    return [...this.before.keys()];
  }

  read(file: string): string {
    return fs.readFileSync(path.join(this.root, file), "utf8");
  }

  exists(file: string): boolean {
    return fs.existsSync(path.join(this.root, file));
  }

  async write(file: string, text: string): Promise<void> {
    const full = path.join(this.root, file);
    if (!this.before.has(file)) this.before.set(file, this.exists(file) ? this.read(file) : undefined);
    const prettier = await import("prettier");
    const settings = await prettier.resolveConfig(full, { editorconfig: true });
    fs.mkdirSync(path.dirname(full), { recursive: true });
    fs.writeFileSync(full, await prettier.format(text, { ...settings, filepath: full }));
  }

  /** Adds an element to a list, or an entry to a map, behind the last. */
  async add(file: string, place: Place, text: string): Promise<void> {
    const source = this.parse(file);
    const [name, ...keys] = place;
    const found = keys.reduce<ts.Node | undefined>(inside, declared(source, name));
    if (!isContainer(found)) throw new Error(`${file}: no list or map ${place.join(" ")}`);
    const items = ts.isArrayLiteralExpression(found) ? found.elements : found.properties;
    const at = items.length > 0 ? items.end : found.getEnd() - 1;
    const comma = items.length > 0 && !items.hasTrailingComma ? "," : "";
    await this.write(file, splice(source.text, at, `${comma}\n${text},`));
  }

  /** Adds a statement to a function, before it returns. */
  async addStatement(file: string, name: string, text: string): Promise<void> {
    const source = this.parse(file);
    const last = functionNamed(source, name)?.statements.at(-1);
    if (!last) throw new Error(`${file}: no function ${name}`);
    await this.write(file, splice(source.text, last.getFullStart(), `\n  ${text}`));
  }

  /** Adds an import behind the last one. */
  async addImport(file: string, text: string): Promise<void> {
    const source = this.parse(file);
    const last = source.statements.filter((statement) => ts.isImportDeclaration(statement)).at(-1);
    await this.write(file, splice(source.text, last?.getEnd() ?? 0, `\n${text}`));
  }

  /** Changes the one place of a text that an expression finds. */
  async change(file: string, place: RegExp, text: (found: string) => string): Promise<void> {
    const before = this.read(file);
    const after = before.replace(place, text);
    if (after === before) throw new Error(`${file}: nothing like ${place.source}`);
    await this.write(file, after);
  }

  private parse(file: string): ts.SourceFile {
    return ts.createSourceFile(file, this.read(file), ts.ScriptTarget.Latest, true);
  }

  /** Leaves every file as it was. */
  undo(): void {
    for (const [file, text] of this.before) {
      const full = path.join(this.root, file);
      if (text === undefined) fs.rmSync(full, { force: true });
      else fs.writeFileSync(full, text);
    }
  }
}

function splice(text: string, at: number, added: string): string {
  return text.slice(0, at) + added + text.slice(at);
}
