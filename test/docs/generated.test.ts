import fs from "node:fs";
import path from "node:path";
import Ajv from "ajv/dist/2020";
import yaml from "js-yaml";
import { pages } from "../../apps/tools/docs/pages";
import { stackNames } from "../../stacks/files";
import { planStack } from "../support/plan";

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
  for (const stack of stackNames(ROOT)) {
    const document = yaml.load(fs.readFileSync(path.join(ROOT, `Pulumi.${stack}.yaml`), "utf8")) as {
      config: Record<string, unknown>;
    };
    expect([validate(document), validate.errors]).toEqual([true, null]);
    expect(validate({ config: { ...document.config, "forma3d:colour": "red" } })).toBe(false);
  }
});

test.each(stackNames(ROOT))(
  "the picture of the plan of %s is that of today's plan",
  async (stack) => {
    const { picture } = await planStack(stack);
    expect(fs.readFileSync(path.join(ROOT, `test/expected/${stack}.mmd`), "utf8")).toBe(picture);
  },
  180_000,
);

test("every picture is of a stack", () => {
  const pictures = fs.readdirSync(path.join(ROOT, "test/expected")).filter((name) => name.endsWith(".mmd"));
  expect(pictures.sort()).toEqual(stackNames(ROOT).map((stack) => `${stack}.mmd`));
});
