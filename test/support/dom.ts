import fs from "node:fs";
import path from "node:path";
import { projectRoot } from "../../packages/command/root";

/** Node's own loader: Jest's knows no module that is published as an ES module only. */
const { createRequire } = process.getBuiltinModule("node:module");
const load = createRequire(path.join(projectRoot(__dirname), "package.json"));

/** The window of a page; its scripts run when asked to. */
export function windowOf(html: string, scripts = false): any {
  const { JSDOM } = load("jsdom") as any;
  return new JSDOM(html, scripts ? { runScripts: "dangerously", pretendToBeVisual: true } : {}).window;
}

/** The window of a file that is a page. */
export function openPage(file: string, scripts = false): any {
  return windowOf(fs.readFileSync(file, "utf8"), scripts);
}

/** What a person reads in an element, on one line. */
export const textIn = (element: { textContent: string | null } | null | undefined): string =>
  (element?.textContent ?? "").replace(/\s+/g, " ").trim();
