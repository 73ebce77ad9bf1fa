import fs from "node:fs";
import { pages } from "./pages";

async function main(): Promise<void> {
  for (const page of pages(process.cwd())) {
    fs.writeFileSync(page.file, await page.render());
    console.log(`wrote ${page.file}`);
  }
}

void main();
