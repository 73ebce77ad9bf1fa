/** @jest-environment <rootDir>/test/support/domEnvironment.js */
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import yaml from "js-yaml";
import type { Browser } from "playwright-core";
import { allAlerts } from "../../apps/tools/docs/runbookPages";
import { RUNBOOKS, runbookUrl } from "../../packages/alerting/runbooks";
import { projectRoot } from "../../packages/command/root";
import { openBrowser, withBrowser } from "../support/browser";
import { contrast } from "../support/contrast";
import { windowOf } from "../support/dom";

const ROOT = projectRoot(__dirname);
const SITE = path.join(ROOT, ".build/site");
const isBuilt = fs.existsSync(path.join(SITE, "index.html"));
const withSite = (title: string, tests: () => void): void =>
  isBuilt || process.env["REQUIRE_SITE"] === "1"
    ? describe(title, tests)
    : describe.skip(`${title} (NOT RUN: no site; npm run site)`, tests);

const pages = fs
  .globSync("**/*.md", { cwd: path.join(ROOT, "docs") })
  .filter((file) => !file.startsWith("runbooks/source"))
  .sort();
const htmlOf = (page: string): string =>
  page.replace(/(^|\/)README\.md$/, "$1index.md").replace(/\.md$/, ".html");

test("every page stands in the site's contents, once; runbooks do so by themselves", () => {
  const text = fs.readFileSync(path.join(ROOT, "site/mkdocs.yml"), "utf8").replace(/!!python\S*/g, "");
  const listed = (yaml.load(text) as { nav: unknown[] }).nav
    .flatMap((entry) => (typeof entry === "object" ? Object.values(entry as object).flat() : [entry]))
    .map(String);
  expect(listed.sort()).toEqual(pages.filter((page) => !page.startsWith("runbooks/")));
});

test("an alert links to the page that the site has, below the address of the configuration", () => {
  for (const runbook of Object.keys(RUNBOOKS)) {
    const url = runbookUrl("https://docs.example.com/runbooks", runbook);
    expect(url).toBe(`https://docs.example.com/runbooks/${runbook}.html`);
    expect(pages).toContain(`runbooks/${runbook}.md`);
  }
});

test("a runbook begins with the names of the alerts that lead to it, before anything else", () => {
  for (const { name, priority, runbook } of allAlerts()) {
    const page = fs.readFileSync(path.join(ROOT, `docs/runbooks/${runbook}.md`), "utf8");
    const [title = "", first = ""] = page.replace(/<!--.*-->\n+/, "").split(/\n\n/);
    expect(title).toMatch(/^# /);
    expect(first).toBe("Alerts that lead here:");
    expect(page.slice(0, page.indexOf("\n## "))).toContain(`- **\`${name}\`** (${priority}): `);
  }
});

withSite("the built site", () => {
  test("has every page, links that lead somewhere, and nothing that is fetched from elsewhere", () => {
    const problems: string[] = [];
    const documents = new Map<string, any>();
    const documentOf = (file: string): any => {
      if (!documents.has(file))
        documents.set(file, windowOf(fs.readFileSync(path.join(SITE, file), "utf8")).document);
      return documents.get(file);
    };
    for (const page of pages) {
      const file = htmlOf(page);
      const document = documentOf(file);
      for (const element of document.querySelectorAll("script[src], link[rel=stylesheet], img, iframe")) {
        const source = element.getAttribute("src") ?? element.getAttribute("href") ?? "";
        if (/^[a-z]+:|^\//.test(source)) problems.push(`${file}: fetches ${source}`);
        else if (!fs.existsSync(path.join(SITE, path.dirname(file), source.split(/[?#]/)[0] ?? "")))
          problems.push(`${file}: lacks ${source}`);
      }
      for (const link of document.querySelectorAll("article a[href]")) {
        const href: string = link.getAttribute("href");
        if (/^(https?|mailto|tel):/.test(href)) continue;
        const [target = "", anchor] = href.split("#");
        const there = target === "" ? file : path.join(path.dirname(file), target);
        if (!fs.existsSync(path.join(SITE, there))) problems.push(`${file}: ${href}`);
        else if (
          anchor &&
          there.endsWith(".html") &&
          !documentOf(there).getElementById(decodeURIComponent(anchor))
        )
          problems.push(`${file}: ${href} has no such place`);
      }
    }
    expect(problems).toEqual([]);
  });

  withBrowser("opened as a folder, without a server", () => {
    let browser: Browser;
    beforeAll(async () => void (browser = await openBrowser()), 60_000);
    afterAll(() => browser.close());

    test.each([390, 1280])(
      "at %i pixels no page scrolls sideways, and commands have a button that copies",
      async (width) => {
        const page = await browser.newPage({ viewport: { width, height: 900 } });
        const wide: string[] = [];
        for (const file of [
          "index.md",
          "runbooks/region-loss.md",
          "runbooks/database-restore.md",
          "configuration.md",
          "incident/index.md",
        ].map(htmlOf)) {
          await page.goto(pathToFileURL(path.join(SITE, file)).href);
          const over = (await page.evaluate(
            `[document.documentElement.scrollWidth - innerWidth, ...[...document.querySelectorAll("article pre > code")].map((code) => code.scrollWidth - code.clientWidth)]`,
          )) as number[];
          if (over.some((pixels) => pixels > 0)) wide.push(`${file}: ${over.join(" ")}`);
        }
        expect(wide).toEqual([]);
        await page.goto(pathToFileURL(path.join(SITE, "runbooks/region-loss.html")).href);
        const commands = await page.locator("article pre").count();
        expect(await page.locator("article button[title^=Copy]").count()).toBeGreaterThanOrEqual(commands);
        await page.close();
      },
    );

    test.each(["light", "dark"] as const)("every text can be read, %s", async (colorScheme) => {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme });
      await page.goto(pathToFileURL(path.join(SITE, "runbooks/one-table.html")).href);
      const seen =
        (await page.evaluate(`[...document.querySelectorAll(".md-header a, .md-ellipsis, article *:not(.headerlink)")]
        .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
        .map((one) => {
          let under = one;
          const background = () => getComputedStyle(under).backgroundColor;
          while (/, 0\\)$/.test(background()) && under.parentElement) under = under.parentElement;
          const { color, fontSize } = getComputedStyle(one);
          return [one.textContent.trim().slice(0, 30), color, background(), parseFloat(fontSize)];
        })`)) as [text: string, ink: string, paper: string, pixels: number][];
      expect(seen.length).toBeGreaterThan(30);
      // A colour that lets through is mixed with what is under it.
      const mixed = (ink: string, paper: string): string => {
        const [r = 0, g = 0, b = 0, part = 1] = (ink.match(/[\d.]+/g) ?? []).map(Number);
        const under = (paper.match(/[\d.]+/g) ?? []).map(Number);
        return `rgb(${[r, g, b].map((one, at) => one * part + (under[at] ?? 0) * (1 - part)).join(" ")})`;
      };
      const pale = seen.filter(
        ([, ink, paper, pixels]) => contrast(mixed(ink, paper), paper) < (pixels >= 24 ? 3 : 4.5),
      );
      expect(pale).toEqual([]);
      await page.close();
    });

    /** Where the keyboard goes by itself, until it comes to the page's own text: each stop's name, and whether it is seen. */
    const stops = `(() => {
      const at = document.activeElement;
      const name = at.getAttribute("aria-label") ?? (at.textContent.trim() || at.name || at.id);
      const box = at.getBoundingClientRect();
      const seen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
      return [name, seen && at.checkVisibility({ visibilityProperty: true }), at.closest("article") !== null];
    })()`;

    test.each([390, 1280])(
      "by keyboard, at %i pixels, everything is seen that is stopped at, and the text is one step away",
      async (width) => {
        const context = await browser.newContext({
          viewport: { width, height: 900 },
          reducedMotion: "reduce",
        });
        const page = await context.newPage();
        await page.goto(pathToFileURL(path.join(SITE, "runbooks/one-table.html")).href);
        const tab = async () => {
          await page.keyboard.press("Tab");
          // Searching opens with an animation of its own.
          await page.waitForTimeout(400);
          return (await page.evaluate(stops)) as [name: string, seen: boolean, text: boolean];
        };
        const [first] = await tab();
        expect(first).toBe("Skip to content");
        const passed: [string, boolean, boolean][] = [];
        if (width < 1000) {
          for (let next = await tab(); !next[2] && passed.length < 12; next = await tab()) passed.push(next);
          expect(passed.map(([name]) => name)).toContain("Contents");
          expect(passed.length).toBeLessThan(8);
          await page.locator("label[for=__drawer].md-header__button").focus();
          await page.keyboard.press("Enter");
          await page.locator(".md-nav--primary a").first().waitFor({ state: "visible" });
        } else for (let i = 0; i < 8; i++) passed.push(await tab());
        expect(passed.filter(([, seen]) => !seen)).toEqual([]);
        await page.goto(pathToFileURL(path.join(SITE, "runbooks/one-table.html")).href);
        await tab();
        await page.keyboard.press("Enter");
        expect((await tab())[2]).toBe(true);
        await context.close();
      },
      60_000,
    );

    test("finds a runbook by words, and prints it without the site around it", async () => {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      await page.goto(pathToFileURL(path.join(SITE, "index.html")).href);
      await page.locator("input[name=query]").fill("region lost");
      await page.locator(".md-search-result__item a").first().waitFor({ timeout: 20_000 });
      const found = await page
        .locator(".md-search-result__item a")
        .evaluateAll((all: any[]) => all.map(({ href }) => href));
      expect(found.some((href: string) => href.includes("runbooks/region-loss.html"))).toBe(true);
      await page.goto(pathToFileURL(path.join(SITE, "runbooks/region-loss.html")).href);
      await page.emulateMedia({ media: "print" });
      for (const part of [".md-header", ".md-sidebar", ".md-footer"])
        expect(await page.locator(part).first().isVisible()).toBe(false);
      expect(await page.locator("article pre").first().isVisible()).toBe(true);
      await page.close();
    }, 180_000);
  });
});
