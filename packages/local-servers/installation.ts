import fs from "node:fs";
import path from "node:path";
import type { Account } from "../programs/postgres";
import type { ServerPrograms } from "./postgresPrograms";

/**
 * Copies the server programs of a release into a folder, and makes the listed extensions the only ones that a role
 * without superuser may create: there they are trusted, the others are offered and refused, as on a flexible server.
 * @returns the copy's programs; undefined where the release cannot be moved, as Debian's packages cannot
 */
export function copyInstallation(
  programs: ServerPrograms,
  allowed: readonly string[],
  folder: string,
  account: Account | undefined,
): ServerPrograms | undefined {
  const prefix = path.dirname(path.dirname(fs.realpathSync(programs.postgres)));
  const extensions = path.join(prefix, "share", "extension");
  if (!fs.existsSync(extensions)) return undefined;
  const bin = path.join(folder, "bin");
  for (const name of ["postgres", "initdb"]) {
    fs.cpSync(path.join(prefix, "bin", name), path.join(bin, name));
  }
  const isLibrary = (file: string) => !/\.a$|pgxs|pkgconfig/.test(file);
  fs.cpSync(path.join(prefix, "lib"), path.join(folder, "lib"), { recursive: true, filter: isLibrary });
  fs.cpSync(path.join(prefix, "share"), path.join(folder, "share"), { recursive: true });
  for (const file of fs.readdirSync(extensions).filter((name) => name.endsWith(".control"))) {
    const name = path.basename(file, ".control");
    const lines = fs.readFileSync(path.join(extensions, file), "utf8").split("\n");
    const kept = lines.filter((line) => !/^\s*trusted\s*=/.test(line));
    // The language every database has from the start.
    const trusted = name === "plpgsql" || allowed.includes(name);
    fs.writeFileSync(
      path.join(folder, "share", "extension", file),
      [...kept, `trusted = ${String(trusted)}`, ""].join("\n"),
    );
  }
  if (account) own(folder, account);
  return {
    postgres: path.join(bin, "postgres"),
    initdb: path.join(bin, "initdb"),
    version: programs.version,
  };
}

function own(folder: string, { uid, gid }: Account): void {
  for (const name of fs.readdirSync(folder, { recursive: true }) as string[]) {
    fs.lchownSync(path.join(folder, name), uid, gid);
  }
  fs.chownSync(folder, uid, gid);
}
