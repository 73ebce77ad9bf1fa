import fs from "node:fs";
import { PAGES } from "./pages";

async function main(): Promise<void> {
  for (const page of PAGES) {
    fs.writeFileSync(page.file, await page.render());
    console.log(`wrote ${page.file}`);
  }
}

void main();
