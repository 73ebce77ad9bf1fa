import {
  allContainers,
  podsOf,
  quantity,
  runningContainers,
  unknownParts,
  WORKLOADS,
  type Pods,
} from "./pods";
import {
  fault,
  ifPresent,
  must,
  mustBe,
  mustExist,
  type Cursor,
  type Outcome,
} from "../../packages/isolation/read";
import type { ResourceRule, Rule } from "../../packages/isolation/rule";
import { THRESHOLDS } from "./thresholds";
import { resourceRule } from "./define";

const DOCS = "https://kubernetes.io/docs";
const { gracePeriodSeconds } = THRESHOLDS;

type Meta = Omit<Parameters<typeof resourceRule>[0], "types">;

/** A rule on the pods of every kind of workload. What is unknown as a whole is reported as such. */
function podRule(meta: Meta, check: (pods: Pods) => Outcome[]): ResourceRule {
  return resourceRule({ ...meta, types: [WORKLOADS] }, (_, resource) =>
    podsOf(resource).flatMap((pods) => [
      ...unknownParts(pods.spec).map(({ path }): Outcome => ({ path, unknown: true })),
      ...check(pods),
    ]),
  );
}

const probes = podRule(
  {
    id: "WRK-001",
    name: "pod-probes",
    title: "Kubernetes notices when a container hangs or cannot serve",
    description: "Every container that keeps running has a liveness probe and a readiness probe.",
    why: "A hung process would get requests for ever; a starting one before it can answer them.",
    severity: "high",
    framework: { waf: ["RE:07"], risks: ["R03"] },
    remediation: "Add livenessProbe and readinessProbe; report §4.2 has the paths and times.",
    url: `${DOCS}/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/`,
    appliesTo: "any",
  },
  ({ spec, longRunning }) =>
    longRunning
      ? runningContainers(spec)
          .filter((container) => !container.unknown)
          .flatMap((container) =>
            ["livenessProbe", "readinessProbe"].flatMap((probe) => mustExist(container.at(probe))),
          )
      : [],
);

/** A quantity as it was written. */
function stated(cursor: Cursor): string | number {
  return cursor.text ?? cursor.number ?? "";
}

function bounds(container: Cursor): Outcome[] {
  const resources = container.at("resources");
  return ["cpu", "memory"].flatMap((kind) => {
    const [request, limit] = [resources.at("requests", kind), resources.at("limits", kind)];
    const [least, most] = [quantity(request.value), quantity(limit.value)];
    return [
      ...mustExist(request),
      ...mustExist(limit),
      ...(least !== undefined && most !== undefined && least > most
        ? fault(request, `must be at most the limit ${stated(limit)}, but is ${stated(request)}`)
        : []),
    ];
  });
}

const resources = podRule(
  {
    id: "WRK-002",
    name: "pod-resources",
    title: "Every container reserves what it needs and is stopped before it takes more",
    description: "CPU and memory have requests and limits in every container, requests not above limits.",
    why: "One leaking container would take the memory of its neighbours, and the node with them.",
    severity: "high",
    framework: { waf: ["RE:06"], risks: ["R03", "R14"] },
    remediation: "Set resources.requests and resources.limits; report §4.2 has those of the API.",
    url: `${DOCS}/concepts/configuration/manage-resources-containers/`,
    appliesTo: "any",
  },
  ({ spec }) =>
    [...spec.at("containers").items(), ...spec.at("initContainers").items()]
      .filter((container) => !container.unknown)
      .flatMap(bounds),
);

const images = podRule(
  {
    id: "WRK-003",
    name: "image-digest",
    title: "What was tested is what runs",
    description: "Every image is pinned by its sha256 digest, and none by the tag latest.",
    why: "A tag can be moved: the next restart of a pod would run code nobody has seen.",
    severity: "high",
    framework: { mcsb: ["DS-6"], waf: ["SE:02"], risks: ["R07", "R09"] },
    remediation: "Write the image as registry/repository@sha256:<64 hex digits>.",
    url: `${DOCS}/concepts/containers/images/`,
    appliesTo: "any",
  },
  ({ spec }) =>
    allContainers(spec)
      .filter((container) => !container.unknown)
      .flatMap((container) => [
        ...must(
          container.at("image"),
          (value) => typeof value === "string" && /@sha256:[0-9a-f]{64}$/.test(value),
          "end with a digest (@sha256:<64 hex digits>)",
        ),
        ...(/:latest(@|$)/.test(container.at("image").text ?? "")
          ? fault(container.at("image"), "must not have the tag latest")
          : []),
      ]),
);

const HOST_NAMESPACES = ["hostNetwork", "hostPID", "hostIPC"];
const SECCOMP = ["RuntimeDefault", "Localhost"];

const isStated = (setting: Cursor): boolean => setting.unknown || setting.present;

/** The container's own setting, or else the pod's; one that is unknown may be what counts. */
function effective(container: Cursor, pod: Cursor, ...keys: string[]): Cursor {
  const own = container.at("securityContext", ...keys);
  const shared = pod.at("securityContext", ...keys);
  return isStated(own) || !isStated(shared) ? own : shared;
}

function privileges(container: Cursor, spec: Cursor): Outcome[] {
  const context = container.at("securityContext");
  return [
    ...must(context.at("privileged"), (value) => value !== true, "not be true"),
    ...mustBe(context.at("allowPrivilegeEscalation"), false),
    ...mustBe(effective(container, spec, "runAsNonRoot"), true),
    ...must(effective(container, spec, "runAsUser"), (value) => value !== 0, "not be the root user"),
    ...must(
      context.at("capabilities", "drop"),
      (value) => Array.isArray(value) && value.some((one) => String(one).toUpperCase() === "ALL"),
      "drop ALL",
    ),
    ...context
      .at("capabilities", "add")
      .items()
      .flatMap((capability) => mustBe(capability, "NET_BIND_SERVICE")),
    ...mustBe(effective(container, spec, "seccompProfile", "type"), ...SECCOMP),
    ...(context.at("procMount").present ? mustBe(context.at("procMount"), "Default") : []),
    ...container
      .at("ports")
      .items()
      .flatMap((port) =>
        must(
          port.at("hostPort"),
          (value) => value === undefined || value === null || value === 0,
          "be left out",
        ),
      ),
  ];
}

const restricted = podRule(
  {
    id: "WRK-010",
    name: "pod-security-restricted",
    title: "Pods keep to the restricted Pod Security Standard",
    description:
      "No privileges, no root, no added capabilities, no host namespaces, ports or paths, and the runtime's seccomp profile.",
    why: "A flaw in the application would otherwise give away the node, and with it every secret mounted on it.",
    severity: "critical",
    framework: { cis: ["Kubernetes 5.2"], mcsb: ["PV-3"], waf: ["SE:08"], risks: ["R07"] },
    remediation: "Build pods with restrictedPod and restrictedContainer.",
    url: `${DOCS}/concepts/security/pod-security-standards/`,
    appliesTo: "any",
  },
  ({ spec }) => [
    ...HOST_NAMESPACES.flatMap((key) => must(spec.at(key), (value) => value !== true, "not be true")),
    ...spec
      .at("volumes")
      .items()
      .flatMap((volume) =>
        volume.at("hostPath").present && !volume.unknown
          ? fault(volume.at("hostPath"), "must be left out: a pod has no business on its node")
          : [],
      ),
    ...allContainers(spec)
      .filter((container) => !container.unknown)
      .flatMap((container) => privileges(container, spec)),
  ],
);

const readOnly = podRule(
  {
    id: "WRK-011",
    name: "container-read-only",
    title: "Containers cannot change their own programs",
    description: "securityContext.readOnlyRootFilesystem is true in every container.",
    why: "An intruder could leave a tool behind, or replace the application.",
    severity: "medium",
    framework: { cis: ["Kubernetes 5.7.3"], mcsb: ["PV-3"], waf: ["SE:08"], risks: ["R07"] },
    remediation: "Mount an emptyDir where the application must write.",
    url: `${DOCS}/tasks/configure-pod-container/security-context/`,
    appliesTo: "any",
  },
  ({ spec }) =>
    allContainers(spec)
      .filter((container) => !container.unknown)
      .flatMap((container) => mustBe(container.at("securityContext", "readOnlyRootFilesystem"), true)),
);

const identity = podRule(
  {
    id: "WRK-012",
    name: "pod-own-account",
    title: "Every workload has a service account and a namespace of its own",
    description:
      "serviceAccountName is set and not default, its token is not mounted by itself, and the namespace is not default.",
    why: "Rights given to the default account are rights of everything, and a mounted token is one to steal.",
    severity: "medium",
    framework: { cis: ["Kubernetes 5.1.5", "Kubernetes 5.1.6"], mcsb: ["PA-7"], risks: ["R07", "R08"] },
    remediation: "Name a service account, and set automountServiceAccountToken to false.",
    url: `${DOCS}/tasks/configure-pod-container/configure-service-account/`,
    appliesTo: "any",
  },
  ({ spec, object }) => [
    ...must(
      spec.at("serviceAccountName"),
      (value) => typeof value === "string" && value !== "" && value !== "default",
      "be an account of the workload's own",
    ),
    ...mustBe(spec.at("automountServiceAccountToken"), false),
    ...(object.at("metadata", "namespace").unknown
      ? []
      : must(
          object.at("metadata", "namespace"),
          (value) => typeof value === "string" && value !== "default",
          "be a namespace other than default",
        )),
  ],
);

function sleepSeconds(container: Cursor): number {
  return container.at("lifecycle", "preStop", "sleep", "seconds").number ?? 0;
}

const shutdown = podRule(
  {
    id: "WRK-013",
    name: "pod-graceful-shutdown",
    title: "A pod that must go finishes its requests first",
    description: `A pod of a Deployment gets at least ${gracePeriodSeconds.value} seconds, and a container with a port waits before it is stopped, for less than that.`,
    why: "Requests still on their way to a pod that has stopped listening are lost at every rollout.",
    severity: "high",
    framework: { waf: ["RE:07"], risks: ["R03"] },
    remediation: "Set terminationGracePeriodSeconds and lifecycle.preStop.",
    url: `${DOCS}/concepts/workloads/pods/pod-lifecycle/`,
    appliesTo: "any",
  },
  ({ kind, spec }) => {
    if (kind !== "Deployment" || spec.unknown) return [];
    const grace = spec.at("terminationGracePeriodSeconds");
    return [
      ...must(
        grace,
        (value) => typeof value === "number" && value >= gracePeriodSeconds.value,
        `be at least ${gracePeriodSeconds.value} seconds`,
      ),
      ...spec
        .at("containers")
        .items()
        .filter((container) => container.at("ports").items().length > 0)
        .flatMap((container) => [
          ...mustExist(container.at("lifecycle", "preStop")),
          ...(sleepSeconds(container) >= (grace.number ?? Infinity)
            ? fault(
                container.at("lifecycle", "preStop", "sleep", "seconds"),
                `must be less than terminationGracePeriodSeconds ${grace.number ?? ""}`,
              )
            : []),
        ]),
    ];
  },
);

const jobs = podRule(
  {
    id: "WRK-014",
    name: "job-bounded",
    title: "A job ends, is not run twice at once, and is seen when it fails",
    description:
      "A job has activeDeadlineSeconds; a scheduled one forbids overlap, states its time zone and keeps failed runs.",
    why: "A backup that hangs would stop all later ones, and two at once would trip over each other.",
    severity: "high",
    framework: { waf: ["RE:07", "RE:10"], risks: ["R10"] },
    remediation: "Set activeDeadlineSeconds, concurrencyPolicy Forbid and timeZone.",
    url: `${DOCS}/concepts/workloads/controllers/cron-jobs/`,
    appliesTo: "any",
  },
  ({ kind, object, spec }) => {
    if (kind !== "CronJob" && kind !== "Job") return [];
    const job = kind === "CronJob" ? object.at("spec", "jobTemplate", "spec") : object.at("spec");
    const isScheduled = kind === "CronJob" && !object.at("spec").unknown;
    return [
      ...(spec.at("activeDeadlineSeconds").present ? [] : mustExist(job.at("activeDeadlineSeconds"))),
      ...(isScheduled
        ? [
            ...mustBe(object.at("spec", "concurrencyPolicy"), "Forbid"),
            ...mustExist(object.at("spec", "timeZone")),
            ...ifPresent(object.at("spec", "failedJobsHistoryLimit"), (limit) =>
              must(limit, (value) => typeof value === "number" && value >= 1, "be at least 1"),
            ),
          ]
        : []),
    ];
  },
);

export const POD_RULES: readonly Rule[] = [
  probes,
  resources,
  images,
  restricted,
  readOnly,
  identity,
  shutdown,
  jobs,
];
