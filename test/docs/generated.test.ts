import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import Ajv from "ajv/dist/2020";
import yaml from "js-yaml";
import { pages } from "../../apps/tools/docs/pages";
import { stackNames } from "../../stacks/files";

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

test("the pictures of the plans are those of today's plans", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pictures-"));
  const result = spawnSync(
    process.execPath,
    ["packages/command/run.mjs", "apps/tools/plan/plan.ts", "--quiet", "--mermaid", `${folder}/{stack}.mmd`],
    { cwd: ROOT, encoding: "utf8" },
  );
  expect([result.status, result.stderr]).toEqual([0, ""]);
  for (const name of fs.readdirSync(folder)) {
    expect(fs.readFileSync(path.join(ROOT, "test/expected", name), "utf8")).toBe(
      fs.readFileSync(path.join(folder, name), "utf8"),
    );
  }
  expect(fs.readdirSync(folder)).toHaveLength(stackNames(ROOT).length);
  fs.rmSync(folder, { recursive: true });
}, 180_000);
