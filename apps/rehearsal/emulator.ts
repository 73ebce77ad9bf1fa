import path from "node:path";
import { Argument, InvalidArgumentError } from "commander";
import { EFFECTS, Fault, OPERATIONS, parseFault } from "../../packages/emulated-azure/faults";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { SOMEBODY, vantageCalled, type Vantage } from "../../packages/emulated-azure/network/vantage";
import type { Value } from "../../packages/emulated-azure/model/types";
import { engineEnvironment } from "./engine";
import { createCommand, runCommand } from "../../packages/command/program";
import { keptOperatorRoles, operatorRoles } from "./operatorRoles";
import { instructions } from "./instructions";
import { NotServed, plannedStore, serveCloud } from "./serve";
import { change, deleteBehind, happen } from "../../packages/emulated-azure/store/changes";
import { CloudStore } from "../../packages/emulated-azure/store/cloud";
import { CLOUD_FILE, loadCloud, saveCloud, StoreError } from "../../packages/emulated-azure/store/file";

const FOLDER = new Argument(
  "<folder>",
  `folder with a ${CLOUD_FILE}, as \`npm run rehearse -- --keep\` leaves one`,
);

/** One line a resource: type, id, and whether it is only soft-deleted. Values are not shown: secrets are among them. */
function list(cloud: CloudStore, json: boolean): string {
  const all = [...cloud.all()].sort((a, b) => (a.key < b.key ? -1 : 1));
  if (json) {
    return JSON.stringify(
      all.map(({ type, id, softDeleted = false }) => ({ type, id, softDeleted })),
      null,
      2,
    );
  }
  const width = Math.max(0, ...all.map(({ type }) => type.length));
  const lines = all.map(
    ({ type, id, softDeleted }) => `${type.padEnd(width)}  ${id}${softDeleted ? "  (soft-deleted)" : ""}`,
  );
  return [...lines, `${all.length} resources`].join("\n");
}

function fault(text: string, earlier: readonly Fault[] = []): Fault[] {
  try {
    return [...earlier, parseFault(text)];
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** Serves until the process is told to stop; a folder keeps the cloud, and without one nothing is left. */
async function serve(
  folder: string | undefined,
  options: {
    seed: string;
    fault?: Fault[];
    stack?: string;
    project?: string;
    modelOnly?: boolean;
    from?: string;
  },
): Promise<void> {
  if (folder === undefined && options.stack === undefined) {
    throw new NotServed("serve: give a folder to keep the cloud in, --stack for a planned one, or both");
  }
  const { stack, seed, project } = options;
  if (project !== undefined && stack === undefined) {
    throw new NotServed(`serve: --project ${project} needs --stack, the stack of it to serve`);
  }
  const kept = folder === undefined ? undefined : openOrCreate(folder, seed);
  if (stack !== undefined && kept && kept.size > 0) {
    throw new NotServed(`serve: ${String(folder)} already holds a cloud; --stack ${stack} begins a new one`);
  }
  const store =
    stack === undefined
      ? (kept as CloudStore)
      : await plannedStore(stack, seed, project && path.resolve(project));
  const served = await serveCloud(store, {
    faults: options.fault,
    from: options.from === undefined ? SOMEBODY : place(store, options.from),
    real: !options.modelOnly,
    // Another project's people hold what that project says, which nobody knows here.
    operator:
      stack === undefined ? keptOperatorRoles(store) : project === undefined ? operatorRoles(stack) : [],
  });
  const engine = engineEnvironment(path.resolve(folder ?? served.home), served.attach("owner"));
  // Whoever reads the last line may press Ctrl-C at once.
  const ended = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  console.log(instructions(served, engine));
  await ended;
  await served.stop();
  if (folder !== undefined) saveCloud(folder, store);
}

/** @throws NotServed */
function place(store: CloudStore, text: string): Vantage {
  try {
    return vantageCalled(store, text);
  } catch (error) {
    throw new NotServed(`serve: --from: ${(error as Error).message}`);
  }
}

function openOrCreate(folder: string, seed: string): CloudStore {
  try {
    return loadCloud(folder);
  } catch (error) {
    if (error instanceof StoreError && error.absent) return new CloudStore(seed);
    throw error;
  }
}

/** Changes a kept cloud and saves it. */
function changing<Rest extends [string, ...Value[]]>(action: (cloud: CloudStore, ...rest: Rest) => void) {
  return (folder: string, ...rest: Rest): void => {
    const cloud = loadCloud(folder);
    action(cloud, ...rest);
    saveCloud(folder, cloud);
  };
}

function jsonValue(text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch {
    return text;
  }
}

const program = createCommand("sandbox", "The emulated Azure, by hand.", {
  0: "done; serve: stopped by Ctrl-C",
  1: "the cloud cannot be planned or served",
});

program
  .command("ls")
  .description("Lists what a kept cloud holds.")
  .addArgument(FOLDER)
  .option("--json", "as JSON")
  .action((folder: string, { json }: { json?: boolean }) =>
    console.log(list(loadCloud(folder), json ?? false)),
  );

program
  .command("serve")
  .description(
    "Serves a cloud with real servers behind it to pulumi, az, kubectl, psql and Microsoft's clients, and prints the settings they need.",
  )
  .argument("[folder]", "where the cloud is kept; made when it does not exist")
  .option("--stack <stack>", "begins with everything a plan of the stack declares, e.g. prod")
  .option("--project <folder>", "the stack is another Pulumi project's, in TypeScript")
  .option("--model-only", "starts no PostgreSQL, blob server or Kubernetes API behind what is served")
  .option(
    "--from <place>",
    `where what uses the printed settings asks from: an address of the Internet, or <network>/<subnet> of the cloud (default: ${SOMEBODY.address}, which no firewall admits)`,
  )
  .option("--seed <text>", "everything that is generated derives from it", "rehearsal")
  .option(
    "--fault <fault>",
    `"<operation> <type>[#<nth>] <effect>"; operations: ${OPERATIONS.join(", ")}; effects: ${EFFECTS.join(", ")}; may be repeated`,
    fault,
  )
  .action(serve);

program
  .command("set")
  .description("Changes a property behind Pulumi's back.")
  .addArgument(FOLDER)
  .argument("<id>", "identifier, as `ls` shows it")
  .argument("<path>", "property, e.g. sku.name")
  .argument("<value>", "JSON, or text", jsonValue)
  .action(changing((cloud, id: string, at: string, value: Value) => change(cloud, id, at, value)));

program
  .command("rm")
  .description("Deletes a resource and everything below it behind Pulumi's back.")
  .addArgument(FOLDER)
  .argument("<id>", "identifier, as `ls` shows it")
  .action(changing((cloud, id: string) => deleteBehind(cloud, id)));

program
  .command("happen")
  .description("Lets something happen that Azure does by itself, e.g. ha-failover to a database server.")
  .addArgument(FOLDER)
  .argument("<id>", "identifier, as `ls` shows it")
  .argument("<event>", "what happens")
  .action(changing((cloud, id: string, event: string) => happen(sandboxModel(), cloud, id, event)));

export async function main(): Promise<void> {
  await runCommand(program);
}
