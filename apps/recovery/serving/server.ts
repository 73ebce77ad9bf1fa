import http from "node:http";
import { Gauge, Registry } from "prom-client";
import { messageOf } from "../../../packages/command/errors";
import { type Listening, listen, repeatUntilEnded } from "../listening";
import { redact } from "../redact";
import { Permission } from "./permission";
import type { Place } from "./places";
import { LOOK_SECONDS } from "./record";

export interface ServingOptions {
  region: string;
  places: readonly Place[];
  host: string;
  /** TCP port; 0 lets the system choose. */
  port: number;
  note: (message: string) => void;
  signal: AbortSignal;
  /** Milliseconds between two looks; default 15 s. */
  lookEveryMs?: number;
  /** Seconds of a clock that only goes forward; default the machine's. */
  clock?: () => number;
}

export interface Serving extends Listening {
  /** Looks at every place now, and resolves when each has answered or failed. */
  look(): Promise<void>;
}

/**
 * Answers whether this region may call partners: 200, or 403 with the reason, on every path but `/metrics`, `/healthz`
 * and `/readyz` (ready: every place has been asked once).
 * @throws UsageError when the port cannot be listened on
 */
export async function startServing(options: ServingOptions): Promise<Serving> {
  const { region, places, signal, note } = options;
  const clock = options.clock ?? (() => performance.now() / 1000);
  const permission = new Permission(
    region,
    places.map(({ name }) => name),
  );
  const metrics = gauges(permission, places, clock);
  let asked = false;
  let said = "";

  const look = async (): Promise<void> => {
    await Promise.all(
      places.map(async (place) => {
        const at = clock();
        try {
          permission.hear(place.name, at, await place.look());
        } catch (error) {
          note(`${place.name} does not say who serves: ${redact(messageOf(error))}`);
        }
      }),
    );
    asked = true;
    const { reason } = permission.verdict(clock());
    if (reason !== said) note(reason);
    said = reason;
  };

  const server = http.createServer((request, response) => {
    const answer = (status: number, body: string, type = "text/plain; charset=utf-8") =>
      response.writeHead(status, { "content-type": type }).end(request.method === "HEAD" ? undefined : body);
    switch (new URL(request.url ?? "/", "http://serving").pathname) {
      case "/metrics":
        return void metrics.metrics().then((text) => answer(200, text, metrics.contentType));
      case "/healthz":
        return answer(200, "alive\n");
      case "/readyz":
        return asked ? answer(200, "ready\n") : answer(503, "no place has been asked yet\n");
      default: {
        const { may, reason } = permission.verdict(clock());
        // Not 5xx: the gateway would take that for no answer at all.
        return may ? answer(200, "") : answer(403, reason);
      }
    }
  });
  const port = await listen(server, options.host, options.port);
  const ended = repeatUntilEnded(server, signal, look, options.lookEveryMs ?? LOOK_SECONDS * 1000);
  return { port, look, ended };
}

function gauges(permission: Permission, places: readonly Place[], clock: () => number): Registry {
  const registry = new Registry();
  const make = (name: string, help: string, collect: (gauge: Gauge) => void, labelNames: string[] = []) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        collect(this);
      },
    });
  make("forma3d_serving_may_call", "1 while this region may call partners", (gauge) =>
    gauge.set(permission.verdict(clock()).may ? 1 : 0),
  );
  make("forma3d_serving_seconds_left", "Seconds it may still, if nothing more is heard", (gauge) =>
    gauge.set(permission.verdict(clock()).secondsLeft),
  );
  make(
    "forma3d_serving_silence_seconds",
    "Seconds since a place last said who serves",
    (gauge) => {
      for (const { name } of places) {
        const silence = permission.silence(name, clock());
        if (silence !== undefined) gauge.set({ place: name }, silence);
      }
    },
    ["place"],
  );
  return registry;
}
