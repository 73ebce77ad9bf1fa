import { messageOf, notRun, OperationError, passes } from "../frame/errors";

/**
 * Why something cannot be asked, where it is only not heard, or its name not found; undefined where it answers.
 * @throws OperationError with whatever else it says
 */
export async function unheard(what: string, ask: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await ask();
    return undefined;
  } catch (error) {
    if (passes(error) || (error as { code?: unknown }).code === "ENOTFOUND")
      return `${what} does not answer: ${messageOf(error)}`;
    throw error instanceof OperationError
      ? error
      : notRun(`${what} cannot be asked: ${messageOf(error)}`, error);
  }
}
