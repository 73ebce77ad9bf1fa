import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import type { Account } from "./supervised";

export interface ServerPrograms {
  initdb: string;
  postgres: string;
  /** Major version. */
  version: number;
}

/** Debian and Ubuntu, Red Hat and its kin, Homebrew on both processors, Postgres.app. */
const versionedFolders: [parent: string, folder: RegExp, bin: string][] = [
  ["/usr/lib/postgresql", /^\d+$/, "bin"],
  ["/usr", /^pgsql-\d+$/, "bin"],
  ["/opt/homebrew/opt", /^postgresql@\d+$/, "bin"],
  ["/usr/local/opt", /^postgresql@\d+$/, "bin"],
  ["/Applications/Postgres.app/Contents/Versions", /^\d+$/, "bin"],
];

/** The server programs of one installation: the newest, or the one of the wanted major version. */
export function serverPrograms(wanted?: number): ServerPrograms {
  const found = binFolders()
    .map((folder) => ({ initdb: path.join(folder, "initdb"), postgres: path.join(folder, "postgres") }))
    .filter((pair) => fs.existsSync(pair.initdb) && fs.existsSync(pair.postgres))
    .map((pair) => ({ ...pair, version: majorVersion(pair.postgres) }))
    .sort((one, other) => other.version - one.version);
  const chosen = found.find((installation) => wanted === undefined || installation.version === wanted);
  if (chosen) return chosen;
  const what = wanted === undefined ? "PostgreSQL's server programs were" : `PostgreSQL ${wanted} was`;
  const versions = found.length > 0 ? ` Installed: ${found.map((one) => one.version).join(", ")}.` : "";
  throw new Error(
    `${what} not found on PATH or in the usual folders.${versions} ` +
      `Install them: "apt-get install postgresql postgresql-contrib" (Debian, Ubuntu), ` +
      `"dnf install postgresql-server postgresql-contrib" (Fedora, RHEL), "brew install postgresql@17" (macOS).`,
  );
}

function binFolders(): string[] {
  const onPath = (process.env.PATH ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  const versioned = versionedFolders.flatMap(([parent, pattern, bin]) =>
    (fs.existsSync(parent) ? fs.readdirSync(parent) : [])
      .filter((name) => pattern.test(name))
      .map((name) => path.join(parent, name, bin)),
  );
  return [...new Set([...onPath, ...versioned])];
}

function majorVersion(postgres: string): number {
  return Number(/(\d+)/.exec(execFileSync(postgres, ["--version"], { encoding: "utf8" }))?.[1]);
}

/** `postgres` refuses to run as root: the account to use instead, or undefined when we are somebody else already. */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = fs.readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of ["postgres", "nobody"]) {
    const fields = accounts.find((line) => line.startsWith(`${name}:`))?.split(":");
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new Error(
    "postgres refuses to run as root, and /etc/passwd knows neither postgres nor nobody to run it as.",
  );
}
