import fs from "node:fs";
import path from "node:path";
import { writeAll } from "../../../packages/command/files";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { print } from "../../../packages/command/terminal";
import { cut, notes } from "./changelog";

const root = projectRoot(__dirname);
const CHANGELOG = path.join(root, "CHANGELOG.md");
const MANIFESTS = ["package.json", "package-lock.json"];

const NOTES = `\
A release is a tag v<version> on main; .github/workflows/release.yml then publishes it.
  npm run release -- cut 1.4.0
  git commit -am "chore(release): 1.4.0" and, once it is on main, git tag v1.4.0 && git push origin v1.4.0`;

/** A manifest with another version: the project's own, which stands first, and in a lock file a second time. */
function withVersion(text: string, version: string): string {
  const manifest = JSON.parse(text) as { version: string; packages?: Record<string, { version: string }> };
  manifest.version = version;
  const own = manifest.packages?.[""];
  if (own) own.version = version;
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

async function cutRelease(version: string, { day }: { day?: string }): Promise<void> {
  const changelog = cut(
    fs.readFileSync(CHANGELOG, "utf8"),
    version,
    day ?? new Date().toISOString().slice(0, 10),
  );
  const files = [
    { file: CHANGELOG, render: () => changelog },
    ...MANIFESTS.map((name) => {
      const file = path.join(root, name);
      return { file, render: () => withVersion(fs.readFileSync(file, "utf8"), version) };
    }),
  ];
  await writeAll(files);
  print(files.map(({ file }) => `wrote ${path.relative(root, file)}`).join("\n"));
}

export async function main(): Promise<void> {
  const program = createCommand(
    "release",
    "Cuts a release from the changelog, and says what it needs from whoever upgrades.",
    { 0: "done" },
    NOTES,
  );
  program
    .command("cut <version>")
    .description("puts what is unreleased under a version, in CHANGELOG.md and package.json")
    .option("--day <YYYY-MM-DD>", "its day; today when not given")
    .action(cutRelease);
  program
    .command("notes <version>")
    .description("prints the notes of a version that was cut")
    .action((version: string) => {
      process.stdout.write(notes(fs.readFileSync(CHANGELOG, "utf8"), version));
    });
  await runCommand(program);
}
