import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { REPLICAS_MARK, ROLE_MARK, STANDBY } from "../../../apps/operations/regionMarks";
import { startPage } from "../../../apps/rehearsal/laptop/pages";
import { secretsOf } from "../../../infra/secrets/secretCatalogue";
import type { Stored } from "../../../packages/emulated-azure/kubernetes";
import { kindNamed } from "../../../packages/emulated-azure/kubernetes/kinds";
import { NAMESPACE, secretOf, SYNCED, WRITER, type Place } from "./regions";

/** Between two writes of a pod; each costs three servers something. */
const WRITE_PAUSE_MS = 40;

/** What pods reach beyond their cluster. */
export interface Surroundings {
  /** Port of this machine that a name leads to now, if to any. */
  portOf(host: string): number | undefined;
  /** Port behind the maintenance page, for whoever has a pass. */
  applicationPort(): number;
  countRows(): Promise<number>;
}

/** What runs in the clusters, and what it wrote: pods of the api write through the writer's name under their region's role. */
export class Pods {
  readonly confirmed: number[] = [];
  /** When each row was confirmed, in milliseconds. */
  readonly confirmedAt = new Map<number, number>();
  private next = 1;
  private going = true;

  constructor(private readonly surroundings: Surroundings) {}

  stop(): void {
    this.going = false;
  }

  /** A pod of the api writes for as long as it lives; it is ready with its first row. A job reads what it backs up. */
  async run(place: Place, pod: Stored, log: (text: string) => void, deleted: AbortSignal) {
    const container = (pod.spec?.containers as { name: string }[])[0]?.name;
    if (container === "runner") {
      log(`${await this.surroundings.countRows()} rows\n`);
      return { state: "finished" as const };
    }
    if (container === "api") await this.write(place, deleted);
    if (container === "maintenance") await this.page(place, deleted);
    log(`${container ?? ""} is ready\n`);
    return { state: "ready" as const };
  }

  /** The maintenance page's own nginx, with the configuration the cluster holds. */
  private async page(place: Place, deleted: AbortSignal): Promise<void> {
    const map = place.api.objects.find(kindNamed("v1", "ConfigMap")!, NAMESPACE, "maintenance");
    const configuration = (map?.["data"] as Record<string, string>)["default.conf"] ?? "";
    const nginx = await startPage(configuration, this.surroundings.applicationPort());
    place.page = nginx.port;
    deleted.addEventListener("abort", () => {
      if (place.page === nginx.port) place.page = undefined;
      void nginx.stop();
    });
  }

  private write(place: Place, deleted: AbortSignal): Promise<void> {
    return new Promise((ready) => {
      void (async () => {
        // A container waits for its Secret; what it starts with, it keeps.
        let text: string | undefined;
        while (!(text = secretOf(place, SYNCED)["DATABASE_URL"])) await sleep(10);
        const url = new URL(text);
        let client: Client | undefined;
        while (this.going && !deleted.aborted) {
          await sleep(WRITE_PAUSE_MS);
          if (place.lost) continue;
          try {
            if (!client) {
              const port = this.surroundings.portOf(WRITER);
              const login = { user: url.username, password: url.password, database: "postgres" };
              client = new Client({ host: "127.0.0.1", port, ...login, connectionTimeoutMillis: 1000 });
              client.on("error", () => (client = undefined));
              await client.connect();
            }
            const id = this.next++;
            await client.query("INSERT INTO marker VALUES ($1)", [id]);
            this.confirmed.push(id);
            this.confirmedAt.set(id, Date.now());
            place.wrote = Date.now();
            ready();
          } catch {
            // One that was refused may never say that it has ended.
            void client?.end().catch(() => undefined);
            client = undefined;
          }
        }
        await client?.end().catch(() => undefined);
      })();
    });
  }
}

/** Declares what a cluster of the environment holds, as a region that serves or stands by has it. */
export function deploy({ api }: Place, standby: boolean): void {
  api.namespace(NAMESPACE);
  const marks = (more: object = {}) => (standby ? { annotations: { [ROLE_MARK]: STANDBY, ...more } } : {});
  const env = secretsOf("api").map(({ variable: key }) => ({
    name: key,
    valueFrom: { secretKeyRef: { name: SYNCED, key } },
  }));
  for (const [name, pods] of [
    ["api", 2],
    ["dashboard", 1],
    ["gateway", 1],
  ] as const)
    api.create({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace: NAMESPACE, ...marks({ [REPLICAS_MARK]: `${pods}` }) },
      spec: {
        replicas: standby ? 0 : pods,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: { containers: [{ name, image: "x", ...(name === "api" && { env }) }] },
        },
      },
    } as never);
  for (const name of ["api", "dashboard"])
    api.create({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: NAMESPACE },
      spec: { selector: { app: name }, ports: [{ port: 80 }] },
    } as never);
  for (const name of ["recovery-daily", "recovery-operator"])
    api.create({
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name, namespace: NAMESPACE, ...(name === "recovery-daily" ? marks() : {}) },
      spec: {
        schedule: "0 3 * * *",
        suspend: standby || name === "recovery-operator",
        jobTemplate: {
          spec: {
            backoffLimit: 0,
            template: { spec: { restartPolicy: "Never", containers: [{ name: "runner", image: "x" }] } },
          },
        },
      },
    } as never);
}
