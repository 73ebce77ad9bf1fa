import fs from "node:fs";
import path from "node:path";

/**
 * Lint: from outside a package only what its package.json exports is imported. A package has several small entries instead
 * of one index, because a plan that asks for a type must not load servers and clients that stand beside it.
 */
const ROOT = import.meta.dirname;
const faces = new Map();

/** Files of a package others may import, without their endings. */
function faceOf(name) {
  if (!faces.has(name)) {
    const manifest = path.join(ROOT, "packages", name, "package.json");
    const { exports } = JSON.parse(fs.readFileSync(manifest, "utf8"));
    faces.set(name, new Set(Object.values(exports).map(withoutEnding)));
  }
  return faces.get(name);
}

const withoutEnding = (file) => path.normalize(file).replace(/(\/?index)?\.c?ts$|\.cjs$/, "") || ".";
const packageOf = (file) => /^packages\/([^/]+)(?:\/|$)/.exec(path.relative(ROOT, file))?.[1];

export const publicFace = {
  meta: {
    type: "problem",
    schema: [],
    messages: {
      inside:
        "{{file}} is inside {{name}}; import what packages/{{name}}/package.json exports, or export it there.",
    },
  },
  create(context) {
    const from = packageOf(context.filename);
    function check({ source }) {
      if (typeof source?.value !== "string" || !source.value.startsWith(".")) return;
      const target = path.resolve(path.dirname(context.filename), source.value);
      const name = packageOf(target);
      if (name === undefined || name === from) return;
      const file = path.relative(path.join(ROOT, "packages", name), target);
      if (faceOf(name).has(withoutEnding(file))) return;
      context.report({ node: source, messageId: "inside", data: { name, file: file || "." } });
    }
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};
