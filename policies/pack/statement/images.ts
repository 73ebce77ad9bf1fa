import { repositoryOf } from "../../../infra/cluster/imageChecks";
import { asPublished, withPulledImages } from "../../../stacks/images";
import type { StackConfig } from "../../../stacks/schema";
import { Bound } from "../../rules/expected";
import type { Demand } from "../../rules/statement";

/** Keys of the stack file that name an image, and what they say. */
const named = ({
  workloads,
  gateway,
  recovery,
  readiness,
  monitoring,
  statusPage,
}: StackConfig): Readonly<Record<string, string>> => ({
  "workloads.api.image": workloads.api.image,
  "workloads.dashboard.image": workloads.dashboard.image,
  "gateway.image": gateway.image,
  "recovery.image": recovery.image,
  "readiness.image": readiness.image,
  "monitoring.postgresExporterImage": monitoring.postgresExporterImage,
  "monitoring.blackboxExporterImage": monitoring.blackboxExporterImage,
  "statusPage.statpingImage": statusPage.statpingImage,
  "statusPage.gatusImage": statusPage.gatusImage,
  "statusPage.frontImage": statusPage.frontImage,
});

/** Where containers stand in each kind that runs pods. */
const PODS: Readonly<Record<string, string>> = {
  Deployment: "spec.template.spec",
  Job: "spec.template.spec",
  CronJob: "spec.jobTemplate.spec.template.spec",
};

const withoutTag = (image: string): string => image.replace(/@.*$/, "").replace(/:[^:/]+$/, "");

/** What is of this image's repository, here or where it is published, is this image; a tag beside its digest decides nothing. */
function pinnedAs(image: string, published: string): Bound {
  const [repository, origin] = [image, published].map(repositoryOf);
  const digest = image.slice(image.indexOf("@"));
  return new Bound(`the image ${image}`, (value) => {
    if (typeof value !== "string") return true;
    const found = withoutTag(value);
    return found === repository ? value.endsWith(digest) : found !== origin;
  });
}

/** What runs is what the stack file names by digest. Which repository a container's image is of, the shape says (REC-055). */
export const images = (config: StackConfig): Demand[] => [
  ...Object.entries(named(withPulledImages(config))).flatMap(([key, image]) =>
    Object.entries(PODS).map(([type, spec]): Demand => ({
      what: `what each ${type} runs of ${key}`,
      key,
      type,
      each: Object.fromEntries(
        ["containers", "initContainers"].map((list) => [
          `${spec}.${list}[].image?`,
          pinnedAs(image, asPublished(config, image)),
        ]),
      ),
    })),
  ),
  {
    what: "what the status page outside the clusters runs",
    key: "statusPage.gatusImage",
    type: "app:ContainerApp",
    each: { "template.containers[].image": asPublished(config, config.statusPage.gatusImage) },
  },
];
