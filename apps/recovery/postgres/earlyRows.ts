import { DatabaseError } from "pg";
import { Deferred } from "../deferred";

/** SQLSTATE of what is no answer to a row: connection, resources, operator, files, the server itself, an ended lock. */
const NO_ANSWER = /^(08|25|40|53|54|55|57|58|F0|XX)/;

/**
 * Whether a row may only have come too early: a check, a default or a generated column may ask a function, which reads
 * tables that are not there yet, names what it finds on the application's search path alone, or raises an error of its own.
 */
export const isTooEarly = (error: unknown): boolean =>
  error instanceof DatabaseError && !NO_ANSWER.test(error.code ?? "");

/** SQLSTATE of a relation and of any other object that is not there. */
const UNDEFINED = new Set(["42P01", "42704"]);

/** Loads a table's rows; the application's search path, default: none. */
type Load = (searchPath?: string) => Promise<void>;

/** Tables whose rows are tried a second time, once every other table was tried, and a last time when indexes are there. */
export class EarlyRows {
  private readonly first: Promise<unknown>[] = [];
  private waiting: { name: string; load: Load; again: Deferred<undefined>; error: Error }[] = [];

  /**
   * Loads a table now, or when `rest` does.
   * @param name of the table
   */
  async load(name: string, load: Load): Promise<void> {
    const tried = load().catch((error: unknown) => {
      if (!isTooEarly(error)) throw error;
      const again = new Deferred<undefined>();
      this.waiting.push({ name, load, again, error: error as Error });
      return again;
    });
    this.first.push(tried.catch(() => undefined));
    await (
      await tried
    )?.promise;
  }

  /**
   * Loads what came too early: once every other table was tried, and once more behind the indexes where a row names what
   * is not there, which may be one. Called once every table's loading has begun; what fails, fails where it was begun.
   * @param searchPath where the application's sessions look for names
   * @param index builds the indexes of all tables but these
   * @returns whether it did
   */
  async rest(searchPath: string, index: (late: ReadonlySet<string>) => Promise<void>): Promise<boolean> {
    try {
      await Promise.all(this.first);
      await this.again(searchPath);
      const indexed = this.waiting.some(({ error }) => UNDEFINED.has((error as DatabaseError).code ?? ""));
      if (indexed) {
        await index(new Set(this.waiting.map(({ name }) => name)));
        await this.again(searchPath);
      }
      for (const { again, error } of this.waiting) again.reject(error);
      return indexed;
    } catch (error) {
      for (const { again } of this.waiting) again.reject(error as Error);
      throw error;
    }
  }

  /** Loads one after the other; again as long as that helps, since one of them may ask for another. */
  private async again(searchPath: string): Promise<void> {
    for (let before = -1; before !== this.waiting.length;) {
      before = this.waiting.length;
      const left: typeof this.waiting = [];
      for (const table of this.waiting) {
        try {
          await table.load(searchPath);
          table.again.resolve(undefined);
        } catch (error) {
          left.push({ ...table, error: error as Error });
        }
      }
      this.waiting = left;
    }
  }
}
