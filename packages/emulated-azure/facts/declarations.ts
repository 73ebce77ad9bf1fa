import fs from "node:fs";
import path from "node:path";
import ts from "typescript";
import type { FactOutputs, FactProperty, FactResource, FactShape, FactType } from "./types";

/** The declaration files of one Pulumi SDK package, read without type checking. */
export class Declarations {
  readonly shapes: Record<string, FactShape> = {};
  readonly outputs: Record<string, FactOutputs> = {};
  /** API versions of each described class, by module and class. */
  readonly apiVersions: Record<string, string[]> = {};
  private readonly interfaces = new Map<string, ts.InterfaceDeclaration>();
  private readonly enums = new Map<string, Map<string, (string | number)[]>>();

  constructor(private readonly root: string) {
    for (const kind of ["input", "output"]) {
      const file = path.join(root, `types/${kind}.d.ts`);
      if (fs.existsSync(file)) this.collect(parse(file).statements, `${kind}s.`);
    }
  }

  /** Describes the class of a resource, e.g. `dbforpostgresql/server` and `Server`. */
  resource(module: string, className: string): FactResource {
    const source = parse(path.join(this.root, `${module}.d.ts`));
    let apiVersion: string | undefined;
    let otherApiVersions: string[] = [];
    const outputs: Record<string, string> = {};
    const inputs = `${module.replaceAll("/", ".")}.${className}Args`;
    let args: ts.InterfaceDeclaration | undefined;
    for (const statement of source.statements) {
      if (ts.isClassDeclaration(statement) && statement.name?.text === className) {
        const text = statement.getFullText(source);
        apiVersion = /Uses Azure REST API version ([\w-]+)/.exec(text)?.[1];
        const others = /Other available API versions: ([\d\w, -]+)\./.exec(text)?.[1];
        otherApiVersions = others?.split(", ") ?? [];
        for (const member of statement.members) {
          if (ts.isPropertyDeclaration(member) && member.type && !isStatic(member)) {
            outputs[member.name.getText(source)] = this.output(member.type);
          }
        }
      }
      if (ts.isInterfaceDeclaration(statement) && statement.name.text === `${className}Args`)
        args = statement;
    }
    if (!args) throw new Error(`${module}.d.ts declares no ${className}Args`);
    this.shapes[inputs] = this.shape(args);
    this.apiVersions[`${module}/${className}`] = [
      ...otherApiVersions,
      ...(apiVersion ? [apiVersion] : []),
    ].sort();
    return { ...(apiVersion && { apiVersion }), inputs, outputs };
  }

  private collect(statements: Iterable<ts.Statement>, prefix: string): void {
    for (const statement of statements) {
      if (ts.isInterfaceDeclaration(statement))
        this.interfaces.set(`${prefix}${statement.name.text}`, statement);
      if (ts.isModuleDeclaration(statement) && statement.body && ts.isModuleBlock(statement.body)) {
        this.collect(statement.body.statements, `${prefix}${statement.name.text}.`);
      }
    }
  }

  private shape(declaration: ts.InterfaceDeclaration): FactShape {
    const source = declaration.getSourceFile();
    const entries = declaration.members.filter(ts.isPropertySignature).map((member) => {
      const name = member.name.getText(source).replace(/^["']|["']$/g, "");
      const property: FactProperty = {
        type: this.type(member.type as ts.TypeNode),
        ...(!member.questionToken && { required: true }),
      };
      return [name, property] as const;
    });
    return Object.fromEntries(entries);
  }

  private reference(name: string): FactType {
    const declaration = this.declared(`inputs.${name}`);
    if (!(name in this.shapes)) {
      this.shapes[name] = {};
      this.shapes[name] = this.shape(declaration);
    }
    return { shape: name };
  }

  private declared(name: string): ts.InterfaceDeclaration {
    const declaration = this.interfaces.get(name);
    if (!declaration) throw new Error(`${this.root}/types declares no ${name}`);
    return declaration;
  }

  /** Name of the described object a property type leads to; empty when it leads to none, or to one of several. */
  private output(node: ts.TypeNode): string {
    const names = new Set<string>();
    const visit = (part: ts.Node): void => {
      if (ts.isTypeReferenceNode(part) && part.typeName.getText().startsWith("outputs.")) {
        names.add(part.typeName.getText());
      }
      ts.forEachChild(part, visit);
    };
    visit(node);
    const [name] = names;
    if (name === undefined || names.size > 1) return "";
    const key = name.slice("outputs.".length);
    if (!(key in this.outputs)) {
      const properties: Record<string, string> = {};
      this.outputs[key] = properties;
      for (const member of this.declared(name).members) {
        if (ts.isPropertySignature(member) && member.type) {
          properties[member.name.getText().replace(/^["']|["']$/g, "")] = this.output(member.type);
        }
      }
    }
    return key;
  }

  private enumValues(name: string): (string | number)[] {
    const at = name.lastIndexOf(".");
    const module = name.slice(0, at).replaceAll(".", "/");
    let values = this.enums.get(module);
    if (!values) {
      values = new Map();
      for (const statement of parse(path.join(this.root, `types/enums/${module}/index.d.ts`)).statements) {
        if (!ts.isVariableStatement(statement)) continue;
        for (const { name: id, type } of statement.declarationList.declarations) {
          if (!type || !ts.isTypeLiteralNode(type)) continue;
          const literals = type.members.flatMap((m) =>
            ts.isPropertySignature(m) && m.type && ts.isLiteralTypeNode(m.type)
              ? [literal(m.type.literal)]
              : [],
          );
          values.set(
            id.getText(),
            literals.filter((v) => typeof v !== "boolean"),
          );
        }
      }
      this.enums.set(module, values);
    }
    return values.get(name.slice(at + 1)) ?? [];
  }

  private type(node: ts.TypeNode): FactType {
    if (ts.isParenthesizedTypeNode(node)) return this.type(node.type);
    if (ts.isArrayTypeNode(node)) return { list: this.type(node.elementType) };
    if (ts.isTypeLiteralNode(node)) {
      const [index] = node.members.filter(ts.isIndexSignatureDeclaration);
      return index ? { map: this.type(index.type) } : "any";
    }
    if (ts.isLiteralTypeNode(node)) return { enum: [literal(node.literal)] };
    if (ts.isUnionTypeNode(node)) return this.union(node);
    if (ts.isTypeReferenceNode(node)) {
      const name = node.typeName.getText();
      const [argument] = node.typeArguments ?? [];
      if (name === "pulumi.Input" && argument) return this.type(argument);
      if (name.startsWith("inputs.")) return this.reference(name.slice("inputs.".length));
      if (name.startsWith("enums.")) {
        const values = this.enumValues(name.slice("enums.".length));
        return values.length > 0 ? { enum: values } : "string";
      }
      return "any";
    }
    switch (node.kind) {
      case ts.SyntaxKind.StringKeyword:
        return "string";
      case ts.SyntaxKind.NumberKeyword:
        return "number";
      case ts.SyntaxKind.BooleanKeyword:
        return "boolean";
      default:
        return "any";
    }
  }

  private union(node: ts.UnionTypeNode): FactType {
    const members = node.types
      .filter((member) => member.kind !== ts.SyntaxKind.UndefinedKeyword)
      .map((member) => this.type(member));
    const [first, ...rest] = members;
    if (first === undefined) return "any";
    if (rest.length === 0) return first;
    const known = members.flatMap((m) => (typeof m === "object" && "enum" in m ? m.enum : []));
    const others = members.filter((m) => typeof m !== "object" || !("enum" in m));
    if (known.length > 0 && others.every((m) => m === "string")) {
      return others.length > 0 ? { enum: known, open: true } : { enum: known };
    }
    return { oneOf: members };
  }
}

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, fs.readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
}

function isStatic(member: ts.PropertyDeclaration): boolean {
  return member.modifiers?.some((m) => m.kind === ts.SyntaxKind.StaticKeyword) ?? false;
}

function literal(node: ts.LiteralTypeNode["literal"]): string | number | boolean {
  if (ts.isStringLiteral(node)) return node.text;
  if (ts.isNumericLiteral(node)) return Number(node.text);
  return node.kind === ts.SyntaxKind.TrueKeyword;
}
