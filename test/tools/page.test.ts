/** @jest-environment <rootDir>/test/support/domEnvironment.js */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { Html, markup } from "../../apps/tools/page/html";
import { projectRoot } from "../../packages/command/root";
import { stackNames } from "../../stacks/files";
import { openBrowser, withBrowser } from "../support/browser";
import { contrast } from "../support/contrast";
import { openPage, textIn, windowOf } from "../support/dom";
import { PlanCommands } from "../support/planCommands";

const ROOT = projectRoot(__dirname);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "plan-page-"));
afterAll(() => fs.rmSync(folder, { recursive: true }));
const [PROD = "", STAGING = ""] = ["prod", "staging"].map((stack) => path.join(folder, `${stack}.html`));

const commands = new PlanCommands();
afterAll(() => commands.stop());
const plan = (...args: string[]) => commands.run({ args });

/** A plan as a page: staging as it stands, and production with a value that is forbidden, one that loses data, one Azure owns. */
beforeAll(async () => {
  const wrong = [
    "database.administratorLogin=someone",
    "database.storageGB=64",
    "database.backupRetentionDays=7",
  ];
  const bad = await plan("prod", "--quiet", "--html", PROD, ...wrong.flatMap((value) => ["--config", value]));
  const good = await plan("staging", "--quiet", "--html", path.join(folder, "{stack}.html"));
  expect([bad.code, good.code, good.stdout, good.stderr]).toEqual([1, 0, "", ""]);
}, 180_000);

declare const document: any;
declare const innerWidth: number;
declare const getComputedStyle: (element: any) => any;

const pages = new Map<string, any>();
/** The document of a page, opened once. */
function open(file: string): any {
  if (!pages.has(file)) pages.set(file, openPage(file).document);
  return pages.get(file);
}
const textOf = (file: string, selector: string): string => textIn(open(file).querySelector(selector));

test("what is put into a page stays text, whatever it is", () => {
  const evil = `<img src=x onerror="alert('1')">&amp;`;
  const made = markup`<p title="${evil}">${evil}${[markup`<b>${1}</b>`, undefined, false]}</p>`;
  const { document } = windowOf(made.text);
  expect(document.querySelector("p")?.textContent).toBe(`${evil}1`);
  expect(document.querySelector("p")?.title).toBe(evil);
  expect(document.querySelectorAll("img")).toHaveLength(0);
  expect(made).toBeInstanceOf(Html);
});

describe("a plan as a page", () => {
  test("says first what must not happen, and what is the matter with the plan, also when it fails", () => {
    expect(textOf(PROD, "h1")).toBe("forma3d/prod");
    expect(textOf(PROD, "[role=status]")).toMatch(/^prod must not be deployed .* \(exit code 1\)\.$/);
    expect(open(PROD).querySelector("main > section")?.id).toBe("stop");
    expect(textOf(PROD, "#stop")).toMatch(/database server \S+: protected, holds data: would be replaced/);
    const finding = textOf(PROD, "#policies .findings tbody tr");
    expect(finding).toMatch(/^mandatory \S+ \[REC-\d+\] .*35 days.* Fix: /);
    expect(textOf(STAGING, "[role=status]")).toMatch(/^staging is fine: .* \(exit code 0\)\.$/);
  });

  test("shows every change with its values, those that Azure owns as such", () => {
    const rows = [...open(PROD).querySelectorAll("#changes tbody tr")].map((row) =>
      (row.textContent ?? "").replace(/\s+/g, " ").trim(),
    );
    expect(rows).toContainEqual(expect.stringMatching(/^administratorLogin replaces "\w+" "someone"$/));
    expect(rows).toContainEqual(
      expect.stringMatching(/^storage\.storageSizeGB ignored: Azure owns it.* \d+ 64$/),
    );
    expect(open(PROD).querySelector("#changes details[open] .danger")).not.toBeNull();
    expect(textOf(STAGING, "#changes")).toBe("Changes None against test/expected/staging.json.");
  });

  test("has the picture, costs that add up, every rule, and every resource once", () => {
    const document = open(STAGING);
    expect(document.querySelectorAll("#architecture svg .serving")).toHaveLength(2);
    const cells = [...document.querySelectorAll("#cost .cost tbody .number, #cost .cost tfoot .number")].map(
      (cell) => Number((cell.firstChild?.textContent ?? "").replaceAll(",", "")),
    );
    const total = cells.pop() as number;
    expect(Math.abs(cells.reduce((sum, value) => sum + value, 0) - total)).toBeLessThan(0.02 * cells.length);
    expect(document.querySelectorAll("#policies details tbody tr:not(.family)").length).toBeGreaterThan(150);
    const { resources } = JSON.parse(
      fs.readFileSync(path.join(ROOT, "test/expected/staging.json"), "utf8"),
    ) as { resources: unknown[] };
    // All but the stack itself.
    expect(document.querySelectorAll("#resources .tree li")).toHaveLength(resources.length - 1);
  });

  test("is whole in itself: links lead to its own sections, and nothing is loaded", () => {
    for (const file of [PROD, STAGING]) {
      const document = open(file);
      const links = [...document.querySelectorAll("a")].map((link) => link.getAttribute("href") ?? "");
      expect(links.filter((link) => document.querySelector(link) === null)).toEqual([]);
      const loading = "link, img, iframe, script[src], object, embed, source, video, audio";
      expect(document.querySelectorAll(loading)).toHaveLength(0);
      const policy = document.querySelector("meta[http-equiv]")?.getAttribute("content") ?? "";
      expect(policy).toMatch(/^default-src 'none';.*script-src 'sha256-/);
      const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
      expect(ids.filter((id, i) => ids.indexOf(id) < i)).toEqual([]);
    }
  });

  test("finds resources as one types, and shows where they are", () => {
    const window = openPage(STAGING, true);
    const box = window.document.querySelector("#find");
    const search = (text: string): string[] => {
      box.value = text;
      box.dispatchEvent(new window.Event("input"));
      return [...window.document.querySelectorAll("#resources .tree li")]
        .filter((item) => !item.querySelector("li") && !item.closest("[hidden]"))
        .map((item) => item.textContent ?? "");
    };
    const found = search("dbforpostgresql:Server psql");
    expect(found.length).toBeGreaterThan(0);
    for (const text of found) expect(text).toMatch(/dbforpostgresql:Server[\s\S]*psql/);
    expect(textIn(window.document.querySelector("#found"))).toBe(`${found.length} found`);
    expect(search("no such thing")).toEqual([]);
    const all = search("");
    expect(all.length).toBeGreaterThan(found.length);
    expect(window.document.querySelectorAll("#resources details[open]")).toHaveLength(0);
  });

  test("is a page of its own for each stack, and refuses one file for all", async () => {
    const { code, stderr } = await plan("--html", "one.html");
    expect([code, stderr]).toEqual([
      2,
      `error: --html one.html: one file for ${stackNames(ROOT).length} stacks; allowed: a name with {stack}\n`,
    ]);
  });
});

withBrowser("in a real browser", () => {
  let browser: Browser;
  beforeAll(async () => void (browser = await openBrowser()), 60_000);
  afterAll(() => browser.close());

  /** Opens a page; whatever it reports or asks the network for is an error. */
  async function look(
    file: string,
    width: number,
    colorScheme: "light" | "dark",
    see: (page: Page) => Promise<void>,
  ): Promise<void> {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      colorScheme,
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (request.url() !== pathToFileURL(file).href) complaints.push(request.url());
    });
    await page.goto(pathToFileURL(file).href);
    await see(page);
    await context.close();
    expect(complaints).toEqual([]);
  }

  test.each([
    [390, "light"],
    [390, "dark"],
    [1280, "light"],
    [2200, "dark"],
  ] as const)(
    "%i pixels wide and %s, all of it can be read without scrolling sideways",
    async (width, scheme) => {
      await look(PROD, width, scheme, async (page) => {
        await page
          .locator("details")
          .evaluateAll((all) => all.forEach((one) => one.setAttribute("open", "")));
        const seen = await page.evaluate(() => {
          const shown = (element: any): boolean => element.getClientRects().length > 0;
          const drawing = [...document.querySelectorAll("svg.architecture")].filter(shown);
          const outside = drawing.flatMap((svg) =>
            [...svg.querySelectorAll("g")].flatMap((group) => {
              const frame = group.querySelector("rect")?.getBoundingClientRect();
              return [...group.querySelectorAll("text")]
                .filter((text) => {
                  const box = text.getBoundingClientRect();
                  return box.left < frame.left || box.right > frame.right || box.bottom > frame.bottom + 1;
                })
                .map((text) => text.textContent);
            }),
          );
          const colours = [
            "body",
            "small",
            "thead th",
            ".outcome",
            "#stop h2",
            "pre",
            "a",
            ".pill",
            ".danger",
          ].map((selector) => {
            const element = document.querySelector(selector);
            let under: any = element;
            const background = (one: any): string => getComputedStyle(one).backgroundColor;
            while (under && /, 0\)$/.test(background(under))) under = under.parentElement;
            return [selector, getComputedStyle(element).color, background(under ?? document.body)] as const;
          });
          return {
            sideways: document.documentElement.scrollWidth - innerWidth,
            drawings: drawing.length,
            smallest: Math.min(
              ...drawing.flatMap((svg) =>
                [...svg.querySelectorAll(".title")].map((text) => text.getBoundingClientRect().height),
              ),
            ),
            outside,
            colours,
          };
        });
        expect([seen.sideways, seen.drawings, seen.outside]).toEqual([0, 1, []]);
        expect(seen.smallest).toBeGreaterThan(12);
        const pale = seen.colours.filter(([, ink, paper]) => contrast(ink, paper) < 4.5);
        expect(pale).toEqual([]);
      });
    },
  );

  test("the keyboard stops where something can be done, in the order in which it is read, and is seen there", async () => {
    await look(STAGING, 1280, "light", async (page) => {
      await page.emulateMedia({ reducedMotion: "reduce" });
      const wanted = await page.evaluate(() =>
        [...document.querySelectorAll("a, button, input, summary")]
          .filter((one) => one.checkVisibility())
          .map((one) => [one.localName, (one.textContent ?? "").trim()]),
      );
      const seen: unknown[] = [];
      for (const _ of wanted) {
        await page.keyboard.press("Tab");
        seen.push(
          await page.evaluate(() => {
            const at = document.activeElement;
            const { top, bottom } = at.getBoundingClientRect();
            const ring = getComputedStyle(at).outlineStyle;
            return top > -1 && bottom < 901 && ring === "solid"
              ? [at.localName, (at.textContent ?? "").trim()]
              : [at.localName, top, bottom, ring];
          }),
        );
      }
      expect(seen).toEqual(wanted);
      expect(wanted.length).toBeGreaterThan(15);
    });
  });

  test("a command is copied by its button, and the page prints without what only a screen can do", async () => {
    await look(STAGING, 1280, "light", async (page) => {
      const [command] = await page.locator("#missing pre code").allTextContents();
      await page.locator("#missing pre button").first().click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      expect(await page.evaluate(() => (navigator as any).clipboard.readText())).toBe(command);
      await page.emulateMedia({ media: "print" });
      expect(await page.locator("nav").isVisible()).toBe(false);
      expect(await page.locator("#missing pre button").first().isVisible()).toBe(false);
      expect(await page.locator("#missing pre code").first().isVisible()).toBe(true);
    });
  });
});
