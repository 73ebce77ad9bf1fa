import fs from "node:fs";

/** Given by `domEnvironment.js`, which a test that opens pages names in its first comment. */
declare const loadJsdom: () => any;

/** The window of a page; its scripts run when asked to. */
export function windowOf(html: string, scripts = false): any {
  const { JSDOM } = loadJsdom();
  return new JSDOM(html, scripts ? { runScripts: "dangerously", pretendToBeVisual: true } : {}).window;
}

/** The window of a file that is a page. */
export function openPage(file: string, scripts = false): any {
  return windowOf(fs.readFileSync(file, "utf8"), scripts);
}

/** What a person reads in an element, on one line. */
export const textIn = (element: { textContent: string | null } | null | undefined): string =>
  (element?.textContent ?? "").replace(/\s+/g, " ").trim();
