import { scriptOf, wantedEntries, type RestoreProgram } from "../postgres/pgRestore";
import type { TocEntry } from "../postgres/toc";
import { looksLikeAddress } from "./catalogue";

/** How pg_restore begins a definition. */
const BEGINNING = /\n(?=-- Name: )/;
const NAMED = /^-- Name: (.*); Type: ([A-Z ]+); Schema: (.*); Owner: /;

/**
 * Definitions that hold an e-mail address, such as a comment, a default or a partition's bounds: masks change rows alone.
 * @returns a warning for each
 */
export async function addressesInDefinitions(
  program: Pick<RestoreProgram, "pgRestore" | "file" | "directory" | "signal">,
  entries: readonly TocEntry[],
): Promise<string[]> {
  const list = [...wantedEntries(entries).values()];
  const scripts = [await scriptOf(program, "pre-data", list), await scriptOf(program, "post-data", list)];
  return scripts
    .flatMap((script) => script.split(BEGINNING))
    .filter((definition) => looksLikeAddress(Buffer.from(definition).toString("latin1")))
    .map((definition) => {
      const [, name = "", kind = "", schema = ""] = NAMED.exec(definition) ?? [];
      return `the definition of ${kind.toLowerCase()} ${schema}.${name} holds an e-mail address, and is not masked`;
    });
}
