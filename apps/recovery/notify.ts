import { readFileSync } from "node:fs";
import { ExitCode, messageOf } from "../../packages/command/errors";
import { keepSecret, redact } from "./redact";
import { secureUrl } from "./targets";

const TIMEOUT_MS = 5_000;
const ATTEMPTS = 3;
/** What a schedule runs; who asks by hand sees the answer. */
const SCHEDULED = new Set(["backup", "copy", "verify", "drill", "prune"]);

/**
 * Tells a webhook that a scheduled verb failed, whatever becomes of metrics. Read from the environment directly, because
 * a run that fails for its settings must be told, too. Never fails the run: what could not be told goes to `warn`.
 * @param problem what went wrong, on one line; undefined when nothing did
 */
export async function notifyFailure(
  env: NodeJS.ProcessEnv,
  run: { verb: string; exitCode: ExitCode; endedAt: Date },
  problem: string | undefined,
  warn: (message: string) => void,
): Promise<void> {
  // Another run holds the lease: that one tells how it went.
  const quiet = problem === undefined || run.exitCode === ExitCode.leaseHeld || !SCHEDULED.has(run.verb);
  if (quiet || (!env.NOTIFY_WEBHOOK_URL && !env.NOTIFY_WEBHOOK_URL_FILE)) return;
  try {
    const file = env.NOTIFY_WEBHOOK_URL_FILE;
    const url = env.NOTIFY_WEBHOOK_URL || readFileSync(file ?? "", "utf8").trim();
    keepSecret(url);
    if (!secureUrl.safeParse(url).success) throw new Error("NOTIFY_WEBHOOK_URL: expected an https URL");
    const environment = env.ENVIRONMENT ?? "";
    const text = `recovery ${run.verb} of ${environment || "an unknown environment"}: ${redact(problem)}`;
    const body = JSON.stringify({
      text,
      environment,
      verb: run.verb,
      exitCode: run.exitCode,
      endedAt: run.endedAt.toISOString(),
    });
    await post(url, body);
  } catch (error) {
    warn(`warning: the webhook could not be told: ${redact(messageOf(error))}`);
  }
}

async function post(url: string, body: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const headers = { "content-type": "application/json" };
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const { ok, status } = await fetch(url, { method: "POST", headers, body, signal, redirect: "error" });
      if (!ok) throw new Error(`it answered ${status}`);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}
