import type { Command } from "commander";
import { z } from "zod";
import { ExitCode, UsageError } from "../../../packages/command/errors";
import type { RunContext } from "../context";
import type { RunVerb } from "../runner";
import { parsePortOption } from "../parse";
import { openPlaces } from "../serving/places";

/** TCP port the gateway asks on, unless told otherwise. */
const SERVING_PORT = 9904;

const places = z.array(
  z.union([
    z.strictObject({ name: z.string().min(1), url: z.url({ protocol: /^https?$/ }) }),
    z.strictObject({ name: z.string().min(1), connectionString: z.string().min(1) }),
  ]),
);

export interface ServingCommand {
  region: string;
  host: string;
  port: number;
  json?: boolean;
}

/** Where the record of who serves is kept. @throws UsageError when the setting is absent or malformed */
export function servingPlaces(environment: NodeJS.ProcessEnv): z.infer<typeof places> {
  const allowed = 'an odd number of places, such as [{"name":"westeurope","url":"https://…"},…]';
  const text = environment["SERVING_PLACES"] ?? "";
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    throw new UsageError(`SERVING_PLACES: ${text === "" ? "is not set" : "is no JSON"}; allowed: ${allowed}`);
  }
  const result = places.safeParse(found);
  if (!result.success || result.data.length % 2 === 0)
    throw new UsageError(`SERVING_PLACES: allowed: ${allowed}`);
  return result.data;
}

/** Answers until the signal aborts. */
async function runServing(
  options: ServingCommand,
  environment: NodeJS.ProcessEnv,
  context: RunContext,
): Promise<void> {
  // Loaded on demand: the client of Prometheus is no other verb's.
  const { startServing } = await import("../serving/server");
  const serving = await startServing({
    ...options,
    places: await openPlaces(servingPlaces(environment)),
    note: context.progress.note,
    signal: context.signal,
  });
  context.progress.note(`answering whether ${options.region} may call partners, on port ${serving.port}`);
  await serving.ended;
}

export function registerServing(program: Command, runVerb: RunVerb): void {
  program
    .command("serving")
    .description("answer the gateway whether this region serves and may call partners, until it is ended")
    .requiredOption("--region <name>", "region this runs in, as the record names it")
    .option("--host <address>", "address to listen on", "0.0.0.0")
    .option("--port <port>", "TCP port to listen on; 0 lets the system choose", parsePortOption, SERVING_PORT)
    .option("--json", "when it has ended, print how as one JSON document")
    .action((options: ServingCommand) =>
      runVerb("serving", options, [], async (_settings, context) => {
        await runServing(options, process.env, context);
        return { document: { ended: true }, text: "", exitCode: ExitCode.ok };
      }),
    );
}
