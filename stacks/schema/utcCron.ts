import { Cron } from "croner";

/**
 * A schedule in UTC, to be asked for its runs, as Kubernetes reads it: a day of the month and a weekday, one of which
 * begins with a star, must both come. As an offset, not a time zone: the library asks Intl about every run in a
 * zone, and reading the stack files would take a fifth of a second more, in every command and every plan.
 * @throws Error when it is no cron expression of five fields
 */
export function utcCron(expression: string): Cron {
  const [, , day = "", , weekday = ""] = expression.trim().split(/\s+/);
  const domAndDow = [day, weekday].some((field) => /^[*?]/.test(field));
  return new Cron(expression, { mode: "5-part", utcOffset: 0, paused: true, domAndDow });
}
