import { formatDuration } from "../duration";
import { READINESS_HOURS, type Preceding } from "../evidence/preceding";

/** Whether a passing preflight preceded a drill, in one sentence without its full stop. */
export function readinessLine({ passed, at, ageSeconds, open, reason }: Preceding): string {
  if (at === null || ageSeconds === null)
    return `No passing preflight preceded this drill: none is on record${reason ? ` (${reason})` : ""}`;
  const age = formatDuration(Math.max(0, Math.round(ageSeconds)));
  if (passed) return `A preflight passed ${age} before this drill`;
  const old = ageSeconds > READINESS_HOURS * 3600 ? `the last was ${age} before` : "";
  const failed = open.length > 0 ? `of the one ${age} before, ${open.join(", ")} did not pass` : "";
  return `No passing preflight preceded this drill: ${[old, failed].filter(Boolean).join("; ")}`;
}
