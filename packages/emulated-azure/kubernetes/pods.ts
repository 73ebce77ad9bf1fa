import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { KINDS, type Kind } from "./kinds";
import type { Objects } from "./objects";
import { badRequest, StatusError } from "./status";
import type { Stored } from "./stored";

const POD = KINDS.find(({ kind }) => kind === "Pod") as Kind;

/** What a started pod does. */
export interface PodRun {
  /** "ready": it serves until it is deleted. "finished": its process has ended. "crashing": it never gets ready. */
  state: "ready" | "finished" | "crashing";
  /** Of a finished one; default 0. */
  exitCode?: number;
}

/** What stands for the machines below the cluster. Everything has a default: pods are placed, run, and get ready. */
export interface PodBehaviour {
  /** Why no node takes the pod; undefined when one does. */
  unschedulable?(pod: Stored): string | undefined;
  /**
   * Runs the pod for real. `log` takes what it prints; the signal is aborted when the pod is deleted.
   * Default: a job's pod has finished, any other is ready.
   */
  run?(
    pod: Stored,
    log: (text: string) => void,
    deleted: AbortSignal,
    objects: Objects,
  ): Promise<PodRun | undefined>;
  /** Starts a command in a container, the first unless named; undefined, as without this: nothing runs in the pod. */
  exec?(
    pod: Stored,
    container: string | undefined,
    command: readonly string[],
    objects: Objects,
  ): Promise<ChildProcessWithoutNullStreams> | undefined;
  /** What a pod uses of its machine; undefined, as without this: nothing. */
  usage?(pod: Stored): { milliCores: number; kibibytes: number } | undefined;
  /** Address of loopback at which a pod's ports are; undefined, as without this: nothing answers there. */
  reach?(pod: Stored): string | undefined;
}

/** The pods of one cluster: placed when there is room, run once, and ended when they are deleted. */
export class Pods {
  private readonly running = new Map<string, AbortController>();
  private readonly logs = new Map<string, string>();

  constructor(
    private readonly objects: Objects,
    private readonly behaviour: PodBehaviour,
  ) {}

  static ready({ status }: Stored): boolean {
    const conditions = (status?.conditions ?? []) as { type: string; status: string }[];
    return conditions.some(({ type, status: is }) => type === "Ready" && is === "True");
  }

  logOf(pod: Stored): string {
    return this.logs.get(pod.metadata.uid) ?? "";
  }

  /** Places a pod that waits, and starts it. */
  place(pod: Stored): void {
    const { uid } = pod.metadata;
    if (this.running.has(uid) || pod.status?.phase !== "Pending") return;
    const reason = this.behaviour.unschedulable?.(pod);
    if (reason) {
      const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message: reason };
      this.report(pod, { phase: "Pending", conditions: [condition] });
      return;
    }
    const controller = new AbortController();
    this.running.set(uid, controller);
    // A pod whose end cannot be told stays as it is.
    this.run(pod, controller.signal).catch(() => undefined);
  }

  /** @throws StatusError when no command can be run in the pod */
  async exec(
    pod: Stored,
    container: string | undefined,
    command: readonly string[],
  ): Promise<ChildProcessWithoutNullStreams> {
    if (pod.status?.phase !== "Running")
      throw badRequest(`cannot exec in pod ${pod.metadata.name}: it is ${String(pod.status?.phase)}`);
    const started = this.behaviour.exec?.(pod, container, command, this.objects);
    if (!started)
      throw new StatusError(
        501,
        "NotImplemented",
        `nothing runs in pod ${pod.metadata.name} of this cluster`,
      );
    return started;
  }

  /** What every running pod uses, for the metrics API. */
  usage(pod: Stored): { milliCores: number; kibibytes: number } {
    return this.behaviour.usage?.(pod) ?? { milliCores: 0, kibibytes: 0 };
  }

  reach(pod: Stored): string | undefined {
    return this.behaviour.reach?.(pod);
  }

  gone(pod: Stored): void {
    this.running.get(pod.metadata.uid)?.abort();
    this.running.delete(pod.metadata.uid);
    this.logs.delete(pod.metadata.uid);
  }

  stop(): void {
    for (const controller of this.running.values()) controller.abort();
    this.running.clear();
  }

  private async run(pod: Stored, deleted: AbortSignal): Promise<void> {
    const { uid, ownerReferences } = pod.metadata;
    const log = (text: string) => void this.logs.set(uid, (this.logs.get(uid) ?? "") + text);
    const ofJob = ownerReferences?.some(({ kind }) => kind === "Job") ?? false;
    const usual: PodRun = { state: ofJob ? "finished" : "ready" };
    let run: PodRun;
    try {
      run = (await this.behaviour.run?.(pod, log, deleted, this.objects)) ?? usual;
    } catch (error) {
      log(`${error instanceof Error ? error.message : String(error)}\n`);
      run = { state: "finished", exitCode: 1 };
    }
    if (deleted.aborted) return;
    const scheduled = { type: "PodScheduled", status: "True" };
    const ready = run.state === "ready" ? "True" : "False";
    const names = ((pod.spec?.containers ?? []) as { name: string; image?: string }[]).map(
      ({ name, image = "" }) => ({ name, image }),
    );
    const startedAt = this.objects.now().toISOString().replace(/\.\d+/, "");
    const state =
      run.state === "finished"
        ? {
            terminated: {
              exitCode: run.exitCode ?? 0,
              startedAt,
              finishedAt: startedAt,
              reason: run.exitCode ? "Error" : "Completed",
            },
          }
        : run.state === "crashing"
          ? { waiting: { reason: "CrashLoopBackOff" } }
          : { running: { startedAt } };
    this.report(pod, {
      phase: run.state === "finished" ? (run.exitCode ? "Failed" : "Succeeded") : "Running",
      startTime: startedAt,
      conditions: [scheduled, { type: "ContainersReady", status: ready }, { type: "Ready", status: ready }],
      containerStatuses: names.map((container) => ({
        ...container,
        imageID: "",
        restartCount: 0,
        ready: run.state === "ready",
        state,
      })),
    });
  }

  private report(pod: Stored, status: object): void {
    const { namespace, name, uid } = pod.metadata;
    const current = this.objects.find(POD, namespace, name);
    if (current?.metadata.uid !== uid) return;
    this.objects.replace(POD, current, { ...current, status: { ...current.status, ...status } }, "status");
  }
}
