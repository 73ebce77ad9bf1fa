import { createHash } from "node:crypto";
import { KINDS, type Kind } from "./kinds";
import { suffix, type Objects } from "./objects";
import type { Stored } from "./stored";
import { Pods, type PodBehaviour } from "./pods";
import { labelsMatch } from "./selectors";
import { badRequest } from "./status";

const kind = (name: string): Kind => KINDS.find((known) => known.kind === name) as Kind;
const DEPLOYMENT = kind("Deployment");
const REPLICA_SET = kind("ReplicaSet");
const POD = kind("Pod");
const JOB = kind("Job");
const CRON_JOB = kind("CronJob");
const AUTOSCALER = kind("HorizontalPodAutoscaler");
const BUDGET = kind("PodDisruptionBudget");

/** Pods of one set at most: more than any cluster of a laptop could have, and none is made for the rest. */
const MOST_PODS = 100;
const REVISION = "deployment.kubernetes.io/revision";
const HASH = "pod-template-hash";

/**
 * What the controller manager does with deployments and jobs: replica sets per revision, pods, conditions, clean-up of
 * what an owner leaves behind. Time does not pass in it: no schedule fires and no deadline ends by itself.
 */
export class Controller {
  readonly pods: Pods;
  private planned = false;
  private stopped = false;

  constructor(
    private readonly objects: Objects,
    behaviour: PodBehaviour = {},
  ) {
    this.pods = new Pods(objects, behaviour);
    objects.onChange((change) => {
      if (change.type === "DELETED") {
        if (change.kind === POD) this.pods.gone(change.object);
        this.collect(change.object.metadata.uid);
      }
      this.plan();
    });
  }

  stop(): void {
    this.stopped = true;
    this.pods.stop();
  }

  /** Looks at everything again, as when room for pods has appeared. */
  plan(): void {
    if (this.planned || this.stopped) return;
    this.planned = true;
    setImmediate(() => {
      this.planned = false;
      if (!this.stopped) this.reconcile();
    });
  }

  /** What the schedule of a CronJob would do now. @throws StatusError 400 when it is suspended */
  trigger(namespace: string, name: string): Stored {
    const cron = this.objects.get(CRON_JOB, namespace, name);
    if (cron.spec?.suspend) throw badRequest(`cronjob "${name}" is suspended`);
    const template = cron.spec?.jobTemplate ?? {};
    const job = this.objects.create(JOB, namespace, {
      metadata: { ...template.metadata, name: `${name}-${suffix()}`, ownerReferences: [owner(cron)] },
      spec: template.spec,
    } as Partial<Stored>);
    this.status(CRON_JOB, cron, { lastScheduleTime: job.metadata.creationTimestamp });
    return job;
  }

  /** What nothing could be done for, and why, by uid: one object stops no other. */
  readonly failures = new Map<string, unknown>();

  private reconcile(): void {
    const each = (of: Kind, act: (object: Stored) => void): void => {
      for (const object of this.objects.list(of)) {
        try {
          act(object);
        } catch (error) {
          this.failures.set(object.metadata.uid, error);
        }
      }
    };
    each(DEPLOYMENT, (one) => this.deployment(one));
    each(REPLICA_SET, (one) => this.replicaSet(one));
    each(JOB, (one) => this.job(one));
    each(POD, (one) => this.pods.place(one));
    each(BUDGET, (one) => this.budget(one));
  }

  private deployment(deployment: Stored): void {
    const { namespace = "", name } = deployment.metadata;
    const spec = deployment.spec ?? {};
    if (spec.paused) return;
    const wanted = this.replicasOf(deployment);
    const sets = this.owned(REPLICA_SET, deployment);
    const hash = createHash("sha256").update(JSON.stringify(spec.template)).digest("hex").slice(0, 10);
    const revision = (set: Stored) => Number(set.metadata.annotations?.[REVISION] ?? 0);
    const newest = Math.max(0, ...sets.map(revision));
    let current = sets.find((set) => set.metadata.labels?.[HASH] === hash);
    if (!current) {
      const labels = { ...spec.template?.metadata?.labels, [HASH]: hash };
      const template = { ...spec.template, metadata: { ...spec.template?.metadata, labels } };
      const matchLabels = { ...spec.selector?.matchLabels, [HASH]: hash };
      current = this.objects.create(REPLICA_SET, namespace, {
        metadata: {
          name: `${name}-${hash}`,
          labels,
          annotations: { ...withoutOwn(deployment.metadata.annotations), [REVISION]: `${newest + 1}` },
          ownerReferences: [owner(deployment)],
        },
        spec: { replicas: wanted, selector: { ...spec.selector, matchLabels }, template },
      } as unknown as Partial<Stored>);
    } else if (revision(current) < newest) {
      // Gone back to: the old template is the newest revision now.
      current = this.annotate(REPLICA_SET, current, `${newest + 1}`);
    }
    current = this.scale(current, wanted);
    const others = sets.filter(({ metadata }) => metadata.uid !== current.metadata.uid);
    const ready = this.readyPods(current);
    // What serves stays until what replaces it is ready.
    if (ready >= wanted) others.forEach((set) => this.scale(set, 0));
    this.annotate(DEPLOYMENT, deployment, String(current.metadata.annotations?.[REVISION]));
    this.deploymentStatus(deployment, current, others, wanted);
  }

  private deploymentStatus(deployment: Stored, current: Stored, others: Stored[], wanted: number): void {
    const updated = this.owned(POD, current).length;
    const old = others.reduce((sum, set) => sum + this.owned(POD, set).length, 0);
    const ready = [current, ...others].reduce((sum, set) => sum + this.readyPods(set), 0);
    const complete = this.readyPods(current) >= wanted && old === 0;
    const condition = (type: string, yes: boolean, reason: string) => ({
      type,
      status: yes ? "True" : "False",
      reason,
      message: `Deployment "${deployment.metadata.name}": ${reason}`,
    });
    this.status(
      DEPLOYMENT,
      this.objects.get(DEPLOYMENT, deployment.metadata.namespace, deployment.metadata.name),
      {
        observedGeneration: deployment.metadata.generation,
        replicas: updated + old,
        updatedReplicas: updated,
        readyReplicas: ready,
        availableReplicas: ready,
        unavailableReplicas: Math.max(0, wanted - ready),
        conditions: [
          condition(
            "Available",
            ready >= wanted,
            ready >= wanted ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
          ),
          condition("Progressing", true, complete ? "NewReplicaSetAvailable" : "ReplicaSetUpdated"),
        ],
      },
    );
  }

  /** An autoscaler never lets a deployment that runs at all have fewer than its least. */
  private replicasOf(deployment: Stored): number {
    const wanted = Number(deployment.spec?.replicas ?? 1);
    const scaler = this.objects
      .list(AUTOSCALER, deployment.metadata.namespace)
      .find(
        ({ spec }) =>
          spec?.scaleTargetRef?.kind === "Deployment" &&
          spec?.scaleTargetRef?.name === deployment.metadata.name,
      );
    return wanted === 0 || !scaler ? wanted : Math.max(wanted, Number(scaler.spec?.minReplicas ?? 1));
  }

  private replicaSet(set: Stored): void {
    const pods = this.owned(POD, set);
    const wanted = Math.min(Number(set.spec?.replicas ?? 1), MOST_PODS);
    for (let missing = wanted - pods.length; missing > 0; missing--) this.pod(set, set.spec?.template);
    const unreadyFirst = pods.sort((one, other) => Number(Pods.ready(one)) - Number(Pods.ready(other)));
    unreadyFirst.slice(0, Math.max(0, pods.length - wanted)).forEach((pod) => this.objects.delete(POD, pod));
    const left = this.owned(POD, set);
    this.status(REPLICA_SET, set, {
      replicas: left.length,
      readyReplicas: left.filter(Pods.ready).length,
      observedGeneration: set.metadata.generation,
    });
  }

  private job(job: Stored): void {
    const spec = job.spec ?? {};
    const pods = this.owned(POD, job);
    const inPhase = (phase: string) => pods.filter(({ status }) => status?.phase === phase).length;
    const [succeeded, failed] = [inPhase("Succeeded"), inPhase("Failed")];
    const active = pods.length - succeeded - failed;
    const completed = succeeded >= Number(spec.completions ?? 1);
    const givenUp = failed > Number(spec.backoffLimit ?? 6);
    const over = completed ? "Complete" : givenUp ? "Failed" : undefined;
    if (!over && !spec.suspend && active === 0) this.pod(job, spec.template);
    const now = this.objects.now().toISOString().replace(/\.\d+/, "");
    const { startTime = now, completionTime = now } = job.status ?? {};
    this.status(JOB, job, {
      startTime,
      active: this.owned(POD, job).length - succeeded - failed,
      succeeded,
      failed,
      ...(over && {
        conditions: [
          {
            type: over,
            status: "True",
            reason: over === "Failed" ? "BackoffLimitExceeded" : "CompletionsReached",
          },
        ],
      }),
      ...(over === "Complete" && { completionTime }),
    });
  }

  private budget(budget: Stored): void {
    const { namespace, generation } = budget.metadata;
    const selector = Object.entries((budget.spec?.selector?.matchLabels ?? {}) as Record<string, string>);
    const matches = labelsMatch(selector.map(([key, value]) => `${key}=${value}`).join(","));
    const pods = this.objects.list(POD, namespace).filter(({ metadata }) => matches(metadata.labels ?? {}));
    const healthy = pods.filter(Pods.ready).length;
    const allowed = budget.spec?.maxUnavailable ?? pods.length - Number(budget.spec?.minAvailable ?? 0);
    const absent = pods.length - healthy;
    this.status(BUDGET, budget, {
      observedGeneration: generation,
      currentHealthy: healthy,
      expectedPods: pods.length,
      disruptionsAllowed: Math.max(0, Number(allowed) - absent),
    });
  }

  private pod(of: Stored, template: { metadata?: object; spec?: object } | undefined): void {
    const { name, namespace } = of.metadata;
    this.objects.create(POD, namespace, {
      metadata: {
        ...template?.metadata,
        name: `${name}-${suffix()}`,
        ownerReferences: [owner(of)],
      },
      spec: template?.spec,
      status: { phase: "Pending" },
    } as unknown as Partial<Stored>);
  }

  private owned(of: Kind, by: Stored): Stored[] {
    return this.objects
      .list(of, by.metadata.namespace)
      .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === by.metadata.uid));
  }

  private readyPods(set: Stored): number {
    return this.owned(POD, set).filter(Pods.ready).length;
  }

  private scale(set: Stored, replicas: number): Stored {
    if (set.spec?.replicas === replicas) return set;
    return this.objects.replace(REPLICA_SET, set, { ...set, spec: { ...set.spec, replicas } });
  }

  private annotate(of: Kind, object: Stored, revision: string): Stored {
    const { annotations } = object.metadata;
    if (annotations?.[REVISION] === revision) return object;
    const metadata = { ...object.metadata, annotations: { ...annotations, [REVISION]: revision } };
    return this.objects.replace(of, object, { ...object, metadata });
  }

  private status(of: Kind, object: Stored, status: object): void {
    const { namespace, name } = object.metadata;
    const current = this.objects.find(of, namespace, name);
    if (current)
      this.objects.replace(of, current, { ...current, status: { ...current.status, ...status } }, "status");
  }

  private collect(ownerUid: string): void {
    for (const dependent of [REPLICA_SET, POD, JOB])
      for (const object of this.objects.list(dependent))
        if (object.metadata.ownerReferences?.some(({ uid }) => uid === ownerUid))
          this.objects.delete(dependent, object);
  }
}

function owner({ apiVersion, kind: of, metadata: { name, uid } }: Stored) {
  return { apiVersion, kind: of, name, uid, controller: true, blockOwnerDeletion: true };
}

function withoutOwn(annotations: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(annotations).filter(([name]) => name !== REVISION && !name.startsWith("kubectl.")),
  );
}
