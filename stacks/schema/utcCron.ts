import { Cron } from "croner";

/**
 * A schedule in UTC, to be asked for its runs. As an offset, not a time zone: the library asks Intl about every run in a
 * zone, and reading the stack files would take a fifth of a second more, in every command and every plan.
 * @throws Error when it is no cron expression of five fields
 */
export const utcCron = (expression: string): Cron =>
  new Cron(expression, { mode: "5-part", utcOffset: 0, paused: true });
