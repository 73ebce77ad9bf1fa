import type { OwnershipPlan } from "./ownership";
import type { Target } from "./postgres/target";

/** The same steps, in the same order, as docs/runbooks/database-restore.md. */
export function nextSteps(done: {
  database: string;
  /** Database that was backed up. One restored under its name was lost, or empty: the application has no other. */
  of: string;
  target: Target;
  match: boolean;
  previousDatabase?: string;
  plan: OwnershipPlan;
  standIn?: string;
}): string[] {
  const { database, of, target, match, previousDatabase, plan, standIn } = done;
  if (!match) {
    const kept = target.kind === "new" ? "" : ` "${target.name}" is as it was.`;
    return [
      `Do not use "${database}": a check did not pass, see above.${kept} Restore another backup (see list), or mend what is named.`,
      `Drop "${database}" when it is of no more use.`,
    ];
  }
  const steps: string[] = [];
  if (plan.missingRoles.length > 0) {
    steps.push(`Create the roles ${plan.missingRoles.join(", ")} and grant them what the application needs.`);
  }
  if (standIn !== undefined) {
    steps.push(
      `Give what belongs to "${standIn}" to its owner, in "${database}": REASSIGN OWNED BY "${standIn}" TO …; DROP OWNED BY "${standIn}"; DROP ROLE "${standIn}".`,
    );
  }
  if (!previousDatabase && database !== of) {
    return [
      ...steps,
      `The application still works with its own database: "${database}" lies beside it. Compare, or take from it what is missing.`,
      `To put this backup in the application's place, stop the application and restore it there with --replace.`,
    ];
  }
  return [
    ...steps,
    `Tell the platform that the content is another one: set database.restoredAt of the stack to now and run an update; it repeats roles and migrations and restarts what connects.`,
    "Start the application again.",
    "Back up, and verify that backup.",
    ...(previousDatabase
      ? [`Drop "${previousDatabase}", the previous content, once whoever owns the data agrees.`]
      : []),
  ];
}
