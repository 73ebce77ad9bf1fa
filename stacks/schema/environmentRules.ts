import type { Problem } from "../problems";
import type { StackConfig } from "./shape";

/** The environment whose loss the recovery objectives are about. */
export const PRODUCTION = "prod";

/** Whether the letters of a short name stand in a name in the same order, beginning with the first. */
function abbreviates(short: string, name: string): boolean {
  const letters = name.replaceAll("-", "");
  let from = 0;
  const inOrder = [...short].every((letter) => {
    const at = letters.indexOf(letter, from);
    from = at + 1;
    return at >= 0;
  });
  return inOrder && short[0] === letters[0];
}

/** Names that say which environment they belong to, so that nobody mistakes one for another. */
export function environmentRules({ environment, shortName }: StackConfig): Problem[] {
  return abbreviates(shortName, environment)
    ? []
    : [
        {
          path: ["shortName"],
          found: shortName,
          allowed: `an abbreviation of environment (${environment}): its first letter and others of it in order`,
        },
      ];
}

/** What production promises and no other environment has to. */
export function productionRules({ environment, tags, regions, database }: StackConfig): Problem[] {
  if (environment !== PRODUCTION) return [];
  const problems: Problem[] = [];
  if (tags.dataClassification !== "confidential") {
    problems.push({
      path: ["tags", "dataClassification"],
      found: tags.dataClassification,
      allowed: "confidential, because production holds customers' data",
    });
  }
  if (regions.secondary === undefined) {
    problems.push({
      path: ["regions", "secondary"],
      found: undefined,
      allowed: "a second region, because production survives the loss of one",
    });
  } else if (database.replica === undefined && database.withoutReplica === undefined) {
    problems.push({
      path: ["database", "replica"],
      found: undefined,
      allowed: `{}, because production survives the loss of a region; for a while without one, e.g. during a major upgrade, say why in database.withoutReplica`,
    });
  }
  return problems;
}

/** A reason for having no replica says nothing while there is one. */
export function withoutReplicaRules({ database }: StackConfig): Problem[] {
  return database.replica !== undefined && database.withoutReplica !== undefined
    ? [
        {
          path: ["database", "withoutReplica"],
          found: database.withoutReplica,
          allowed: "nothing while database.replica is there",
        },
      ]
    : [];
}

/** Two sites of one environment are told apart by their names. */
export function edgeRules({ edge }: StackConfig): Problem[] {
  return edge.apiHostName === edge.dashboardHostName
    ? [
        {
          path: ["edge", "dashboardHostName"],
          found: edge.dashboardHostName,
          allowed: "another name than edge.apiHostName: Front Door tells the two sites apart by it",
        },
      ]
    : [];
}

const DAY_MS = 86_400_000;

/** Days a date may lie ahead: longer than any secret lives, and no year anybody plans an update in. */
const MOST_DAYS_AHEAD = 730;

/** Dates of something that has been done, or will be soon; what is a little early is only warned about. */
export function dateRules({ vault, database }: StackConfig, today: Date): Problem[] {
  const latest = new Date(today.getTime() + MOST_DAYS_AHEAD * DAY_MS).toISOString();
  const dates: { path: (string | number)[]; found: string | undefined }[] = [
    { path: ["vault", "secretsIssued"], found: vault.secretsIssued },
    ...vault.tokenEncryptionKeys.map((found, index) => ({
      path: ["vault", "tokenEncryptionKeys", index],
      found,
    })),
    { path: ["database", "restoredAt"], found: database.restoredAt },
  ];
  return dates
    .filter(({ found }) => found !== undefined && found > latest)
    .map(({ path, found }) => ({
      path,
      found,
      allowed: `at most two years from today, ${latest.slice(0, 10)}`,
    }));
}
