import type { Stored } from "./stored";

const UID = "batch.kubernetes.io/controller-uid";
const NAME = "batch.kubernetes.io/job-name";

/** What the API server fills into a new object, its uid among what is there already. */
export function withDefaults(object: Stored): Stored {
  const { spec, metadata } = object;
  if (object.kind === "Deployment") return { ...object, spec: { replicas: 1, ...spec } };
  if (object.kind !== "Job" || spec?.manualSelector) return object;
  const { template = {} } = spec ?? {};
  const marks = {
    [UID]: metadata.uid,
    "controller-uid": metadata.uid,
    [NAME]: metadata.name,
    "job-name": metadata.name,
  };
  const labels = { ...template.metadata?.labels, ...marks };
  return {
    ...object,
    spec: {
      ...spec,
      selector: { matchLabels: { [UID]: metadata.uid } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}
