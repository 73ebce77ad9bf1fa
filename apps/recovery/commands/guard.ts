import { TLSSocket } from "node:tls";
import type { Command } from "commander";
import { Client } from "pg";
import {
  ExitCode,
  FailedError,
  messageOf,
  NotRunError,
  CommandError,
} from "../../../packages/command/errors";
import { readMarker, setMarker } from "../guard/marker";
import { danger, hostsOf, judgeServer, judgeUrl, LOOPBACK, type GuardPolicy } from "../guard/policy";
import { disconnect } from "../postgres/connect";
import { clientConfig, describeServer } from "../postgres/connection";
import { fenced } from "../postgres/fence";
import type { RunVerb } from "../runner";
import { serverOf, type Settings } from "../settings";

export interface GuardResult {
  environment: string;
  server: string;
  /** TLS version of the connection; null for a server on this machine reached in clear. */
  tls: string | null;
  /** `set` by `--mark`; `present` when it was there. */
  marker: "present" | "set";
}

/** What the settings demand of a workload's connection. */
function guardPolicy({ environment, guard }: Settings): GuardPolicy {
  const local = hostsOf(guard.databaseUrl).every((host) => (LOOPBACK as readonly string[]).includes(host));
  return { environment, allowedHosts: guard.allowedHosts, tls: guard.tls ?? (local ? "off" : "require") };
}

/**
 * Proves that a workload's database is this environment's, or sets the server's marker once.
 * @throws FailedError with the DANGER message when it is not, or when another marker is there already
 * @throws FailedError when the region is fenced: its login may not log in, because another region serves
 * @throws NotRunError when the server cannot be asked
 */
export async function runGuard(settings: Settings, options: { mark?: boolean }): Promise<GuardResult> {
  const policy = guardPolicy(settings);
  const server = serverOf(settings);
  // Before connecting: the password must not reach a stranger's server.
  const problems = judgeUrl(settings.guard.databaseUrl, policy);
  if (problems.length > 0) throw new FailedError(danger(policy, problems));
  const client = new Client({ ...clientConfig(server), statement_timeout: 10_000, query_timeout: 12_000 });
  client.on("error", () => undefined);
  try {
    await connect(client, policy);
    const set = options.mark ? await setMarker(client, policy.environment) : false;
    const facts = { marker: await readMarker(client), tls: tlsVersion(client) };
    const wrong = judgeServer(facts, policy);
    if (wrong.length > 0) throw new FailedError(danger(policy, wrong));
    return {
      environment: policy.environment,
      server: describeServer(server),
      tls: facts.tls,
      marker: set ? "set" : "present",
    };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const closed = fenced(error);
    if (closed !== undefined) throw new FailedError(`${describeServer(server)}: ${closed}`);
    throw new NotRunError(`cannot ask ${describeServer(server)} for its marker: ${messageOf(error)}`);
  } finally {
    await disconnect(client);
  }
}

/** A certificate that does not hold is an answer, not a failure to ask. */
async function connect(client: Client, policy: GuardPolicy): Promise<void> {
  try {
    await client.connect();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (/CERT|ERR_TLS|UNABLE_TO/.test(code) || /does not support SSL/.test(messageOf(error))) {
      throw new FailedError(danger(policy, [`TLS to the server failed: ${messageOf(error)}`]));
    }
    throw error;
  }
}

/** Asked of our own socket: through a connection pooler the server knows only the pooler's connection. */
function tlsVersion(client: Client): string | null {
  const { stream } = (client as unknown as { connection: { stream: unknown } }).connection;
  return stream instanceof TLSSocket ? stream.getProtocol() : null;
}

export function registerGuard(program: Command, runVerb: RunVerb): void {
  program
    .command("guard")
    .description("prove, before a workload starts, that its database is this environment's")
    .option("--mark", "set the server's environment marker, once; needs a role with CREATEROLE")
    .option("--json", "print the result as one JSON document")
    .action((options: { mark?: boolean; json?: boolean }) =>
      runVerb("guard", options, ["database"], async (settings) => {
        const result = await runGuard(settings, options);
        const verb = result.marker === "set" ? "is now marked" : "is marked";
        const secure = result.tls ? `, ${result.tls}` : "";
        return {
          document: result,
          text: `${result.server} ${verb} ${result.environment}${secure}\n`,
          exitCode: ExitCode.ok,
        };
      }),
    );
}
