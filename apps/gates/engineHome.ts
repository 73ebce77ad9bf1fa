import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { ConfigError } from "../../stacks/problems";

/** Programs that decide what is judged: the engine, and what runs program and pack. */
const JUDGES = ["pulumi", "pulumi-language-nodejs", "pulumi-analyzer-policy"];
/** Plugins that would stand in for them. Providers are no judges: what they do is what was judged. */
const STANDS_IN = /^(?:language|analyzer|tool|converter)-/;

const OUTSIDE = "a folder outside the project: whatever a change can bring along must not judge it";

function isInside(root: string, place: string): boolean {
  const real = (at: string): string => (fs.existsSync(at) ? fs.realpathSync(at) : path.resolve(at));
  const relative = path.relative(real(root), real(place));
  return relative === "" || (!relative.startsWith("..") && !path.isAbsolute(relative));
}

/** Where PATH leads for a program; undefined when it leads nowhere. */
function onPath(program: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => path.join(folder, program)).find((file) => fs.existsSync(file));
}

/**
 * Refuses an environment in which the engine, or something in its place, comes out of the project it judges.
 * @throws ConfigError that names the variable, what it says and what is allowed
 */
export function checkEngineHome(root: string, env: NodeJS.ProcessEnv): void {
  const home = env["PULUMI_HOME"] ?? path.join(env["HOME"] ?? os.homedir(), ".pulumi");
  const refuse = (key: string, found: string, allowed: string): never => {
    throw new ConfigError(key, [{ path: [], found, allowed }]);
  };
  const named = env["PULUMI_HOME"] === undefined ? "HOME" : "PULUMI_HOME";
  if (!path.isAbsolute(home) || isInside(root, home)) refuse(named, home, OUTSIDE);
  const plugins = path.join(home, "plugins");
  const standIn = fs.existsSync(plugins)
    ? fs.readdirSync(plugins).find((name) => STANDS_IN.test(name))
    : undefined;
  if (standIn !== undefined)
    refuse(`${named}, plugins`, standIn, "plugins of resources only: the engine brings its own judges along");
  const folders = (env["PATH"] ?? "").split(path.delimiter);
  const relative = folders.find((folder) => !path.isAbsolute(folder));
  if (relative !== undefined) refuse("PATH", relative, "absolute folders");
  for (const program of JUDGES) {
    const file = onPath(program, folders);
    if (file !== undefined && isInside(root, file)) refuse(`PATH, ${program}`, file, OUTSIDE);
  }
}
