import { z } from "zod";
import { SHUTDOWN } from "../../infra/kubernetes/shutdown";
import { cpu, hostName, image, memory, ownHostName } from "./common";

const resources = z
  .strictObject({
    cpuRequest: cpu.describe("CPU reserved for a pod."),
    cpuLimit: cpu.describe("CPU a pod may use."),
    memoryRequest: memory.describe("Memory reserved for a pod."),
    memoryLimit: memory.describe("Memory a pod may use; above it the container is killed."),
  })
  .describe("Resources of one pod.");

/** At less a service at rest is scaled to its most, and stays there. */
const LEAST_TARGET_PERCENT = 30;

const workload = z.strictObject({
  image: image.describe("Container image, pinned by digest. Changing it rolls the pods one by one."),
  resources,
  minReplicas: z
    .int()
    .min(1)
    .max(100)
    .describe("Fewest pods; also the replicas of the Deployment at creation."),
  maxReplicas: z.int().min(1).max(100).describe("Most pods the HorizontalPodAutoscaler adds."),
  targetCpuPercent: z
    .int()
    .min(LEAST_TARGET_PERCENT)
    .max(95)
    .default(70)
    .describe("Mean CPU use, in percent of the request, it scales at."),
  targetMemoryPercent: z
    .int()
    .min(LEAST_TARGET_PERCENT)
    .max(95)
    .default(80)
    .describe("Mean memory use, in percent of the request, it scales at."),
});

export const workloads = z
  .strictObject({
    api: workload.describe("The NestJS API."),
    dashboard: workload.describe("The web dashboard."),
  })
  .describe("Applications.");

export const edge = z
  .strictObject({
    apiHostName: ownHostName.describe("Public name of the API. DNS points it at the Front Door endpoint."),
    dashboardHostName: ownHostName.describe("Public name of the dashboard."),
    wafMode: z
      .enum(["Prevention", "Detection"])
      .describe("Whether the web application firewall blocks or only logs."),
    rateLimitPerMinute: z
      .int()
      .min(200)
      .max(100000)
      .describe(
        "Requests one client address may make per minute; below about 200 Front Door counts too coarsely.",
      ),
    webhookRateLimitPerMinute: z
      .int()
      .min(200)
      .max(100000)
      .describe("The same for webhook paths, which partners call from few shared addresses."),
  })
  .describe("Azure Front Door with web application firewall.");

export const gateway = z
  .strictObject({
    image: image.describe("Envoy image of the integration gateway."),
    maxConsecutiveFailures: z
      .int()
      .min(2)
      .max(50)
      .default(5)
      .describe("Failures in a row after which calls to a partner fail at once (report §4.5)."),
    ejectionSeconds: z.int().min(5).max(600).default(60).describe("Seconds until a partner is tried again."),
    timeoutSeconds: z
      .int()
      .min(1)
      .max(SHUTDOWN.drainSeconds)
      .default(15)
      .describe(
        `Seconds a call to a partner may take: no longer than a pod that is told to stop goes on (${SHUTDOWN.drainSeconds}), or every rollout would cut calls the partner already has.`,
      ),
    errorReports: hostName
      .optional()
      .describe(
        "Host error reports go to, e.g. o42.ingest.de.sentry.io, by way of the gateway; absent: none leave. The API reaches no public address on 443 by itself, so the secret sentry-dsn names the gateway: http://<key>@gateway:8104/<project>.",
      ),
  })
  .describe("Integration gateway: circuit breakers towards Shopify, SimplyPrint and SendCloud.");
