import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Longest a request by kubectl may take, its sign-in included. */
const REQUEST_SECONDS = 45;

/**
 * What kubectl prints. @param seconds longest it may take: a cluster whose region swallows what it is sent answers never
 * @throws what it says on standard error, `ENOENT` where it is not installed
 */
export async function kubectl(args: readonly string[], seconds = REQUEST_SECONDS): Promise<string> {
  const options = {
    env: process.env,
    maxBuffer: 1_000_000,
    timeout: seconds * 1000,
    killSignal: "SIGKILL",
  } as const;
  try {
    return (await promisify(execFile)("kubectl", [...args], options)).stdout;
  } catch (error) {
    if (!(error as { killed?: boolean }).killed) throw error;
    throw new Error(`kubectl ${args[0] ?? ""} did not end within ${seconds} s`, { cause: error });
  }
}
