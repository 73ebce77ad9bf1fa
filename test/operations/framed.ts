import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { answering } from "../../apps/operations/frame/answering";
import { operate, type Verb } from "../../apps/operations/frame/operate";

/**
 * A verb of three steps that write a file each, by the frame every verb runs in: `run.mjs test/operations/framed.ts <folder> [step]`.
 * What it did is in `<folder>/done`, one line per step that really ran; a step that is named waits until somebody interrupts it.
 */
export async function main([folder = "", waits] = process.argv.slice(2)): Promise<void> {
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
          run: async (signal: AbortSignal) => {
            if (id === waits) await sleep(30_000, undefined, { signal });
            fs.appendFileSync(did("done"), `${id}\n`);
            fs.writeFileSync(did(id), "");
          },
        })),
      }),
    report: ({ results }) => ({ markdown: "", document: { steps: results }, lines: [] }),
  };
  await answering({ json: true }, (say, signal) =>
    operate(verb, { yes: true, incident: "INC-framed" }, { now: () => new Date(), signal, say, folder }),
  );
}
