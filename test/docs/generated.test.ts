import { execFileSync } from "node:child_process";
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

describe("pages", () => {
  const markdown = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
    cwd: ROOT,
    encoding: "utf8",
  })
    .trim()
    .split("\n");

  const slug = (heading: string): string =>
    heading
      .toLowerCase()
      .replaceAll(/[`*]/g, "")
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");

  test.each(markdown)("%s: every link and anchor resolves", (file) => {
    const text = fs.readFileSync(path.join(ROOT, file), "utf8").replaceAll(/```[\s\S]*?```/g, "");
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?|mailto):/.test(target)) continue;
      const [name = "", anchor] = target.split("#");
      const full = name === "" ? path.join(ROOT, file) : path.join(ROOT, path.dirname(file), name);
      expect([target, fs.existsSync(full)]).toEqual([target, true]);
      if (anchor !== undefined && full.endsWith(".md")) {
        const headings = [...fs.readFileSync(full, "utf8").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
          slug(heading),
        );
        expect([target, headings.includes(anchor)]).toEqual([target, true]);
      }
    }
  });

  test("a file and a script of npm that a page names are there", () => {
    const { scripts } = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const rooms =
      /^(?:apps|control|docs|infra|packages|policies|site|stacks|test|\.github)\/[\w./-]+\.[a-z]+$/;
    const named = markdown.flatMap((file) => {
      const text = fs.readFileSync(path.join(ROOT, file), "utf8");
      const spans = [...text.matchAll(/`([^`\s]+)`/g)].map(([, span = ""]) => span);
      return [
        // The name of a file somebody is to make has its date in it.
        ...spans
          .filter((span) => rooms.test(span) && !span.includes("YYYY"))
          .map((span) => ({ file, name: span, there: fs.existsSync(path.join(ROOT, span)) })),
        ...[...text.matchAll(/npm run (?:-s |--silent )?([a-z][a-z:-]*)/g)].map(([, name = ""]) => ({
          file,
          name,
          there: name in scripts,
        })),
      ];
    });
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter(({ there }) => !there)).toEqual([]);
  });

  test("every table has as many cells in each row as in its head", () => {
    for (const file of markdown) {
      const lines = fs
        .readFileSync(path.join(ROOT, file), "utf8")
        .replaceAll(/```[\s\S]*?```/g, "")
        .split("\n");
      const cells = (line: string): number =>
        line
          .replaceAll(/\\\|/g, "")
          .replaceAll(/`[^`]*`/g, "x")
          .split("|").length;
      lines.forEach((line, index) => {
        const previous = lines[index - 1] ?? "";
        if (line.startsWith("|") && previous.startsWith("|"))
          expect([file, index + 1, cells(line)]).toEqual([file, index + 1, cells(previous)]);
      });
    }
  });

  test("every diagram is one a mermaid parser accepts, and a broken one is not", () => {
    const diagrams = markdown.flatMap((file) =>
      [...fs.readFileSync(path.join(ROOT, file), "utf8").matchAll(/```mermaid\n([\s\S]*?)```/g)].map(
        ([, text = ""]) => ({ file, text }),
      ),
    );
    expect(diagrams.length).toBeGreaterThan(0);
    const script = `
      import { JSDOM } from "jsdom";
      const { window } = new JSDOM("");
      globalThis.window = window;
      globalThis.document = window.document;
      const { default: mermaid } = await import("mermaid");
      const problems = [];
      for (const { file, text } of JSON.parse(process.argv[1])) {
        try { await mermaid.parse(text); } catch (error) { problems.push(file + ": " + error.message.split("\\n")[0]); }
      }
      console.log(JSON.stringify(problems));`;
    const parse = (all: object[]): unknown =>
      JSON.parse(
        execFileSync(process.execPath, ["--input-type=module", "-e", script, JSON.stringify(all)], {
          cwd: ROOT,
          encoding: "utf8",
        }),
      );
    const broken = { file: "x.md", text: "graph TD\n a[open --> b" };
    expect(parse([...diagrams, broken])).toEqual([expect.stringContaining("x.md: Parse error")]);
  }, 180_000);
});
