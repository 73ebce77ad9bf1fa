import fs from "node:fs";
import path from "node:path";
import { answering } from "../../apps/operations/commandLine";
import { operate, type Verb } from "../../apps/operations/frame/operate";

/**
 * A verb of three steps that write a file each, by the frame every verb runs in: `run.mjs test/operations/framed.ts <folder>`.
 * What it did is in `<folder>/done`, one line per step that really ran.
 */
export async function main([folder = ""] = process.argv.slice(2)): Promise<void> {
  const did = (id: string) => path.join(folder, id);
  const verb: Verb = {
    name: "framed",
    exclusive: "shop",
    plan: () =>
      Promise.resolve({
        subject: "shop",
        facts: [],
        document: {},
        steps: ["one", "two", "three"].map((id) => ({
          id,
          title: `write ${id}`,
          bound: 30,
          undo: "nothing",
          done: () => Promise.resolve(fs.existsSync(did(id)) || "not there"),
          run: () => {
            fs.appendFileSync(did("done"), `${id}\n`);
            fs.writeFileSync(did(id), "");
            return Promise.resolve();
          },
        })),
      }),
    report: ({ results }) => ({ markdown: "", document: { steps: results }, lines: [] }),
  };
  await answering({ json: true }, (say, signal) =>
    operate(verb, { yes: true, incident: "INC-framed" }, { now: () => new Date(), signal, say, folder }),
  );
}
