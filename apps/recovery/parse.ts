import { InvalidArgumentError } from "commander";
import { z } from "zod";
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

/** To the minute, or as exactly as it is given. */
const instant = z.union([z.iso.datetime({ offset: true, precision: -1 }), z.iso.datetime({ offset: true })]);

/** An instant with its time zone, on a day that there is; undefined for any other text. */
export const instantIn = (text: string): Date | undefined =>
  instant.safeParse(text).success ? new Date(text) : undefined;

/** Parses an instant with its time zone; for commander. */
export function parseInstantOption(text: string): Date {
  const found = instantIn(text);
  if (!found)
    throw new InvalidArgumentError("expected an instant with its time zone, such as 2026-02-05T14:30:00Z");
  return found;
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
