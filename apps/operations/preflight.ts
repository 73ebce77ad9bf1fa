import { createCommand, runCommand } from "../../packages/command/program";
import { projectRoot } from "../../packages/command/root";
import { CONTACTS_FILE, readContacts, unfilled } from "./contacts";
import { print } from "../../packages/command/terminal";

function list(): void {
  const open = unfilled(readContacts(projectRoot(__dirname)));
  if (open.length === 0) {
    print("Everything is filled in.");
    return;
  }
  print(`${open.length} entries of ${CONTACTS_FILE} are not filled in:`);
  for (const entry of open) print(`  ${entry}`);
  process.exitCode = 1;
}

export async function main(): Promise<void> {
  await runCommand(
    createCommand("preflight", "Lists what must be filled in before production.", {
      0: "everything is filled in",
      1: "something is not",
    }).action(list),
  );
}
