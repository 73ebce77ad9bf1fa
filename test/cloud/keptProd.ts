import { spawn } from "node:child_process";
import path from "node:path";
import { keptOperatorRoles } from "../../apps/rehearsal/operatorRoles";
import { serveCloud, type Served } from "../../apps/rehearsal/serve";
import { loadCloud } from "../../packages/emulated-azure/store/file";

/** Serves the planned prod from a folder in which it was kept, with an operator who holds all roles of operators. */
export async function serveKeptProd(folder: string): Promise<Served> {
  await keepProd(folder);
  const kept = loadCloud(folder);
  return serveCloud(kept, { operator: keptOperatorRoles(kept) });
}

/** Brings the planned prod up as a reader would, with nothing behind it, and ends it: its cloud is kept in the folder. */
async function keepProd(folder: string): Promise<void> {
  const serve = ["packages/command/run.mjs", "apps/rehearsal/emulator.ts", "serve", folder];
  const child = spawn(process.execPath, [...serve, "--stack", "prod", "--model-only"], {
    cwd: path.join(__dirname, "../.."),
  });
  let text = "";
  child.stderr.on("data", (part: Buffer) => (text += part.toString()));
  await new Promise<void>((resolve, reject) => {
    child.once("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`serve ended with ${code}: ${text}`)),
    );
    child.stdout.on(
      "data",
      (part: Buffer) => part.toString().includes("Ctrl-C ends it") && child.kill("SIGINT"),
    );
  });
}
