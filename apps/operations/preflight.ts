import { CONTACTS_FILE, readContacts, unfilled } from "./contacts";

/** Lists what must be filled in before production. Exit code 0: nothing, 1: something, 2: a malformed file. */
function main(): number {
  let open: string[];
  try {
    open = unfilled(readContacts(process.cwd()));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
  if (open.length === 0) {
    console.log("Everything is filled in.");
    return 0;
  }
  console.log(`${open.length} entries of ${CONTACTS_FILE} are not filled in:`);
  for (const entry of open) console.log(`  ${entry}`);
  return 1;
}

process.exitCode = main();
