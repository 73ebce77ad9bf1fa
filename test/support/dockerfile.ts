import fs from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { type Copy, type Dockerfile, DockerfileParser, type Instruction } from "dockerfile-ast";
import { projectRoot } from "../../packages/command/root";

/** A Dockerfile as tests look at it. */
export interface ReadDockerfile {
  text: string;
  parsed: Dockerfile;
  /** Its instructions of a keyword, in order. */
  of(keyword: string): Instruction[];
  /** What it copies from the build's context. */
  copied: string[];
}

export const argumentsOf = (instruction: Instruction): string[] =>
  instruction.getArguments().map((argument) => argument.getValue());

/** Files of the project that bundles are made of and that none of what an image copies holds. */
export async function forgotten(
  entryPoints: readonly string[],
  copied: readonly string[],
): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: projectRoot(__dirname),
    entryPoints: [...entryPoints],
    outdir: "unwritten",
    bundle: true,
    write: false,
    platform: "node",
    packages: "external",
    metafile: true,
    logLevel: "silent",
  });
  return Object.keys(metafile.inputs).filter(
    (file) => !copied.some((folder) => file.startsWith(`${folder}/`)),
  );
}

/** @param file from the project's root */
export function readDockerfile(file: string): ReadDockerfile {
  const text = fs.readFileSync(path.join(projectRoot(__dirname), file), "utf8");
  const parsed = DockerfileParser.parse(text);
  const of = (keyword: string): Instruction[] =>
    parsed.getInstructions().filter((instruction) => instruction.getKeyword() === keyword);
  const copied = (of("COPY") as Copy[])
    .filter((copy) => copy.getFlags().every((flag) => flag.getName() !== "from"))
    .flatMap((copy) => argumentsOf(copy).slice(0, -1));
  return { text, parsed, of, copied };
}
