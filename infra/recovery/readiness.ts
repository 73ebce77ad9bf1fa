import { ContainerResources } from "../kubernetes/pod";

/** The daily readiness check, apart from what declares it: tests run the very arguments. */
export const READINESS = {
  /** Its identity and service account; also the custom role's name. */
  identity: "preflight",
  cronJob: "readiness",
  /** Contacts stand in the repository and are asked for by the pipeline; an image anybody may pull holds none. */
  arguments: (stack: string): string[] => [
    "preflight",
    stack,
    "--leave-out",
    "contacts",
    "--record",
    "--journal",
    "/tmp/readiness",
    "--json",
  ],
  /** Every check answers or gives up within 15 s, all at once. */
  deadlineMinutes: 30,
  /** For a pod that never came to ask. */
  retries: 2,
  resources: {
    cpuRequest: "100m",
    cpuLimit: "500m",
    memoryRequest: "128Mi",
    memoryLimit: "384Mi",
  } satisfies ContainerResources,
} as const;
