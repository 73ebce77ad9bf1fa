// One of each kind `npm run new` makes, as somebody would ask for it.
export const ALERT = {
  subject: "application",
  metric: "retry_queue_pending_count",
  above: "500",
  for: "10m",
  priority: "P2",
  runbook: "queue-backlog",
  owner: "application",
  risk: ["R05"],
  summary: "Print jobs wait",
  description: "More than 500 operations have waited for 10 minutes",
};
export const RULE = {
  family: "REC",
  type: "azure-native:storage:StorageAccount",
  property: "accessTier",
  allowed: ["Hot"],
  optional: true,
  appliesTo: "prod",
  title: "Accounts of backups are hot",
  why: "A cool account bills early deletion.",
  remediation: "Leave accessTier at Hot.",
  url: "https://learn.microsoft.com/azure/storage/blobs/access-tiers-overview",
  severity: "medium",
  control: ["CO:05"],
  risk: ["R10"],
};
export const RUNBOOK = {
  title: "Printers are offline",
  when: "No printer takes jobs.",
  severity: "SEV-3",
  symptom: ["print jobs stay queued"],
  decides: "The operations lead.",
  risk: ["R05"],
  group: "Partners",
  step: ["Look at the printers' page | every printer is online | call the print shop"],
  over: ["jobs are printed again"],
  rehearse: "Switch one printer off.",
};
export const SECRET = {
  source: "external",
  reader: ["api"],
  variable: "PRINTER_API_KEY",
  contentType: "API key",
  rotation: "Generate a new key in the print shop's dashboard.",
  rotationDays: "180",
};
export const COMPONENT = { about: "Settings of the print queue.", setting: ["QUEUE_LIMIT=500"] };

/** Options as a person types them. */
export const flags = (options: Readonly<Record<string, string | boolean | readonly string[]>>): string[] =>
  Object.entries(options).flatMap(([name, value]) => {
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (typeof value === "boolean") return value ? [flag] : [];
    return [value].flat().flatMap((one) => [flag, one]);
  });
