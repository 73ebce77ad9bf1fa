/** One severity of an incident (report §6.1). */
export interface Severity {
  id: "SEV-1" | "SEV-2" | "SEV-3" | "SEV-4";
  name: string;
  description: string;
  examples: string[];
  /** Minutes within which somebody works on it. */
  responseMinutes: number;
  /** Whether the on-call person is paged, or a ticket is enough (report §6.2). */
  pages: boolean;
  /** Days after resolution within which the postmortem is final; absent where none is owed (report §7.1, §11.3). */
  postmortemDays?: number;
  /** Minutes between two updates of the status page. */
  updateMinutes: number;
}

export const SEVERITIES: readonly Severity[] = [
  {
    id: "SEV-1",
    name: "Critical",
    description: "Complete service outage",
    examples: ["database down", "all APIs failing"],
    responseMinutes: 15,
    pages: true,
    postmortemDays: 5,
    updateMinutes: 30,
  },
  {
    id: "SEV-2",
    name: "Major",
    description: "Significant functionality impaired",
    examples: ["new orders cannot be processed", "fulfilment broken"],
    responseMinutes: 30,
    pages: true,
    postmortemDays: 5,
    updateMinutes: 30,
  },
  {
    id: "SEV-3",
    name: "Moderate",
    description: "Partial functionality affected",
    examples: ["one integration down", "degraded performance"],
    responseMinutes: 120,
    pages: false,
    updateMinutes: 120,
  },
  {
    id: "SEV-4",
    name: "Minor",
    description: "Low impact",
    examples: ["slow dashboard", "cosmetic issues"],
    responseMinutes: 1_440,
    pages: false,
    updateMinutes: 1_440,
  },
];

export type SeverityId = Severity["id"];

export const SEVERITY_IDS = SEVERITIES.map(({ id }) => id) as [SeverityId, ...SeverityId[]];

export function severity(id: SeverityId): Severity {
  const found = SEVERITIES.find((entry) => entry.id === id);
  if (!found) throw new Error(`unknown severity ${id}`);
  return found;
}

/** What the report measures itself by (§11.3). */
export const INCIDENT_TARGETS = {
  /** Mean time to detect, below this many minutes. */
  mttdMinutes: 5,
  /** Mean time to recover, below this many minutes. */
  mttrMinutes: 30,
  /** SEV-1 and SEV-2 incidents a month, fewer than this. */
  perMonth: 2,
  /** Share of due postmortems that were final in time. */
  postmortems: 1,
} as const;
