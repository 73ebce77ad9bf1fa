import { spawnSync } from "node:child_process";
import { chromium, type Browser } from "playwright-core";

/** Names under which systems have Chromium, or a browser made of it. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** The browser on PATH; undefined where there is none. */
export const BROWSER = NAMES.map((name) =>
  spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim(),
).find((file) => file !== "");

/** `describe` where a browser is or must be (REQUIRE_BROWSER=1); elsewhere its tests say that they did not run. */
export const withBrowser = (title: string, tests: () => void): void =>
  BROWSER !== undefined || process.env["REQUIRE_BROWSER"] === "1"
    ? describe(title, tests)
    : describe.skip(`${title} (NOT RUN: no Chromium on PATH; npm run setup -- --with-browser)`, tests);

/** @throws Error where no browser is on PATH. */
export function openBrowser(): Promise<Browser> {
  if (BROWSER === undefined)
    throw new Error(`REQUIRE_BROWSER is set, but none of ${NAMES.join(", ")} is on PATH`);
  // Its own sandbox needs rights a container does not give; what it opens are our own pages.
  return chromium.launch({ executablePath: BROWSER, args: ["--no-sandbox"] });
}
