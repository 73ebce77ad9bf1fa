import { InvalidArgumentError } from "commander";
import { parseDuration } from "./duration";
import { levelSchema, tierSchema, type Level, type Tier } from "./types";

/** Parses a duration option into seconds; for commander. */
export function parseDurationOption(text: string): number {
  const seconds = parseDuration(text);
  if (!seconds) throw new InvalidArgumentError("expected a duration such as 90s, 30m, 26h or 7d");
  return seconds;
}

/** Parses an option that takes one of the tiers; for commander. */
export function parseTierOption(text: string): Tier {
  const parsed = tierSchema.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError(`expected one of ${tierSchema.options.join(", ")}`);
  return parsed.data;
}

/** Parses an instant with its time zone; for commander. */
export function parseInstantOption(text: string): Date {
  const instant = new Date(text);
  if (!/^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) || Number.isNaN(instant.getTime())) {
    throw new InvalidArgumentError("expected an instant with its time zone, such as 2026-02-05T14:30:00Z");
  }
  return instant;
}

/** Parses a level of the check ladder; for commander. */
export function parseLevelOption(text: string): Level {
  const parsed = levelSchema.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError(`expected one of ${levelSchema.options.join(", ")}`);
  return parsed.data;
}

/** Parses a TCP port, 0 to 65535; for commander. */
export function parsePortOption(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError("expected a TCP port, 0 to 65535");
  return port;
}
