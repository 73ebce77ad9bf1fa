import fs from "node:fs";
import { messageOf, OperationError, refused } from "./errors";

/**
 * Does something that leaves a file in the folder of journals and leases, which is made unless it is there.
 * @throws OperationError where nothing can be kept there, such as on a full disk
 */
export function keeping<T>(folder: string, work: () => T): T {
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    return work();
  } catch (error) {
    if (error instanceof OperationError) throw error;
    throw refused(
      `--journal ${folder}: nothing can be kept there: ${messageOf(error)}; another folder goes on`,
    );
  }
}
