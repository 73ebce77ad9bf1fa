import fs from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { looking, ROOT } from "./commandLine";
import { answering } from "./frame/answering";
import { refused } from "./frame/errors";
import { editStackFile, parseChange } from "./frame/stackFile";
import { platformOf } from "./platform";

/** `record`: what a verb did, in the stack's file; what verbs print as the way to commit it. */
export function registerRecord(program: Command): void {
  looking(program.command("record"))
    .description(
      "Writes values into the stack's file, so that it says what runs; the rest of it stays as it is.",
    )
    .argument("<change...>", "key.key=value, or key.key^=value for the first of a list")
    .action((stack: string, texts: string[], options: { json?: boolean }) =>
      answering(options, (say) => {
        platformOf(ROOT, stack);
        const file = path.join(ROOT, `Pulumi.${stack}.yaml`);
        const before = fs.readFileSync(file, "utf8");
        const after = editStackFile(before, texts.map(parseChange));
        fs.writeFileSync(file, after);
        try {
          // Read as the program reads it: what it would refuse is taken back.
          platformOf(ROOT, stack);
        } catch (error) {
          fs.writeFileSync(file, before);
          throw refused(error instanceof Error ? error.message : String(error));
        }
        say(
          after === before ? `${path.basename(file)} says so already` : `${path.basename(file)} is written`,
        );
        return Promise.resolve({ file: path.basename(file), changed: after !== before });
      }),
    );
}
