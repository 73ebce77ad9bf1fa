import fs from "node:fs";
import path from "node:path";
import Ajv from "ajv/dist/2020";
import yaml from "js-yaml";
import { pages } from "../../docs/pages";

const ROOT = path.join(__dirname, "../..");

test.each(pages(ROOT).map((page) => [page.file, page] as const))(
  "%s is what `npm run docs` writes",
  async (file, page) => {
    expect(fs.readFileSync(path.join(ROOT, file), "utf8")).toBe(await page.render());
  },
);

test("the committed stack files satisfy the schema editors use, and a wrong one does not", () => {
  const schema = JSON.parse(fs.readFileSync(path.join(ROOT, "docs/stack.schema.json"), "utf8")) as object;
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  for (const stack of ["prod", "staging"]) {
    const document = yaml.load(fs.readFileSync(path.join(ROOT, `Pulumi.${stack}.yaml`), "utf8")) as {
      config: Record<string, unknown>;
    };
    expect([validate(document), validate.errors]).toEqual([true, null]);
    expect(validate({ config: { ...document.config, "forma3d:colour": "red" } })).toBe(false);
  }
});
