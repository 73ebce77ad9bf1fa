import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { projectRoot } from "../../packages/command/root";

const ROOT = projectRoot(__dirname);
/** Never copied: large, made by a build, or not of the project. */
const LEFT_OUT = new Set(["node_modules", ".build", ".git", "coverage"]);

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The project in a folder of its own, with the same packages, to change and run things in. */
export class TreeCopy {
  readonly root = fs.mkdtempSync(path.join(os.tmpdir(), "tree-"));

  constructor() {
    for (const name of fs.readdirSync(ROOT)) {
      if (!LEFT_OUT.has(name))
        fs.cpSync(path.join(ROOT, name), path.join(this.root, name), { recursive: true });
    }
    fs.symlinkSync(path.join(ROOT, "node_modules"), path.join(this.root, "node_modules"));
  }

  read(file: string): string {
    return fs.readFileSync(path.join(this.root, file), "utf8");
  }

  write(file: string, text: string): void {
    fs.writeFileSync(path.join(this.root, file), text);
  }

  /** Files and their texts, but for what a build makes. */
  snapshot(): Map<string, string> {
    const files = fs
      .globSync("**/*", { cwd: this.root, exclude: (name) => LEFT_OUT.has(name) || name === "bin" })
      .filter((file) => fs.statSync(path.join(this.root, file)).isFile());
    return new Map(files.map((file) => [file, this.read(file)]));
  }

  /** Runs a command's entry point in the copy. */
  run(entry: string, ...args: string[]): Result {
    return this.start(["packages/command/run.mjs", entry, ...args]);
  }

  /** Runs test files of the copy. */
  jest(...args: string[]): Result {
    return this.start(["node_modules/jest/bin/jest.js", "-i", ...args]);
  }

  private start(args: readonly string[]): Result {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: this.root,
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined },
    });
    return { code: status, stdout, stderr };
  }

  remove(): void {
    fs.rmSync(this.root, { recursive: true });
  }
}
