import fs from "node:fs";
import path from "node:path";

/**
 * A page written by hand, with what is generated between the markers of a name: `<!-- name:begin -->` and `<!-- name:end -->`.
 * @param file from the repository's root
 * @throws Error when the markers are gone
 */
export function filledPage(root: string, file: string, name: string, generated: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const text = fs.readFileSync(path.join(root, file), "utf8");
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${file} lacks ${begin} or ${end}`);
  return [before + begin, "", generated, "", end + after].join("\n");
}
