import { ACCESS_TIERS, LEAST_BILLED_DAYS } from "../../packages/azure-facts";
import type { Problem } from "../problems";
import type { StackConfig } from "./shape";
import { BACKUP_TIERS, PURPOSES } from "./storage";

/** Containers that keep what they promise, once each, and tiers that come in order and are worth their move. */
export function storageRules({ storage }: StackConfig): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  storage.containers.forEach((container, index) => {
    const at = (...rest: (string | number)[]) => ["storage", "containers", index, ...rest];
    if (seen.has(container.purpose)) {
      problems.push({ path: at("purpose"), found: container.purpose, allowed: "each purpose once" });
    }
    seen.add(container.purpose);
    container.tiers.forEach((step, place) => {
      const before = container.tiers[place - 1];
      if (before && step.afterDays <= before.afterDays) {
        problems.push({
          path: at("tiers", place, "afterDays"),
          found: step.afterDays,
          allowed: `more than ${before.afterDays}, the days of the tier before`,
        });
      } else if (before && step.afterDays < before.afterDays + LEAST_BILLED_DAYS[before.tier]) {
        problems.push({
          path: at("tiers", place, "afterDays"),
          found: step.afterDays,
          allowed: `at least ${before.afterDays + LEAST_BILLED_DAYS[before.tier]}: ${before.tier} is paid for ${LEAST_BILLED_DAYS[before.tier]} days, however soon a blob leaves it`,
        });
      }
      if (
        (BACKUP_TIERS as readonly string[]).includes(container.purpose) &&
        step.afterDays >= container.retentionDays
      ) {
        problems.push({
          path: at("tiers", place, "afterDays"),
          found: step.afterDays,
          allowed: `less than ${container.retentionDays}, the retention, or no backup would ever move`,
        });
      }
      if (before && ACCESS_TIERS.indexOf(step.tier) <= ACCESS_TIERS.indexOf(before.tier)) {
        problems.push({
          path: at("tiers", place, "tier"),
          found: step.tier,
          allowed: `a tier colder than ${before.tier}`,
        });
      }
    });
    const last = container.tiers.at(-1);
    const ends = (BACKUP_TIERS as readonly string[]).includes(container.purpose)
      ? container.retentionDays
      : container.deleteAfterDays;
    const most = (ends ?? Infinity) + storage.softDeleteDays - LEAST_BILLED_DAYS[last?.tier ?? "Cool"];
    // A move that comes too late to happen is refused above, and the archive for reasons of its own.
    if (
      last &&
      last.tier !== "Archive" &&
      ends !== undefined &&
      last.afterDays > most &&
      last.afterDays < ends
    ) {
      problems.push({
        path: at("tiers", container.tiers.length - 1, "tier"),
        found: last.tier,
        allowed: `a tier it is paid for no longer than it is used: a blob is gone ${ends - last.afterDays + storage.softDeleteDays} days after the move, soft delete included, and ${last.tier} is paid for ${LEAST_BILLED_DAYS[last.tier]}`,
      });
    }
    if (container.deleteAfterDays !== undefined) {
      const floor = Math.max(container.retentionDays, (last?.afterDays ?? 0) + 1);
      if (container.deleteAfterDays < floor) {
        problems.push({
          path: at("deleteAfterDays"),
          found: container.deleteAfterDays,
          allowed: `at least ${floor}: the promised ${container.retentionDays} days, and later than the last tier`,
        });
      }
    }
    if (container.immutabilityDays !== undefined && container.immutabilityDays > container.retentionDays) {
      problems.push({
        path: at("immutabilityDays"),
        found: container.immutabilityDays,
        allowed: `at most ${container.retentionDays}, the retention, or nothing could ever end it`,
      });
    }
    if (container.purpose !== "incidents" && container.deleteAfterDays !== undefined) {
      problems.push({
        path: at("deleteAfterDays"),
        found: container.deleteAfterDays,
        allowed:
          container.purpose === "evidence"
            ? "nothing: drill reports are a chain, which the lifecycle would cut"
            : "nothing: only the runner's prune ends backups, and only those with a verified successor",
      });
    } else if (container.immutabilityDays !== undefined && container.deleteAfterDays !== undefined) {
      problems.push({
        path: at("deleteAfterDays"),
        found: container.deleteAfterDays,
        allowed: "nothing on an immutable container: the lifecycle never deletes there",
      });
    }
  });
  for (const purpose of PURPOSES) {
    if (!seen.has(purpose)) {
      problems.push({
        path: ["storage", "containers"],
        found: [...seen],
        allowed: `a container for ${purpose}`,
      });
    }
  }
  return problems;
}

/** The rarer a backup, the longer it is kept: otherwise the rarer ones hold nothing the others do not. */
export function orderRules(containers: StackConfig["storage"]["containers"]): Problem[] {
  const days = (tier: string) => containers.find(({ purpose }) => purpose === tier)?.retentionDays;
  return BACKUP_TIERS.slice(1).flatMap((tier, before): Problem[] => {
    const oftener = BACKUP_TIERS[before] ?? tier;
    const [shorter, longer] = [days(oftener) ?? 0, days(tier) ?? Infinity];
    return longer >= shorter
      ? []
      : [
          {
            path: [
              "storage",
              "containers",
              containers.findIndex(({ purpose }) => purpose === oftener),
              "retentionDays",
            ],
            found: shorter,
            allowed: `at most ${longer}, the days ${tier} backups are kept`,
          },
        ];
  });
}
