import fs from "node:fs";
import path from "node:path";
import { messageOf, OperationError, refused } from "./errors";

/**
 * Does something that leaves a file in the folder of journals and leases, which is made unless it is there.
 * @throws OperationError where nothing can be kept there, such as on a full disk
 */
export function keeping<T>(folder: string, work: () => T): T {
  try {
    makeFolder(folder);
    return work();
  } catch (error) {
    if (error instanceof OperationError) throw error;
    throw refused(
      `--journal ${folder}: nothing can be kept there: ${messageOf(error)}; another folder goes on`,
    );
  }
}

/**
 * Makes a folder and those above it, for this user alone. One after the other: below a file system that takes none, such as /proc,
 * Node.js asks for all of them at once for ever.
 * @throws Error of the first that cannot be made, or where something else bears the name
 */
export function makeFolder(folder: string): void {
  const missing: string[] = [];
  for (let at = path.resolve(folder); !fs.existsSync(at); at = path.dirname(at)) missing.unshift(at);
  for (const one of missing)
    try {
      fs.mkdirSync(one, { mode: 0o700 });
    } catch (error) {
      // Another run made it at the same time.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  if (!fs.statSync(folder).isDirectory()) throw new Error("it is no folder");
}
