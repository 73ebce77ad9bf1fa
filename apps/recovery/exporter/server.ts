import http from "node:http";
import { messageOf } from "../../../packages/command/errors";
import { type Listening, listen, repeatUntilEnded } from "../listening";
import { redact } from "../redact";
import type { Gauges } from "./gauges";
import type { Reading } from "./reading";
import { stopwatch } from "../../../packages/programs/waiting";

/** TCP port the exporter listens on unless told otherwise. */
export const DEFAULT_PORT = 9188;

export interface ExporterOptions {
  host: string;
  /** TCP port; 0 lets the system choose. */
  port: number;
  /** Seconds between two reads of the storage account. */
  intervalSeconds: number;
  read: () => Promise<Reading>;
  gauges: Gauges;
  note: (message: string) => void;
  signal: AbortSignal;
}

/** A read that hangs for this many intervals means that the process no longer does its work. */
const STUCK_AFTER_INTERVALS = 5;

/**
 * Serves `/metrics`, `/healthz` (alive: reads are being attempted) and `/readyz` (ready: one read has succeeded).
 * Storage that cannot be reached shows in `pgbackup_store_up`; the last values stay available.
 * @throws UsageError when the port cannot be listened on
 */
export async function startExporter(options: ExporterOptions): Promise<Listening> {
  const { gauges, signal } = options;
  let sinceAttempt = stopwatch();
  let lastProblem = "no read of the storage account has succeeded yet";
  let ready = false;
  let reading = false;

  const read = async () => {
    if (reading) return;
    reading = true;
    sinceAttempt = stopwatch();
    try {
      gauges.update(await options.read());
      if (lastProblem) options.note("reading the storage account works");
      ready = true;
      lastProblem = "";
    } catch (error) {
      gauges.storeIsDown();
      const problem = redact(messageOf(error));
      if (problem !== lastProblem) options.note(`reading the storage account failed: ${problem}`);
      lastProblem = problem;
    } finally {
      reading = false;
    }
  };
  const stuck = () => sinceAttempt() > STUCK_AFTER_INTERVALS * Math.max(60, options.intervalSeconds);

  const server = http.createServer((request, response) => {
    const answer = (status: number, body: string, type = "text/plain; charset=utf-8") =>
      response.writeHead(status, { "content-type": type }).end(request.method === "HEAD" ? undefined : body);
    const { pathname } = new URL(request.url ?? "/", "http://exporter");
    if (request.method !== "GET" && request.method !== "HEAD") return answer(405, "only GET\n");
    switch (pathname) {
      case "/metrics":
        return void gauges.registry.metrics().then(
          (text) => answer(200, text, gauges.registry.contentType),
          (error: unknown) => answer(500, `${messageOf(error)}\n`),
        );
      case "/healthz":
        return stuck() ? answer(500, "no read was attempted for too long\n") : answer(200, "alive\n");
      case "/readyz":
        return ready ? answer(200, "ready\n") : answer(503, `${lastProblem}\n`);
      default:
        return answer(404, "/metrics, /healthz or /readyz\n");
    }
  });
  const port = await listen(server, options.host, options.port);
  const ended = repeatUntilEnded(server, signal, read, options.intervalSeconds * 1000);
  return { port, ended };
}
